"""What does not fit together: networks, conditions, techniques and weights, each refused by name."""

from __future__ import annotations

from collections.abc import Mapping

from torch.nn import Parameter

from gan_lightning.augment.base import Augmentation
from gan_lightning.core.running_statistics import batch_norm_layers
from gan_lightning.core.schedules import Scalar, smallest_of
from gan_lightning.losses.base import AdversarialLoss
from gan_lightning.models.statistics import BatchNormStatistics
from gan_lightning.networks.base import Discriminator, Generator
from gan_lightning.regularizers.base import Regularizer
from gan_lightning.regularizers.stabilizer import Stabilizer


def check_shapes(made: tuple[int, ...], discriminator: Discriminator) -> None:
    """Refuse a discriminator of other samples than the generator makes.

    Raises:
        ValueError: naming both.
    """
    if made != discriminator.sample_shape:
        raise ValueError(
            f"model.generator makes samples of shape {made}, model.discriminator judges samples of shape "
            f"{discriminator.sample_shape}"
        )


def require_network(key: str, network: Generator | Discriminator, kind: type[Generator | Discriminator]) -> None:
    """Refuse a network of another kind than a variant is made for.

    Raises:
        ValueError: naming its key, ``model.<key>``.
    """
    if not isinstance(network, kind):
        raise ValueError(f"model.{key} must be a {kind.__name__}, got {type(network).__name__}")


def check_augmentation(augment: Augmentation | None, made: tuple[int, ...], loss: AdversarialLoss) -> None:
    """Refuse an augmentation that cannot transform the samples, or reads signs off logits that have none.

    Raises:
        ValueError: naming the reason.
    """
    if augment is None:
        return
    augment.check(made)
    if augment.reads_signs and loss.boundary is None:
        raise ValueError(
            f"model.augment: {type(augment).__name__} adapts to how often D(real) is above what means "
            f'"cannot tell", but of the logits of model.loss = {type(loss).__name__} only differences '
            f"mean anything; fix the probability with model.augment.fixed_p"
        )


def check_accumulation(
    accumulate: int, penalties: Mapping[str, Regularizer], techniques: Mapping[str, Stabilizer]
) -> None:
    """Refuse parts that follow the steps, where a step has several micro-batches.

    Raises:
        ValueError: naming the part.
    """
    if accumulate == 1:
        return
    parts = {f"model.regularizers.{name}": part.follows_steps for name, part in penalties.items()}
    parts |= {f"model.stabilizers.{name}": part.follows_steps for name, part in techniques.items()}
    following = [name for name, follows in parts.items() if follows]
    if following:
        raise ValueError(
            f"model.updates.accumulate = {accumulate}: {', '.join(following)} would follow "
            f"micro-batches instead of steps; accumulate must be 1 with it"
        )


def check_statistics(statistics: BatchNormStatistics | None, generator: Generator) -> None:
    """Refuse a choice of batch norm's statistics for a generator without batch norm.

    Raises:
        ValueError: naming both.
    """
    if statistics is not None and not batch_norm_layers(generator):
        raise ValueError(
            f"model.statistics = {statistics.name}: model.generator ({type(generator).__name__}) has no batch norm "
            "that keeps statistics"
        )


def first_blocks(network: Generator | Discriminator, count: int | None, *, key: str) -> list[Parameter]:
    """Return the weights of a network's first blocks, those that are frozen.

    Args:
        network: whose.
        count: how many; None: none.
        key: key of the count among the updates' arguments.

    Raises:
        ValueError: if the network has fewer, or declares none.
    """
    if count is None:
        return []
    blocks, name = network.blocks_from_input(), type(network).__name__
    if not blocks:
        raise ValueError(f"model.updates.{key} = {count}: {name} declares no blocks that could be frozen")
    if count > len(blocks):
        raise ValueError(f"model.updates.{key} = {count}: {name} has {len(blocks)} blocks that can be frozen")
    return [parameter for block in blocks[:count] for parameter in block]


def check_weights(weights: Mapping[str, Scalar]) -> None:
    """Refuse weights of terms that are negative, or become so.

    Args:
        weights: by their key below ``model``.

    Raises:
        ValueError: naming the first one.
    """
    for key, weight in weights.items():
        if smallest_of(weight) < 0:
            raise ValueError(f"model.{key} must be at least 0, got {smallest_of(weight)}")


def refuse_conditions(generator: Generator, discriminator: Discriminator, model: str) -> None:
    """Refuse networks that wait for labels or codes: an unconditional model has neither.

    Raises:
        ValueError: naming the network.
    """
    refuse_classes(generator, "model.generator", model)
    refuse_classes(discriminator, "model.discriminator", model)
    if generator.code_dim is not None:
        raise ValueError(
            f"model.generator: {type(generator).__name__} takes codes of length {generator.code_dim}, "
            f"but {model} gives none; InfoGAN does"
        )


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
            "feature vector per sample"
        )
