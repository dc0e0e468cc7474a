"""What a head of one's own on the discriminator's features needs of them."""

from __future__ import annotations

from gan_lightning.networks.base import Discriminator


def check_features(discriminator: Discriminator, *, reads: str) -> None:
    """Refuse a discriminator that has no feature vector for each single sample.

    Args:
        discriminator: whose features a linear layer is to read.
        reads: what is read off them, and by which model.

    Raises:
        ValueError: if it packs samples, or judges patches.
    """
    name = type(discriminator).__name__
    if discriminator.samples_per_logit > 1:
        raise ValueError(
            f"model.discriminator: {name} has one feature vector for {discriminator.samples_per_logit} samples "
            f"together, but {reads} is read off each single one"
        )
    if discriminator.feature_maps:
        raise ValueError(
            f"model.discriminator: {name} judges patches, whose features are maps, but {reads} is read off one "
            "feature vector a sample"
        )
