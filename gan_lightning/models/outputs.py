"""What passes between the training step and a variant within one update."""

from __future__ import annotations

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
        logits: ``(N,)``, or ``(N, 1, h, w)`` where each sample has several: of patches, or of heads.
        features: what the logits were made from, for auxiliary heads: ``(N, feature_dim)``, or whatever the network's
            ``features`` returns and its ``head`` reads, such as a tuple of maps.
        shown: the samples as the discriminator saw them, augmented; with other views of them, a tuple.
    """

    logits: Tensor
    features: Any
    shown: Any = None


def share_ranked_right(real: Tensor, fake: Tensor) -> Tensor:
    """Return the share of (real, fake) pairs in which the real sample has the larger logit, ties counting half.

    It reads the same for every loss, unlike the sign of a logit: 0.5 means the discriminator cannot tell. The pairs are
    counted in a sorted list, since a large batch of patches has more of them than a memory holds.

    Args:
        real: logits of any shape.
        fake: likewise.

    Returns:
        A scalar in [0, 1]; NaN if a logit is.
    """
    ranked, rest = real.detach().flatten().contiguous(), fake.detach().flatten().sort().values
    below, not_above = (torch.searchsorted(rest, ranked, right=side).sum() for side in (False, True))
    pairs = len(ranked) * len(rest)
    share = ((below + not_above - pairs).float() / pairs + 1) / 2
    return share.masked_fill(ranked.isnan().any() | rest.isnan().any(), torch.nan)
