"""Attacks on a ``torch.nn.Module`` in the form that existing scripts call: one changed import line.

    attack = reluctance.attacks.PGD(module, eps=8 / 255, alpha=2 / 255, steps=10)
    adversarial = attack(images, labels)

Names, order and defaults of the arguments are those of the package torchattacks, as far as they have
an effect here; ``seed`` and ``threads`` go with all. Images are N x ... in [0, 1]. What comes back
has their shape, type and device, and is the image itself where no attack succeeds. Raises
ValueError for a module that is not piecewise linear, naming the submodule.
"""

from __future__ import annotations

from typing import Any, Dict, Optional

from ._measure import evaluate
from ._torch import Followed


class _Attack:
    def __init__(self, model: Any, words: Dict[str, Any], seed: int, threads: int) -> None:
        self._followed = Followed(model)
        self._words = {**words, "seed": seed, "threads": threads}

    def __call__(self, images: Any, labels: Any) -> Any:
        result = evaluate(self._followed(images), images, labels, **self._words)
        return result.adversarial.reshape(images.shape).to(images.dtype)

    def __repr__(self) -> str:
        words = ", ".join(f"{key}={value!r}" for key, value in self._words.items())
        return f"reluctance.attacks.{type(self).__name__}({words})"


class FGSM(_Attack):
    """The fast gradient sign method (Goodfellow et al. 2015), in L-infinity.

    >>> import torch
    >>> module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 10), torch.nn.ReLU())
    >>> x, y = torch.rand(5, 1, 8, 8), torch.arange(5)
    >>> rl.attacks.FGSM(module, eps=0.1)(x, y).shape
    torch.Size([5, 1, 8, 8])
    """

    def __init__(self, model: Any, eps: float = 8 / 255, *, seed: int = 0, threads: int = 0) -> None:
        super().__init__(model, {"attack": "fgsm", "eps": eps}, seed, threads)


class PGD(_Attack):
    """Projected gradient ascent (Madry et al. 2018), in L-infinity, from a random start."""

    _norm = "linf"

    def __init__(self, model: Any, eps: float = 8 / 255, alpha: float = 2 / 255, steps: int = 10, *,
                 seed: int = 0, threads: int = 0) -> None:
        super().__init__(model, {"attack": "pgd", "norm": self._norm, "eps": eps, "step_size": alpha,
                                 "steps": steps}, seed, threads)


class PGDL2(PGD):
    """The same in L2."""

    _norm = "l2"

    def __init__(self, model: Any, eps: float = 1.0, alpha: float = 0.2, steps: int = 10, *,
                 seed: int = 0, threads: int = 0) -> None:
        super().__init__(model, eps, alpha, steps, seed=seed, threads=threads)


class APGD(_Attack):
    """Auto-PGD (Croce and Hein 2020); ``loss``: "ce" or "dlr"."""

    def __init__(self, model: Any, norm: str = "Linf", eps: float = 8 / 255, steps: int = 10,
                 n_restarts: int = 1, loss: str = "ce", *, seed: int = 0, threads: int = 0) -> None:
        super().__init__(model, {"attack": f"apgd-{loss}", "norm": norm, "eps": eps, "steps": steps,
                                 "restarts": n_restarts}, seed, threads)


class APGDT(_Attack):
    """Targeted Auto-PGD with the DLR loss, at the nine most probable classes."""

    def __init__(self, model: Any, norm: str = "Linf", eps: float = 8 / 255, steps: int = 10,
                 n_restarts: int = 1, *, seed: int = 0, threads: int = 0) -> None:
        super().__init__(model, {"attack": "apgd-t", "norm": norm, "eps": eps, "steps": steps,
                                 "restarts": n_restarts}, seed, threads)


class FAB(_Attack):
    """The targeted fast adaptive boundary attack (Croce and Hein 2020)."""

    def __init__(self, model: Any, norm: str = "Linf", eps: float = 8 / 255, steps: int = 10, *,
                 seed: int = 0, threads: int = 0) -> None:
        super().__init__(model, {"attack": "fab-t", "norm": norm, "eps": eps, "steps": steps}, seed,
                         threads)


class Square(_Attack):
    """The Square attack (Andriushchenko et al. 2020), which asks for logits alone."""

    def __init__(self, model: Any, norm: str = "Linf", eps: float = 8 / 255, n_queries: int = 5000, *,
                 seed: int = 0, threads: int = 0) -> None:
        super().__init__(model, {"attack": "square", "norm": norm, "eps": eps, "steps": n_queries},
                         seed, threads)


class MALT(_Attack):
    """Targeted Auto-PGD at the classes of the least linear distance (Melamed et al. 2024)."""

    def __init__(self, model: Any, norm: str = "Linf", eps: float = 8 / 255, *, seed: int = 0,
                 threads: int = 0) -> None:
        super().__init__(model, {"attack": "malt", "norm": norm, "eps": eps}, seed, threads)


class AutoAttack:
    """The ensemble in the form of its authors' package (Croce and Hein 2020).

    ``norm``: "Linf", "L2" or "L1". ``version``: "standard", the published ensemble; "cascade", this
    library's own search, which comes near at a small part of the cost (``attack="standard"`` of
    :func:`reluctance.evaluate`). ``verbose`` shows progress and prints accuracies.

    >>> import torch
    >>> module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 10), torch.nn.ReLU())
    >>> x, y = torch.rand(5, 1, 8, 8), torch.arange(5)
    >>> adversary = rl.AutoAttack(module, norm="Linf", eps=8 / 255, verbose=False)
    >>> adversary.run_standard_evaluation(x, y, bs=250).shape
    torch.Size([5, 1, 8, 8])
    """

    def __init__(self, model: Any, norm: str = "Linf", eps: float = 0.3, seed: Optional[int] = None,
                 verbose: bool = True, version: str = "standard", threads: int = 0) -> None:
        attacks = {"standard": "autoattack", "cascade": "standard"}
        if version not in attacks:
            raise ValueError(f"version {version!r}: choose {' or '.join(attacks)}")
        self._followed = Followed(model)
        self._verbose = verbose
        self._words = {"attack": attacks[version], "norm": norm, "eps": eps, "seed": seed or 0,
                       "threads": threads}

    def run_standard_evaluation(self, x_orig: Any, y_orig: Any, bs: int = 250,
                                return_labels: bool = False) -> Any:
        """Adversarial images, shaped as ``x_orig``, and with ``return_labels`` what the model answers
        on them. ``bs`` changes nothing: the library cuts batches by itself."""
        del bs
        result = evaluate(self._followed(x_orig), x_orig, y_orig, progress=self._verbose, **self._words)
        if self._verbose:
            print(result.table())
        adversarial = result.adversarial.reshape(x_orig.shape).to(x_orig.dtype)
        return (adversarial, result.logits.argmax(1)) if return_labels else adversarial
