"""Rebuild a model from a checkpoint alone."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from gan_lightning.core.checkpoint import CheckpointError, read_checkpoint, stored_config
from gan_lightning.models.adversarial import AdversarialModule
from gan_lightning.models.misfits import weights_of
from gan_lightning.models.rebuilding import build_limited
from gan_lightning.models.statistics import statistics_node

from_pretrained = AdversarialModule.from_pretrained
"""Of a model of any class, from a folder or the Hub."""


def load_model(path: str | os.PathLike[str], *, trust: bool = False, statistics: Any = None) -> AdversarialModule:
    """Rebuild the model of a checkpoint, weights and counters included, on the CPU, in evaluation mode.

    Args:
        path: a file that ``gan-train`` wrote, or a Trainer of a model whose parts ``config.build`` has built.
        trust: build whatever its configuration names, also outside the packages known to be harmless.
        statistics: batch norm's when sampling: "running", or [n, batch], see ``Standing``; None: the model's own.

    Raises:
        CheckpointError: if the file cannot be used.
        ConfigError: if its configuration names something that is refused.
        ValueError: for other statistics.
    """
    chosen = {} if statistics is None else {"statistics": statistics_node(statistics)}
    checkpoint = read_checkpoint(path)
    config = stored_config(checkpoint)
    config = {**config, "model": {**config["model"], **chosen}}
    model = build_for(checkpoint["state_dict"], config["model"], path, trust=trust)
    with weights_of(path):
        model.load_state_dict(checkpoint["state_dict"])
    model.run_config = config
    return model.eval()


def build_for(
    state: Mapping[str, Any], node: Mapping[str, Any], path: str | os.PathLike[str], *, trust: bool
) -> AdversarialModule:
    """Build the model that a file describes, unless it is much larger than the weights that the file holds.

    Args:
        state: the weights.
        node: configuration of the model.
        path: the file, for messages.
        trust: build whatever ``node`` names.

    Raises:
        CheckpointError: if the model is too large, or is not one of this package.
        ConfigError: if ``node`` names something that is refused.
    """
    model = build_limited({"model": node}, state, path, trust=trust)["model"]
    if not isinstance(model, AdversarialModule):
        raise CheckpointError(f"{path} describes a {type(model).__name__}, which is not a model of gan-lightning")
    return model
