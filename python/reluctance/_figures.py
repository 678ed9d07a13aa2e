"""Tables and pictures for papers."""

from __future__ import annotations

from typing import Any, List, Sequence

_SPECIAL = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
            "<": r"\textless{}", ">": r"\textgreater{}", **{each: "\\" + each for each in "&%$#_{}"}}


def latex_text(text: Any) -> str:
    return "".join(_SPECIAL.get(each, each) for each in str(text))


def latex_table(columns: str, head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A tabular environment; ``columns`` aligns them ("lrr")."""
    lines: List[str] = [rf"\begin{{tabular}}{{{columns}}}"]
    lines.append(" & ".join(map(latex_text, head)) + r" \\ \hline")
    lines.extend(" & ".join(map(latex_text, row)) + r" \\" for row in rows)
    return "\n".join([*lines, r"\end{tabular}"])


def axes_or_new(axes: Any) -> Any:
    """The axes, or matplotlib's current ones."""
    if axes is not None:
        return axes
    try:
        import matplotlib.pyplot
    except ImportError as error:
        raise ImportError("pictures need matplotlib: install python3-matplotlib (Debian), or "
                          "matplotlib by pip") from error
    return matplotlib.pyplot.gca()
