"""Tables and pictures for papers; matplotlib itself need not be there."""

import networks
import numpy as np
import pytest
import torch

import reluctance as rl
from reluctance import _figures


class Axes:
    """Takes what matplotlib's axes take, and keeps it."""

    def __init__(self):
        self.calls = []

    def __getattr__(self, name):
        return lambda *values, **options: self.calls.append((name, values, options))

    def drawn(self, name):
        return [values for called, values, _ in self.calls if called == name]


@pytest.fixture(scope="module")
def net():
    return rl.from_torch(networks.trained(networks.perceptron), networks.example(networks.perceptron))


@pytest.fixture(scope="module")
def few(images, labels):
    return images[:30], labels[:30]


def rows_of(table):
    lines = table.splitlines()
    assert lines[0].startswith(r"\begin{tabular}{") and lines[-1] == r"\end{tabular}"
    columns = lines[0].count("{") and len(lines[0].rsplit("{", 1)[1].rstrip("}"))
    rows = [line.removesuffix(r" \hline").removesuffix(r" \\").split(" & ") for line in lines[1:-1]]
    assert all(len(row) == columns for row in rows)
    return rows[1:]


def test_what_latex_reads_otherwise_is_escaped():
    assert _figures.latex_text(r"a_b 5% <x> \ {~^}") == \
        r"a\_b 5\% \textless{}x\textgreater{} \textbackslash{} \{\textasciitilde{}\textasciicircum{}\}"


def test_evaluations_and_distances(net, few):
    found = rl.evaluate(net, *few, attack="autoattack", eps=0.1)
    rows = rows_of(found.to_latex())
    assert rows[0][0] == "none" and [row[0] for row in rows[1:]] == [stage.name for stage in found.stages]
    assert rows[-1][2] == f"{100 * found.robust.value:.2f}"
    nearest = rl.distances(net, *few)
    assert len(rows_of(nearest.to_latex())) == len(nearest.curve[::4])
    axes = Axes()
    assert nearest.plot(axes) is axes
    (budgets, shares), = axes.drawn("plot")
    assert list(zip(budgets, shares)) == [(budget, share.value) for budget, share in nearest.curve]


@pytest.mark.parametrize("library", [np.asarray, torch.from_numpy])
def test_claims(net, few, library):
    x, y = map(library, few)
    axes = Axes()
    rl.influence(net, x, y, attack="raw", beta=0.1).plot(axes)
    rl.dynamics(net, x, y, beta=0.1).plot(axes)
    assert len(axes.drawn("loglog")) == 2 and len(axes.drawn("plot")) == 2
    found = rl.dynamics(net, x, y, beta=0.1)
    real, region = axes.drawn("plot")[0][:2]
    assert np.allclose(real, np.linalg.norm(np.asarray(found.delta_real), axis=1))
    assert np.allclose(region, np.linalg.norm(np.asarray(found.delta_region), axis=1))


@pytest.mark.parametrize("library", [np.asarray, torch.from_numpy])
def test_curvature_and_spectrum(net, few, library):
    x, y = map(library, few)
    found, axes = rl.curvature(net, x, y, operator="hessian", top=2), Axes()
    found.plot(axes)
    for k, (places, curve) in enumerate(axes.drawn("plot")):
        assert list(places) == list(range(1, 31)) and curve[-1] == pytest.approx(1)
        assert curve[found.half[k] - 1] >= 0.5 > ([0] + curve)[found.half[k] - 1]
    assert [int(row[2]) for row in rows_of(found.to_latex())] == list(found.half)
    spectrum, axes = rl.spectrum(net, x, y), Axes()
    spectrum.plot(axes)
    (places, middle, _), = axes.drawn("semilogy")
    assert np.allclose(middle, np.quantile(np.asarray(spectrum.eigenvalues), 0.5, axis=0, method="lower"))


def test_verdicts(net, few):
    claim = rl.curvature(net, *few)
    assert len(rows_of(claim.to_latex())) == len(claim.checks)
    paper = rl.paper(net, *few, limit=8, steps=10)
    assert [row[2] for row in rows_of(paper.to_latex())] == list(paper.verdicts.values())
    findings = rl.findings(net, *few, only=["few-directions"])
    assert [row[1] for row in rows_of(findings.to_latex())] == list(findings.verdicts.values())


def test_trainings(few):
    x, y = few
    trained, axes = rl.train(rl.new_network("mlp", (1, 8, 8), hidden=[8]), x, y, epochs=3), Axes()
    trained.plot(axes)
    assert axes.drawn("plot")[0][0] == [1, 2, 3]
    module = networks.perceptron()
    watch = rl.Watch(module, x.reshape(30, -1), y, every=1)
    optimizer = torch.optim.SGD(module.parameters(), 0.1)
    watch(optimizer)
    watch(optimizer)
    axes = Axes()
    watch.plot(axes)
    steps, shares = axes.drawn("semilogx")[0][:2]
    line = watch.lines[1]
    assert steps == [1, 2] and shares[1] == line["rate_times_curvature"]["hessian"] / line["critical"]


def test_the_error_without_matplotlib_names_the_package(net, few, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    with pytest.raises(ImportError, match="python3-matplotlib"):
        rl.distances(net, *few).plot()
