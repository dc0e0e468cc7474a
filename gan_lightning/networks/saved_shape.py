"""Buffers whose size is only known once training runs, and must still load from a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn


def adopt_saved_shapes(module: nn.Module, state: Mapping[str, Tensor], prefix: str, names: tuple[str, ...]) -> None:
    """Give ``module``'s buffers ``names`` the shape and dtype they have in ``state``, before it is copied in.

    Call it first in ``_load_from_state_dict``; torch refuses to load into a buffer of another shape.
    """
    for name in names:
        saved = state.get(prefix + name)
        if saved is not None:
            buffer = getattr(module, name)
            setattr(module, name, buffer.new_empty(saved.shape, dtype=saved.dtype))
