"""The diagnosis of a training that goes on in PyTorch."""

from __future__ import annotations

import json
import math
import time
from typing import Any, Dict, List, Optional, Sequence, Tuple, Union

from . import _arrays, _core
from ._attacks import Attack
from ._figures import axes_or_new
from ._measure import in_words
from ._network import Network, note
from ._torch import from_torch, own_parameter


def parameters_of(network: Network, module: Any) -> List[Tuple[Any, bool]]:
    """The module's own tensors in the order of the network's parameters, and whether each is the other
    way round. Raises ValueError where the network's are made of them."""
    if network.folded:
        raise ValueError(f"{network.name}: a constant is added to {network.folded[0]}; modules whose weights "
                         "are theirs can be watched")
    known = dict(module.named_parameters())
    found = []
    for name in network.parameter_names:
        parameter = own_parameter(known, name)
        if parameter is None:
            raise ValueError(f"{network.name}: {name} is computed from the module's parameters; modules "
                             "whose weights are theirs can be watched")
        found.append((parameter, name not in known))
    return found


def critical_of(optimizer: Any, parameters: Sequence[Any]) -> Tuple[Optional[float], str]:
    """What learning rate times the largest curvature may not exceed, for the oscillation along it not to grow, or
    None and why that is not known. It is known of ``torch.optim.SGD`` where all of the module's
    ``parameters`` take the same step. Weight decay, which adds itself to every curvature, is not counted.

    With x' = x - rate v', v' = momentum v + (1 - dampening) curvature x the smallest root reaches -1 at
    2 (1 + momentum) / (1 - dampening), and with Nesterov's step, x' = x - rate (curvature x + momentum v'), at
    2 (1 + momentum) / (1 + 2 momentum)."""
    import torch

    optimizer = getattr(optimizer, "optimizer", optimizer)  # where another is wrapped around it
    if any(group.get("maximize", False) for group in optimizer.param_groups):
        raise ValueError("the optimizer maximizes; a training that descends can be watched")
    if type(optimizer) is not torch.optim.SGD:
        return None, f"{type(optimizer).__name__} is not torch.optim.SGD"
    steps = {tuple(group[key] for key in ("lr", "momentum", "dampening", "nesterov"))
             for group in optimizer.param_groups}
    if len(steps) > 1:
        return None, "its groups of parameters take different steps"
    moved = {id(each) for group in optimizer.param_groups for each in group["params"] if each.requires_grad}
    if moved != {id(each) for each in parameters}:
        return None, "it does not move the same parameters as the curvature is of, all of the module's"
    _, momentum, dampening, nesterov = steps.pop()
    if momentum >= 1 or (momentum > 0 and dampening >= 1):
        return None, f"its momentum is {momentum:g} and its dampening {dampening:g}"
    if momentum == 0:
        return 2.0, ""  # without it dampening does nothing
    if nesterov:
        return 2 * (1 + momentum) / (1 + 2 * momentum), ""
    return 2 * (1 + momentum) / (1 - dampening), ""


SHARE = 0.01  # of the loop's time that watching may take where nothing else is said
FOLLOWED = 16  # updates before a line there
LONGEST = 60.0  # seconds that count as one step: what takes longer is a pause


