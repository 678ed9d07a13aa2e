"""The commands of the command line as functions, in its words and with its defaults."""

from __future__ import annotations

import functools
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple, Union

from . import _arrays, _core
from ._network import Network, note
from ._progress import Progress, receiver
from ._results import Distances, Evaluation
from ._attacks import Attack
from ._claim_results import Claim, Curvature, Dynamics, Influence, Paper, Report, Spectrum

Words = Dict[str, Any]


def in_words(attack: Union[str, Attack, None], values: Words, usual: Words) -> Words:
    """The attack and what was said of it: an option that has its usual value was not written."""
    written = {key: value for key, value in values.items()
               if value is not None and not (key in usual and usual[key] == value)}
    if isinstance(attack, type) and issubclass(attack, Attack):
        raise ValueError(f"attack: {attack.__name__} is a class; write {attack.__name__}()")
    if isinstance(attack, Attack):
        if written:
            raise ValueError(f"{next(iter(written))} belongs into {attack!r}")
        return attack.words()
    return written if attack is None else {"attack": attack, **written}


class _Box(Dict[str, Any]):
    """Arrays of a box by their names; shown without their numbers."""

    def __repr__(self) -> str:
        return "{" + ", ".join(f"{name!r}: ..." for name in self) + "}"


def box_of(box: Any) -> Any:
    """The box of ``box=``: two numbers or arrays, a mapping, or what --box takes."""
    if box is None or isinstance(box, str):
        return box
    if not isinstance(box, Mapping):
        if not isinstance(box, (tuple, list)) or len(box) != 2:
            raise ValueError(f"box: {box!r} is neither (low, high) nor a mapping of low, high, eps and fixed")
        box = dict(zip(("low", "high"), box))
    return _Box((name, _arrays.take(array, f"box: {name}")) for name, array in box.items())


def held(network: Network) -> _core.Network:
    """What the extension holds of a network."""
    if not isinstance(network, Network):
        raise ValueError(f"the network is a {type(network).__name__}; reluctance.load and "
                         "reluctance.from_torch make what is needed")
    return network._core


def call(job: Callable[..., Any], network: Optional[_core.Network], images: Any, labels: Any,
         words: Words, progress: Progress) -> Any:
    """What the extension's ``job`` gives for a network and data, told of progress."""
    words = {key: value for key, value in words.items() if value is not None}
    with receiver(progress) as told:
        if told is not None:
            words["progress"] = told
        return job(network, _arrays.take(images, "images"), _arrays.take(labels, "labels"), words)


def with_command(function: str, words: Words) -> Words:
    """The words that were written, and as what they are written down."""
    written = {key: value for key, value in words.items() if value is not None}
    shown = ", ".join(f"{key}={value!r}" for key, value in written.items())
    return {**written, "command": f"reluctance.{function}({shown})"}


def note_of_reach(words: Words) -> List[str]:
    """What is said of a ball that holds every image of pixels, as of one in grey levels."""
    eps = words.get("eps")
    if words.get("box") is not None or str(words.get("norm", "linf")).lower() != "linf":
        return []
    if not isinstance(eps, (int, float)) or eps <= 1:
        return []
    return [f"eps {eps:g} reaches every image: pixels lie in [0, 1], and {eps:g} grey levels are {eps:g} / 255"]


def ask(job: str, network: Network, images: Any, labels: Any, words: Words,
        progress: Progress) -> Tuple[str, Dict[str, Any]]:
    document, arrays, notes = call(functools.partial(_core.ask, job), held(network), images, labels,
                                   with_command(job, words), progress)
    note([*notes, *note_of_reach(words)], "arrays", 3)
    return document, {name: _arrays.give(array, images) for name, array in arrays.items()}


