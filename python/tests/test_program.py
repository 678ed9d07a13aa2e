"""The same bits as the program's, on three networks, and from a module as from its ONNX file."""

import json
import os
import subprocess

import numpy as np
import pytest

import reluctance as rl

# What a run is, and how long it took, is its own.
OWN = {"command", "started", "model", "data", "seconds", "processor_seconds", "run", "name", "file",
       "id", "title", "network"}


def numbers(document):
    if isinstance(document, dict):
        return {key: numbers(value) for key, value in document.items() if key not in OWN}
    return [numbers(each) for each in document] if isinstance(document, list) else document


CALLS = {
    "evaluate": [{"eps": 0.2}, {"attack": "pgd", "norm": "l2", "eps": 0.5, "restarts": 2, "seed": 5},
                 {"attack": "apgd-t", "eps": 0.1, "steps": 10, "threads": 2},
                 {"attack": "square", "eps": 0.2, "steps": 20, "box": "-1,2"}],
    "distances": [{"norm": "l2", "seed": 1}, {"norm": "l1", "box": "-1,2"}],
    "dynamics": [{"beta": 0.1}, {"steps": 5, "threads": 2}],
    "influence": [{"attack": "pgd", "norm": "l2", "eps": 0.3, "steps": 5}, {"steps": 5}],
    "curvature": [{"operator": "hessian", "top": 3, "smallest": 2},
                  {"operator": "effective", "attack": "pgd", "top": 2, "seed": 2},
                  {"operator": "ggn", "top": 2, "threads": 2}],
}


@pytest.fixture(scope="module")
def few(images, labels):
    return images[:40], labels[:40]


@pytest.fixture(scope="module")
def files(net, few, tmp_path_factory):
    folder = tmp_path_factory.mktemp("program")
    net.save(folder / "model.onnx")
    np.savez(folder / "images.npz", images=few[0], labels=few[1])
    return folder


@pytest.mark.parametrize("call", [(job, options) for job in CALLS for options in CALLS[job]],
                         ids=lambda call: f"{call[0]} {call[1]}")
def test_same_bits(call, files, net, few):
    job, options = call
    options = {"threads": 1, **options}
    line = [os.environ["RELUCTANCE_PROGRAM"], job, "--model", files / "model.onnx", "--data",
            files / "images.npz", "--json", files / "out.json", "--save", files / "out.npz"]
    for key, value in options.items():
        line += ["--" + key.replace("_", "-"), str(value)]
    subprocess.run(line, check=True, stdout=subprocess.DEVNULL)
    with open(files / "out.json", encoding="utf-8") as text:
        wanted = numbers(json.load(text))
    saved = dict(np.load(files / "out.npz"))

    # As made of the module, and as read from its file.
    for network in (net, rl.load(files / "model.onnx")):
        result = getattr(rl, job)(network, *few, **options)
        assert numbers(result.to_dict()) == wanted
        assert set(result.arrays) == set(saved)
        for name, array in result.arrays.items():
            assert array.dtype == saved[name].dtype and array.shape == saved[name].shape, name
            assert array.tobytes() == saved[name].tobytes(), name


def test_a_box_of_arrays(files, net, few):
    box = {"low": -1.0, "high": np.full(few[0].shape[1:], 2.0), "eps": np.full(few[0][0].size, 0.3),
           "fixed": np.arange(few[0][0].size) % 2 == 0}
    np.savez(files / "box.npz", **box)
    subprocess.run([os.environ["RELUCTANCE_PROGRAM"], "evaluate", "--model", files / "model.onnx", "--data",
                    files / "images.npz", "--box", files / "box.npz", "--attack", "pgd", "--threads", "1",
                    "--save", files / "out.npz"], check=True, stdout=subprocess.DEVNULL)
    result = rl.evaluate(net, *few, box=box, attack="pgd", threads=1)
    assert result.adversarial.tobytes() == np.load(files / "out.npz")["adversarial"].tobytes()
    moved = np.abs(result.adversarial.astype(np.float64) - few[0]).reshape(len(few[0]), -1)
    assert moved[:, ::2].max() == 0 and 0 < moved.max() <= 0.3
    assert rl.distances(net, *few, box=(-1, 2), threads=1).distance.min() >= 0
    for wrong, words in (({"box": 3, "eps": 1}, "neither"), ({"box": (0, 1)}, "is missing"),
                         ({"box": (0, 1), "scale": 2, "eps": 1}, "leave one of them out"),
                         ({"box": {"low": 0}, "eps": 1}, "low and high")):
        with pytest.raises(ValueError, match=words):
            rl.evaluate(net, *few, **wrong)
