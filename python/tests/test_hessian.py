"""Curvature operators against autograd's double backward, in float64 and by the module's names."""

import copy

import networks
import numpy as np
import pytest
import torch
from scipy.sparse.linalg import aslinearoperator, eigsh

import reluctance as rl


@pytest.fixture(scope="module")
def wide(make, module, net):
    """The same numbers as a module that autograd differentiates, and as a network, in float64; the
    statistics of normalisations are what float32 makes of them."""
    oracle = copy.deepcopy(module).double()
    for each in oracle.modules():
        if isinstance(each, torch.nn.BatchNorm2d):
            scale = (each.running_var + each.eps).rsqrt()
            shift = (-each.running_mean * scale).float().double()
            scale = scale.float().double()
            each.running_var = scale**-2 - each.eps  # PyTorch 2.10 and 2.11 refuse an eps of zero
            each.running_mean = -shift / scale
    return oracle, net.to("float64")


def squared_error(logits, labels):
    return ((logits - torch.nn.functional.one_hot(labels, logits.shape[1])) ** 2).sum(1).mean() / 2


LOSSES = {"cross-entropy": torch.nn.functional.cross_entropy, "squared-error": squared_error}


def oracle_product(make, module, direction, loss):
    images, labels = networks.data()
    x = images.double()
    x = x.flatten(1) if make is networks.perceptron else x
    parameters = dict(module.named_parameters())
    loss = LOSSES[loss](module(x), labels)
    gradients = torch.autograd.grad(loss, list(parameters.values()), create_graph=True)
    along = sum((g * direction[name]).sum() for name, g in zip(parameters, gradients))
    return dict(zip(parameters, torch.autograd.grad(along, list(parameters.values()))))


