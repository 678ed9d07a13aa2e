"""What trains networks: ``train`` of the command line without its files, and the earlier findings."""

from __future__ import annotations

import os
import tempfile
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple, Union

from . import _core
from ._attacks import Attack
from ._claim_results import Paged
from ._figures import axes_or_new, latex_table
from ._measure import call, held, in_words, with_command
from ._network import Network, note
from ._progress import Progress
from ._results import Check, Result


class Training(Result):
    """A training and the network at its end."""

    __slots__ = ()

    @property
    def network(self) -> Network:
        """At the end; its parameters have the names of the one that was given."""
        return self._arrays["network"]

    @property
    def arrays(self) -> Dict[str, Any]:
        """The parameters of the network by their names."""
        return self.network.parameters()

    @property
    def metrics(self) -> List[Dict[str, Any]]:
        """Of each epoch: "epoch", "step", "learning_rate", "loss" and "accuracy", as trained on."""
        return self.to_dict()["metrics"]

    @property
    def diagnosis(self) -> List[Dict[str, Any]]:
        """Lines as of :attr:`Watch.lines`, where ``diagnose`` asked for them."""
        return self.to_dict()["diagnosis"]

    def plot(self, axes: Any = None) -> Any:
        """Loss over epochs, by matplotlib; gives the axes."""
        axes = axes_or_new(axes)
        axes.plot([each["epoch"] for each in self.metrics], [each["loss"] for each in self.metrics])
        axes.set_xlabel("epoch")
        axes.set_ylabel("loss, as trained on")
        return axes

    def __reduce__(self) -> Any:
        raise TypeError("a Training is not pickled; save its network with .network.save(path)")

    def _rows(self) -> List[Tuple[str, str]]:
        return [("network", repr(self.network))] + [
            (f"epoch {each['epoch']}", f"loss {each['loss']:.4g}, accuracy {100 * each['accuracy']:.2f}%")
            for each in self.metrics]


class Findings(Paged):
    """Earlier findings about adversarial training, as predictions that were put to the test."""

    __slots__ = ()

    @property
    def verdicts(self) -> Mapping[str, str]:
        """By name: "holds", "partly", "does not hold" or "cannot be tested"."""
        return {each["name"]: each["verdict"] for each in self._numbers["findings"]}

    @property
    def summaries(self) -> Mapping[str, str]:
        """By name, in words."""
        return {each["name"]: each["summary"] for each in self._numbers["findings"]}

    @property
    def checks(self) -> Mapping[str, Sequence[Check]]:
        """By name: numbers against their thresholds."""
        return {each["name"]: tuple(Check(**check) for check in each["checks"])
                for each in self._numbers["findings"]}

    def to_latex(self) -> str:
        """A table for a paper: each finding and its verdict."""
        rows = [(each["title"], each["verdict"]) for each in self._numbers["findings"]]
        return latex_table("ll", ("finding", "verdict"), rows)

    def _rows(self) -> List[Tuple[str, str]]:
        return [(name, f"{verdict}. {self.summaries[name]}") for name, verdict in self.verdicts.items()]


def new_network(arch: str = "mlp", input_shape: Sequence[int] = (1, 28, 28), classes: int = 10, *,
                hidden: Optional[Sequence[int]] = None, width: Optional[int] = None,
                seed: int = 0) -> Network:
    """A network with weights drawn for a seed: ``arch`` is "linear", "mlp", "cnn", "lenet", "vgg11" or
    "resnet18". ``hidden`` (256, 256, 256): widths of the hidden layers of mlp; ``width`` (64): channels
    of the first stage of vgg11 and resnet18. Raises ValueError for an unknown name, or an input that
    the architecture cannot take.

    >>> rl.new_network("mlp", (1, 8, 8), hidden=[32])
    <reluctance.Network mlp: 1 x 8 x 8 - 32 - 10, ReLU>
    """
    words = {"hidden": hidden, "width": width, "seed": seed}
    core = _core.new_network(arch, list(input_shape), classes,
                             {key: value for key, value in words.items() if value is not None})
    with tempfile.TemporaryDirectory() as folder:  # for the names that its file would have
        path = os.path.join(folder, "model.onnx")
        core.save(path)
        with open(path, "rb") as file:
            return Network(_core.load_bytes(file.read(), arch, "", {}))


