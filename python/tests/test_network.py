"""Networks from files, bytes and modules: answers, names, modes, refusals."""

import networks
import numpy as np
import pytest
import torch
from torch import nn

import reluctance as rl


def test_answers_as_the_module_does(make, module, net):
    images, _ = networks.data()
    x = images.flatten(1) if make is networks.perceptron else images
    with torch.no_grad():
        assert torch.allclose(net.logits(x), module(x), atol=1e-5)


def test_names_are_the_modules(make, module, net):
    parameters = dict(module.named_parameters())
    named = net.parameters()
    assert len(named) == len(set(net.parameter_names))
    assert net.parameter_names == tuple(parameters)
    for name, parameter in parameters.items():
        assert np.array_equal(named[name], parameter.detach().numpy())
    assert net.folded == ()


def test_folded_names_are_said():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(4, 3)
            self.register_buffer("more", torch.ones(3))

        def forward(self, x):
            return self.fc(x) + self.more

    module = Twice()
    net = rl.from_torch(module, torch.zeros(1, 4))
    assert net.folded == ("fc.bias",)
    assert np.allclose(net.parameters()["fc.bias"], module.fc.bias.detach() + 1)


def test_a_matrix_that_is_stored_the_other_way_round_is_said_to_be():
    class Product(nn.Module):
        def __init__(self):
            super().__init__()
            self.matrix = nn.Parameter(torch.randn(5, 3))

        def forward(self, x):
            return torch.relu(x) @ self.matrix

    module = Product()
    net = rl.from_torch(module, torch.zeros(1, 5))
    assert net.parameter_names == ("matrix.T",)
    assert np.array_equal(net.parameters()["matrix.T"], module.matrix.detach().numpy().T)


def test_shared_weights_are_one_parameter():
    layer = nn.Linear(4, 4)
    net = rl.from_torch(nn.Sequential(layer, nn.ReLU(), layer), torch.zeros(1, 4))
    assert len(net.parameter_names) == 2


def test_the_modules_mode_is_left_as_it_was():
    module = networks.ResNet().train()
    module.layer1[0].bn1.eval()
    before = {name: part.training for name, part in module.named_modules()}
    statistics = module.layer1[0].bn2.running_mean.clone()
    rl.from_torch(module, torch.rand(2, 1, 8, 8))
    assert {name: part.training for name, part in module.named_modules()} == before
    assert torch.equal(module.layer1[0].bn2.running_mean, statistics)
    with pytest.raises(ValueError):
        rl.from_torch(module, torch.rand(2, 3, 8, 8))
    assert {name: part.training for name, part in module.named_modules()} == before


