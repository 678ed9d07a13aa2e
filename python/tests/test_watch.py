"""A training of PyTorch, watched: the lines against curvatures that are asked by themselves."""

import json

import networks
import numpy as np
import pytest
import torch

import reluctance as rl
from reluctance._watch import critical_of


class Writer:
    def __init__(self):
        self.scalars = []

    def add_scalar(self, tag, value, step):
        self.scalars.append((tag, value, step))


def adversarial(module, x, y, eps, steps):
    """L2 PGD from the images, as training has it."""
    z = x.clone()
    for _ in range(steps):
        z.requires_grad_()
        gradient, = torch.autograd.grad(torch.nn.functional.cross_entropy(module(z), y, reduction="sum"), z)
        with torch.no_grad():
            delta = z + 2.5 * eps / steps * gradient / gradient.flatten(1).norm(dim=1)[:, None] - x
            z = (x + delta * (eps / delta.norm(dim=1)[:, None]).clamp(max=1)).clamp(0, 1)
    return z.detach()


def test_lines_are_what_the_curvatures_say(tmp_path):
    torch.manual_seed(0)
    module = networks.perceptron()
    x, y = networks.data()
    x = x.flatten(1)
    attack = rl.PGD("l2", 0.2, steps=5)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.2, momentum=0.5)
    writer = Writer()
    watch = rl.Watch(module, x, y, attack=attack, every=4, file=tmp_path / "lines.jsonl", writer=writer, threads=1)
    updates, before = [], torch.nn.utils.parameters_to_vector(module.parameters()).detach().clone()
    for step in range(1, 9):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(module(adversarial(module, x, y, 0.2, 5)), y).backward()
        optimizer.step()
        watch(optimizer)
        now = torch.nn.utils.parameters_to_vector(module.parameters()).detach().clone()
        updates.append(now - before)
        before = now
        if step not in (1, 2, 4, 8):
            assert watch.lines[-1]["step"] < step
            continue
        line = watch.lines[-1]
        assert line["step"] == step and line["critical"] == 3 and line["learning_rate"] == 0.2
        net = rl.from_torch(module, x)
        for operator, under, key in (("hessian", "none", "hessian"), ("hessian", attack, "hessian_adversarial"),
                                     ("effective", attack, "effective")):
            found = rl.curvature(net, x, y, operator=operator, attack=under, top=1)
            assert np.isclose(line["rate_times_curvature"][key], 0.2 * found.eigenvalues[0], rtol=1e-2), key
    cosine = torch.nn.functional.cosine_similarity
    wanted = np.mean([float(cosine(updates[k], updates[k - 1], 0)) for k in range(4, 8)])
    assert np.isclose(watch.lines[-1]["cosine"], wanted, atol=1e-5)
    assert [json.loads(line) for line in (tmp_path / "lines.jsonl").read_text().splitlines()] == watch.lines
    assert ("reluctance/learning_rate", 0.2, 8) in writer.scalars
    assert {tag for tag, *_ in writer.scalars} >= {"reluctance/effective", "reluctance/critical_rate"}
    assert watch.seconds > 0


@pytest.mark.parametrize("words", [{}, {"momentum": 0.9}, {"momentum": 0.9, "nesterov": True},
                                   {"momentum": 0.5, "dampening": 0.3}, {"dampening": 0.3}], ids=str)
def test_critical_is_where_oscillations_begin_to_grow(words):
    """On x^2 / 2, by PyTorch's own optimizer, a hundredth below it and above."""
    def grows(rate):
        x = torch.ones(1, dtype=torch.float64, requires_grad=True)
        optimizer = torch.optim.SGD([x], lr=rate, **words)
        for _ in range(4000):
            optimizer.zero_grad()
            (x**2 / 2).sum().backward()
            optimizer.step()
        return not abs(x.item()) < 1

    x = torch.zeros(1, requires_grad=True)
    critical, why = critical_of(torch.optim.SGD([x], lr=1, **words), [x])
    assert why == ""
    assert not grows(0.99 * critical) and grows(1.01 * critical)


def test_where_no_critical_rate_is_known():
    first, last = (torch.zeros(2, requires_grad=True) for _ in range(2))
    both, sgd = [first, last], torch.optim.SGD

    class Sharpness(sgd):
        """Another rule under the same class."""

    class Wrapper:
        def __init__(self, optimizer):
            self.optimizer = optimizer

    assert critical_of(Wrapper(sgd(both, 0.1)), both) == (2.0, "")
    assert critical_of(sgd([{"params": [first], "weight_decay": 0}, {"params": [last]}], 0.1), both) == (2.0, "")
    for optimizer, why in ((torch.optim.Adam(both), "Adam is not torch.optim.SGD"), (Sharpness(both, 0.1), "Sharpness"),
                           (sgd([last], 0.1), "does not move the same parameters"),
                           (sgd([{"params": [first], "lr": 1}, {"params": [last]}], 0.1), "different steps"),
                           (sgd(both, 0.1, momentum=1.5), "momentum is 1.5"),
                           (sgd(both, 0.1, momentum=0.5, dampening=1), "dampening 1")):
        critical, said = critical_of(optimizer, both)
        assert critical is None and why in said
    first.requires_grad_(False)
    assert critical_of(sgd(both, 0.1), both)[0] is None


