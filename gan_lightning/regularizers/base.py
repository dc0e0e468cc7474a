"""The interface of a regularizer: a penalty that joins one player's loss every ``interval`` of its updates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from torch import Tensor, nn

from gan_lightning.core.schedules import Scalar, smallest_of
from gan_lightning.networks.base import Discriminator, Generator


@dataclass(frozen=True, slots=True)
class DiscriminatorTurn:
    """What a penalty of the discriminator may look at.

    Attributes:
        critic: images ``(N, *sample_shape)`` to logits; the condition and the augmentation are already bound.
        real: the real samples of this step, without a graph.
        fake: the generated samples, without a graph, of the same conditions in the same order; None for a penalty
            that needs none, in an update of its own.
        images_seen: real images shown to the discriminator before this step, over all ranks.
        real_logits: the logits of the adversarial term on ``real``, with their graph; None in an update of its own.
        fake_logits: likewise on ``fake``.
        real_leaf: what ``real_logits`` were computed from, to differentiate by, for a penalty that shares the forward
            pass of the adversarial term.
        fake_leaf: likewise of ``fake_logits``.
    """

    critic: Callable[[Tensor], Tensor]
    real: Tensor
    fake: Tensor | None
    images_seen: int
    real_logits: Tensor | None = None
    fake_logits: Tensor | None = None
    real_leaf: Tensor | None = None
    fake_leaf: Tensor | None = None


@dataclass(frozen=True, slots=True)
class GeneratorTurn:
    """What a penalty of the generator, or a stabilizer, may look at.

    Attributes:
        generator: the generator, with gradients.
        discriminator: the discriminator, frozen.
        real: real samples of this step.
        fake: generated samples with their graph; None in an update of the penalty's own.
        condition: the condition of ``fake``.
        images_seen: real images shown to the discriminator before this step, over all ranks.
        shown: makes of samples what the discriminator is shown of them: augments them.
        draw: returns fresh latents, and their condition, for a number of samples.
    """

    generator: Generator
    discriminator: Discriminator
    real: Tensor
    fake: Tensor | None
    condition: Tensor | None
    images_seen: int
    shown: Callable[[Tensor], Tensor]
    draw: Callable[[int], tuple[Tensor, Tensor | None]]


class Regularizer(nn.Module):
    """A penalty on one player.

    State that must survive a resume lives in buffers.

    Attributes:
        player: whose loss it joins; what ``forward`` is given is a ``DiscriminatorTurn`` or a ``GeneratorTurn``.
        second_order: whether it differentiates a gradient of its player, which a compiled network does not allow.
        follows_steps: whether its state moves with every step, so that a step may not have several micro-batches.
        needs_fakes: whether it looks at generated samples.

    Args:
        weight: factor of the penalty: a number, or a schedule.
        interval: the penalty joins every ``interval``-th update of its player, multiplied by ``interval``, so
            that its average strength does not depend on it (lazy regularization, Karras 2020, section 3.1).
        own_step: whether it makes an update of its own, after its player's, instead of joining it.
        shares_forward: whether it differentiates the forward pass of the adversarial term instead of one of its own,
            in that pass's precision and with the same augmentation.

    Raises:
        ValueError: if ``weight`` is negative, ``interval`` is below 1, or both ways of joining are asked for.
    """

    player: ClassVar[Literal["discriminator", "generator"]] = "discriminator"
    second_order: bool = False
    follows_steps: bool = False
    needs_fakes: bool = True

    def __init__(
        self, *, weight: Scalar, interval: int = 1, own_step: bool = False, shares_forward: bool = False
    ) -> None:
        super().__init__()
        if smallest_of(weight) < 0:
            raise ValueError(f"weight must be at least 0, got {smallest_of(weight)}")
        if interval < 1:
            raise ValueError(f"interval must be at least 1, got {interval}")
        if own_step and shares_forward:
            raise ValueError("own_step and shares_forward exclude one another: an update of its own has its own pass")
        self.weight = weight
        self.interval = interval
        self.own_step = own_step
        self.shares_forward = shares_forward

    def forward(self, turn: Any) -> Tensor:
        """Return the penalty of this step: a float32 scalar, before ``weight``."""
        raise NotImplementedError

    def check(self, network: nn.Module) -> None:
        """Raise ``ValueError`` if the penalty makes no sense for its player's network; called at construction."""
