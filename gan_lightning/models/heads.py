"""What a model needs of networks beside their shapes: a condition or none, features that a head can read."""

from __future__ import annotations

from gan_lightning.networks.base import Discriminator, Generator


def refuse_classes(network: Generator | Discriminator, key: str, model: str) -> None:
    """Refuse a network that waits for labels which it would not be given.

    Args:
        network: that is looked at.
        key: its place in the config.
        model: name of the model.

    Raises:
        ValueError: if it is made for classes.
    """
    if network.classes is not None:
        raise ValueError(
            f"{key}: {type(network).__name__} takes labels (classes = {network.classes}), but {model} gives it none"
        )


def require_classes(network: Generator | Discriminator, key: str, model: str, *, classes: int | None = None) -> int:
    """Refuse a network that takes no labels, or others, and return the number of classes.

    Args:
        network: that is looked at.
        key: its place in the config.
        model: name of the model.
        classes: how many there must be; None: any number.

    Raises:
        ValueError: naming the network.
    """
    name = type(network).__name__
    if network.classes is None:
        player = key.partition(".")[2]
        raise ValueError(f"{model} needs a {player} that takes labels; {key} ({name}) has classes = None")
    if classes is not None and network.classes != classes:
        raise ValueError(f"{key}: {name} has classes = {network.classes}, model.generator has {classes}")
    return network.classes


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