def evaluate(network: Network, images: Any, labels: Any, *, attack: Union[str, Attack] = "standard",
             norm: str = "linf", eps: Optional[float] = None, steps: Optional[int] = None,
             step_size: Optional[float] = None, restarts: Optional[int] = None,
             beta: Optional[float] = None, loss: Optional[str] = None,
             target: Optional[int] = None, audit: Optional[float] = None, scale: Optional[float] = None,
             box: Any = None, seed: int = 0, threads: int = 0, memory: Optional[float] = None,
             progress: Progress = None) -> Evaluation:
    """Clean and robust accuracy, and whether to trust them.

    ``images``: N x C x H x W, N x H x W or N x n, floating point in [0, 1], uint8, or any numbers
    from 0 to ``scale``. ``labels``: N whole numbers of any type. ``eps`` (0.05, in
    L1 12) and ``step_size`` are for pixels in [0, 1]. ``attack``: "standard" spends effort where it pays and ends in an audit of at
    most ``audit`` (1) points; "autoattack" is the published ensemble (Croce and Hein 2020); also
    "malt", "apgd-ce", "apgd-dlr", "apgd-t", "fab-t", "square", "pgd", "fgsm" and "raw", or one of
    :class:`PGD`, :class:`FGSM`, :class:`Raw`. ``target``: success is that class alone, and images
    of it are left out (single attacks). ``threads``: 0 for one on each core. ``memory``: GiB, half of the
    machine's if it is left out. ``box``: where inputs are no pixels, (low, high) as numbers or with
    one for each feature, or a mapping that may also have ``eps``, how far each may go, and ``fixed``,
    those that may not move; ``eps`` is in the inputs' own units then. The same seed and threads give the same bits, here and from
    ``reluctance evaluate``.

    Raises ValueError for bad input, and for an option without effect on the attack.

    >>> result = rl.evaluate(net, images, labels, attack="pgd", eps=0.1)
    >>> print(result.clean)
    100.00% (96.30 to 100.00, 100 images)
    >>> result.robust.value < result.clean.value
    True
    >>> result.adversarial.shape
    (100, 1, 8, 8)
    """
    words = in_words(attack, {"norm": norm, "eps": eps, "steps": steps, "step_size": step_size,
                              "restarts": restarts, "beta": beta, "loss": loss,
                              "target": target}, {"norm": "linf"})
    words.update(audit=audit, scale=scale, box=box_of(box), seed=seed, threads=threads, memory=memory)
    return Evaluation(*ask("evaluate", network, images, labels, words, progress))


def distances(network: Network, images: Any, labels: Any, *, norm: str = "linf",
              scale: Optional[float] = None, box: Any = None, seed: int = 0, threads: int = 0,
              memory: Optional[float] = None, progress: Progress = None) -> Distances:
    """The nearest adversarial examples, and robust accuracy over all budgets.

    Distances are upper bounds, found by the nearest-class attack; so is the robust accuracy.
    ``norm``: "linf", "l2" or "l1". Images, labels and the rest as of :func:`evaluate`.

    >>> nearest = rl.distances(net, images, labels, norm="l2")
    >>> len(nearest.curve), nearest.distance.shape
    (41, (100,))
    """
    words = {"norm": norm, "scale": scale, "box": box_of(box), "seed": seed, "threads": threads,
             "memory": memory}
    return Distances(*ask("distances", network, images, labels, words, progress))


def dynamics(network: Network, images: Any, labels: Any, *, beta: Optional[float] = None,
             steps: int = 50, scale: Optional[float] = None, seed: int = 0, threads: int = 0,
             memory: Optional[float] = None, progress: Progress = None) -> Union[Dynamics, Claim]:
    """Claim 1: the analytic solution of the attack, and the real one.

    With ``beta`` (step size times steps), theory and measurement of every image at that strength:
    a :class:`Dynamics`. Without, a sweep over shares of each image's own smallest fooling strength
    and the verdict: a :class:`Claim`.
    Images, labels and the rest as of :func:`evaluate`.

    >>> rl.dynamics(net, images, labels, beta=0.1).delta_real.shape
    (100, 64)
    """
    words = {"beta": beta, "steps": steps, "scale": scale, "seed": seed, "threads": threads,
             "memory": memory}
    kind = Claim if beta is None else Dynamics
    return kind(*ask("dynamics", network, images, labels, words, progress))


def influence(network: Network, images: Any, labels: Any, *,
              attack: Union[str, Attack, None] = None, norm: str = "linf",
              eps: Optional[float] = None, steps: Optional[int] = None, step_size: Optional[float] = None,
              restarts: Optional[int] = None, beta: Optional[float] = None,
              loss: Optional[str] = None, scale: Optional[float] = None, seed: int = 0,
              threads: int = 0, memory: Optional[float] = None,
              progress: Progress = None) -> Union[Influence, Claim]:
    """Claim 2: how an attack boosts the influence of images, and of which.

    With an ``attack`` ("pgd", "fgsm" or "raw", from the images themselves), theory and measurement
    of every image: an :class:`Influence`. Without, a sweep over attacks and the verdict: a
    :class:`Claim`. Images, labels and the rest as of :func:`evaluate`.

    >>> rl.influence(net, images, labels, attack="raw", beta=0.1).boost_measured.shape
    (100,)
    """
    words = in_words(attack, {"norm": norm, "eps": eps, "steps": steps, "step_size": step_size,
                              "restarts": restarts, "beta": beta, "loss": loss},
                     {"norm": "linf"})
    words.update(scale=scale, seed=seed, threads=threads, memory=memory)
    kind = Claim if attack is None else Influence
    return kind(*ask("influence", network, images, labels, words, progress))


