"""Networks from PyTorch's modules."""

from __future__ import annotations

import contextlib
import inspect
import io
import re
from typing import Any, Dict, Iterator, List

from . import _arrays, _core
from ._network import Network, normalised, note


@contextlib.contextmanager
def _evaluating(module: Any) -> Iterator[None]:
    """The module in evaluation mode, and afterwards each part of it as it was."""
    before = {part: part.training for part in module.modules()}
    module.eval()
    try:
        yield
    finally:
        for part, training in before.items():
            part.training = training


def _exported(torch: Any, module: Any, example: Any) -> bytes:
    """The module as ONNX, by the exporter of this PyTorch. Nothing is folded by it: folding takes
    the names of the parameters away."""
    options: Dict[str, Any] = {
        "input_names": ["images"],
        "output_names": ["logits"],
        "dynamic_axes": {"images": {0: "batch"}, "logits": {0: "batch"}},
        "opset_version": 13,
        "do_constant_folding": False,
        "training": torch.onnx.TrainingMode.PRESERVE,
    }
    if "dynamo" in inspect.signature(torch.onnx.export).parameters:
        options["dynamo"] = False
    file = io.BytesIO()
    with contextlib.redirect_stdout(io.StringIO()):  # where some versions print a summary
        torch.onnx.export(module, (example,), file, **options)
    return file.getvalue()


def _module_path(scope: str, module: Any) -> str:
    """Where in the module a node of the exporter's stands: "/layer1/layer1.0/act/Sigmoid" is of
    "layer1.0.act"."""
    known = dict(module.named_modules())
    path = ""
    for part in scope.strip("/").split("/")[:-1]:
        longer = part if part.startswith(path + ".") or not path else f"{path}.{part}"
        if longer not in known:
            break
        path = longer
    return path


def _in_module_words(message: str, name: str, module: Any) -> str:
    found = re.search(r"node '(/[^']*)'", message)
    if not found:
        return message
    parts = dict(module.named_modules())
    path = _module_path(found.group(1), module)
    # What may only stand at the end is found by the part after it; the module's own part is meant.
    ended = re.search(r"is fed by an? (\w+) inside the network", message)
    culprits = [place for place, part in parts.items() if ended and type(part).__name__ == ended.group(1)]
    if ended and culprits:
        message = message.replace(ended.group(0), f"is a {ended.group(1)} inside the network")
        path = culprits[0]
    owner = parts[path]
    where = f"{path} ({type(owner).__name__})" if path else f"forward of {name}"
    return message.replace(found.group(0), where, 1)


def _first_line(error: Exception) -> str:
    """What PyTorch says, without its invitation to file an issue."""
    lines = str(error).splitlines() or [type(error).__name__]
    return lines[0].partition(" Please feel free")[0].rstrip(".")


def own_parameter(module_parameters: Dict[str, Any], name: str) -> Any:
    """The module's tensor of a network's parameter, NAME or, the other way round, NAME.T; None where
    the network's is computed from the module's."""
    return module_parameters.get(name, module_parameters.get(name[: -len(".T")]))


def _answers(logits: Any, wanted: Any, notes: List[str]) -> List[Any]:
    """What a module may answer that the network gives these logits for, in the type and shape of its answer
    ``wanted`` to one image: labels, one number or logits, or what was dropped after them."""
    if not wanted.is_floating_point():
        return [logits.argmax(1).to(wanted.dtype)]
    if wanted.numel() == 1 and logits.shape[1] == 2:  # one number z stands for the logits 0 and z
        logits = (logits[:, 1] - logits[:, 0]).view(wanted.shape)
    logits = logits.to(wanted.dtype)
    answers = [logits]
    if any("Softmax" in text for text in notes):
        answers += [logits.softmax(-1), logits.log_softmax(-1)]
    if any("Sigmoid" in text for text in notes):
        answers.append(logits.sigmoid())
    return answers


def _same(torch: Any, a: Any, b: Any) -> bool:
    """To the accuracy of the module's own type, which may be bfloat16."""
    if not b.is_floating_point():
        return torch.equal(a, b.view(-1))
    scale = max(float(b.abs().max()), 1.0)
    tolerance = max(1e-3, 8 * torch.finfo(b.dtype).eps)
    return a.shape == b.shape and float((a - b).abs().max()) <= tolerance * scale


