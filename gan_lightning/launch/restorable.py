"""Whether the parts of a run can take over a checkpoint: asked before the run's folder is changed, not by the fit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from gan_lightning.callbacks import Evaluation, TrainingHealth
from gan_lightning.core.checkpoint import RECORD, CheckpointError, check_training_state
from gan_lightning.core.trainer_state import first_difference
from gan_lightning.launch.parts import Parts
from gan_lightning.models.misfits import LOADING_ERRORS, reason_of, weights_of
from gan_lightning.models.optimizer_states import plan_optimizers


def check_restorable(checkpoint: Mapping[str, Any], path: Path, parts: Parts) -> None:
    """Refuse a checkpoint of which a fit would take over only a part before it fails, or begin the rest anew.

    The model has the checkpoint's weights afterwards, as it will have again in the fit.

    Args:
        checkpoint: as ``read_checkpoint`` returns it.
        path: the file.
        parts: of the run that is to continue from it.

    Raises:
        CheckpointError: naming the first tensors or the entry that does not fit.
    """
    check_training_state(checkpoint, path)
    with weights_of(path):
        parts.model.load_state_dict(checkpoint["state_dict"])
    with _entry(path, "optimizer_states"):
        plan_optimizers(parts.model, checkpoint["optimizer_states"])
    with _entry(path, "loops"):
        _compare(checkpoint["loops"].get("fit_loop"), parts.trainer.fit_loop.state_dict(), "fit_loop")
    with _entry(path, "gradient_scalers"):
        own = torch.amp.GradScaler("cpu").state_dict()
        for name, state in checkpoint["gradient_scalers"].items():
            _compare(state, own, name)
    precision = parts.trainer.precision_plugin
    with _entry(path, key := type(precision).__qualname__):
        if key in checkpoint:
            _compare(checkpoint[key], precision.state_dict(), key)
    states = checkpoint["callbacks"]
    for callback in parts.callbacks:
        key = callback.state_key
        if isinstance(callback, Evaluation | TrainingHealth) and key in states:
            with _entry(path, f"callbacks.{key}"):
                _compare(states[key], callback.state_dict(), key)
                callback.load_state_dict(states[key])
        elif isinstance(callback, Evaluation) and _named(checkpoint, "evaluation"):
            raise CheckpointError(f"{path}: it cannot be resumed: its callbacks lack {key}, which its run had")


def _named(checkpoint: Mapping[str, Any], callback: str) -> bool:
    """Say whether the run that wrote a checkpoint had a callback of this name."""
    callbacks = (checkpoint[RECORD]["config"] or {}).get("callbacks")
    return isinstance(callbacks, Mapping) and callbacks.get(callback) is not None


def _compare(value: Any, template: Any, place: str) -> None:
    if (difference := first_difference(value, template, place)) is not None:
        raise ValueError(f"{difference} is missing or of another type")


@contextmanager
def _entry(path: Path, name: str) -> Iterator[None]:
    """Name the entry of a checkpoint that cannot be taken over in this block."""
    try:
        yield
    except LOADING_ERRORS as error:
        raise CheckpointError(f"{path}: it cannot be resumed: its {name} does not fit: {reason_of(error)}") from error
