"""Values over all processes of a training run, with gradients; a process alone gets back what it gave.

Data-parallel training averages the gradients of the processes' losses. That is the gradient of the loss of the global
batch only where a loss is a mean over samples; whatever else looks at a batch (its mean, its standard deviation, its
best samples) must look at the batch of all processes, through these functions.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, distributed


def world_size() -> int:
    """Return the number of processes that train together, 1 without ``torch.distributed``."""
    return distributed.get_world_size() if distributed.is_available() and distributed.is_initialized() else 1


def rank() -> int:
    """Return the number of this process among them."""
    return distributed.get_rank() if world_size() > 1 else 0


class _Sum(torch.autograd.Function):
    """The gradient of a sum that every rank uses is the sum of their gradients: the same operation again."""

    @staticmethod
    def forward(ctx: Any, value: Tensor) -> Tensor:
        total = value.clone(memory_format=torch.contiguous_format)
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return _Sum.apply(gradient)


def sum_over_ranks(value: Tensor) -> Tensor:
    """Return the sum of ``value``, any shape but the same on all ranks; differentiable any number of times."""
    return value if world_size() == 1 else _Sum.apply(value)


def mean_over_ranks(value: Tensor) -> Tensor:
    """Return the mean of ``value``, any shape but the same on all ranks; differentiable any number of times."""
    return value if world_size() == 1 else sum_over_ranks(value) / world_size()


def gathered(rows: Tensor) -> Tensor:
    """Return all ranks' rows ``(N, ...)`` in rank order, ``(W N, ...)``; differentiable any number of times."""
    if world_size() == 1:
        return rows
    shares = rows.new_zeros(world_size(), *rows.shape)
    # A sum with zeros is a copy, and unlike torch's gathering it can be differentiated twice on every backend.
    shares = shares.index_copy(0, torch.tensor([rank()], device=rows.device), rows.unsqueeze(0))
    return sum_over_ranks(shares).flatten(0, 1)


def own_share(rows: Tensor) -> Tensor:
    """Return this rank's rows ``(N, ...)`` of ``gathered`` ones ``(W N, ...)``."""
    return rows.chunk(world_size())[rank()]


def from_first_rank(value: Tensor) -> Tensor:
    """Return the first rank's ``value``, of one shape and dtype on all ranks, on every rank."""
    if world_size() == 1:
        return value
    shared = value.clone(memory_format=torch.contiguous_format)
    distributed.broadcast(shared, src=0)
    return shared