class Followed:
    """A module as a network, made anew when its parameters or buffers have changed."""

    def __init__(self, module: Any) -> None:
        self._module = module
        self._state: Any = None
        self._network: Any = None

    def __call__(self, images: Any) -> Network:
        tensors = [*self._module.parameters(), *self._module.buffers()]
        state = [tuple(images.shape[1:])] + [(t.data_ptr(), t._version) for t in tensors]
        if state != self._state:
            self._network = from_torch(self._module, images[:1])
            self._state = state
        return self._network


def from_torch(module: Any, example: Any, *, mean: Any = None, std: Any = None,
               device: Any = None) -> Network:
    """The network that a ``torch.nn.Module`` is in evaluation mode.

    ``example``: at least one image as the module takes it (N x ...); one is shown to the module.
    ``mean`` and ``std``, one number or one for each channel: where it was trained on
    (pixels - mean) / std, so that the network takes pixels in [0, 1] and budgets are in pixels.
    The module is exported in memory and left in the mode it was in; its parameters keep their
    names (:attr:`Network.parameter_names`) and values, but for :attr:`Network.folded` and for weights
    that are computed from others (``weight_norm``), which are parameters in their place, with a note; statistics
    of batch normalisation are constants. A module that gives one number z is a classifier of the
    labels 0 and 1, with the logits 0 and z. The network is a copy: when the module is trained on,
    make it anew.

    Raises ValueError naming the submodule that is not piecewise linear, and RuntimeError if the
    network does not answer as the module does on the example.

    >>> import torch
    >>> tanh = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Tanh(), torch.nn.Linear(3, 2))
    >>> rl.from_torch(tanh, torch.zeros(1, 4))
    Traceback (most recent call last):
        ...
    ValueError: Sequential: 1 (Tanh) is a Tanh, which is not piecewise linear; train the network with ReLU or another layer of docs/inputs.md in its place
    """
    import torch

    _arrays.require_same_torch(torch)
    if not isinstance(module, torch.nn.Module):
        raise ValueError(f"a torch.nn.Module is needed, not {type(module).__name__}")
    name = type(module).__name__
    tensors = list(module.parameters()) or list(module.buffers())
    like = tensors[0] if tensors else torch.zeros(())
    image = torch.as_tensor(example)[:1].detach().to(like.device, like.dtype)
    with _evaluating(module), torch.no_grad():
        try:
            wanted = module(image)
        except Exception as error:
            raise ValueError(f"{name}: does not take an example of the shape {tuple(image.shape)}: "
                             f"{_first_line(error)}") from error
        if not isinstance(wanted, torch.Tensor):
            raise ValueError(f"{name}: its forward gives a {type(wanted).__name__}; wrap it in a module "
                             "that gives the logits alone")
        if wanted.dim() not in (1, 2) or wanted.shape[0] != 1:
            raise ValueError(f"{name}: its forward gives {tuple(wanted.shape)} for one image; N x classes is "
                             "needed, or N numbers whose sign is the class")
        try:
            bytes_ = _exported(torch, module, image)
        except Exception as error:
            raise ValueError(f"{name}: PyTorch cannot export it: {_first_line(error)}; docs/inputs.md lists "
                             "the layers that are taken") from error
    try:
        core = _core.load_bytes(bytes_, name, "", {})
    except ValueError as error:
        raise ValueError(_in_module_words(str(error), name, module)) from None
    where = str(device) if device is not None else str(like.device)
    if where != "cpu":
        core = core.to(where)
    network = Network(normalised(core, mean, std))
    answers = _answers(Network(core).logits(image), wanted, core.notes)
    if not any(_same(torch, answer, wanted) for answer in answers):
        raise RuntimeError(
            f"{name}: as exported it does not answer as the module does; does its forward depend on its input, "
            f"or on chance, or does PyTorch {torch.__version__} export one of its layers wrongly?"
        )
    more = ["its float64 weights are rounded to float32"] if like.dtype is torch.float64 else []
    own = dict(module.named_parameters())
    computed = [each for each in network.parameter_names if own_parameter(own, each) is None]
    if computed:
        more.append(f"{', '.join(computed)}: computed from the module's parameters, and parameters in their place")
    note([*core.notes, *more], name, 2)
    return network
