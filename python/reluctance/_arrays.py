"""Arrays of NumPy, PyTorch and whatever speaks DLPack, in and out without a copy."""

from __future__ import annotations

import sys
from typing import Any

from . import _core


def _torch_of(array: Any) -> Any:
    """PyTorch, if `array` is one of its tensors; it is not imported for the question."""
    torch = sys.modules.get("torch")
    return torch if torch is not None and isinstance(array, torch.Tensor) else None


def require_same_torch(torch: Any) -> None:
    """Two versions of LibTorch in one process do not go together."""
    if ".".join(torch.__version__.split(".")[:2]) != _core.torch_version:
        raise RuntimeError(
            f"reluctance was built for PyTorch {_core.torch_version}, but this is PyTorch "
            f"{torch.__version__}: install reluctance again for it"
        )


def _plain(array: Any, what: str) -> Any:
    """The NumPy array itself where LibTorch has its type and layout, otherwise a copy that has."""
    dtype = array.dtype
    if dtype.kind not in "biuf":
        raise ValueError(f"{what}: an array of the type {dtype} holds no plain numbers")
    if not dtype.isnative:
        array = array.astype(dtype.newbyteorder("="))
    if dtype.kind == "u" and dtype.itemsize > 1:
        if array.size and array.max() > 2**63 - 1:
            raise ValueError(f"{what}: has {array.max()}, which no int64 can hold")
        array = array.astype("int64")
    if dtype.kind == "f" and dtype.itemsize > 8:
        array = array.astype("float64")
    strides_fit = all(s >= 0 and s % array.itemsize == 0 for s in array.strides)
    return array if strides_fit and array.flags.aligned else array.copy(order="C")


def take(array: Any, what: str) -> _core.Array:
    """The memory of `array`, looked at and never written to. Lists become NumPy arrays."""
    if isinstance(array, _core.Array):
        return array
    torch = _torch_of(array)
    if torch is not None:
        require_same_torch(torch)
        if array.layout is not torch.strided:
            raise ValueError(f"{what}: a tensor of the layout {array.layout}; use .to_dense()")
        array = array.detach()
        if array.dtype is torch.bool:
            array = array.to(torch.uint8)
        return _core.from_dlpack(torch.utils.dlpack.to_dlpack(array))
    numpy = sys.modules.get("numpy")
    if numpy is None or not isinstance(array, numpy.ndarray):
        if hasattr(array, "__dlpack__"):
            return _core.from_dlpack(array.__dlpack__())
        import numpy

        kind = type(array).__name__
        try:
            array = numpy.asarray(array)
        except ValueError as error:  # rows of different lengths
            raise ValueError(f"{what}: {error}") from None
        if array.dtype.kind == "O":
            raise ValueError(f"{what}: a {kind} is no array; give one of NumPy or PyTorch")
    return _core.from_buffer(_plain(array, what))


def give(array: _core.Array, like: Any) -> Any:
    """The same memory as an array of the library that `like` belongs to; NumPy's for lists."""
    torch = _torch_of(like)
    if torch is not None:
        tensor = torch.utils.dlpack.from_dlpack(array.__dlpack__())
        if array.dtype == "Bool":
            tensor = tensor.view(torch.bool)
        return tensor.to(like.device)
    if isinstance(like, _core.Array):
        return array
    home = sys.modules.get(type(like).__module__.partition(".")[0])
    if home is None or home.__name__ in ("numpy", "builtins") or not hasattr(home, "from_dlpack"):
        import numpy

        return numpy.asarray(array)
    return home.from_dlpack(array)
