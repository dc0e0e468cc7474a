"""Packing: the discriminator judges several samples of one kind at a time."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from gan_lightning.networks.base import Discriminator
from gan_lightning.networks.freezing import Block


def packed(samples: Tensor, samples_per_pack: int) -> Tensor:
    """Concatenate consecutive samples along their first dimension: ``(N, C, ...)`` to ``(N / m, m C, ...)``.

    Raises:
        ValueError: if N is not a multiple of ``samples_per_pack``.
    """
    n, first, *rest = samples.shape
    if n % samples_per_pack:
        raise ValueError(f"the batch per device must be a multiple of samples_per_pack ({samples_per_pack}), got {n}")
    return samples.reshape(n // samples_per_pack, samples_per_pack * first, *rest)


class PackedDiscriminator(Discriminator):
    """Lets a discriminator see m samples at once, so that a lack of variety shows.

    D(x_1, ..., x_m) with all m real or all m generated, and one logit a pack: Lin et al. 2018 (arXiv 1712.04086),
    section 2. N samples give N / m logits, so the losses average over packs. Gradient penalties stay per sample.

    Args:
        discriminator: built for samples whose first dimension (channels of an image, coordinates of a point) is m
            times that of one sample.
        samples_per_pack: m.

    Raises:
        ValueError: if ``samples_per_pack`` is below 1 or does not divide the first dimension.
    """

    def __init__(self, *, discriminator: Discriminator, samples_per_pack: int) -> None:
        if samples_per_pack < 1:
            raise ValueError(f"samples_per_pack must be at least 1, got {samples_per_pack}")
        first, *rest = discriminator.sample_shape
        if first % samples_per_pack:
            raise ValueError(
                f"samples_per_pack ({samples_per_pack}) must divide the first dimension of what the packed "
                f"discriminator is built for, got samples of shape {discriminator.sample_shape}"
            )
        super().__init__(feature_dim=discriminator.feature_dim, sample_shape=(first // samples_per_pack, *rest))
        self.discriminator = discriminator
        self.samples_per_pack = samples_per_pack
        self.samples_per_logit = samples_per_pack * discriminator.samples_per_logit
        self.feature_maps = discriminator.feature_maps
        self.classes = discriminator.classes

    def blocks_from_input(self) -> Sequence[Block]:
        """Return the blocks of the discriminator inside."""
        return self.discriminator.blocks_from_input()

    def features(self, samples: Tensor) -> Tensor:
        """Map samples ``(N, *sample_shape)`` to features ``(N / m, feature_dim)`` of packs."""
        return self.discriminator.features(packed(samples, self.samples_per_pack))

    def head(self, features: Tensor, condition: Tensor | None = None) -> Tensor:
        """Map features of packs to their logits, ``(N / m,)``.

        Raises:
            ValueError: if a pack of several samples is given a condition: they have different ones.
        """
        if condition is not None and self.samples_per_pack > 1:
            raise ValueError("a packed discriminator takes no condition: the samples of a pack have different ones")
        return self.discriminator.head(features, condition)
