"""Losses that read a logit as a score, not as log-odds: least squares, hinge and Wasserstein."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from gan_lightning.losses.base import AdversarialLoss, per_sample, prepared


def scaled_square(logit: Tensor, target: float, scale: float) -> Tensor:
    """Return ``scale`` times the squared distance of each score to its target, elementwise."""
    return scale * (logit - target).square()


class LeastSquares(AdversarialLoss):
    """Pulls scores to targets: b for real and a for fake samples in D's turn, c for fake ones in G's.

    L_D = 1/2 (D(x) - b)^2 + 1/2 (D(G(z)) - a)^2, L_G = 1/2 (D(G(z)) - c)^2: Mao et al. 2017
    (arXiv 1611.04076), equation 2; the defaults are its 0-1 coding (equation 9). b = 0.9 is one-sided
    label smoothing.

    Args:
        fake_target: a.
        real_target: b.
        generator_target: c.
        scale: factor of every square: 1/2 as in the equations, 1 in CycleGAN (arXiv 1703.10593, section 4).

    Raises:
        ValueError: if ``real_target`` is not above ``fake_target``, or ``scale`` not positive.
    """

    def __init__(
        self,
        *,
        fake_target: float = 0.0,
        real_target: float = 1.0,
        generator_target: float = 1.0,
        scale: float = 0.5,
    ) -> None:
        if not real_target > fake_target:
            raise ValueError(f"real_target must be above fake_target ({fake_target}), got {real_target}")
        if not scale > 0:
            raise ValueError(f"scale must be positive, got {scale}")
        self.scale = scale
        self.fake_target = fake_target
        self.real_target = real_target
        self.generator_target = generator_target
        self.boundary = (fake_target + real_target) / 2

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """Sum the scaled squares of real and fake scores ``(N,)`` or ``(N, 1, h, w)``: ``(N,)``, at least 0."""
        real, fake = prepared(real, fake)
        squares = [scaled_square(real, self.real_target, self.scale), scaled_square(fake, self.fake_target, self.scale)]
        return per_sample(squares[0] + squares[1])

    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        """Return the scaled squares ``(N,)``; ``real`` is not looked at."""
        (fake,) = prepared(fake)
        return per_sample(scaled_square(fake, self.generator_target, self.scale))


class Hinge(AdversarialLoss):
    """Asks the discriminator for a margin of 1 on either side, and no more.

    L_D = relu(1 - D(x)) + relu(1 + D(G(z))), L_G = -D(G(z)): Lim and Ye 2017 (arXiv 1705.02894); Miyato et
    al. 2018 (arXiv 1802.05957), equations 16 and 17.

    Args:
        least_margin: below 1, each logit has a margin of its own, drawn from U(least_margin, 1) (FastGAN's code: 0.8).

    Raises:
        ValueError: if it is negative or above 1.
    """

    boundary = 0.0

    def __init__(self, *, least_margin: float = 1.0) -> None:
        if not 0 <= least_margin <= 1:
            raise ValueError(f"loss.least_margin must be from 0 to 1, got {least_margin}")
        self.least_margin = least_margin

    def _margins(self, logits: Tensor) -> Tensor | float:
        return 1.0 if self.least_margin == 1 else torch.empty_like(logits).uniform_(self.least_margin, 1)

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """Sum what real and fake scores ``(N,)`` or ``(N, 1, h, w)`` lack to their margins: ``(N,)``, at least 0."""
        real, fake = prepared(real, fake)
        return per_sample(F.relu(self._margins(real) - real) + F.relu(self._margins(fake) + fake))

    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        """Return the negated scores ``(N,)``; ``real`` is not looked at."""
        (fake,) = prepared(fake)
        return per_sample(-fake)


class Wasserstein(AdversarialLoss):
    """The difference of scores, whose supremum over 1-Lipschitz critics is the Wasserstein-1 distance.

    L_D = D(G(z)) - D(x), L_G = -D(G(z)): Arjovsky et al. 2017 (arXiv 1701.07875), equations 2 and 3. The
    Lipschitz bound is not the loss's business: clip the weights, or add ``WGANGP``.
    """

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return fake minus real scores ``(N,)`` or ``(N, 1, h, w)``: ``(N,)``, of any sign."""
        real, fake = prepared(real, fake)
        return per_sample(fake - real)

    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        """Return the negated scores ``(N,)``; ``real`` is not looked at."""
        (fake,) = prepared(fake)
        return per_sample(-fake)
