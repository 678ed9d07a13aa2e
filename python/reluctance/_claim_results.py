"""What the functions of the claims and the report return."""

from __future__ import annotations

import html
import os
from typing import Any, List, Mapping, Optional, Sequence, Tuple, Union

from . import _core
from ._figures import axes_or_new, latex_table
from ._results import Check, Quantiles, Result, Share, array, quantiles


def _lengths(perturbations: Any) -> List[float]:
    """L2 norms of N x n, of whatever library they are."""
    return [float((each * each).sum()) ** 0.5 for each in perturbations]


class Dynamics(Result):
    """Claim 1 at one strength: the analytic solution of the attack beside the real one, float64."""

    __slots__ = ()

    @property
    def beta(self) -> float:
        """Strength of the attack: step size times steps."""
        return self._numbers["beta"]

    @property
    def fooled(self) -> float:
        """Share of all images that were right before and are wrong after."""
        return self._numbers["fooled"]

    @property
    def error_region(self) -> Optional[Quantiles]:
        """||theory - real|| / ||real|| of the region-exact solution."""
        return quantiles(self._numbers["error"]["region"])

    @property
    def error_quadratic(self) -> Optional[Quantiles]:
        """The same of the quadratic solution, where it is in range."""
        return quantiles(self._numbers["error"]["quadratic"])

    gates_flipped = array("gates_flipped", "N: share of all gates.")
    eigenvalues = array("eigenvalues", "N x (C-1), descending: of the input Hessian.")
    delta_real = array("delta_real", "N x n: what the attack does.")
    delta_region = array("delta_region", "N x n: what the region-exact solution says.")
    delta_quadratic = array("delta_quadratic",
                            "N x n: what the quadratic solution says; zero where it is out of "
                            "range.")
    quadratic_in_range = array("quadratic_in_range", "N booleans.")
    logits = array("logits", "N x C, before the attack.")

    def _rows(self) -> List[Tuple[str, str]]:
        flipped = quantiles(self._numbers["gates_flipped"])
        return [("strength", f"beta {self.beta:g}, {self._numbers['steps']} steps"),
                ("fooled", f"{100 * self.fooled:.1f}% of {self._numbers['samples']} images"),
                ("gates flipped, share", str(flipped)),
                ("relative error, region-exact", str(self.error_region)),
                ("relative error, quadratic",
                 f"{self.error_quadratic}; out of range for {self._numbers['outside_range']} images")]

    def plot(self, axes: Any = None) -> Any:
        """Lengths of the perturbations, theory over measurement, by matplotlib; gives the axes."""
        axes = axes_or_new(axes)
        real = _lengths(self.delta_real)
        for name, delta in (("region-exact", self.delta_region), ("quadratic", self.delta_quadratic)):
            axes.plot(real, _lengths(delta), ".", label=name)
        axes.set_xlabel("length of the attack's perturbation")
        axes.set_ylabel("length that the theory predicts")
        axes.legend()
        return axes


class Influence(Result):
    """Claim 2 under one attack: how it changes the weight of each image in training, float64."""

    __slots__ = ()

    @property
    def attack(self) -> str:
        return self._numbers["attack"]

    boost_measured = array("boost_measured",
                           "N: by how much the attack lengthens the gradient in the logits.")
    boost_region = array("boost_region", "N: the same by the region-exact solution.")
    boost_quadratic = array("boost_quadratic",
                            "N: the same by the quadratic solution; NaN where it is out of range.")
    gradient_norm_clean = array("gradient_norm_clean",
                                "N: of each image's gradient with respect to the parameters.")
    gradient_norm_adversarial = array("gradient_norm_adversarial",
                                      "N: the same at the attacked images.")

    @property
    def rank_correlation(self) -> Mapping[str, Optional[float]]:
        """Spearman's, of predicted and measured boosts: "region" and "quadratic"."""
        return dict(self._numbers["rank_correlation"])

    @property
    def effective_share(self) -> Mapping[str, float]:
        """Of the images, 1 where all weigh the same: "clean" and "adversarial"."""
        return dict(self._numbers["effective_share"])

    def _rows(self) -> List[Tuple[str, str]]:
        numbers = self._numbers
        rows = [("attack", f"{self.attack}; {numbers['samples']} images")]
        for key, word in (("measured", "measured"), ("region", "region-exact"),
                          ("quadratic", "quadratic")):
            rows.append((f"boost, {word}", str(quantiles(numbers["boost"][key]))))
        rows.append(("rank correlation", ", ".join(
            f"{key} {value:.3f}" for key, value in self.rank_correlation.items() if value is not None)))
        rows.append(("effective share", ", ".join(
            f"{key} {value:.3f}" for key, value in self.effective_share.items())))
        return rows

    def plot(self, axes: Any = None) -> Any:
        """Boosts, predicted over measured, by matplotlib; gives the axes."""
        axes = axes_or_new(axes)
        for name, boost in (("region-exact", self.boost_region), ("quadratic", self.boost_quadratic)):
            axes.loglog(self.boost_measured, boost, ".", label=name)
        axes.set_xlabel("measured boost")
        axes.set_ylabel("predicted boost")
        axes.legend()
        return axes


