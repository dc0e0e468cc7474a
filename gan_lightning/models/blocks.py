"""Forward passes of one fixed size, so that a sample is the same to the bit whatever it is computed with.

In evaluation mode samples do not influence one another, but the number of rows decides which kernel multiplies the
matrices, and kernels round differently.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

MAX_ROWS = 32
MAX_POSITIONS = 2**17  # 32 images of 64x64, one of 512x512


def block_size(sample_shape: Sequence[int]) -> int:
    """Return how many samples of a shape ``(C, H, W)`` or ``(D,)`` go through a network together."""
    return max(1, min(MAX_ROWS, MAX_POSITIONS // math.prod(sample_shape[1:])))


def in_blocks(forward: Callable[..., Tensor], *inputs: Tensor | None, rows: int) -> Tensor:
    """Call ``forward`` on exactly ``rows`` rows at a time; the last row is repeated to fill up.

    Args:
        forward: the inputs to samples, row by row.
        inputs: at least one tensor of N >= 1 rows; those that are None stay None.
        rows: rows of a call.

    Returns:
        what ``forward`` makes of the N rows.
    """
    count = len(next(tensor for tensor in inputs if tensor is not None))
    chunks = []
    for start in range(0, count, rows):
        taken = torch.arange(start, start + rows).clamp_max(count - 1)
        parts = [None if tensor is None else tensor[taken.to(tensor.device)] for tensor in inputs]
        chunks.append(forward(*parts)[: count - start])
    return torch.cat(chunks)
