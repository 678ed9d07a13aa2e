"""An attack for AttackBench: its attacks are functions of (model, inputs, labels, targets, targeted) that
give adversarial images as near as they can."""

import functools

import reluctance as rl


def nearest_class(model, inputs, labels, targets=None, targeted=False, *, norm="l2", seed=0):
    """The nearest adversarial examples that reluctance.distances finds; images that it finds none for come
    back as they are. model: a module, or AttackBench's wrapper of one, whose counters do not see the passes
    of this attack: it makes them outside of PyTorch."""
    if targeted:
        raise ValueError("this attack goes to the nearest class; leave targets out")
    module = getattr(model, "model", model)
    network = rl.from_torch(module, inputs[:1])
    found = rl.distances(network, inputs, labels, norm=norm, seed=seed)
    adversarial = found.adversarial.reshape(inputs.shape).to(inputs.dtype)
    model(adversarial)  # so that what tracks the model sees the result
    return adversarial


# As AttackBench's configurations name attacks: by their norm.
ATTACKS = {norm: functools.partial(nearest_class, norm=norm) for norm in ("l1", "l2", "linf")}
