"""Zero-centered gradient penalties on the samples themselves: R1 and R2."""

from __future__ import annotations

from torch import Tensor

from gan_lightning.core.schedules import Scalar
from gan_lightning.regularizers.base import DiscriminatorTurn, Regularizer
from gan_lightning.regularizers.gradients import input_gradient, shared_gradient, squared_norm


class R1(Regularizer):
    """Pulls the critic's gradient on real samples to zero.

    gamma/2 E||grad D(x)||_2^2, the squared norm over all values of a sample: Mescheder et al. 2018
    (arXiv 1801.04406), equation 9. The gradient passes through the augmentation to the sample before it.
    Mescheder's published code leaves the half out: its ``reg_param`` of 10 is a gamma of 20. Where a logit depends on
    other samples too (batch norm, minibatch layers), the gradient is that of all logits' sum.

    Args:
        weight: gamma.
        interval: the penalty joins every ``interval``-th discriminator update, times ``interval``.
        own_step: whether it makes an update of its own instead.
        shares_forward: whether it differentiates the forward pass of the adversarial term.
    """

    second_order = True
    needs_fakes = False

    def __init__(
        self, *, weight: Scalar, interval: int = 1, own_step: bool = False, shares_forward: bool = False
    ) -> None:
        super().__init__(weight=weight, interval=interval, own_step=own_step, shares_forward=shares_forward)

    def forward(self, turn: DiscriminatorTurn) -> Tensor:
        """Return 1/2 E||grad D(x)||^2: a float32 scalar, before ``weight``."""
        if self.shares_forward:
            gradient = shared_gradient(turn.real_logits, turn.real_leaf)
        else:
            gradient = input_gradient(turn.critic, turn.real)
        return 0.5 * squared_norm(gradient).mean()


class R2(Regularizer):
    """Pulls the critic's gradient on generated samples to zero.

    gamma/2 E||grad D(G(z))||_2^2: Mescheder et al. 2018 (arXiv 1801.04406), equation 10; otherwise as ``R1``.

    Args:
        weight: gamma.
        interval: the penalty joins every ``interval``-th discriminator update, times ``interval``.
        own_step: whether it makes an update of its own instead.
        shares_forward: whether it differentiates the forward pass of the adversarial term.
    """

    second_order = True

    def __init__(
        self, *, weight: Scalar, interval: int = 1, own_step: bool = False, shares_forward: bool = False
    ) -> None:
        super().__init__(weight=weight, interval=interval, own_step=own_step, shares_forward=shares_forward)

    def forward(self, turn: DiscriminatorTurn) -> Tensor:
        """Return 1/2 E||grad D(G(z))||^2: a float32 scalar, before ``weight``."""
        if self.shares_forward:
            gradient = shared_gradient(turn.fake_logits, turn.fake_leaf)
        else:
            assert turn.fake is not None
            gradient = input_gradient(turn.critic, turn.fake)
        return 0.5 * squared_norm(gradient).mean()
