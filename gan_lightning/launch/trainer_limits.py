"""Arguments of the Trainer that a run has another key for, and that it would otherwise ignore."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple


class Elsewhere(NamedTuple):
    """An argument that a run does not take from the Trainer.

    Attributes:
        neutral: values that ask for nothing.
        instead: what to set, or why there is nothing to set.
        by_epochs: whether Lightning honors it where an epoch ends, which is so with data modules of others.
    """

    neutral: Sequence[Any]
    instead: str
    by_epochs: bool = False


_BUDGET = "the budget ends a run: set budget.images, budget.kimg or budget.epochs"
_CLIP = "each player has its own: set model.updates.generator_clip_norm and model.updates.discriminator_clip_norm"
_EVALUATION = "there is no validation loop: set callbacks.evaluation.every_kimg"

ELSEWHERE: Mapping[str, Elsewhere] = {
    "max_epochs": Elsewhere((-1, None), f"an epoch has no end here, and {_BUDGET}", by_epochs=True),
    "min_epochs": Elsewhere((None,), f"an epoch has no end here, and {_BUDGET}", by_epochs=True),
    "min_steps": Elsewhere((None,), _BUDGET),
    "limit_train_batches": Elsewhere((None, 1.0), f"an epoch has no end here, and {_BUDGET}", by_epochs=True),
    "overfit_batches": Elsewhere((0, 0.0), "data modules choose their images: set data.fraction", by_epochs=True),
    "accumulate_grad_batches": Elsewhere((1,), "set model.updates.accumulate"),
    "gradient_clip_val": Elsewhere((None, 0, 0.0), _CLIP),
    "gradient_clip_algorithm": Elsewhere((None,), _CLIP),
    "limit_val_batches": Elsewhere((None, 0, 0.0, 1.0), _EVALUATION),
    "val_check_interval": Elsewhere((None, 1.0), _EVALUATION),
    "check_val_every_n_epoch": Elsewhere((1,), _EVALUATION),
    "reload_dataloaders_every_n_epochs": Elsewhere((0,), "an epoch has no end here", by_epochs=True),
    "barebones": Elsewhere((False,), "a run without loggers and checkpoints leaves nothing behind"),
    "callbacks": Elsewhere((None,), "they are a group of their own: +callbacks.NAME._target_=..."),
    "logger": Elsewhere((None,), "loggers are a group of their own: logger=NAME, or +logger.NAME._target_=..."),
    "enable_checkpointing": Elsewhere((None, True), "set callbacks.checkpoint.every_minutes and every_kimg"),
}
"""Argument to what replaces it; every other limit of the Trainer ends a run, which is then ``stopped``."""


def limit_problems(trainer: Mapping[str, Any], *, endless: bool) -> list[str]:
    """Return a sentence for each argument that a run would ignore, or that Lightning would refuse once it trains.

    Args:
        trainer: the config's node.
        endless: whether an epoch of the data has no end.
    """
    max_time = trainer.get("max_time")
    told_wrongly = isinstance(max_time, int | float)  # Lightning fails on it with an AttributeError
    said = [f"trainer.max_time = {max_time}: must be DD:HH:MM:SS, or a mapping such as {{hours: 3}}"]
    return (said if told_wrongly else []) + [
        f"trainer.{key} = {trainer[key]}: {entry.instead}"
        for key, entry in ELSEWHERE.items()
        if key in trainer and _asks(trainer[key], entry.neutral) and (endless or not entry.by_epochs)
    ]


def _asks(value: Any, neutral: Sequence[Any]) -> bool:
    """Compare types, too: 1.0 is all batches of an epoch, and 1 is a single one."""
    return not any(type(value) is type(one) and value == one for one in neutral)
