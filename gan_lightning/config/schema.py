"""The root schemas: the keys of a config and their types.

Hydra's defaults lists name them first (``train_schema``, ``evaluate_schema`` and so on), so that a
misspelt root key, or a file whose package header is missing, fails while the config is composed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any, Optional

from hydra.core.config_store import ConfigStore
from omegaconf import MISSING

# OmegaConf evaluates these annotations itself and is documented for Optional[...].
# ruff: noqa: UP045


class Weights(StrEnum):
    """Which weights of the generator are used."""

    ema = "ema"
    raw = "raw"


class Moment(StrEnum):
    """Which value of a score stands for a run: the last evaluation's, or the best of all."""

    final = "final"
    best = "best"


@dataclass
class Budget:
    """How long a run trains; exactly one of the three is set, and ``resolve_budget`` turns it into images.

    Attributes:
        images: real images shown to the discriminator, summed over ranks.
        kimg: the same in thousands.
        epochs: the same in passes over the training set.
    """

    images: Optional[int] = None
    kimg: Optional[float] = None
    epochs: Optional[float] = None


@dataclass
class InitFrom:
    """The weights that the networks of a new run start from.

    Attributes:
        path: a run folder, a checkpoint, a shared model, or a file of tensors; null: networks are drawn.
        weights: for a network that has an average there: "raw" takes the network itself, "ema" the average.
        averages: take the averages too; otherwise they start as copies of the networks.
        optimizers: take the state of the optimizers too.
        strict: refuse a source that does not fill every tensor of the networks; otherwise those stay as drawn.
        names: YAML file, names of tensors or modules here to those in the file, of another program for instance.
    """

    path: Optional[str] = None
    weights: str = "raw"
    averages: bool = False
    optimizers: bool = False
    strict: bool = True
    names: Optional[str] = None


@dataclass
class TrainConfig:
    """Root of ``train.yaml``.

    Attributes:
        name: name of the run, for people.
        seed: seed of everything random in the run.
        batch_size: real images per discriminator update, over all devices.
        budget: how long to train.
        resume: checkpoint to go on from: a path, "auto" (the newest in ``output_dir``, if any) or null.
        init_from: what the networks of a new run start from, see ``InitFrom``.
        output_dir: folder of the run.
        overwrite: remove the run that lies in ``output_dir`` and start over.
        data: the data module.
        model: the GAN, a LightningModule.
        trainer: Lightning's Trainer.
        evaluator: what measures samples; null or empty: nothing does.
        callbacks: name to callback.
        logger: name to logger; empty: the run's own files only.
        paths: folders outside the run, such as data and caches.
        expected: published scores that the reached ones are set beside, see ``Expected``.
    """

    name: str = MISSING
    seed: int = 0
    batch_size: int = MISSING
    budget: Budget = field(default_factory=Budget)
    resume: Optional[str] = None
    init_from: InitFrom = field(default_factory=InitFrom)
    output_dir: str = MISSING
    overwrite: bool = False
    data: dict[str, Any] = field(default_factory=dict)
    model: dict[str, Any] = field(default_factory=dict)
    trainer: dict[str, Any] = field(default_factory=dict)
    evaluator: Optional[dict[str, Any]] = field(default_factory=dict)
    callbacks: dict[str, Any] = field(default_factory=dict)
    logger: dict[str, Any] = field(default_factory=dict)
    paths: dict[str, Any] = field(default_factory=dict)
    expected: Any = field(default_factory=list)


@dataclass
class EvaluateConfig:
    """Root of ``evaluate.yaml``.

    Attributes:
        ckpt: checkpoint to evaluate.
        generated: images to evaluate instead: a folder, a zip archive, or a .npz file of uint8 arrays.
        real: what to compare with: likewise, or a checkpoint, whose data are meant; null: the data of ``ckpt``.
        evaluator: replaces the evaluator stored in the checkpoint; null or empty: the stored one.
        weights: averaged or raw generator; null: averaged where there is one.
        statistics: statistics of the generator's batch norm: "running", or [n, batch]; null: as it was trained with.
        device: "auto", "cpu", "cuda" or "cuda:1".
        out: JSON file for the scores; null: beside the checkpoint.
        overwrite: replace the file that is there already.
        trust: build whatever the checkpoint's config names, also outside the packages known to be harmless.
        paths: folders outside the run, such as the cache.
    """

    ckpt: Optional[str] = None
    generated: Optional[str] = None
    real: Optional[str] = None
    paths: dict[str, Any] = field(default_factory=dict)
    evaluator: Optional[dict[str, Any]] = field(default_factory=dict)
    weights: Optional[Weights] = None
    statistics: Any = None
    device: str = "auto"
    out: Optional[str] = None
    overwrite: bool = False
    trust: bool = False