def test_unsupported_parts_are_refused_by_their_path():
    class Inner(nn.Module):
        def __init__(self):
            super().__init__()
            self.act = nn.Tanh()

        def forward(self, x):
            return self.act(x)

    class Outer(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer3 = nn.Sequential(nn.Linear(4, 4), Inner())
            self.head = nn.Linear(4, 2)

        def forward(self, x):
            return self.head(self.layer3(x))

    with pytest.raises(ValueError, match=r"^Outer: layer3\.1\.act \(Tanh\) is a Tanh, which is not"):
        rl.from_torch(Outer(), torch.zeros(1, 4))

    class Functional(nn.Module):
        def forward(self, x):
            return torch.tanh(x) * 2

    with pytest.raises(ValueError, match=r"^Functional: .*Tanh"):
        rl.from_torch(Functional(), torch.zeros(1, 4))
    with pytest.raises(ValueError, match="torch.nn.Module"):
        rl.from_torch(lambda x: x, torch.zeros(1, 4))


def test_what_may_only_stand_at_the_end_is_refused_by_its_own_path():
    module = nn.Sequential(nn.Linear(4, 4), nn.Sequential(nn.Sigmoid()), nn.Flatten(), nn.Linear(4, 3))
    with pytest.raises(ValueError, match=r"^Sequential: 1\.0 \(Sigmoid\) is a Sigmoid inside the network"):
        rl.from_torch(module, torch.zeros(1, 4))


def test_what_is_no_classifier_of_such_images_is_refused():
    class Several(nn.Module):
        def forward(self, x):
            return {"logits": x}

    with pytest.raises(ValueError, match="Several: its forward gives a dict; wrap it"):
        rl.from_torch(Several(), torch.zeros(1, 4))
    with pytest.raises(ValueError, match=r"Linear: does not take an example of the shape \(1, 5\)"):
        rl.from_torch(nn.Linear(4, 3), torch.zeros(1, 5))


def test_logits_of_another_shape_are_told():
    maps = nn.Sequential(nn.Conv2d(1, 3, 3))
    with pytest.raises(ValueError, match=r"gives \(1, 3, 6, 6\) for one image; N x classes is needed"):
        rl.from_torch(maps, torch.zeros(1, 1, 8, 8))


def test_what_is_exported_wrongly_is_refused(monkeypatch):
    exported = torch.onnx.export

    def wrong(module, *args, **options):
        exported(nn.Sequential(nn.Linear(4, 3)), *args, **options)

    monkeypatch.setattr(torch.onnx, "export", wrong)
    with pytest.raises(RuntimeError, match="or does PyTorch .* export one of its layers wrongly"):
        rl.from_torch(nn.Linear(4, 3), torch.rand(1, 4))


@pytest.mark.parametrize("end", [[], [nn.Sigmoid()], [nn.Flatten(0)]], ids=["logit", "sigmoid", "flat"])
def test_one_number_is_a_classifier_by_its_sign(end):
    net = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 1), *end)
    x = torch.rand(20, 4)
    got = rl.from_torch(net, x[:1])
    z = net[:3](x)[:, 0]
    assert torch.allclose(got.logits(x), torch.stack([torch.zeros(20), z.detach()], 1), atol=1e-6)
    result = rl.evaluate(got, x, (z > 0).long(), attack="fgsm", eps=0.001)
    assert result.clean.value == 1


def test_a_sigmoid_of_each_class_is_left_out():
    net = nn.Sequential(nn.Linear(4, 3), nn.Sigmoid())
    x = torch.rand(5, 4)
    assert torch.allclose(rl.from_torch(net, x[:1]).logits(x), net[0](x), atol=1e-6)


@pytest.mark.parametrize("dim", [0, 1, None])
def test_weights_that_are_computed_from_parameters(dim):
    net = nn.Sequential(torch.nn.utils.weight_norm(nn.Linear(4, 6), dim=dim), nn.ReLU(), nn.Linear(6, 3))
    x = torch.rand(5, 4)
    got = rl.from_torch(net, x[:1])
    assert torch.allclose(got.logits(x), net(x), atol=1e-6)
    assert got.parameter_names == ("parameter0", "0.bias", "2.weight", "2.bias")
    with pytest.raises(ValueError, match="parameter0 is computed from the module's parameters"):
        rl.Watch(net, x, torch.zeros(5, dtype=torch.long))


def test_labels_and_narrow_types_are_compared_as_what_they_are():
    class Label(nn.Module):
        def __init__(self, bias):
            super().__init__()
            self.layer = nn.Linear(4, 3)
            self.layer.bias.data = torch.tensor(bias)

        def forward(self, x):
            return self.layer(0 * x).argmax(1)

    for bias in ([0, 1.4, 0.2], [2.0, 0, 0], [0, 0, 3.0]):
        assert rl.from_torch(Label(bias), torch.rand(1, 4)).logits(torch.rand(2, 4)).shape == (2, 3)
    torch.manual_seed(0)
    wide = nn.Sequential(nn.Linear(400, 600), nn.ReLU(), nn.Linear(600, 600), nn.ReLU(), nn.Linear(600, 10))
    for each in wide.parameters():
        each.data.mul_(2)
    rl.from_torch(wide.bfloat16(), torch.rand(1, 400))