class Watch:
    """Watches a training loop: how near its learning rate is to the critical one, whether the
    parameters oscillate, and along which directions.

    Called after each step of the optimizer. A line, whose keys docs/results.md explains ("diagnosis"),
    costs as much as some dozens of steps: the curvatures are asked on the probe images, under the
    training's ``attack``. So lines come as often as one hundredth of the loop's time allows, the first
    at the first step, and the 16 updates before one are followed. With ``every`` they come every so
    many steps, and at 1, 2, 4, ... before, whatever that costs, and all updates are followed, as
    ``reluctance train --diagnose`` does. ``print(watch)`` shows the cost.

    The learning rate is that of the optimizer's first group, at each line. A critical rate is known of
    ``torch.optim.SGD`` where it moves all parameters of the module alike; the lines of others (Adam scales each
    parameter's step by itself, a frozen layer has curvature and no step) have curvatures and oscillation, with None
    for ``critical`` and ``critical_rate``, and a note says why. Weight decay is not counted. ``file``: a path that lines are
    appended to as JSON. ``writer``: of ``torch.utils.tensorboard``, which gets the numbers as scalars.
    Batch normalisation must be in evaluation mode: with the statistics of each batch, a sample's loss
    is no function of that sample alone, and has no curvature to ask for.

    Raises ValueError for a module that cannot be watched.

    >>> import torch
    >>> module = torch.nn.Sequential(torch.nn.Linear(64, 16), torch.nn.ReLU(), torch.nn.Linear(16, 10))
    >>> optimizer = torch.optim.SGD(module.parameters(), lr=0.1, momentum=0.9)
    >>> x, y = torch.from_numpy(images).flatten(1), torch.from_numpy(labels)
    >>> watch = rl.Watch(module, x[:50], y[:50], attack=rl.PGD("l2", 0.2, steps=5), every=10)
    >>> for _ in range(10):
    ...     optimizer.zero_grad()
    ...     torch.nn.functional.cross_entropy(module(x), y).backward()
    ...     optimizer.step()
    ...     watch(optimizer)
    >>> [line["step"] for line in watch.lines], watch.lines[-1]["critical"]
    ([1, 2, 4, 8, 10], 3.8)
    """

    def __init__(self, module: Any, images: Any, labels: Any, *, attack: Union[str, Attack] = "none",
                 every: Optional[int] = None, top: int = 3, norm: str = "l2", eps: float = 0.5,
                 steps: Optional[int] = None, step_size: Optional[float] = None,
                 beta: Optional[float] = None, loss: Optional[str] = None, file: Any = None,
                 writer: Any = None, seed: int = 0, threads: int = 0) -> None:
        self._module = module
        self._require_frozen()
        self._network = from_torch(module, images[:1])
        self._file = file
        self._writer = writer
        self._said = 0
        self._words = in_words(attack, {"norm": norm, "eps": eps, "steps": steps,
                                        "step_size": step_size, "beta": beta, "loss": loss},
                               {"norm": "l2", "eps": 0.5})
        self._words.update(top=top, seed=seed, threads=threads)
        if every is not None:
            self._words["every"] = every
        self._parameters = parameters_of(self._network, module)
        self._images, self._labels = images, labels
        self._core: Any = None
        self._why = ""  # no critical rate is known, as was said last
        self._left = 0.0  # when the last call ended
        self._elapsed = 0.0  # seconds between the calls
        self._spent = 0.0  # seconds in the calls
        self._cost = 0.0  # seconds of the dearest line so far
        self._to_follow = 1  # updates before the next line, which is due after the last of them
        self._skipped = 0  # updates since the last one that was followed

    def __call__(self, optimizer: Any) -> None:
        """After a step of the optimizer."""
        self._require_frozen()
        begin = time.perf_counter()
        if self._core is not None:
            self._elapsed += min(begin - self._left, LONGEST)
        try:
            self._after_step(optimizer)
        finally:
            self._left = time.perf_counter()
            self._spent += self._left - begin

    def _after_step(self, optimizer: Any) -> None:
        if self._core is None:
            self._core = _core.Watch(self._network._core, _arrays.take(self._images, "images"),
                                     _arrays.take(self._labels, "labels"), self._words)
            note(self._core.notes, "arrays", 3)
        words = {"threads": self._words["threads"]}
        if "every" not in self._words:
            if self._to_follow == 0 and self._spent + self._cost <= SHARE * self._elapsed:
                self._to_follow = FOLLOWED
            if self._to_follow == 0:
                self._skipped += 1
                return
            self._to_follow -= 1
            words.update(ask=self._to_follow == 0, skipped=self._skipped)
            self._skipped = 0
        critical, why = critical_of(optimizer, [each for each, _ in self._parameters])
        if why != self._why:
            self._why = why
            if why:
                note([f"no critical rate is known of this optimizer: {why}"], "watch", 3)
        if critical is not None:
            words["critical"] = critical
        now = [_arrays.take(p.t() if turned else p, "parameter") for p, turned in self._parameters]
        begin = time.perf_counter()
        if self._core.after_step(now, float(optimizer.param_groups[0]["lr"]), words):
            self._cost = max(self._cost, time.perf_counter() - begin)
            self._tell()

    def _require_frozen(self) -> None:
        for name, each in self._module.named_modules():
            if each.training and getattr(each, "running_mean", None) is not None:
                raise ValueError(f"{type(self._module).__name__}: {name} is in training mode, where the "
                                 "statistics change with every batch; call its eval() to freeze them")

    def _tell(self) -> None:
        text = self._core.lines[self._said :]
        self._said += len(text)
        if self._file is not None:
            with open(self._file, "a", encoding="utf-8") as file:
                file.write(text)
        if self._writer is None:
            return
        for line in map(json.loads, text.splitlines()):
            for key, value in {**line, **line["rate_times_curvature"]}.items():
                if isinstance(value, (int, float)) and key != "step":
                    self._writer.add_scalar(f"reluctance/{key}", value, line["step"])

    @property
    def lines(self) -> List[Dict[str, Any]]:
        """One for each time that the curvatures were asked."""
        return [json.loads(line) for line in (self._core.lines if self._core else "").splitlines()]

    @property
    def seconds(self) -> float:
        """What watching has cost so far."""
        return self._spent

    @property
    def share(self) -> float:
        """The same over the time that the loop took beside it."""
        return self._spent / self._elapsed if self._elapsed > 0 else math.inf

    def plot(self, axes: Any = None) -> Any:
        """Learning rate over critical rate, of three curvatures, step by step, by matplotlib; gives the
        axes. From 1 on the largest oscillation grows. Raises ValueError where no critical rate is known."""
        if self.lines and all(line["critical"] is None for line in self.lines):
            raise ValueError("no critical rate is known of this optimizer; watch.lines has the curvatures")
        axes = axes_or_new(axes)
        for key in ("hessian", "hessian_adversarial", "effective"):
            known = [(line["step"], line["rate_times_curvature"][key] / line["critical"])
                     for line in self.lines
                     if line["critical"] is not None and line["rate_times_curvature"][key] is not None]
            axes.semilogx([step for step, _ in known], [share for _, share in known], "o-",
                          label=key.replace("_", ", "))
        axes.axhline(1.0, linestyle=":")
        axes.set_xlabel("step")
        axes.set_ylabel("learning rate / critical rate")
        axes.legend()
        return axes

    def __repr__(self) -> str:
        cost = f"{self._spent:.1f} s, {100 * self.share:.2f}% of the loop's {self._elapsed:.1f} s"
        return f"<reluctance.Watch {self._network.name}: {len(self.lines)} lines, {cost}>"
