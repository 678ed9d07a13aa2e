"""The diagnosis of a training that goes on in PyTorch."""

from __future__ import annotations

import json
from typing import Any, Dict, List, Optional, Union

from . import _arrays, _core
from ._attacks import Attack
from ._measure import in_words
from ._network import note
from ._torch import from_torch


class Watch:
    """Watches a training loop: how near its learning rate is to the critical one, whether the
    parameters oscillate, and along which directions.

    Called after each step of the optimizer, it follows the update; every ``every`` steps, and at 1,
    2, 4, ... before, it asks for the curvatures on the probe images under the training's ``attack``
    and adds a line to :attr:`lines`, whose keys docs/results.md explains ("diagnosis"). Learning
    rate and momentum are the optimizer's first group's. ``file``: a path that lines are appended to
    as JSON. ``writer``: of ``torch.utils.tensorboard``, which gets the numbers as scalars. Batch
    normalisation must be in evaluation mode: with the statistics of each batch, a sample's loss
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
                 every: int = 100, top: int = 3, norm: str = "l2", eps: float = 0.5,
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
        self._words.update(every=every, top=top, seed=seed, threads=threads)
        if self._network.folded:
            raise ValueError(f"{self._network.name}: a constant is added to {self._network.folded[0]}; "
                             "modules whose weights are theirs can be watched")
        known = dict(module.named_parameters())
        self._parameters = []
        for name in self._network.parameter_names:
            parameter = known.get(name, known.get(name[: -len(".T")]))
            if parameter is None:
                raise ValueError(f"{self._network.name}: {name} is computed from the module's "
                                 "parameters; modules whose weights are theirs can be watched")
            self._parameters.append((parameter, name not in known))
        self._images, self._labels = images, labels
        self._core: Any = None

    def __call__(self, optimizer: Any) -> None:
        """After a step of the optimizer."""
        self._require_frozen()
        group = optimizer.param_groups[0]
        if self._core is None:
            momentum = group.get("momentum", 0.0)
            self._core = _core.Watch(self._network._core, _arrays.take(self._images, "images"),
                                     _arrays.take(self._labels, "labels"),
                                     {**self._words, "momentum": momentum})
            note(self._core.notes, "arrays", 2)
        now = [_arrays.take(p.t() if turned else p, "parameter") for p, turned in self._parameters]
        words = {"threads": self._words["threads"]}
        if self._core.after_step(now, float(group["lr"]), words):
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
        """What asking has cost so far."""
        return sum(line["seconds"] for line in self.lines)
