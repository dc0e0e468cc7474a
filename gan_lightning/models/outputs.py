"""What passes between the training step and a variant within one update."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class GeneratedBatch:
    """Generated samples and what they were made from.

    Attributes:
        images: ``(N, *sample_shape)``.
        latents: ``(N, latent_dim)``.
        condition: what the generator was given besides, or None.
        views: what else the discriminator is shown of the samples, such as smaller images.
    """

    images: Tensor
    latents: Tensor
    condition: Tensor | None
    views: tuple[Tensor, ...] = ()

    def detached(self) -> Self:
        """Return the same samples without their graph."""
        return replace(self, images=self.images.detach(), views=tuple(view.detach() for view in self.views))


@dataclass(frozen=True, slots=True)
class DiscriminatorOutput:
    """The discriminator's view of some samples.

    Attributes:
        logits: ``(N,)`` or ``(N, 1, h, w)``; of a discriminator with several heads, a tuple of such.
        features: what the logits were made from, for auxiliary heads; ``(N, feature_dim)`` in most networks.
        shown: the samples as the discriminator saw them, augmented; with other views of them, a tuple.
    """

    logits: Any
    features: Any
    shown: Any = None

    @property
    def heads(self) -> tuple[Tensor, ...]:
        """Return the logits of each head."""
        return self.logits if isinstance(self.logits, tuple) else (self.logits,)

    @property
    def joined(self) -> Tensor:
        """Return the logits; of several heads, the mean over heads of each sample's mean logit: ``(N,)``."""
        heads = self.heads
        return heads[0] if len(heads) == 1 else mean_of([head.reshape(len(head), -1).mean(dim=1) for head in heads])

    @property
    def summed(self) -> Tensor:
        """Return the logits; of several heads, the sum over heads of each sample's summed logits: ``(N,)``."""
        heads = self.heads
        if len(heads) == 1:
            return heads[0]
        return torch.stack([head.reshape(len(head), -1).sum(dim=1) for head in heads]).sum(dim=0)


def mean_of(values: Sequence[Tensor]) -> Tensor:
    """Return the mean of tensors of one shape; one of them is returned as it is."""
    return values[0] if len(values) == 1 else torch.stack(list(values)).mean(dim=0)


def share_ranked_right(real: Tensor, fake: Tensor) -> Tensor:
    """Return the share of (real, fake) pairs in which the real sample has the larger logit, ties counting half.

    It reads the same for every loss, unlike the sign of a logit: 0.5 means the discriminator cannot tell.
    """
    difference = real.detach().flatten()[:, None] - fake.detach().flatten()[None, :]
    return (difference.sign().float().mean() + 1) / 2