@pytest.mark.parametrize("loss", LOSSES)
def test_products_are_autograds(make, wide, images, labels, loss):
    module, net = wide
    H = rl.hessian(net, images.astype("float64"), labels, loss=loss)
    v = torch.randn(H.shape[0], dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    wanted = oracle_product(make, module, H.split(v), loss)
    got = H.split(H @ v)
    assert set(got) == set(wanted)
    largest = max(float(each.abs().max()) for each in wanted.values())
    for name, each in wanted.items():
        assert float((got[name] - each).abs().max()) < 1e-10 * largest, name


def test_scipy_takes_it(wide, images, labels):
    _, net = wide
    H = rl.hessian(net, images, labels, threads=1)
    assert H.dtype == np.float64 and aslinearoperator(H).shape == H.shape
    values, vectors = eigsh(H, k=3, which="LA")
    found = rl.curvature(net, images, labels, operator="hessian", top=3, tolerance=1e-6)
    assert np.allclose(np.sort(values)[::-1], found.eigenvalues, rtol=1e-6)
    assert np.allclose(H.matmat(vectors), vectors * values, atol=1e-6 * values.max())
    assert np.allclose(H @ vectors[:, 0], H.matvec(vectors[:, :1])[:, 0])


def test_a_block_is_a_part_of_the_whole(wide, images, labels):
    _, net = wide
    H = rl.hessian(net, images[:10], labels[:10], threads=1)
    layer = net.parameter_names[-1].rsplit(".", 1)[0]
    block = H.block(layer)
    size = block.shape[0]
    assert block.parameter_names == (f"{layer}.weight", f"{layer}.bias")
    alone = np.zeros(H.shape[0])
    alone[-size:] = np.random.default_rng(0).standard_normal(size)
    assert np.array_equal(block @ alone[-size:], (H @ alone)[-size:])
    parts = block.split(alone[-size:])
    assert list(parts) == list(block.parameter_names) and parts[f"{layer}.bias"].shape == (10,)

    found = rl.curvature(net, images[:10], labels[:10], operator="hessian", parameters=[layer], top=2,
                         tolerance=1e-6, threads=1)
    dense = block @ np.eye(size)
    assert np.allclose(found.eigenvalues, np.linalg.eigvalsh(dense)[:-3:-1], rtol=1e-5)
    assert found.parameters == block.parameter_names and found.eigenvectors.shape == (2, size)


def test_blocks_of_what_there_is_not(net, images, labels):
    H = rl.hessian(net, images, labels)
    name = net.parameter_names[0]
    with pytest.raises(ValueError, match=f"no parameter is named {name}s; did you mean {name}"):
        H.block(name + "s")
    with pytest.raises(ValueError, match="a block already"):
        H.block(name).block(name)
    with pytest.raises(ValueError, match="parameters: '2' is not a list"):
        rl.curvature(net, images, labels, operator="hessian", parameters="2")


def test_arguments_of_products_are_checked(net, images, labels):
    H = rl.hessian(net, images, labels)
    for shape in ((3,), (2, 2), (H.shape[0], 2)):
        with pytest.raises(ValueError, match="does not fit"):
            H.matvec(np.ones(shape))
    with pytest.raises(ValueError, match="does not fit"):
        H.matmat(np.ones((3, 2)))


def test_felt_curvature_is_the_commands(net, images, labels):
    felt = rl.felt_curvature(net, images, labels, attack=rl.PGD("l2", 0.5), threads=1)
    found = rl.curvature(net, images, labels, operator="effective", attack=rl.PGD("l2", 0.5), top=1,
                         threads=1)
    v = found.eigenvectors[0]
    assert np.isclose(v @ (felt.effective @ v), found.eigenvalues[0], rtol=1e-3)
    share = felt.sample_curvatures(v) / (len(images) * found.eigenvalues[0])
    assert np.allclose(share, found.sample_share[0])
    assert felt.smooth.shape == (len(images),) and felt.smooth.dtype == bool
    assert not np.array_equal(felt.attacked.reshape(images.shape), images)
    assert rl.felt_curvature(net, images, labels, attack="pgd", norm="linf", eps=0.1).is_hessian


def test_the_transpose_is_only_offered_where_it_is_known(net, images, labels):
    felt = rl.felt_curvature(net, images, labels, attack=rl.PGD("l2", 0.5), threads=1)
    v = np.ones(felt.hessian.shape[0], "float32")
    assert np.array_equal(felt.hessian.rmatvec(v), felt.hessian.matvec(v))
    for product in (felt.effective.rmatvec, lambda v: felt.effective.rmatmat(v[:, None])):
        with pytest.raises(NotImplementedError, match="not symmetric"):
            product(v)


def test_every_attack_is_taken_and_every_other_loss_refused(net, images, labels):
    assert rl.felt_curvature(net, images, labels, attack=rl.FGSM(0.05)).is_hessian
    assert not rl.felt_curvature(net, images, labels, attack=rl.Raw(0.1)).is_hessian
    found = rl.curvature(net, images, labels, operator="hessian", loss="squared-error", top=1).to_dict()
    assert found["loss"] == "squared-error" and found["attack"] is None
    with pytest.raises(ValueError, match="loss dlr is not trained on; choose cross-entropy or squared-error"):
        rl.hessian(net, images, labels, loss="dlr")


def test_operators_need_a_network_too(images, labels):
    with pytest.raises(ValueError, match="reluctance.load and reluctance.from_torch"):
        rl.hessian(torch.nn.Linear(2, 2), images, labels)


def test_spectrum_is_the_input_hessians(make, wide, images, labels):
    module, net = wide
    found = rl.spectrum(net, images[:4].astype("float64"), labels[:4], top=9)
    for i in range(4):
        x = torch.from_numpy(images[i : i + 1].astype("float64"))
        x = x.flatten(1) if make is networks.perceptron else x
        label = torch.from_numpy(labels[i : i + 1])
        H = torch.autograd.functional.hessian(
            lambda z: torch.nn.functional.cross_entropy(module(z), label), x).reshape(64, 64)
        values, vectors = found.eigenvalues[i], found.eigenvectors[i].reshape(9, 64)
        wanted = np.linalg.eigvalsh(H.numpy())[::-1][:9]
        assert np.allclose(values, wanted, atol=1e-9 * wanted[0])
        assert np.allclose(vectors.T @ np.diag(values) @ vectors, H.numpy(), atol=1e-9 * wanted[0])
    same = rl.dynamics(net, images[:4], labels[:4], beta=0.1).eigenvalues
    assert np.allclose(same, rl.spectrum(net, images[:4], labels[:4]).eigenvalues, rtol=1e-12)
