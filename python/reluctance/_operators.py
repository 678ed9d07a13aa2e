"""Curvature of the loss in the parameters, as operators to multiply with."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Tuple, Union

from . import _arrays, _core
from ._measure import call, held, in_words
from ._network import Network, note, split
from ._progress import Progress
from ._attacks import Attack


class Operator:
    """A P x P matrix that is known by its products; SciPy takes it as a LinearOperator. It is symmetric,
    but for :attr:`FeltCurvature.effective` under an L2 attack.

    Vectors are of NumPy or PyTorch, and so are products.

    >>> from scipy.sparse.linalg import eigsh
    >>> H = rl.hessian(net.to("float64"), images, labels)
    >>> values = eigsh(H, k=2, return_eigenvectors=False)
    >>> values.shape
    (2,)
    """

    def __init__(self, core: Any, network: Network, parameters: List[Any], threads: int) -> None:
        self._core = core
        self._network = network
        self._parameters = parameters
        self._threads = threads

    @property
    def shape(self) -> Tuple[int, int]:
        return self._core.size, self._core.size

    @property
    def dtype(self) -> Any:
        """Of NumPy: float32, or float64 if the network is."""
        import numpy

        return numpy.dtype(self._core.dtype)

    @property
    def parameter_names(self) -> Tuple[str, ...]:
        """In the order of the rows; :meth:`split` cuts a vector up by them."""
        return tuple(each.name for each in self._parameters)

    def split(self, vector: Any) -> Dict[str, Any]:
        """As :meth:`Network.split`, of the rows."""
        return split(self._parameters, vector)

    def block(self, *names: str) -> "Operator":
        """The rows and columns of some parameters alone. A name stands for the parameter that has it,
        or for all of a layer. Raises ValueError for a name that the network does not have.

        >>> H = rl.hessian(net, images, labels)
        >>> H.block("2").shape, H.block("0.bias").parameter_names
        ((170, 170), ('0.bias',))
        """
        if self.parameter_names != self._network.parameter_names:
            raise ValueError("this is a block already; take the other one of the whole matrix")
        parameters = self._network._core.named(list(names))
        return Operator(self._core.block(parameters), self._network, parameters, self._threads)

    def matvec(self, v: Any) -> Any:
        """The product with a vector: P, or P x 1 -> the same shape."""
        if len(v.shape) not in (1, 2) or (len(v.shape) == 2 and v.shape[1] != 1):
            raise ValueError(f"a vector of the shape {tuple(v.shape)} does not fit {self.shape}")
        product = self._core.product(_arrays.take(v.reshape(-1), "vector"), {"threads": self._threads})
        return _arrays.give(product, v).reshape(v.shape)

    def matmat(self, columns: Any) -> Any:
        """The product with each of K columns: P x K -> P x K."""
        product = self._core.product(_arrays.take(columns.T, "columns"), {"threads": self._threads})
        return _arrays.give(product, columns).T

    def rmatvec(self, v: Any) -> Any:
        """The transpose's product, which is :meth:`matvec` where the matrix is symmetric. Raises
        NotImplementedError where it is not."""
        self._require_symmetry()
        return self.matvec(v)

    def rmatmat(self, columns: Any) -> Any:
        """The same of :meth:`matmat`."""
        self._require_symmetry()
        return self.matmat(columns)

    def _require_symmetry(self) -> None:
        if not self._core.symmetric:
            raise NotImplementedError("this matrix is not symmetric, and products with its transpose "
                                      "are not known")

    def __matmul__(self, other: Any) -> Any:
        return self.matvec(other) if len(other.shape) == 1 else self.matmat(other)

    def __repr__(self) -> str:
        return f"<reluctance.Operator {self.shape[0]} x {self.shape[1]}, {self._core.dtype}>"


class FeltCurvature:
    """The curvature that training feels: that of its own gradient, the attack run anew as the
    parameters move (docs/theory.md)."""

    def __init__(self, core: Any, network: Network, like: Any, threads: int) -> None:
        self._core = core
        self._network = network
        self._like = like
        self._threads = threads

    def _operator(self, name: str) -> Operator:
        return Operator(self._core.operator(name), self._network, self._network._core.named([]),
                        self._threads)

    @property
    def hessian(self) -> Operator:
        """Of the mean loss at the attacked images."""
        return self._operator("hessian")

    @property
    def gauss_newton(self) -> Operator:
        """The Gauss-Newton matrix there."""
        return self._operator("ggn")

    @property
    def effective(self) -> Operator:
        """What training feels; the Hessian without an attack and in L-infinity (``is_hessian``). Under
        an L2 attack it is not symmetric: SciPy's eigs takes it, eigsh does not."""
        return self._operator("effective")

    @property
    def is_hessian(self) -> bool:
        return self._core.is_hessian

    @property
    def smooth(self) -> Any:
        """N booleans: the attack on the image has settled on a strict maximum on its ball, or is raw."""
        return _arrays.give(self._core.smooth, self._like)

    @property
    def attacked(self) -> Any:
        """N x input shape: where the curvature is taken."""
        return _arrays.give(self._core.attacked, self._like)

    def sample_curvatures(self, v: Any) -> Any:
        """v^T C_i v of each image's own part of the effective curvature: N, float64."""
        out = self._core.sample_curvatures(_arrays.take(v, "vector"), {"threads": self._threads})
        return _arrays.give(out, v)


def felt_curvature(network: Network, images: Any, labels: Any, *, attack: Union[str, Attack] = "none",
                   norm: str = "l2", eps: float = 0.5, steps: Optional[int] = None,
                   step_size: Optional[float] = None, beta: Optional[float] = None,
                   loss: Optional[str] = None, scale: Optional[float] = None, seed: int = 0,
                   threads: int = 0, memory: Optional[float] = None,
                   progress: Progress = None) -> FeltCurvature:
    """The curvatures of the mean loss over the images, under an attack.

    ``attack``: "none", "pgd" (L2 or L-infinity), "fgsm" or "raw", from the images themselves.
    Images, labels and the rest as of :func:`evaluate`.

    >>> felt = rl.felt_curvature(net, images, labels, attack=rl.PGD("l2", 0.5))
    >>> felt.effective.shape, felt.is_hessian
    ((1210, 1210), False)
    """
    words = in_words(attack, {"norm": norm, "eps": eps, "steps": steps, "step_size": step_size,
                              "beta": beta, "loss": loss}, {"norm": "l2", "eps": 0.5})
    words.update(scale=scale, seed=seed, threads=threads, memory=memory)
    core = call(_core.felt_curvature, held(network), images, labels, words, progress)
    note(core.notes, "arrays", 2)
    return FeltCurvature(core, network, images, threads)


def hessian(network: Network, images: Any, labels: Any, *, loss: Optional[str] = None,
            scale: Optional[float] = None, threads: int = 0, memory: Optional[float] = None) -> Operator:
    """The Hessian of the mean loss over the images in the network's parameters, whose order and names
    are ``net.parameter_names``. In float64 after ``net.to("float64")``. ``loss``: "cross-entropy" or
    "squared-error".

    Images, labels and the rest as of :func:`evaluate`.

    >>> H = rl.hessian(net, images, labels)
    >>> import numpy
    >>> (H @ numpy.ones(H.shape[0], "float32")).shape
    (1210,)
    """
    return felt_curvature(network, images, labels, loss=loss, scale=scale, threads=threads,
                          memory=memory).hessian
