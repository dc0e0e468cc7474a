"""What does not fit together: networks, conditions, techniques, data and batches, each refused by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from gan_lightning.core.schedules import Scalar, smallest_of
from gan_lightning.data.base import RealDataModule
from gan_lightning.networks.base import Discriminator, Generator

if TYPE_CHECKING:
    from gan_lightning.models.adversarial import AdversarialModule


def check_shapes(model: AdversarialModule) -> None:
    """Refuse a discriminator of other samples than the generator makes.

    Raises:
        ValueError: naming both.
    """
    made, judged = model.shown_shape(), model.discriminator.sample_shape
    if made != judged:
        raise ValueError(
            f"model.generator makes samples of shape {made}, model.discriminator judges samples of shape {judged}"
        )


def check_techniques(model: AdversarialModule) -> None:
    """Refuse a prior, penalties, an augmentation or an accumulation that does not fit the networks or the loss.

    Raises:
        ValueError: naming the part and the reason.
    """
    model.prior.check(model.generator.latent_dim)
    networks = {"generator": model.generator, "discriminator": model.discriminator}
    for penalty in model.penalties.values():
        penalty.check(networks[penalty.player])
    if model.augment is not None:
        model.augment.check(model.shown_shape())
        if model.augment.reads_signs and model.loss.boundary is None:
            raise ValueError(
                f"model.augment: {type(model.augment).__name__} adapts to how often D(real) is above what means "
                f'"cannot tell", but of the logits of model.loss = {type(model.loss).__name__} only differences '
                f"mean anything; fix the probability with model.augment.fixed_p"
            )
    check_accumulation(model)


def check_accumulation(model: AdversarialModule) -> None:
    """Refuse parts that follow the steps, where a step has several micro-batches.

    Raises:
        ValueError: naming the part.
    """
    if model.updates.accumulate == 1:
        return
    parts = {f"model.regularizers.{name}": part.follows_steps for name, part in model.penalties.items()}
    parts |= {f"model.stabilizers.{name}": part.follows_steps for name, part in model.techniques.items()}
    following = [name for name, follows in parts.items() if follows]
    if following:
        raise ValueError(
            f"model.updates.accumulate = {model.updates.accumulate}: {', '.join(following)} would follow "
            f"micro-batches instead of steps; accumulate must be 1 with it"
        )


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


def refuse_conditions(model: AdversarialModule) -> None:
    """Refuse networks that wait for labels or codes, of which an unconditional model has none.

    Raises:
        ValueError: naming the network.
    """
    name = type(model).__name__
    refuse_classes(model.generator, "model.generator", name)
    refuse_classes(model.discriminator, "model.discriminator", name)
    if model.generator.code_dim is not None:
        raise ValueError(
            f"model.generator: {type(model.generator).__name__} takes codes of length {model.generator.code_dim}, "
            f"but {name} gives none; InfoGAN does"
        )


def check_sample_shape(model: AdversarialModule, data: RealDataModule) -> None:
    """Refuse data whose samples have another shape than those the generator makes.

    Raises:
        ValueError: naming both.
    """
    made, real = model.generator.sample_shape, data.sample_shape
    if real is not None and real != made:
        raise ValueError(f"data: its samples have shape {real}, model.generator makes samples of shape {made}")


def check_batch_size(model: AdversarialModule, batch_size: int, processes: int) -> None:
    """Refuse a batch that does not divide into processes, micro-batches and packs.

    Args:
        model: that is to be trained.
        batch_size: real samples per discriminator update, over all processes.
        processes: how many train together.

    Raises:
        ValueError: naming the number that the batch size must be a multiple of.
    """
    micro, pack = model.updates.accumulate, model.discriminator.samples_per_logit
    if batch_size % (processes * micro * pack):
        parts = [f"{processes} processes"] if processes > 1 else []
        parts += [f"{micro} micro-batches (model.updates.accumulate)"] if micro > 1 else []
        parts += [f"packs of {pack} samples (model.discriminator)"] if pack > 1 else []
        raise ValueError(
            f"batch_size = {batch_size}: it must be a multiple of {processes * micro * pack}, to divide into "
            f"{' and '.join(parts)}"
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
            "feature vector a sample"
        )
