"""Rebuild a model from a checkpoint alone."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules import module as registration
from torch.nn.parameter import is_lazy

from gan_lightning.config import build, build_all
from gan_lightning.core.checkpoint import CheckpointError, read_checkpoint, stored_config
from gan_lightning.models.adversarial import AdversarialModule

_FACTOR = 4  # a module registers some tensors more than once, and has some that are not saved
_SPARE_TENSORS = 1000
_SPARE_NUMBERS = 2**28  # a gigabyte


class _TooLargeError(Exception):
    """A model is larger than its weights."""


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
    model = build_for(checkpoint["state_dict"], config["model"], path, trust=trust)
    try:
        model.load_state_dict(checkpoint["state_dict"])
    except (RuntimeError, ValueError, TypeError, AttributeError, LookupError) as error:
        raise CheckpointError(f"{path}: its weights do not fit the model it describes: {error}") from error
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
        CheckpointError: if the model is too large, or is none of this package.
        ConfigError: if ``node`` names something that is refused.
    """
    try:
        with _limited_to(state):
            build_all({"model": node}, trust=trust, rehearse=True)  # takes no memory
        with _limited_to(state), torch.random.fork_rng(devices=[]):  # initial weights are drawn and thrown away
            model = build(node, trust=trust, key="model")
    except _TooLargeError as error:
        raise CheckpointError(f"{path}: the model it describes is larger than the weights it holds") from error
    if not isinstance(model, AdversarialModule):
        raise CheckpointError(f"{path} describes a {type(model).__name__}, which is no model of gan-lightning")
    return model


@contextlib.contextmanager
def _limited_to(state: Mapping[str, Any]) -> Iterator[None]:
    """Stop any module that registers many more parameters and buffers than ``state`` has tensors and numbers."""
    saved = [value.numel() for value in state.values() if isinstance(value, Tensor)]
    tensors = _FACTOR * len(saved) + _SPARE_TENSORS
    numbers = _FACTOR * sum(saved) + _SPARE_NUMBERS

    def count(module: nn.Module, name: str, tensor: Tensor | None) -> None:
        nonlocal tensors, numbers
        tensors -= 1
        numbers -= 0 if tensor is None or is_lazy(tensor) else tensor.numel()
        if tensors < 0 or numbers < 0:
            raise _TooLargeError

    with contextlib.ExitStack() as stack:
        for register in (
            registration.register_module_parameter_registration_hook,
            registration.register_module_buffer_registration_hook,
        ):
            stack.callback(register(count).remove)
        yield
