"""What a model is rebuilt from: its constructor's arguments as plain values, and building no more than a file holds."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules import module as registration
from torch.nn.parameter import is_lazy

from gan_lightning.config import build_all, node_of
from gan_lightning.core.checkpoint import CheckpointError

_FACTOR = 4  # a module registers some tensors more than once, and has some that are not saved
_SPARE_TENSORS = 1000
_SPARE_NUMBERS = 2**28  # a gigabyte


class _TooLargeError(Exception):
    """A model is larger than its weights."""


def plain_arguments(arguments: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return the arguments of a model as plain values, and the dotted keys of parts built by hand.

    An argument that is such a part, or holds one, is left out.

    Args:
        arguments: by name; a part is plain if ``config.build`` has built it.
    """
    plain: dict[str, Any] = {}
    by_hand: list[str] = []
    for name, argument in arguments.items():
        before = len(by_hand)
        value = _plain(argument, f"model.{name}", by_hand)
        if len(by_hand) == before:
            plain[name] = value
    return plain, by_hand


def _plain(value: Any, key: str, by_hand: list[str]) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {name: _plain(item, f"{key}.{name}", by_hand) for name, item in value.items()}
    if isinstance(value, Sequence):
        return [_plain(item, f"{key}[{index}]", by_hand) for index, item in enumerate(value)]
    node = node_of(value)
    if node is None:
        by_hand.append(key)
    return node


def build_limited(
    nodes: Mapping[str, Any], state: Mapping[str, Any], path: str | os.PathLike[str], *, trust: bool
) -> dict[str, Any]:
    """Build what a file describes, unless it is much larger than the weights that the file holds.

    Args:
        nodes: as in ``config.build_all``.
        state: the weights.
        path: the file, for messages.
        trust: build whatever the nodes name.

    Raises:
        CheckpointError: if the model is too large.
        ConfigError: if a node names something that is refused.
    """
    try:
        with _limited_to(state):
            build_all(nodes, trust=trust, rehearse=True)  # takes no memory
        with _limited_to(state), torch.random.fork_rng(devices=[]):  # initial weights are drawn and thrown away
            return build_all(nodes, trust=trust)
    except _TooLargeError as error:
        raise CheckpointError(f"{path}: the model it describes is larger than the weights it holds") from error


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
