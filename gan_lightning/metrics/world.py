"""The few collective operations an evaluation needs; without torch.distributed they do nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from gan_lightning.metrics.transport import Moments

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class World:
    """The processes that share an evaluation.

    Attributes:
        rank: this process.
        size: how many there are.
        device: where the backend wants its tensors.
    """

    rank: int
    size: int
    device: torch.device

    @classmethod
    def current(cls, device: torch.device) -> World:
        """Return the world of ``torch.distributed`` if it is initialized, else this process alone.

        Args:
            device: the accelerator of this process.
        """
        if not (dist.is_available() and dist.is_initialized()):
            return cls(0, 1, torch.device("cpu"))
        on_accelerator = "nccl" in dist.get_backend()
        return cls(dist.get_rank(), dist.get_world_size(), device if on_accelerator else torch.device("cpu"))

    def sum(self, tensor: Tensor) -> Tensor:
        """Return the sum of ``tensor`` over all ranks, on every rank, on the CPU."""
        total = tensor.to(self.device, copy=True)
        if self.size > 1:
            dist.all_reduce(total)
        return total.cpu()

    def maximum(self, tensor: Tensor) -> Tensor:
        """Return the elementwise maximum of ``tensor`` over all ranks, on every rank, on the CPU."""
        greatest = tensor.to(self.device, copy=True)
        if self.size > 1:
            dist.all_reduce(greatest, op=dist.ReduceOp.MAX)
        return greatest.cpu()

    def merge(self, moments: Moments) -> Moments:
        """Return the moments of all ranks' samples together, on every rank, on the CPU."""
        if self.size == 1:
            return Moments(moments.count, moments.mean.cpu(), moments.scatter.cpu())
        count = int(self.sum(torch.tensor([moments.count])))
        if count == 0:
            return moments
        mean = self.sum(moments.mean * (moments.count / count))
        delta = moments.mean.cpu() - mean
        scatter = self.sum(moments.scatter.cpu() + moments.count * torch.outer(delta, delta))
        return Moments(count, mean, scatter)

    def gather_interleaved(self, rows: Tensor, total: int) -> Tensor | None:
        """Put rows that were dealt out as ``rank::size`` back in order, on rank 0.

        Args:
            rows: this rank's share, ``(n, D)``.
            total: number of rows over all ranks.

        Returns:
            ``(total, D)`` on the CPU on rank 0, None elsewhere.
        """
        if self.size == 1:
            return rows.cpu()
        height = -(-total // self.size)  # every rank must send the same shape
        padded = rows.new_zeros(height, rows.shape[1], device=self.device)
        padded[: len(rows)] = rows.to(self.device)
        shares = [torch.empty_like(padded) for _ in range(self.size)] if self.rank == 0 else None
        dist.gather(padded, shares, dst=0)
        if shares is None:
            return None
        return torch.stack([s.cpu() for s in shares], 1).flatten(0, 1)[:total]

    def broadcast(self, value: T) -> T:
        """Return rank 0's plain ``value`` on every rank."""
        if self.size == 1:
            return value
        box = [value]
        dist.broadcast_object_list(box, src=0, device=self.device)
        return box[0]

    def on_first(self, compute: Callable[[], T]) -> T:
        """Compute a plain value on rank 0 only and return it on every rank; a failure there is one everywhere.

        Args:
            compute: called on rank 0, without collective operations in it.

        Raises:
            RuntimeError: on the other ranks, if ``compute`` failed on rank 0, where its own error is raised.
        """
        result: T | None = None
        problem: Exception | None = None
        if self.rank == 0:
            try:
                result = compute()
            except Exception as error:  # raised again below: first the waiting ranks must hear of it
                problem = error
        message, shared = self.broadcast((None if problem is None else repr(problem), result))
        if problem is not None:
            raise problem
        if message is not None:
            raise RuntimeError(f"rank 0 failed: {message}")
        return shared  # type: ignore[return-value]
