"""Consistency regularization: a small move of an image should not move its logit."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gan_lightning.core.schedules import Scalar
from gan_lightning.networks.base import Discriminator
from gan_lightning.regularizers.base import DiscriminatorTurn, Regularizer


def reflected(indices: Tensor, size: int) -> Tensor:
    """Mirror indices beyond 0 or ``size - 1`` back inside, the border itself not repeated."""
    indices = indices.abs()
    return (size - 1) - ((size - 1) - indices).abs()


def flip_and_shift(images: Tensor, shift_fraction: float) -> Tensor:
    """Flip each image left to right with probability 1/2, then move it by whole pixels with mirrored borders.

    Args:
        images: ``(N, C, H, W)``.
        shift_fraction: largest move in either direction, as a fraction of height and of width.
    """
    n, channels, height, width = images.shape
    device = images.device
    reach_y, reach_x = round(height * shift_fraction), round(width * shift_fraction)
    move_y = torch.randint(-reach_y, reach_y + 1, (n, 1), device=device)
    move_x = torch.randint(-reach_x, reach_x + 1, (n, 1), device=device)
    flip = torch.rand(n, 1, device=device) < 0.5
    rows = reflected(torch.arange(height, device=device) + move_y, height)
    columns = reflected(torch.arange(width, device=device) + move_x, width)
    columns = torch.where(flip, width - 1 - columns, columns)
    sample = torch.arange(n, device=device).view(n, 1, 1, 1)
    channel = torch.arange(channels, device=device).view(1, channels, 1, 1)
    return images[sample, channel, rows.view(n, 1, height, 1), columns.view(n, 1, 1, width)]


class Consistency(Regularizer):
    """Asks for the same logit before and after a flip and a small shift T.

    weight * (E[(D(T(x)) - D(x))^2] + fake_ratio E[(D(T(G(z))) - D(G(z)))^2]): CR with ``fake_ratio`` 0, Zhang et
    al. 2020 (arXiv 1910.12027), equation 3; balanced (bCR) with 1, Zhao et al. 2020 (arXiv 2002.04724),
    algorithm 1. Where an augmentation is in use, both logits are those of augmented images.

    Args:
        weight: lambda.
        fake_ratio: weight of the term on generated images, relative to that on real ones.
        shift_fraction: largest shift, as a fraction of height and of width.
        interval: the penalty joins every ``interval``-th discriminator step, times ``interval``.

    Raises:
        ValueError: if ``fake_ratio`` is negative or ``shift_fraction`` outside [0, 0.5].
    """

    def __init__(
        self, *, weight: Scalar = 10.0, fake_ratio: float = 0.0, shift_fraction: float = 0.125, interval: int = 1
    ) -> None:
        super().__init__(weight=weight, interval=interval)
        if fake_ratio < 0:
            raise ValueError(f"fake_ratio must be at least 0, got {fake_ratio}")
        if not 0 <= shift_fraction <= 0.5:
            raise ValueError(f"shift_fraction must be in [0, 0.5], got {shift_fraction}")
        self.fake_ratio = fake_ratio
        self.shift_fraction = shift_fraction

    def _term(self, turn: DiscriminatorTurn, images: Tensor, logits: Tensor) -> Tensor:
        moved = turn.critic(flip_and_shift(images, self.shift_fraction))
        return (moved.float() - logits.float()).square().mean()

    def forward(self, turn: DiscriminatorTurn) -> Tensor:
        """Return the penalty of this step: a float32 scalar, before ``weight``."""
        assert turn.fake is not None
        assert turn.real_logits is not None
        assert turn.fake_logits is not None
        penalty = self._term(turn, turn.real, turn.real_logits)
        if self.fake_ratio > 0:
            penalty = penalty + self.fake_ratio * self._term(turn, turn.fake, turn.fake_logits)
        return penalty

    def check(self, discriminator: nn.Module) -> None:
        """Refuse samples that cannot be flipped and shifted.

        Raises:
            ValueError: if ``discriminator`` does not look at images.
        """
        if isinstance(discriminator, Discriminator) and len(discriminator.sample_shape) != 3:
            raise ValueError(
                f"consistency regularization flips and shifts images (C, H, W), but the discriminator looks at "
                f"samples of shape {discriminator.sample_shape}"
            )
