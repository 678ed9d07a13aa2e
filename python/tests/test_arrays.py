"""Arrays in and out: without a copy where types and layout allow, and never written to."""

import subprocess
import sys
import warnings

import networks
import numpy as np
import pytest
import torch

import reluctance as rl
from reluctance import _arrays


def test_memory_is_shared_both_ways():
    for array in (np.arange(6.0, dtype="float32").reshape(2, 3), torch.arange(6.0).reshape(2, 3)):
        taken = _arrays.take(array, "images")
        given = _arrays.give(taken, array)
        address = array.ctypes.data if isinstance(array, np.ndarray) else array.data_ptr()
        assert taken.address == address
        assert type(given) is type(array)
        given[0, 0] = 7
        assert array[0, 0] == 7


def test_strides_and_read_only_memory_are_taken_as_they_are():
    whole = np.arange(24.0).reshape(2, 3, 4)
    whole.flags.writeable = False
    view = whole.transpose(2, 0, 1)[::2]
    taken = _arrays.take(view, "images")
    assert taken.address == view.ctypes.data
    assert np.array_equal(np.asarray(taken), view)


@pytest.mark.parametrize("dtype", ["?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8", ">i4", ">f8", "g"])
def test_every_plain_type_keeps_its_values(dtype):
    array = np.array([0, 1, 5, 100], dtype)
    assert np.array_equal(np.asarray(_arrays.take(array, "x")).astype("f8"), array.astype("f8"))
    assert np.array_equal(np.asarray(_arrays.take(array[::-1], "x")).astype("f8"), array[::-1].astype("f8"))


def test_what_holds_no_numbers_is_refused():
    for array in (np.array(["a"]), np.array([None]), np.array([1j]), np.array([2**64 - 1], "u8")):
        with pytest.raises(ValueError, match="labels: "):
            _arrays.take(array, "labels")
    with pytest.raises(ValueError, match="to_dense"):
        _arrays.take(torch.zeros(2, 2).to_sparse(), "images")


def test_what_is_no_array_is_refused_by_its_name(net, images, labels):
    for given, words in ((torch.utils.data.DataLoader(list(images)), "images: a DataLoader is no array"),
                         (None, "images: a NoneType is no array"), (iter(images), "is no array"),
                         ([[1.0], [1.0, 2.0]], "images: ")):
        with pytest.raises(ValueError, match=words):
            rl.evaluate(net, given, labels)
    with pytest.raises(ValueError, match=r"attack: PGD is a class; write PGD\(\)"):
        rl.evaluate(net, images, labels, attack=rl.PGD)


def test_a_budget_in_grey_levels_is_pointed_out(net, images, labels):
    with pytest.warns(rl.Note, match=r"eps 8 reaches every image.*8 / 255"):
        rl.evaluate(net, images, labels, attack="fgsm", eps=8)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rl.evaluate(net, images, labels, attack="pgd", norm="l2", eps=8, steps=2)
        rl.evaluate(net, images, labels, attack="pgd", box=(0, 9), eps=8, steps=2)


def test_memory_lives_as_long_as_someone_looks_at_it():
    taken = _arrays.take(np.full(100000, 3.0), "x")
    assert np.asarray(taken).sum() == 300000
    out = np.asarray(_arrays.take(torch.full((100000,), 4.0), "x"))
    del taken
    assert out.sum() == 400000


def test_images_reach_the_library_in_place(net, images, labels):
    # Pixels outside of [0, 1] in place, but for the first: an attack that saw a copy would pass.
    memory = images.copy()
    before = memory.tobytes()
    first = rl.evaluate(net, memory, labels, attack="fgsm", eps=0.1)
    assert memory.tobytes() == before
    memory[0] = 0.5
    second = rl.evaluate(net, memory, labels, attack="fgsm", eps=0.1)
    assert first.to_dict()["checksum"] != second.to_dict()["checksum"]


def test_results_come_in_the_library_of_the_images(net, images, labels):
    of_numpy = rl.evaluate(net, images, labels, attack="pgd", eps=0.1)
    of_torch = rl.evaluate(net, torch.from_numpy(images), torch.from_numpy(labels), attack="pgd", eps=0.1)
    assert isinstance(of_numpy.adversarial, np.ndarray)
    assert isinstance(of_torch.adversarial, torch.Tensor)
    assert of_torch.success.dtype is torch.bool
    for name, array in of_numpy.arrays.items():
        assert np.array_equal(array, of_torch.arrays[name].numpy(), equal_nan=True), name


@pytest.mark.parametrize("kind", ["int8", "int16", "int32", "uint8", "uint16", "uint64", "float64"])
def test_labels_of_any_type(net, images, labels, kind):
    wanted = rl.evaluate(net, images, labels, attack="fgsm").robust
    assert rl.evaluate(net, images, labels.astype(kind), attack="fgsm").robust == wanted
    assert rl.evaluate(net, images, labels.tolist(), attack="fgsm").robust == wanted


def test_images_of_any_type(net, images, labels):
    bytes_ = (images * 255).round().astype("uint8")
    wanted = rl.evaluate(net, bytes_.astype("float32") / 255, labels, attack="fgsm").robust
    assert rl.evaluate(net, bytes_, labels, attack="fgsm").robust == wanted
    assert rl.evaluate(net, bytes_.astype("float64") / 255, labels, attack="fgsm").robust == wanted
    assert rl.evaluate(net, bytes_.astype("int32"), labels, attack="fgsm", scale=255).robust == wanted
    assert rl.evaluate(net, torch.from_numpy(images).requires_grad_(), labels, attack="fgsm")


def test_the_wrong_scale_is_said_in_words_of_python(net, images, labels):
    with pytest.raises(ValueError, match=r"say that white is 255 with scale=255"):
        rl.evaluate(net, images * 255, labels)
    with pytest.raises(ValueError, match="first outside"):
        rl.evaluate(net, (images - 0.5) / 0.25, labels)


def test_what_does_not_fit_is_refused(net, images, labels):
    for x, y, words in ((images[:, :, :7], labels, "takes samples"),
                        (images, labels[:-1], "100 images but 99 labels"),
                        (images, labels + 1, "subtract 1"),
                        (images, labels - 1, "negative"),
                        (images, labels + 0.5, "no whole number"),
                        (images * np.nan, labels, "NaN")):
        with pytest.raises(ValueError, match=words):
            rl.distances(net, x, y)


def test_channels_are_moved_with_a_note():
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 2, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(72, 4))
    images = np.random.default_rng(0).random((5, 8, 8, 3), "float32")
    net = rl.from_torch(module, torch.zeros(1, 3, 8, 8))
    with pytest.warns(rl.Note, match="moved the channels"):
        result = rl.evaluate(net, images, [0, 1, 2, 3, 0], attack="fgsm")
    assert result.adversarial.shape == (5, 3, 8, 8)


def test_numpy_alone(tmp_path, images, labels):
    """A process that never imports torch."""
    rl.from_torch(networks.trained(networks.pooled), networks.example(networks.pooled)).save(tmp_path / "net.onnx")
    np.savez(tmp_path / "data.npz", images=images, labels=labels)
    script = """
import sys
import reluctance as rl
assert "numpy" not in sys.modules
import numpy as np
data = np.load("data.npz")
net = rl.load("net.onnx")
result = rl.evaluate(net, data["images"], data["labels"], attack="fgsm", eps=0.1)
assert isinstance(result.adversarial, np.ndarray)
H = rl.hessian(net, data["images"], data["labels"])
assert isinstance(H @ np.ones(H.shape[0], "float32"), np.ndarray)
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True)