def test_other_optimizers_have_no_critical_rate():
    module = networks.perceptron()
    x, y = networks.data()
    x = x.flatten(1)
    optimizer = torch.optim.Adam(module.parameters(), 1e-2)
    watch = rl.Watch(module, x, y, every=1, threads=1)
    torch.nn.functional.cross_entropy(module(x), y).backward()
    optimizer.step()
    with pytest.warns(rl.Note, match="no critical rate is known of this optimizer: Adam"):
        watch(optimizer)
    line = watch.lines[0]
    assert line["critical"] is None and line["critical_rate"] is None
    assert line["rate_times_curvature"]["hessian"] > 0
    with pytest.raises(ValueError, match="no critical rate is known"):
        watch.plot()
    report = rl.explain(rl.from_torch(module, x), x, y, limit=10, attack="fgsm", watch=watch, threads=1)
    assert report.to_dict()["networks"][0]["training"]["diagnosis"] == watch.lines
    watch(torch.optim.SGD(module.parameters(), 0.1))
    assert watch.lines[1]["critical"] == 2
    with pytest.raises(ValueError, match="maximizes"):
        watch(torch.optim.SGD(module.parameters(), 0.1, maximize=True))


def test_the_momentum_is_that_of_each_line():
    module = networks.perceptron()
    x, y = networks.data()
    optimizer = torch.optim.SGD(module.parameters(), 0.1, momentum=0.5)
    watch = rl.Watch(module, x.flatten(1), y, every=1, threads=1)
    watch(optimizer)
    optimizer.param_groups[0]["momentum"] = 0.9
    watch(optimizer)
    assert [line["critical"] for line in watch.lines] == [3, 3.8]


def test_by_default_lines_are_as_rare_as_their_cost_asks(monkeypatch):
    """Time stands still but for what is said here: 10 ms a step, 1 s a line, then none."""
    module = networks.perceptron()
    x, y = networks.data()
    optimizer = torch.optim.SGD(module.parameters(), 0.1)
    clock = [0.0]
    monkeypatch.setattr("reluctance._watch.time.perf_counter", lambda: clock[0])
    watch = rl.Watch(module, x.flatten(1), y, threads=1)
    asked = rl._core.Watch.after_step

    def slow(core, parameters, rate, words):
        clock[0] += 1.0 if words["ask"] else 0.0
        return asked(core, parameters, rate, words)

    monkeypatch.setattr(rl._core.Watch, "after_step", slow)
    for step in range(1, 40001):
        clock[0] += 0.01
        module[0].bias.data.add_(0.001 * (-1) ** step)
        watch(optimizer)
    # One at once; the next when 2 s are a hundredth of the loop, 16 updates later; and so on.
    assert [line["step"] for line in watch.lines] == [1, 20017, 30017]
    assert watch.seconds == pytest.approx(3) and watch.share < 0.01
    clock[0] += 1e6  # a pause is no training
    watch(optimizer)
    assert watch.share > 0.003
    assert "3 lines, 3.0 s, 0." in repr(watch)
    assert watch.lines[1]["opposed"] == 1 and watch.lines[1]["cosine"] == pytest.approx(-1)


def test_a_watched_training_is_in_the_report(images, labels):
    module = networks.perceptron()
    x, y = torch.from_numpy(images[:20]).flatten(1), torch.from_numpy(labels[:20])
    optimizer = torch.optim.SGD(module.parameters(), 0.1)
    watch = rl.Watch(module, x, y, attack=rl.PGD("l2", 0.2, steps=5), threads=1)
    with pytest.raises(ValueError, match="watch: has not seen a step"):
        rl.explain(rl.from_torch(module, x), x, y, watch=watch)
    watch(optimizer)
    report = rl.explain(rl.from_torch(module, x), x, y, limit=10, attack="fgsm", watch=watch, threads=1)
    training = report.to_dict()["networks"][0]["training"]
    assert training["diagnosis"] == watch.lines and training["method"] == "adversarial"
    assert training["attack"].startswith("pgd, l2, epsilon 0.2") and training["epochs"] is None
    assert training["learning_rate"] == 0.1 and "watch=watch" in report.to_dict()["run"]["command"]


def test_what_cannot_be_watched_is_refused():
    x, y = networks.data()
    resnet = networks.trained(networks.ResNet)
    watch = rl.Watch(resnet, x, y)  # its statistics are frozen
    resnet.train()
    for what in lambda: rl.Watch(resnet, x, y), lambda: watch(torch.optim.SGD(resnet.parameters(), 0.1)):
        with pytest.raises(ValueError, match=r"ResNet: layer1\.0\.bn1 is in training mode"):
            what()
    resnet.eval()
    module = networks.perceptron()
    watch = rl.Watch(module, x.flatten(1), y, attack="pgd", norm="l1")
    with pytest.raises(ValueError, match="l1"):
        watch(torch.optim.SGD(module.parameters(), 0.1))
