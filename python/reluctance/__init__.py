"""Why is adversarial training of *your* ReLU network hard? Numbers from theory and measurement.

    import reluctance as rl

    net = rl.from_torch(module, images[:1])        # or rl.load("net.onnx")
    result = rl.evaluate(net, images, labels, norm="linf", eps=8 / 255)

Images and labels are arrays of NumPy, PyTorch or anything that speaks DLPack; nothing is copied
where types and layout allow, and what comes back is of the same library. Bad input raises
ValueError, a job that failed RuntimeError, Ctrl-C KeyboardInterrupt within two seconds.
"""

from . import _core, attacks
from ._attacks import FGSM, PGD, Raw
from ._claim_results import Claim, Curvature, Dynamics, Influence, Paper, Report, Spectrum
from ._measure import curvature, distances, dynamics, evaluate, explain, influence, paper, spectrum
from ._network import Network, Note, load
from ._operators import FeltCurvature, Operator, felt_curvature, hessian
from ._results import Check, Distances, Evaluation, Flag, Quantiles, Result, Share, Stage
from ._torch import from_torch
from ._training import Findings, Training, findings, new_network, train
from ._watch import Watch
from .attacks import AutoAttack

__all__ = [
    "AutoAttack", "Check", "Claim", "Curvature", "Distances", "Dynamics", "Evaluation", "FGSM",
    "FeltCurvature", "Findings", "Flag", "Influence", "Network", "Note", "Operator", "PGD", "Paper",
    "Quantiles", "Raw", "Report", "Result", "Share", "Spectrum", "Stage", "Training", "Watch",
    "attacks", "curvature", "distances", "dynamics", "evaluate", "explain", "felt_curvature",
    "findings", "from_torch", "hessian", "influence", "load", "new_network", "paper", "spectrum",
    "train",
]
__version__: str = _core.program.split()[-1]