@pytest.mark.parametrize("end", [nn.Hardsigmoid(), nn.ReLU(), nn.Softmax(1), nn.Hardtanh(0, 1)], ids=repr)
def test_one_number_without_a_sign_is_refused(end):
    with pytest.raises(ValueError, match="its output is one number after an? .*whose sign says nothing"):
        rl.from_torch(nn.Sequential(nn.Linear(4, 1), end), torch.rand(1, 4))


def test_networks_of_normalised_images_take_pixels(tmp_path):
    module = networks.trained(networks.pooled)
    x = torch.rand(5, 1, 8, 8)
    wanted = module((x - 0.4) / 0.3).detach()
    net = rl.from_torch(module, x[:1], mean=0.4, std=[0.3])
    assert torch.allclose(net.logits(x), wanted, atol=1e-5)
    rl.from_torch(module, x[:1]).save(tmp_path / "net.onnx")
    assert torch.equal(rl.load(tmp_path / "net.onnx", mean=torch.tensor([0.4]), std=(0.3,)).logits(x), net.logits(x))
    assert net.parameter_names == rl.from_torch(module, x[:1]).parameter_names
    for options, words in (({"mean": [0.1, 0.2]}, "pooled|Sequential: mean has 2 numbers"), ({"std": 0}, "std: 0.0 is not a number above 0"),
                           ({"mean": float("nan")}, "mean: nan")):
        with pytest.raises(ValueError, match=words):
            rl.from_torch(module, x[:1], **options)


def test_a_forward_that_depends_on_its_input_is_found_out():
    class Fickle(nn.Module):
        def __init__(self):
            super().__init__()
            self.calls = 0
            self.fc = nn.Linear(4, 3)

        def forward(self, x):
            self.calls += 1
            return self.fc(x) * self.calls

    with pytest.raises(RuntimeError, match="does not answer as the module does"):
        rl.from_torch(Fickle(), torch.ones(1, 4))


def test_files_and_bytes_are_one(net, tmp_path, images):
    net.save(tmp_path / "net.onnx")
    of_file = rl.load(tmp_path / "net.onnx")
    of_bytes = rl.load((tmp_path / "net.onnx").read_bytes())
    assert np.array_equal(of_file.logits(images), net.logits(images))
    assert np.array_equal(of_bytes.logits(images), net.logits(images))
    with pytest.raises(ValueError, match="model: is not an ONNX model"):
        rl.load(b"nothing")
    with pytest.raises(RuntimeError, match="no-folder|not a directory|cannot"):
        net.save("/proc/no-folder/net.onnx")


def test_a_softmax_is_dropped_with_a_note():
    module = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 3), nn.Softmax(1))
    x = torch.rand(5, 4)
    with pytest.warns(rl.Note, match="Sequential: dropped the final Softmax"):
        net = rl.from_torch(module, x)
    assert torch.allclose(net.logits(x).softmax(1), module(x))


def test_a_module_in_float64_is_rounded_with_a_note():
    module = nn.Linear(4, 3).double()
    with pytest.warns(rl.Note, match="Linear: its float64 weights are rounded to float32"):
        net = rl.from_torch(module, torch.rand(1, 4))
    assert np.array_equal(net.parameters()["weight"], module.weight.detach().float().numpy())


def test_devices_and_types(net):
    wide = net.to("float64")
    assert wide.dtype == "float64" and net.dtype == "float32"
    assert all(p.dtype == np.float64 for p in wide.parameters().values())
    with pytest.raises(ValueError, match="device=?.*unknown device"):
        net.to("tpu")
    assert not net.parameters()[net.parameter_names[0]].flags.writeable


def test_a_target_leaves_its_own_images_out(images, labels):
    net = rl.from_torch(networks.trained(networks.perceptron), networks.example(networks.perceptron))
    with pytest.warns(rl.Note, match="left out"):
        result = rl.evaluate(net, images, labels, attack="apgd-t", eps=0.3, target=3, threads=1)
    assert np.array_equal(result.index, np.flatnonzero(labels != 3))
    answers = result.logits.argmax(1)
    assert np.array_equal(result.success, answers == 3) and result.success.any()
    assert "success rate" in repr(result) and "robust accuracy" not in repr(result)
