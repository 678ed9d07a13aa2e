"""Attacks: as values that functions take."""

from __future__ import annotations

import dataclasses
from typing import Any, Dict, Optional


class Attack:
    """An attack with its options, for ``attack=`` of the functions."""

    def words(self) -> Dict[str, Any]:
        """As keyword arguments spell it."""
        values = dataclasses.asdict(self)  # type: ignore[call-overload]
        return {"attack": type(self).__name__.lower(),
                **{key: value for key, value in values.items() if value is not None}}


@dataclasses.dataclass(frozen=True)
class PGD(Attack):
    """Projected gradient ascent (Madry et al. 2018) in a ball of radius ``eps``, pixels in [0, 1].

    ``norm``: "linf", "l2" or "l1". ``eps``: as of the function if it is left out. ``step_size``:
    2.5 eps / steps if it is left out.

    >>> rl.evaluate(net, images, labels, attack=rl.PGD("l2", 0.5, steps=10)).attack
    'pgd, l2, epsilon 0.5, 10 steps, step size 0.125, random start'
    """

    norm: str = "linf"
    eps: Optional[float] = None
    steps: int = 20
    step_size: Optional[float] = None
    restarts: int = 1
    loss: str = "cross-entropy"


@dataclasses.dataclass(frozen=True)
class FGSM(Attack):
    """The fast gradient sign method (Goodfellow et al. 2015): one step of ``eps`` in L-infinity."""

    eps: float = 0.05
    loss: str = "cross-entropy"

    def words(self) -> Dict[str, Any]:
        return {**super().words(), "norm": "linf"}  # some functions have another one by default


@dataclasses.dataclass(frozen=True)
class Raw(Attack):
    """The attack of the theory: ``steps`` gradient steps of total strength ``beta``, without ball or
    box."""

    beta: float = 1.0
    steps: int = 20
    loss: str = "cross-entropy"
