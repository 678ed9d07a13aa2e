"""Training: the program's bits, and a loop of PyTorch beside it."""

import json
import os
import subprocess

import networks
import numpy as np
import pytest
import torch

import reluctance as rl
from test_program import numbers


@pytest.fixture(scope="module")
def files(images, labels, tmp_path_factory):
    folder = tmp_path_factory.mktemp("training")
    np.savez(folder / "images.npz", images=images, labels=labels)
    return folder


def program(folder, *line):
    subprocess.run([os.environ["RELUCTANCE_PROGRAM"], *map(str, line), "--data", "images.npz", "--threads", "1"],
                   check=True, cwd=folder, capture_output=True)


@pytest.mark.parametrize("options", [
    {}, {"attack": "pgd", "norm": "l2", "eps": 0.3, "carry": True, "loss": "squared-error", "lr": 0.01, "seed": 3},
    {"attack": "fgsm", "schedule": "steps", "weight_decay": 0, "label_smoothing": 0.1, "diagnose": 2},
    {"crop": 1, "flip": True, "seed": 2},
], ids=["plain", "carried", "fgsm", "augmented"])
def test_training_is_the_programs(options, files, images, labels):
    options = {"epochs": 3, "batch_size": 32, **options}
    start = rl.new_network("mlp", (1, 8, 8), hidden=[16], seed=options.get("seed", 0))
    line = ["train", "--arch", "mlp", "--hidden", 16, "--out", "out"]
    for key, value in options.items():
        line += ["--" + key.replace("_", "-")] + ([] if value is True else [value])
    program(files, *line)
    trained = rl.train(start, images, labels, threads=1, **options)
    assert trained.metrics == [json.loads(each) for each in (files / "out" / "metrics.jsonl").read_text().splitlines()]
    wanted = rl.load(files / "out" / "model.onnx").parameters()
    assert trained.network.parameter_names == start.parameter_names == tuple(wanted)
    for name, value in wanted.items():
        assert trained.arrays[name].tobytes() == value.tobytes()
        assert not np.array_equal(value, start.parameters()[name])
    if "diagnose" in options:
        lines = [json.loads(each) for each in (files / "out" / "diagnosis.jsonl").read_text().splitlines()]
        assert numbers(trained.diagnosis) == numbers(lines) and len(lines) == 7


def test_what_is_no_training_is_refused(net, images, labels):
    for options, words in (({"lr": 0}, "lr: 0 is not a number"), ({"schedule": "linear"}, "unknown schedule"),
                           ({"loss": "dlr"}, "loss dlr is not trained on"), ({"attack": "square"}, "square"),
                           ({"eps": 0.1}, "eps has no effect"), ({"epochs": 0}, "epochs: 0 is not"),
                           ({"loss": "squared-error", "label_smoothing": 0.1}, "label_smoothing has no effect"),
                           ({"carry": True}, "carried on"), ({"crop": -1}, "crop: -1 is not"),
                           ({"crop": 1000}, "crop")):
        with pytest.raises(ValueError, match=words):
            rl.train(net, images, labels, **options)
    with pytest.raises(RuntimeError, match="not finite at step .* try a lower lr"):
        rl.train(net, images, labels, lr=1e30, loss="squared-error")
    with pytest.raises(ValueError, match="hidden: 3 is not a list"):
        rl.new_network(hidden=3)
    with pytest.raises(ValueError, match="unknown architecture"):
        rl.new_network("transformer")


def test_a_training_can_be_left(net, images, labels):
    def enough(part, done, total):
        raise LookupError(part)

    with pytest.raises(LookupError, match="training"):
        rl.train(net, images, labels, epochs=100000, threads=1, progress=enough)


def test_findings_are_the_programs(files, images, labels):
    net = rl.from_torch(networks.trained(networks.perceptron), networks.example(networks.perceptron))
    net.save(files / "model.onnx")
    program(files, "findings", "--only", "few-directions", "--model", "model.onnx", "--out", "out", "--json", "out.json")
    with pytest.warns(rl.Note, match="keep the last 34 apart"):
        found = rl.findings(net, images, labels, only=["few-directions"], threads=1)
    wanted = json.loads((files / "out.json").read_text())
    assert numbers(found.to_dict()["findings"]) == numbers(wanted["findings"])
    assert found.to_dict()["data"]["checksum"] == wanted["data"]["checksum"]
    (finding,) = wanted["findings"]
    assert found.verdicts == {"few-directions": finding["verdict"]} and finding["summary"] in repr(found)
    assert [check.passed for check in found.checks["few-directions"]] == [c["passed"] for c in finding["checks"]]
    assert found.page().startswith("<!")
    with pytest.raises(ValueError, match="few-directions"):
        rl.findings(net, images, labels, only=["few-direction"])
    with pytest.raises(ValueError, match="the network is a NoneType"):
        rl.evaluate(None, images, labels)


def attacked(module, x, y, attack):
    """The images that the objective of a training is taken at: from the images themselves."""
    if not attack:
        return x
    steps = attack.get("steps", 1)
    for _ in range(steps):
        x = x.detach().requires_grad_()
        gradient, = torch.autograd.grad(torch.nn.functional.cross_entropy(module(x), y, reduction="sum"), x)
        if attack["attack"] == "raw":
            x = x + attack["beta"] / steps * gradient
        else:
            x = (x + attack["eps"] * gradient.sign()).clamp(0, 1)
    return x.detach()


@pytest.mark.parametrize("attack", [{}, {"attack": "raw", "beta": 0.2, "steps": 4}, {"attack": "fgsm", "eps": 0.05}],
                         ids=["plain", "raw", "fgsm"])
def test_a_watched_loop_of_pytorch_says_what_the_trainer_says(attack, images, labels):
    """The same network, rate and data, in one batch: float32 sums in another order apart."""
    torch.manual_seed(0)
    module = networks.perceptron()
    x, y = torch.from_numpy(images).flatten(1), torch.from_numpy(labels)
    trained = rl.train(rl.from_torch(module, x), x, y, epochs=12, batch_size=100, lr=0.1, momentum=0.5,
                       weight_decay=0.01, schedule="constant", diagnose=4, **attack)
    optimizer = torch.optim.SGD(module.parameters(), 0.1, momentum=0.5, weight_decay=0.01)
    watch = rl.Watch(module, x, y, every=4, **({"norm": "linf"} if attack.get("attack") == "fgsm" else {}), **attack)
    for _ in range(12):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(module(attacked(module, x, y, attack)), y).backward()
        optimizer.step()
        watch(optimizer)
    assert [line["step"] for line in trained.diagnosis] == [1, 2, 4, 8, 12]
    assert len(watch.lines) == 5
    for ours, theirs in zip(watch.lines, trained.diagnosis):
        assert ours.keys() == theirs.keys()
        for key in "step", "learning_rate", "critical", "accuracy", "opposed", "sign_flips":
            assert ours[key] == theirs[key], key
        assert np.isclose(ours["loss"], theirs["loss"], rtol=1e-5)
        if theirs["cosine"] is not None:
            assert np.isclose(ours["cosine"], theirs["cosine"], atol=1e-4)
        for key, value in theirs["rate_times_curvature"].items():
            found = ours["rate_times_curvature"][key]
            assert found is value is None or np.isclose(found, value, rtol=1e-4), key
