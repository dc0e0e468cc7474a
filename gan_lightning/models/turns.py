"""The values that pass between the base class and a variant within one turn."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, slots=True)
class Fakes:
    """Generated samples of one turn and what they were made from.

    Attributes:
        images: ``(N, *sample_shape)``.
        latents: ``(N, latent_dim)``.
        condition: what the generator was given besides, or None.
    """

    images: Tensor
    latents: Tensor
    condition: Tensor | None


@dataclass(frozen=True, slots=True)
class Judgement:
    """The discriminator's view of some samples.

    Attributes:
        logits: ``(N,)`` or ``(N, 1, h, w)``.
        features: ``(N, feature_dim)``, what the logits were made from, for auxiliary heads.
    """

    logits: Tensor
    features: Tensor


def share_ranked_right(real: Tensor, fake: Tensor) -> Tensor:
    """Return the share of (real, fake) pairs in which the real sample has the larger logit, ties counting half.

    It reads the same for every loss, unlike the sign of a logit: 0.5 means the discriminator cannot tell.
    """
    difference = real.detach().flatten()[:, None] - fake.detach().flatten()[None, :]
    return (difference.sign().float().mean() + 1) / 2