def curvature(network: Network, images: Any, labels: Any, *, operator: Optional[str] = None,
              parameters: Optional[Sequence[str]] = None, top: int = 5, smallest: int = 0,
              tolerance: float = 1e-3, attack: Union[str, Attack] = "none", norm: str = "l2", eps: float = 0.5,
              steps: Optional[int] = None, step_size: Optional[float] = None,
              restarts: Optional[int] = None, beta: Optional[float] = None,
              loss: Optional[str] = None, scale: Optional[float] = None, seed: int = 0,
              threads: int = 0, memory: Optional[float] = None,
              progress: Progress = None) -> Union[Curvature, Claim]:
    """Claim 3: curvature of the loss in the parameters, and who carries it.

    With an ``operator``, "hessian", "ggn" (Gauss-Newton) or "effective" (what adversarial training
    feels), its ``top`` eigenpairs at the images that ``attack`` makes, and as many of the
    ``smallest`` eigenvalues: a :class:`Curvature`; ``parameters`` names those whose block alone is
    meant, as :meth:`Operator.block` does. Without, all curvatures, critical learning
    rates and the verdict: a :class:`Claim`. Images, labels and the rest as of :func:`evaluate`.

    >>> found = rl.curvature(net, images, labels, operator="hessian", top=2)
    >>> found.eigenvalues.shape, found.eigenvectors.shape, found.sample_share.shape
    ((2,), (2, 1210), (2, 100))
    """
    words = in_words(attack, {"norm": norm, "eps": eps, "steps": steps, "step_size": step_size,
                              "restarts": restarts, "beta": beta, "loss": loss},
                     {"norm": "l2", "eps": 0.5})
    words.update(operator=operator, parameters=parameters, top=top, smallest=smallest, tolerance=tolerance, scale=scale,
                 seed=seed, threads=threads, memory=memory)
    kind = Claim if operator is None else Curvature
    return kind(*ask("curvature", network, images, labels, words, progress))


def paper(network: Network, images: Any, labels: Any, *, limit: int = 64, steps: int = 50,
          scale: Optional[float] = None, seed: int = 0, threads: int = 0,
          memory: Optional[float] = None, progress: Progress = None) -> Paper:
    """The paper (Cheng et al. 2022), result by result: every numbered result put to the test on at most
    ``limit`` images, those of the first ``2 * limit`` that are right and that an attack of ``steps``
    steps fools. Images, labels and the rest as of :func:`evaluate`.

    >>> found = rl.paper(net, images, labels, limit=8, steps=10)
    >>> found.verdicts["theorem-1"] in ("holds", "partly", "does not hold", "cannot be tested")
    True
    """
    words: Dict[str, Any] = {"limit": limit, "steps": steps, "scale": scale, "seed": seed,
                             "threads": threads, "memory": memory}
    return Paper(*ask("paper", network, images, labels, words, progress))


def explain(network: Network, images: Any, labels: Any, *, limit: int = 256, batch: int = 1000,
            thorough: bool = False, attack: Union[str, Attack] = "pgd", norm: str = "linf",
            eps: Optional[float] = None, steps: Optional[int] = None,
            step_size: Optional[float] = None, restarts: Optional[int] = None, beta: Optional[float] = None, loss: Optional[str] = None,
            scale: Optional[float] = None, watch: Any = None, seed: int = 0, threads: int = 0,
            memory: Optional[float] = None, progress: Progress = None) -> Report:
    """Why is adversarial training hard here? All claims and earlier findings, with advice.

    ``attack``: of the robust accuracy. ``limit``: images that the claims are tested on; ``batch``: of
    claim 3. ``thorough``: more of everything, and findings that train networks of their own; takes
    long. ``watch``: the :class:`Watch` of the network's training, whose lines go into the report and its
    advice. The report shows itself in notebooks, and ``.save("report.html")`` writes a page that opens
    without a network. Images, labels and the rest as of :func:`evaluate`.
    """
    if watch is not None and not watch.lines:
        raise ValueError("watch: has not seen a step of the training")
    words = in_words(attack, {"norm": norm, "eps": eps, "steps": steps, "step_size": step_size,
                              "restarts": restarts, "beta": beta, "loss": loss},
                     {"norm": "linf"})
    words.update(limit=limit, batch=batch, thorough=thorough, scale=scale, seed=seed, threads=threads,
                 memory=memory, watch=watch and watch._core)
    return Report(*ask("explain", network, images, labels, words, progress))


def spectrum(network: Network, images: Any, labels: Any, *, top: int = 5,
             scale: Optional[float] = None, seed: int = 0, threads: int = 0,
             memory: Optional[float] = None, progress: Progress = None) -> Spectrum:
    """Eigenvalues and the ``top`` eigenvectors of H_x, the Hessian of cross-entropy with respect to
    each image: all C-1 that are not zero, from C vector-Jacobian products (docs/theory.md).

    Images, labels and the rest as of :func:`evaluate`.

    >>> spectrum = rl.spectrum(net, images, labels, top=3)
    >>> spectrum.eigenvalues.shape, spectrum.eigenvectors.shape
    ((100, 9), (100, 3, 64))
    """
    words = {"top": top, "scale": scale, "seed": seed, "threads": threads, "memory": memory}
    return Spectrum(*ask("spectrum", network, images, labels, words, progress))
