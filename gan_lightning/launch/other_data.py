"""Data modules that are not of this package: they train, and say too little for some of the rest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lightning import Callback, LightningDataModule

from gan_lightning.callbacks import Evaluation
from gan_lightning.data import RealDataModule


def training_images(data: LightningDataModule, budget: Mapping[str, Any]) -> int:
    """Return the number of training images, which a budget in epochs needs; our modules look at all of them for it.

    Raises:
        ValueError: if the budget is in epochs and the data module cannot tell; see ``other_data_problems``.
    """
    if isinstance(data, RealDataModule):
        return data.images_per_epoch
    if budget.get("epochs") is not None:
        raise ValueError(no_epochs(data))
    return 0  # of no account


def other_data_problems(
    data: LightningDataModule, *, config: Mapping[str, Any], callbacks: Iterable[Callback], processes: int
) -> list[str]:
    """Return what a config asks of a data module that is not of this package and that it cannot give.

    Args:
        data: any data module.
        config: config of the run, as plain data.
        callbacks: callbacks of the run.
        processes: how many train together.
    """
    if isinstance(data, RealDataModule):
        return []
    problems = []
    if config["budget"].get("epochs") is not None:
        problems.append(no_epochs(data))
    if any(isinstance(callback, Evaluation) and callback.evaluator is not None for callback in callbacks):
        problems.append(
            f"evaluator: {type(data).__name__} has no evaluation split that scores could compare with; set "
            "evaluator=none, and score the checkpoint with gan-evaluate real=FOLDER_OR_ARCHIVE"
        )
    if processes > 1 and not config["trainer"].get("use_distributed_sampler", True):
        problems.append(
            f"trainer.use_distributed_sampler must be true for {type(data).__name__}, or {processes} processes would "
            "train on the same images, got false"
        )
    return problems


def no_epochs(data: LightningDataModule) -> str:
    """Say why a budget cannot be in epochs."""
    return f"budget.epochs: {type(data).__name__} does not say how many images it has; set budget.images or budget.kimg"
