"""What the functions return: small objects that do not change."""

from __future__ import annotations

import html
import json
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Tuple

from ._figures import axes_or_new, latex_table


class Share(NamedTuple):
    """A share of images with its 95% Wilson score interval."""

    value: float
    low: float
    high: float
    samples: int

    def __str__(self) -> str:
        return (f"{100 * self.value:.2f}% ({100 * self.low:.2f} to {100 * self.high:.2f}, "
                f"{self.samples} images)")


class Quantiles(NamedTuple):
    """Over images, of the values that are finite."""

    q05: float
    q25: float
    median: float
    q75: float
    q95: float

    def __str__(self) -> str:
        return f"{self.median:.3g} (middle half {self.q25:.3g} to {self.q75:.3g})"


class Stage(NamedTuple):
    """One attack of an evaluation: images it attacked, and the share of all that stand after it."""

    name: str
    attacked: int
    robust: Share
    seconds: float
    forward_passes: int
    backward_passes: int


class Flag(NamedTuple):
    """A sign that a robust accuracy is not to be trusted: what was seen, and what to do."""

    name: str
    message: str


class Check(NamedTuple):
    """A number against a threshold that was fixed before any run; ``low`` and ``high`` are the ends
    of its 95% interval where one is known."""

    what: str
    value: Optional[float]
    low: Optional[float]
    high: Optional[float]
    relation: str
    threshold: float
    passed: bool
    certain: bool


def quantiles(numbers: Optional[Mapping[str, float]]) -> Optional[Quantiles]:
    return Quantiles(**numbers) if numbers is not None else None


class Result:
    """The numbers of a call as attributes; arrays are of the library that the images came in."""

    __slots__ = ("_text", "_numbers", "_arrays")
    _arrays: Dict[str, Any]
    _numbers: Dict[str, Any]

    def __init__(self, document: str, arrays: Dict[str, Any]) -> None:
        object.__setattr__(self, "_text", document)
        object.__setattr__(self, "_numbers", json.loads(document))
        object.__setattr__(self, "_arrays", arrays)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"a {type(self).__name__} does not change")

    def __reduce__(self) -> Any:
        return type(self), (self._text, self._arrays)

    def to_dict(self) -> Dict[str, Any]:
        """Everything but the arrays, as ``--json`` of the command line writes it (docs/results.md):
        with program, seed, threads, device, time and a checksum of the data."""
        return json.loads(self._text)

    @property
    def arrays(self) -> Dict[str, Any]:
        """All arrays by their names, as ``--save`` of the command line writes them."""
        return dict(self._arrays)

    def _rows(self) -> List[Tuple[str, str]]:
        """What a person reads: a word and its value."""
        raise NotImplementedError

    def table(self) -> str:
        """What a person reads, a line each."""
        rows = self._rows()
        width = max(len(word) for word, _ in rows)
        return "\n".join(f"{word.ljust(width)}  {value}" for word, value in rows)

    def __repr__(self) -> str:
        return f"<reluctance.{type(self).__name__}>\n{self.table()}"

    def _repr_html_(self) -> str:
        rows = "".join(
            f'<tr><th style="text-align:left">{html.escape(word)}</th>'
            f'<td style="text-align:left">{html.escape(value)}</td></tr>'
            for word, value in self._rows()
        )
        return f"<table>{rows}</table>"


def array(name: str, doc: str) -> property:
    """An array of a result, by its name in ``arrays``."""
    return property(lambda self: self._arrays[name], doc=doc)


