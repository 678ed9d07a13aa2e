"""Every example of the docstrings, and that every public name has one or a line of its own."""

import doctest
import inspect
import pathlib
import subprocess
import sys

import networks
import pytest

import reluctance as rl
from reluctance import _claim_results, _measure, _network, _operators, _results, _torch, _training, _watch, attacks
from reluctance import _attacks


@pytest.mark.parametrize("module", [_claim_results, _measure, _network, _operators, _results, _torch, _attacks, _training, _watch, attacks],
                         ids=lambda module: module.__name__)
def test_examples(module):
    net = rl.from_torch(networks.trained(networks.perceptron), networks.example(networks.perceptron))
    images, labels = networks.data()
    words = {"rl": rl, "net": net, "images": images.numpy(), "labels": labels.numpy()}
    assert doctest.testmod(module, extraglobs=words).failed == 0


def test_everything_public_is_documented():
    for name in rl.__all__:
        value = getattr(rl, name)
        if callable(value):
            assert inspect.getdoc(value), name


def test_the_page():
    net = rl.from_torch(networks.trained(networks.perceptron), networks.example(networks.perceptron))
    images, labels = networks.data()
    words = {"rl": rl, "net": net, "images": images.numpy(), "labels": labels.numpy()}
    page = pathlib.Path(__file__).parents[2] / "docs" / "python.md"
    # A fence closes an example as an empty line does.
    text = page.read_text(encoding="utf-8").replace("```", "")
    parser = doctest.DocTestParser()
    test = parser.get_doctest(text, words, page.name, str(page), 0)
    assert len(test.examples) > 10
    assert doctest.DocTestRunner().run(test).failed == 0


def test_first_steps():
    script = pathlib.Path(__file__).parents[2] / "examples" / "python" / "first_steps.py"
    said = subprocess.run([sys.executable, script, "20"], check=True, capture_output=True, text=True).stdout
    assert "robust accuracy" in said and "eigenvalue 2" in said and "'0.weight'" in said