class Curvature(Result):
    """Claim 3 with one operator: the top eigenpairs of a curvature, and who carries them."""

    __slots__ = ()

    @property
    def operator(self) -> str:
        return self._numbers["operator"]

    eigenvalues = array("eigenvalues", "K, float64, descending.")
    eigenvectors = array("eigenvectors",
                         "K x P, of unit length; :meth:`Network.split` names their parts, where they are of "
                         "all parameters.")
    residuals = array("residuals", "K, float64.")
    smallest = array("smallest",
                     "As many of the smallest eigenvalues as were asked for, ascending.")
    sample_share = array("sample_share",
                         "K x N: the part of each eigenvalue that an image holds; rows sum to 1.")

    @property
    def parameters(self) -> Tuple[str, ...]:
        """Names of those that the rows belong to, in their order."""
        return tuple(each["name"] for each in self._numbers["parameters"])

    @property
    def half(self) -> Tuple[int, ...]:
        """K: how few images hold half of each eigenvalue."""
        return tuple(self._numbers["half"])

    @property
    def converged(self) -> bool:
        """Whether all residuals are within the tolerance."""
        return self._numbers["converged"]

    @property
    def products(self) -> int:
        return self._numbers["products"]

    def _rows(self) -> List[Tuple[str, str]]:
        numbers = self._numbers
        rows = [("operator", f"{self.operator}, {numbers['attack'] or 'clean'}, "
                 f"{numbers['samples']} images, {self.products} products")]
        for k, (value, half) in enumerate(zip(numbers["eigenvalues"], self.half)):
            rows.append((f"eigenvalue {k + 1}", f"{value:.6g}; {half} images hold half of it"))
        rows.extend((f"smallest {k + 1}", f"{value:.6g}") for k, value in enumerate(numbers["smallest"]))
        if not self.converged:
            rows.append(("not converged", "not all eigenpairs reached the tolerance"))
        return rows

    def to_latex(self) -> str:
        """A table for a paper: eigenvalues, and how few images hold half of each."""
        rows = [(k + 1, f"{value:.4g}", half)
                for k, (value, half) in enumerate(zip(self._numbers["eigenvalues"], self.half))]
        return latex_table("rrr", ("", "eigenvalue", "images that hold half"), rows)

    def plot(self, axes: Any = None) -> Any:
        """The share of each eigenvalue that the first so many images hold, those that hold most first,
        by matplotlib; gives the axes."""
        axes = axes_or_new(axes)
        for k, shares in enumerate(self.sample_share):
            held, curve = 0.0, []
            for share in sorted((float(each) for each in shares), reverse=True):
                held += share
                curve.append(held)
            axes.plot(range(1, len(curve) + 1), curve, label=f"eigenvalue {k + 1}")
        axes.set_xlabel("images")
        axes.set_ylabel("share of the eigenvalue")
        axes.legend()
        return axes


class Spectrum(Result):
    """Eigenvalues and eigenvectors of the Hessian of the loss with respect to each image."""

    __slots__ = ()

    eigenvalues = array("eigenvalues", "N x (C-1), float64, descending: all that are not zero.")
    eigenvectors = array("eigenvectors",
                         "N x K x input shape, float64, of unit length; zero where the eigenvalue "
                         "vanishes.")
    gradient = array("gradient",
                     "N x (C-1), float64: components of the gradient along all eigenvectors.")

    def _rows(self) -> List[Tuple[str, str]]:
        values = self.eigenvalues
        rows = [("images", str(self._numbers["samples"]))]
        for k in range(min(5, values.shape[1])):
            column = values[:, k]
            rows.append((f"eigenvalue {k + 1}", f"{float(column.mean()):.4g} on average, "
                         f"{float(column.min()):.4g} to {float(column.max()):.4g}"))
        return rows

    def plot(self, axes: Any = None) -> Any:
        """Median and middle half of each eigenvalue over the images, by matplotlib; gives the axes."""
        axes = axes_or_new(axes)
        columns = [sorted(float(each) for each in column) for column in self.eigenvalues.T]
        places = range(1, len(columns) + 1)
        low, middle, high = ([column[int(share * (len(column) - 1))] for column in columns]
                             for share in (0.25, 0.5, 0.75))
        axes.semilogy(places, middle, "o-")
        axes.fill_between(places, low, high, alpha=0.2)
        axes.set_xlabel("eigenvalue")
        axes.set_ylabel("curvature of the loss in the input")
        return axes


