"""An attack for VERONA (Verified Robustness of Neural networks): its attacks are objects with
execute(model, data, target, epsilon), which gives the attacked images."""

import reluctance as rl


class ReluctanceAttack:
    """Any attack of reluctance.evaluate, by its name: "standard", "autoattack", "malt", "pgd" ..."""

    def __init__(self, attack="standard", norm="linf", **options):
        self.name = f"reluctance-{attack}-{norm}"
        self._options = {"attack": attack, "norm": norm, **options}

    def execute(self, model, data, target, epsilon):
        """data: N x ... in [0, 1], or one image; target: its labels; epsilon: radius of the ball."""
        alone = target.dim() == 0 or data.dim() in (1, 3) and target.numel() == 1
        images = data.unsqueeze(0) if alone and data.dim() in (1, 3) else data
        network = rl.from_torch(model, images[:1])
        result = rl.evaluate(network, images, target.reshape(-1), eps=epsilon, **self._options)
        return result.adversarial.reshape(data.shape).to(data.dtype)

    def __repr__(self):
        return self.name
