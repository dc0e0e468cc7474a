"""Top-k training: the generator learns from its best samples only."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from gan_lightning.core.process_group import gathered, own_share, world_size
from gan_lightning.losses.base import per_sample
from gan_lightning.regularizers.stabilizer import Stabilizer


class TopK(Stabilizer):
    """Keeps the k samples that fool the discriminator best, with k falling from the batch size.

    k = max(gamma^e, nu) N in epoch e: Sinha et al. 2020 (arXiv 2002.06224), section 3. The samples kept are those of
    highest logit, of highest mean logit where each patch has one, whatever their loss is. N is the size of the
    global batch.

    Args:
        gamma: factor of k per epoch (published: 0.75 to 0.999).
        minimum_fraction: nu, the fraction of the batch that is always kept (published: 0.5 to 0.75).
        images_per_epoch: real images in one epoch.

    Raises:
        ValueError: if ``gamma`` or ``minimum_fraction`` is outside (0, 1], or ``images_per_epoch`` below 1.
    """

    def __init__(self, *, gamma: float = 0.99, minimum_fraction: float = 0.5, images_per_epoch: int = 50_000) -> None:
        super().__init__()
        for name, value in {"gamma": gamma, "minimum_fraction": minimum_fraction}.items():
            if not 0 < value <= 1:
                raise ValueError(f"{name} must be in (0, 1], got {value}")
        if images_per_epoch < 1:
            raise ValueError(f"images_per_epoch must be at least 1, got {images_per_epoch}")
        self.gamma = gamma
        self.minimum_fraction = minimum_fraction
        self.images_per_epoch = images_per_epoch

    def kept(self, batch: int, images_seen: int) -> int:
        """Return how many of ``batch`` samples count after ``images_seen`` images, rounded up."""
        epoch = images_seen // self.images_per_epoch
        fraction = max(self.gamma**epoch, self.minimum_fraction)
        return math.ceil(fraction * batch - 1e-9)  # 0.55 * 100 is a little above 55

    def generator_values(self, values: Tensor, logits: Tensor, images_seen: int) -> Tensor:
        """Keep the ``(k,)`` losses of the highest logits; on several processes, values with the mean over all."""
        logits = per_sample(logits)
        if world_size() == 1:
            return values[logits.topk(self.kept(len(values), images_seen)).indices]
        everyone = gathered(logits.detach())
        kept = self.kept(len(everyone), images_seen)
        weights = torch.zeros_like(everyone)
        weights[everyone.topk(kept).indices] = len(everyone) / kept
        return values * own_share(weights)