class Claim(Result):
    """A claim of the theory put to the test: prediction, measurement and verdict."""

    __slots__ = ()

    @property
    def _claim(self) -> Mapping[str, Any]:
        return self._numbers["claims"][0]

    @property
    def title(self) -> str:
        return self._claim["title"]

    @property
    def verdict(self) -> str:
        """"holds", "partly", "does not hold" or "cannot be tested"."""
        return self._claim["verdicts"][0]["verdict"]

    @property
    def certain(self) -> bool:
        """Whether the verdict is the same whichever way the checks fall that are not certain."""
        return self._claim["verdicts"][0]["certain"]

    @property
    def summary(self) -> str:
        return self._claim["verdicts"][0]["summary"]

    @property
    def checks(self) -> Sequence[Check]:
        return tuple(Check(**each) for each in self._claim["verdicts"][0]["checks"])

    @property
    def numbers(self) -> Mapping[str, Any]:
        """The claim's chapter of results.json."""
        return self.to_dict()["networks"][0][self._claim["id"]]

    def _rows(self) -> List[Tuple[str, str]]:
        surely = "" if self.certain else ", within the uncertainty"
        rows = [("claim", self.title), ("verdict", self.verdict + surely),
                ("summary", self.summary)]
        for check in self.checks:
            value = "unknown" if check.value is None else f"{check.value:.3g}"
            rows.append(("  passed" if check.passed else "  failed",
                         f"{check.what}: {value} {check.relation} {check.threshold:g}"))
        return rows

    def to_latex(self) -> str:
        """A table for a paper: the checks behind the verdict."""
        rows = [(each.what, "unknown" if each.value is None else f"{each.value:.3g}",
                 f"{each.relation} {each.threshold:g}", "passed" if each.passed else "failed")
                for each in self.checks]
        return latex_table("lrrl", ("check", "value", "threshold", ""), rows)


class Paper(Result):
    """The paper's numbered results, each with statistic, threshold, interval and verdict."""

    __slots__ = ()

    @property
    def results(self) -> Sequence[Mapping[str, Any]]:
        """As in results.json: statement, checks, verdict and chart of each."""
        return tuple(self.to_dict()["networks"][0]["paper"]["results"])

    @property
    def verdicts(self) -> Mapping[str, str]:
        """By name: "assumption-1", "assumption-2", "lemma-1", "theorem-1" to "theorem-6",
        "corollary-1"."""
        return {each["name"]: each["verdict"] for each in self.results}

    def _rows(self) -> List[Tuple[str, str]]:
        rows = [("images", str(self._numbers["networks"][0]["paper"]["samples"]))]
        for each in self.results:
            surely = "" if each["certain"] else ", within the uncertainty"
            rows.append((each["number"], f"{each['verdict']}{surely}: {each['title']}"))
        return rows

    def to_latex(self) -> str:
        """A table for a paper about the paper: each result and its verdict."""
        rows = [(each["number"], each["title"], each["verdict"]) for each in self.results]
        return latex_table("lll", ("result", "", "verdict"), rows)


class Paged(Result):
    """What has a page of its own."""

    __slots__ = ()

    def page(self) -> str:
        """The report as one HTML document, which needs no network."""
        return _core.report_page(self._text)

    def save(self, path: Union[str, "os.PathLike[str]"]) -> None:
        """Writes the page to a file. Raises OSError where that fails."""
        with open(path, "w", encoding="utf-8") as file:
            file.write(self.page())

    def _repr_html_(self) -> str:
        # Some notebooks forbid frames, or their scripts: the table is all that is seen there.
        page = html.escape(self.page(), quote=True)
        return (f"{super()._repr_html_()}<p>The report itself, where this notebook runs its scripts; "
                '<code>.save("report.html")</code> writes it to a file:</p>'
                f'<iframe srcdoc="{page}" style="width:100%;height:800px;border:0"></iframe>')


class Report(Paged):
    """Everything about a network and its data: claims, findings and advice, and a page of them."""

    __slots__ = ()

    @property
    def verdicts(self) -> Mapping[str, str]:
        """Of the claims: "dynamics", "influence" and "curvature"."""
        return {claim["id"]: claim["verdicts"][0]["verdict"] for claim in self._numbers["claims"]}

    @property
    def findings(self) -> Mapping[str, str]:
        """Verdicts of the earlier findings by their names."""
        return {each["name"]: each["verdict"] for each in self._numbers["findings"]}

    @property
    def advice(self) -> Tuple[Tuple[str, str], ...]:
        """Action and evidence, the most severe first."""
        return tuple((each["action"], each["evidence"])
                     for each in self._numbers["networks"][0]["advice"])

    def _rows(self) -> List[Tuple[str, str]]:
        network = self._numbers["networks"][0]
        accuracy = network["accuracy"]
        rows = [("network", network["architecture"])]
        for key in "clean", "robust":
            share = {name: accuracy[key][name] for name in Share._fields}
            rows.append((f"{key} accuracy", str(Share(**share))))
        for claim in self._numbers["claims"]:
            rows.append((f"claim {claim['number']} {claim['verdicts'][0]['verdict']}",
                         claim["verdicts"][0]["summary"]))
        rows.extend((f"  {name}", verdict) for name, verdict in self.findings.items())
        rows.extend((f"advice {k + 1}", f"{action}. {evidence}")
                    for k, (action, evidence) in enumerate(self.advice))
        return rows
