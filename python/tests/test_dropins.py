"""Attacks in the form that existing scripts call."""

import importlib.util
import pathlib

import networks
import numpy as np
import pytest
import torch

import reluctance as rl


@pytest.fixture(scope="module")
def subject():
    images, labels = networks.data()
    return networks.trained(networks.ResNet), images, labels


@pytest.mark.parametrize("name", ["FGSM", "PGD", "PGDL2", "APGD", "APGDT", "FAB", "Square", "MALT"])
def test_attacks(name, subject):
    module, images, labels = subject
    few = {"Square": {"n_queries": 50}}.get(name, {})
    radius = 0.5 if name == "PGDL2" else 0.1
    attack = getattr(rl.attacks, name)(module, eps=radius, **few)
    adversarial = attack(images, labels)
    assert adversarial.shape == images.shape and adversarial.dtype == images.dtype
    assert float(adversarial.min()) >= 0 and float(adversarial.max()) <= 1
    difference = (adversarial - images).flatten(1)
    size = difference.norm(dim=1) if name == "PGDL2" else difference.abs().amax(1)
    assert float(size.max()) <= radius + 1e-6
    with torch.no_grad():
        before, after = module(images).argmax(1), module(adversarial).argmax(1)
    changed = size > 0
    assert changed.sum() > 5
    assert (before[changed] == labels[changed]).all() and (after[changed] != labels[changed]).all()


def test_autoattack(subject):
    module, images, labels = subject
    adversary = rl.AutoAttack(module, norm="Linf", eps=0.05, verbose=False)
    adversarial, answers = adversary.run_standard_evaluation(images[:20], labels[:20], bs=7, return_labels=True)
    wanted = rl.evaluate(rl.from_torch(module, images), images[:20], labels[:20], attack="autoattack", eps=0.05)
    assert torch.equal(adversarial, wanted.adversarial)
    with torch.no_grad():
        assert torch.equal(module(adversarial).argmax(1), answers)
    with pytest.raises(ValueError, match="version 'plus'"):
        rl.AutoAttack(module, version="plus")


def test_a_module_that_was_trained_on_is_asked_anew(subject):
    _, images, labels = subject
    module = networks.perceptron()
    attack = rl.attacks.FGSM(module, eps=0.2)
    first = attack(images.flatten(1), labels)
    again = attack(images.flatten(1), labels)
    assert torch.equal(first, again)
    with torch.no_grad():
        module[0].weight.mul_(-1)
    assert not torch.equal(attack(images.flatten(1), labels), first)


def example(name):
    path = pathlib.Path(__file__).parents[2] / "examples" / "python" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"{name}_example", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Bench(torch.nn.Module):
    """What AttackBench hands to attacks: a module that keeps the nearest adversarial example it was asked."""

    def __init__(self, model, inputs, labels):
        super().__init__()
        self.model, self.inputs, self.labels = model, inputs, labels
        self.nearest = torch.full((len(inputs),), float("inf"))

    def forward(self, x):
        with torch.no_grad():
            logits = self.model(x)
        lengths = (x - self.inputs).flatten(1).norm(dim=1)
        fooled = logits.argmax(1) != self.labels
        self.nearest = torch.where(fooled & (lengths < self.nearest), lengths, self.nearest)
        return logits


def test_attackbench(subject):
    module, images, labels = subject
    images, labels = images[:20], labels[:20]
    model = Bench(module, images, labels)
    attack = example("attackbench").ATTACKS["l2"]
    found = attack(model=model, inputs=images, labels=labels, targets=None, targeted=False)
    assert found.shape == images.shape and 0 <= found.min() and found.max() <= 1
    wanted = rl.distances(rl.from_torch(module, images[:1]), images, labels, norm="l2")
    distance = torch.as_tensor(wanted.distance)
    assert torch.isfinite(distance).any()
    assert torch.allclose(model.nearest[torch.isfinite(distance)].double(), distance[torch.isfinite(distance)], rtol=1e-5)
    with pytest.raises(ValueError, match="leave targets out"):
        attack(model=model, inputs=images, labels=labels, targets=labels, targeted=True)


def test_verona(subject):
    module, images, labels = subject
    attack = example("verona").ReluctanceAttack("pgd", steps=5)
    found = attack.execute(module, images, labels, 0.1)
    assert found.shape == images.shape
    one = attack.execute(module, images[0], labels[0], 0.1)
    assert torch.equal(one, found[0])