def train(network: Network, images: Any, labels: Any, *, attack: Union[str, Attack] = "none",
          norm: str = "linf", eps: Optional[float] = None, steps: int = 7,
          step_size: Optional[float] = None, restarts: Optional[int] = None,
          beta: Optional[float] = None, loss: Optional[str] = None, carry: bool = False, crop: int = 0,
          flip: bool = False, epochs: int = 5, batch_size: int = 128, lr: float = 0.05,
          momentum: float = 0.9, weight_decay: float = 5e-4, label_smoothing: float = 0.0, schedule: str = "cosine", diagnose: int = 0,
          scale: Optional[float] = None, seed: int = 0, threads: int = 0,
          memory: Optional[float] = None, progress: Progress = None) -> Training:
    """Plain or adversarial training by stochastic gradient descent with momentum, of a network as it
    is or of a :func:`new_network`. The one that is given stays as it is.

    ``attack``: "none", "pgd", "fgsm" or "raw". ``carry``: it starts where the last one on an image
    ended. ``crop``: zeros put around each image, out of which one of its size is cut at random in
    each epoch; ``flip``: half of the images are mirrored. ``loss``: what training descends and its
    attack climbs, "cross-entropy" or "squared-error". ``schedule``: "constant", "cosine" or "steps".
    ``diagnose``: lines of :attr:`Training.diagnosis` every so many steps, on the first 512 images.
    Where it is interrupted nothing is kept: ``reluctance train`` writes checkpoints. Images, labels
    and the rest as of :func:`evaluate`.

    Raises ValueError for bad input, and RuntimeError if the loss stops being finite.

    >>> trained = rl.train(rl.new_network("mlp", (1, 8, 8), hidden=[32]), images, labels, epochs=20)
    >>> trained.metrics[-1]["accuracy"] > trained.metrics[0]["accuracy"]
    True
    >>> rl.evaluate(trained.network, images, labels, attack="fgsm").clean.samples
    100
    """
    words = in_words(attack, {"norm": norm, "eps": eps, "steps": steps, "step_size": step_size,
                              "restarts": restarts, "beta": beta, "loss": loss},
                     {"norm": "linf", "steps": 7})
    words.update(carry=carry or None, crop=crop, flip=flip or None, epochs=epochs,
                 batch_size=batch_size, lr=lr, momentum=momentum, weight_decay=weight_decay,
                 label_smoothing=label_smoothing, schedule=schedule, diagnose=diagnose, scale=scale, seed=seed, threads=threads, memory=memory)
    core, document, notes = call(_core.train, held(network), images, labels,
                                 with_command("train", words), progress)
    note(notes, "arrays", 2)
    return Training(document, {"network": Network(core)})


def findings(network: Optional[Network], images: Any, labels: Any, *,
             only: Optional[Sequence[str]] = None, repetitions: int = 5,
             scale: Optional[float] = None, seed: int = 0, threads: int = 0,
             memory: Optional[float] = None, progress: Progress = None) -> Findings:
    """Claim 4: earlier findings about adversarial training, each put to the test. The last third of
    the images is kept apart from trainings.

    ``network``: the one at hand; None for a small one that is trained adversarially on the images.
    ``only``: these findings alone, by their names (``reluctance findings --list``); most train networks
    of their own, ``repetitions`` of each kind, which takes minutes. Images, labels and the rest as of
    :func:`evaluate`.

    >>> found = rl.findings(net, images, labels, only=["few-directions"])
    >>> found.verdicts["few-directions"] in ("holds", "partly", "does not hold", "cannot be tested")
    True
    """
    words: Dict[str, Any] = {"only": only, "repetitions": repetitions, "scale": scale, "seed": seed,
                             "threads": threads, "memory": memory}
    core = None if network is None else held(network)
    document, notes = call(_core.findings, core, images, labels, with_command("findings", words),
                           progress)
    note(notes, "arrays", 2)
    return Findings(document, {})
