"""Zero-centred gradient penalties on the samples themselves: R1 and R2."""

from __future__ import annotations

from torch import Tensor

from gan_lightning.regularizers.base import CriticTurn, Regularizer
from gan_lightning.regularizers.gradients import input_gradient, squared_norm


class R1(Regularizer):
    """Pulls the critic's gradient on real samples to zero.

    gamma/2 E||grad D(x)||_2^2, the squared norm over all values of a sample: Mescheder et al. 2018
    (arXiv 1801.04406), equation 9. The gradient passes through the augmentation to the sample before it.
    Mescheder's published code leaves the half out: its ``reg_param`` of 10 is a gamma of 20. Where a logit depends on
    other samples too (batch norm, minibatch layers), the gradient is that of all logits' sum.

    Args:
        weight: gamma.
        interval: the penalty joins every ``interval``-th discriminator step, times ``interval``.
    """

    second_order = True

    def __init__(self, *, weight: float, interval: int = 1) -> None:
        super().__init__(weight=weight, interval=interval)

    def forward(self, turn: CriticTurn) -> Tensor:
        """1/2 E||grad D(x)||^2: a float32 scalar, before ``weight``."""
        return 0.5 * squared_norm(input_gradient(turn.critic, turn.real)).mean()


class R2(Regularizer):
    """Pulls the critic's gradient on generated samples to zero.

    gamma/2 E||grad D(G(z))||_2^2: Mescheder et al. 2018 (arXiv 1801.04406), equation 10; otherwise as ``R1``.

    Args:
        weight: gamma.
        interval: the penalty joins every ``interval``-th discriminator step, times ``interval``.
    """

    second_order = True

    def __init__(self, *, weight: float, interval: int = 1) -> None:
        super().__init__(weight=weight, interval=interval)

    def forward(self, turn: CriticTurn) -> Tensor:
        """1/2 E||grad D(G(z))||^2: a float32 scalar, before ``weight``."""
        return 0.5 * squared_norm(input_gradient(turn.critic, turn.fake)).mean()