@dataclass
class SampleConfig:
    """Root of ``sample.yaml``.

    Attributes:
        ckpt: checkpoint to sample from.
        mode: what is made of it, a mode of ``gan_lightning.sampling``.
        n: number of samples; null: as many as the mode usually makes.
        seed: sample i is a function of (seed, i).
        labels: index or name of a class, a list of them, or "all"; null: as in training.
        truncation: largest absolute value of a latent component; null: no limit.
        out: file or folder to write to; null: beside the checkpoint.
        overwrite: replace the file that is there already.
        weights: averaged or raw generator; null: averaged where there is one.
        statistics: statistics of the generator's batch norm: "running", or [n, batch]; null: as it was trained with.
        device: "auto", "cpu", "cuda" or "cuda:1".
        trust: build whatever the checkpoint's config names, also outside the packages known to be harmless.
    """

    ckpt: str = MISSING
    mode: dict[str, Any] = field(default_factory=dict)
    n: Optional[int] = None
    seed: int = 0
    labels: Any = None
    truncation: Optional[float] = None
    out: Optional[str] = None
    overwrite: bool = False
    weights: Optional[Weights] = None
    statistics: Any = None
    device: str = "auto"
    trust: bool = False


@dataclass
class CompareConfig:
    """Root of ``compare.yaml``.

    Attributes:
        runs: a folder, ``wandb:ENTITY/PROJECT``, or a list of those; every run at or below them is read.
        where: conditions on the runs' configurations, separated by commas, such as "model.loss=hinge,seed=0".
        sort: score to sort the groups by, the best first, or a key of their configurations; null: the first score.
        by: which value of the scores is shown and ranked.
        out: file or list of files to write to: .html, .md, .csv or .tex; null: it is only printed.
    """

    runs: Any = MISSING
    where: Any = None
    sort: Optional[str] = None
    by: Moment = Moment.final
    out: Any = None


SCHEMAS: dict[str, type] = {
    "train_schema": TrainConfig,
    "evaluate_schema": EvaluateConfig,
    "sample_schema": SampleConfig,
    "compare_schema": CompareConfig,
}
"""Name in Hydra's store to root schema."""


def register_schemas() -> None:
    """Put the root schemas into Hydra's store, under the names of ``SCHEMAS``."""
    for name, schema in SCHEMAS.items():
        ConfigStore.instance().store(name=name, node=schema)


def root_keys(schema: type) -> list[str]:
    """Return the keys that a root schema allows."""
    return [entry.name for entry in fields(schema)]


def budget_problem(budget: Mapping[str, Any]) -> str | None:
    """Say what is wrong with a budget, or return None."""
    given = {key: value for key in root_keys(Budget) if (value := budget.get(key)) is not None}
    for key, value in given.items():
        if not isinstance(value, int | float) or isinstance(value, bool):
            return f"budget.{key} = {value!r}: must be a number"
    if len(given) != 1:
        values = ", ".join(f"budget.{key}={value:g}" for key, value in given.items()) or "none of them"
        return (
            f"budget: exactly one of budget.images, budget.kimg and budget.epochs must be set, got {values}; "
            "unset one with budget.<key>=null"
        )
    ((key, value),) = given.items()
    if not (math.isfinite(value) and value > 0):
        return f"budget.{key} = {value}: must be positive"
    if value < {"images": 1, "kimg": 0.001, "epochs": 0}[key]:
        return f"budget.{key} = {value}: must be at least one image"
    return None


def init_from_problems(init_from: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with the settings of what the networks start from."""
    problems = []
    if (weights := init_from.get("weights")) not in (allowed := [choice.value for choice in Weights]):
        problems.append(f"init_from.weights = {weights!r}: must be one of {', '.join(allowed)}")
    if init_from.get("path") is None:
        problems += [
            f"init_from.{entry.name} = {init_from[entry.name]}: there is no init_from.path that it is about"
            for entry in fields(InitFrom)
            if init_from.get(entry.name, entry.default) != entry.default
        ]
    return problems


def resolve_budget(budget: Budget | Mapping[str, Any], images_per_epoch: int) -> int:
    """Return the budget in images.

    Args:
        budget: a ``Budget``, or the node of the config.
        images_per_epoch: size of the training set.

    Raises:
        ValueError: unless exactly one of the three is set, and at least one image.
    """
    values = dict(vars(budget)) if isinstance(budget, Budget) else dict(budget)
    problem = budget_problem(values)
    if problem is not None:
        raise ValueError(problem)
    if values.get("images") is not None:
        return int(values["images"])
    if values.get("kimg") is not None:
        return round(values["kimg"] * 1000)
    if values["epochs"] * images_per_epoch < 1:
        raise ValueError(
            f"budget.epochs = {values['epochs']}: at least one image must be shown; an epoch has {images_per_epoch}"
        )
    return round(values["epochs"] * images_per_epoch)


register_schemas()