class Evaluation(Result):
    """Clean and robust accuracy, whether to trust it, and the adversarial examples."""

    __slots__ = ()

    @property
    def attack(self) -> str:
        """What was run, with its values."""
        return self._numbers["attack"]

    @property
    def clean(self) -> Share:
        """Images that are answered right."""
        return Share(**self._numbers["clean"])

    @property
    def robust(self) -> Share:
        """Images that stand against all attacks."""
        return Share(**self._numbers["robust"])

    @property
    def interval(self) -> Tuple[float, float]:
        """Of the robust accuracy: 95%."""
        return self.robust.low, self.robust.high

    @property
    def stages(self) -> Tuple[Stage, ...]:
        return tuple(Stage(**{**each, "robust": Share(**each["robust"])})
                     for each in self._numbers["stages"])

    @property
    def bound(self) -> Optional[float]:
        """By how much lower the published ensemble would have ended at most, at 95%: what the audit
        of the attack "standard" says."""
        audit = self._numbers["audit"]
        return audit["bound"] if audit else None

    @property
    def warnings(self) -> Tuple[Flag, ...]:
        return tuple(Flag(**each) for each in self._numbers["warnings"])

    adversarial = array("adversarial",
                        "N x shape of the images: the image itself where none is known.")
    success = array("success",
                    "N booleans: the network answers wrong on ``adversarial``, or as the target.")
    felled_by = array("felled_by",
                      "N int64: index into ``stages``; -1 stands, -2 answered wrong from the "
                      "start.")
    target = array("target", "N int64: the class that was aimed at, or -1.")
    index = array("index",
                  "N int64: place among the images that were given; with a target, those of it are "
                  "left out.")
    distance = array("distance", "N: norm of the perturbation.")
    logits = array("logits", "N x classes, of ``adversarial``.")

    def _rows(self) -> List[Tuple[str, str]]:
        rows = [("clean accuracy", str(self.clean))]
        for stage in self.stages:
            rows.append((f"  after {stage.name}", f"{100 * stage.robust.value:.2f}%  {stage.attacked} "
                         f"images attacked, {stage.seconds:.1f} s"))
        if self._numbers["success"]:
            rows.append(("success rate", f"{Share(**self._numbers['success'])}  {self.attack}"))
        else:
            rows.append(("robust accuracy", f"{self.robust}  {self.attack}"))
        if self.bound is not None:
            rows.append(("  published ensemble", f"at most {100 * self.bound:.2f} points lower (95%)"))
        rows.extend((f"warning ({flag.name})", flag.message) for flag in self.warnings)
        return rows

    def to_latex(self) -> str:
        """A table for a paper: attacks, images attacked, and accuracies in percent after each."""
        rows = [("none", self.clean.samples, f"{100 * self.clean.value:.2f}")]
        rows.extend((each.name, each.attacked, f"{100 * each.robust.value:.2f}") for each in self.stages)
        return latex_table("lrr", ("attack", "images", "accuracy (%)"), rows)


class Distances(Result):
    """How far the nearest known adversarial examples are, and robust accuracy over all budgets."""

    __slots__ = ()

    @property
    def norm(self) -> str:
        return self._numbers["norm"]

    @property
    def curve(self) -> Tuple[Tuple[float, Share], ...]:
        """Budgets from 0 in equal steps to where almost no image stands, and robust accuracies."""
        return tuple((point["budget"], Share(**point["robust"])) for point in self._numbers["curve"])

    adversarial = array("adversarial",
                        "N x shape of the images: the image itself where none was found.")
    distance = array("distance",
                     "N, float64: upper bounds; 0 where the answer is wrong, infinity where none "
                     "was found.")

    def _rows(self) -> List[Tuple[str, str]]:
        return [(f"budget ({self.norm}) {budget:.4g}", str(robust)) for budget, robust in self.curve[::4]]

    def to_latex(self) -> str:
        """A table for a paper: budgets and robust accuracies in percent with their intervals."""
        rows = [(f"{budget:.4g}", f"{100 * share.value:.2f}", f"{100 * share.low:.2f} to {100 * share.high:.2f}")
                for budget, share in self.curve[::4]]
        return latex_table("rrr", (f"budget ({self.norm})", "accuracy (%)", "95% interval"), rows)

    def plot(self, axes: Any = None) -> Any:
        """Robust accuracy over budgets, by matplotlib; gives the axes."""
        axes = axes_or_new(axes)
        budgets = [budget for budget, _ in self.curve]
        shares = [robust for _, robust in self.curve]
        axes.plot(budgets, [share.value for share in shares])
        axes.fill_between(budgets, [s.low for s in shares], [s.high for s in shares], alpha=0.2)
        axes.set_xlabel(f"budget ({self.norm})")
        axes.set_ylabel("robust accuracy")
        return axes
