"""Networks: from ONNX files and bytes, and what can be asked of them without data."""

from __future__ import annotations

import math
import os
import warnings
from typing import Any, Dict, List, Tuple, Union

from . import _arrays, _core


class Note(UserWarning):
    """What was converted, and is meant otherwise in the file or the arrays that were given."""


def note(texts: List[str], name: str, level: int) -> None:
    for text in texts:
        warnings.warn(f"{name}: {text}", Note, stacklevel=level + 1)


def split(parameters: List[Any], vector: Any) -> Dict[str, Any]:
    """A vector, or rows of such, cut up into parts of the parameters' shapes."""
    sizes = [math.prod(each.shape) for each in parameters]
    if sum(sizes) != vector.shape[-1]:
        raise ValueError(f"a vector of {vector.shape[-1]} numbers does not fit {sum(sizes)} parameters")
    parts, begin = {}, 0
    for each, size in zip(parameters, sizes):
        part = vector[..., begin : begin + size]
        parts[each.name] = part.reshape(tuple(vector.shape[:-1]) + tuple(each.shape))
        begin += size
    return parts


def _numbers(values: Any, what: str, low: float) -> List[float]:
    if values is None:
        return []
    numbers = [float(each) for each in (values if hasattr(values, "__iter__") else [values])]
    for each in numbers:
        if not low < each < math.inf:
            raise ValueError(f"{what}: {each!r} is not a number above {low:g}")
    return numbers


def normalised(core: Any, mean: Any, std: Any) -> Any:
    """The network that takes pixels where it was trained on (pixels - mean) / std."""
    if mean is None and std is None:
        return core
    return core.normalised(_numbers(mean, "mean", -math.inf), _numbers(std, "std", 0))


class Network:
    """A ReLU network as the library holds it: float32 (or float64 after ``to("float64")``).

    Made by :func:`load` and :func:`from_torch`. It does not change; ``to`` gives another one.
    """

    __slots__ = ("_core", "parameter_names")

    def __init__(self, core: Any) -> None:
        self._core = core
        self.parameter_names: Tuple[str, ...] = tuple(each.name for each in core.named([]))

    @property
    def name(self) -> str:
        """Of its file, or of the class of its module."""
        return self._core.name

    @property
    def input_shape(self) -> Tuple[int, ...]:
        """Of one image, without the batch axis."""
        return tuple(self._core.input_shape)

    @property
    def classes(self) -> int:
        """Logits of one image."""
        return self._core.classes

    @property
    def dtype(self) -> str:
        """``"float32"`` or ``"float64"``."""
        return self._core.dtype

    @property
    def device(self) -> str:
        return self._core.device

    @property
    def notes(self) -> Tuple[str, ...]:
        """What differs from the file, such as a final softmax that was dropped."""
        return tuple(self._core.notes)

    @property
    def folded(self) -> Tuple[str, ...]:
        """Names of biases that another constant of the file is added to, so that their values are
        not those of the module's or the file's own tensors."""
        return tuple(self._core.folded)

    def parameters(self) -> Dict[str, Any]:
        """Name to NumPy array, read-only views of the network's own memory.

        >>> {name: p.shape for name, p in net.parameters().items()}
        {'0.weight': (16, 64), '0.bias': (16,), '2.weight': (10, 16), '2.bias': (10,)}
        """
        import numpy

        views = {}
        for name, array in zip(self.parameter_names, self._core.parameters()):
            views[name] = numpy.asarray(array)
            views[name].flags.writeable = False
        return views

    def split(self, vector: Any) -> Dict[str, Any]:
        """A vector of all P parameters, or rows of such (K x P), as name to parts of their shapes.

        >>> eigenvectors = rl.curvature(net, images, labels, operator="hessian", top=2).eigenvectors
        >>> net.split(eigenvectors)["2.bias"].shape
        (2, 10)
        """
        return split(self._core.named([]), vector)

    def logits(self, images: Any, *, threads: int = 0) -> Any:
        """The network's answers, N x classes. ``images``: N x any shape that fits.

        >>> net.logits(images).shape
        (100, 10)
        """
        out = self._core.logits(_arrays.take(images, "images"), {"threads": threads})
        return _arrays.give(out, images)

    def to(self, where: str) -> "Network":
        """A copy in ``"float32"`` or ``"float64"``, or on ``"cpu"``, ``"cuda"`` or ``"cuda:N"``.

        Raises ValueError for a device that cannot be had."""
        return Network(self._core.to(where))

    def save(self, path: Union[str, "os.PathLike[str]"]) -> None:
        """Writes an ONNX file (opset 13, float32), whole or not at all.

        Raises RuntimeError naming the path where that fails."""
        self._core.save(os.fspath(path))

    def __repr__(self) -> str:
        return f"<reluctance.Network {self.name}: {self._core.summary}>"


def load(model: Union[str, "os.PathLike[str]", bytes], *, output: str = "", answer: str = "max",
         mean: Any = None, std: Any = None, device: str = "cpu") -> Network:
    """The network of an ONNX file, given by its path or as its bytes.

    ``mean`` and ``std``, one number or one for each channel: where it was trained on
    (pixels - mean) / std, so that it takes pixels in [0, 1] and budgets are in pixels. ``output`` names the output that holds the logits, where several could; ``answer`` says whether
    the class is the place of the greatest of its numbers ("max") or of the least ("min"). What differs from the
    file is said in warnings of the class :class:`Note`. Raises ValueError, naming the file and the
    node, for what is broken or not piecewise linear.

    >>> rl.load("no-such-file.onnx")
    Traceback (most recent call last):
        ...
    ValueError: no-such-file.onnx: no such file
    """
    if isinstance(model, (bytes, bytearray, memoryview)):
        core = _core.load_bytes(bytes(model), "model", output, {"answer": answer})
    else:
        core = _core.load_file(os.fspath(model), output, {"answer": answer})
    core = normalised(core, mean, std)
    if device != "cpu":
        core = core.to(device)
    note(core.notes, core.name, 2)
    return Network(core)
