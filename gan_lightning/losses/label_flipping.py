"""Label flipping: now and then the discriminator is told the opposite of the truth."""

from __future__ import annotations

import torch
from torch import Tensor

from gan_lightning.losses.base import AdversarialLoss, prepared


def exchanged(real: Tensor, fake: Tensor, probability: float) -> tuple[Tensor, Tensor]:
    """Exchange the real and the fake logits of random samples, all patches of a sample together."""
    flipped = torch.rand(len(real), *[1] * (real.ndim - 1), device=real.device) < probability
    return torch.where(flipped, fake, real), torch.where(flipped, real, fake)


class LabelFlipping(AdversarialLoss):
    """Another loss in whose discriminator turn random pairs of real and fake samples exchange their labels.

    L_D on (D(G(z)), D(x)) in place of (D(x), D(G(z))) with ``probability``, independently for each pair; L_G is
    unchanged. Label noise keeps the discriminator from growing certain: Arjovsky and Bottou 2017 (arXiv
    1701.04862) say why that matters; usual values are 0.01 to 0.1.

    Args:
        loss: the loss to wrap.
        probability: probability of a flip, below one half, so that labels stay right more often than wrong.

    Raises:
        ValueError: if ``probability`` is outside [0, 0.5).
    """

    def __init__(self, *, loss: AdversarialLoss, probability: float = 0.05) -> None:
        if not 0 <= probability < 0.5:
            raise ValueError(f"probability must be in [0, 0.5), got {probability}")
        self.loss = loss
        self.probability = probability
        self.relativistic = loss.relativistic
        self.boundary = loss.boundary

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """Map logits ``(N,)`` or ``(N, 1, h, w)`` to the wrapped loss's values ``(N,)`` after the flips."""
        real, fake = prepared(real, fake)
        return self.loss.discriminator(*exchanged(real, fake, self.probability))

    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        """Return the wrapped loss's values ``(N,)``."""
        return self.loss.generator(fake, real)
