"""Buffers whose size is only known once training runs, and must still load from a checkpoint."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from torch import nn


def adopt_saved_shapes(module: nn.Module, names: tuple[str, ...]) -> None:
    """Let buffers of ``module`` take the shape and dtype that they have in a state dict, before it is copied in.

    Torch refuses to load into a buffer of another shape.
    """
    module.register_load_state_dict_pre_hook(functools.partial(_adopt, names=names))


def _adopt(
    module: nn.Module, state: Mapping[str, Any], prefix: str, *other_arguments: Any, names: tuple[str, ...]
) -> None:
    for name in names:
        saved = state.get(prefix + name)
        if saved is not None:
            buffer = getattr(module, name)
            setattr(module, name, buffer.new_empty(saved.shape, dtype=saved.dtype))
