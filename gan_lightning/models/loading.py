"""Rebuild a model from a checkpoint alone."""

from __future__ import annotations

import os

import torch

from gan_lightning.config import build
from gan_lightning.core.checkpoint import CheckpointError, read_checkpoint, stored_config
from gan_lightning.models.base import AdversarialModule


def load_model(path: str | os.PathLike[str], *, trust: bool = False) -> AdversarialModule:
    """Rebuild the model of a checkpoint, weights and counters included, on the CPU, in evaluation mode.

    Args:
        path: a file that ``gan-train`` wrote.
        trust: build whatever its configuration names, also outside the packages known to be harmless.

    Raises:
        CheckpointError: if the file cannot be used.
        ConfigError: if its configuration names something that is refused.
    """
    checkpoint = read_checkpoint(path)
    config = stored_config(checkpoint)
    with torch.random.fork_rng(devices=[]):  # initial weights are drawn and thrown away
        model = build(config["model"], trust=trust, key="model")
    if not isinstance(model, AdversarialModule):
        raise CheckpointError(f"{path} describes a {type(model).__name__}, which is no model of gan-lightning")
    try:
        model.load_state_dict(checkpoint["state_dict"])
    except RuntimeError as error:
        raise CheckpointError(f"{path}: its weights do not fit the model it describes: {error}") from error
    model.run_config = config
    return model.eval()
