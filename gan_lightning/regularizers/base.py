"""The interface of a regularizer: a penalty that joins one player's loss every ``interval`` of its steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class CriticTurn:
    """What a discriminator's regularizer may look at.

    Attributes:
        critic: images ``(N, *sample_shape)`` to logits; the condition and the augmentation are already bound.
        real: the real samples of this step, without a graph.
        fake: the generated samples, without a graph, of the same conditions in the same order.
        real_logits: the logits of the adversarial term on ``real``, with their graph.
        fake_logits: likewise on ``fake``.
        images_seen: real images shown to the discriminator before this step, over all ranks.
    """

    critic: Callable[[Tensor], Tensor]
    real: Tensor
    fake: Tensor
    real_logits: Tensor
    fake_logits: Tensor
    images_seen: int


class Regularizer(nn.Module):
    """A penalty on the discriminator.

    State that must survive a resume lives in buffers.

    Attributes:
        second_order: whether it differentiates a gradient of the critic, which a compiled network does not allow.
        follows_steps: whether its state moves with every step, so that a step may not have several micro-batches.

    Args:
        weight: factor of the penalty.
        interval: the penalty joins every ``interval``-th discriminator step, multiplied by ``interval``, so
            that its average strength does not depend on it (lazy regularization, Karras 2020, section 3.1).

    Raises:
        ValueError: if ``weight`` is negative or ``interval`` is below 1.
    """

    second_order: bool = False
    follows_steps: bool = False

    def __init__(self, *, weight: float, interval: int = 1) -> None:
        super().__init__()
        if weight < 0:
            raise ValueError(f"weight must be at least 0, got {weight}")
        if interval < 1:
            raise ValueError(f"interval must be at least 1, got {interval}")
        self.weight = weight
        self.interval = interval

    def forward(self, turn: CriticTurn) -> Tensor:
        """The penalty of this step: a float32 scalar, before ``weight``."""
        raise NotImplementedError

    def check(self, discriminator: nn.Module) -> None:
        """Raise ``ValueError`` if the penalty makes no sense for ``discriminator``; called at construction."""
