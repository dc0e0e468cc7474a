"""What makes training on two processes comparable with training on one: the same random numbers, and no kinks."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from gan_lightning.regularizers import Replay

SIZED = {torch.rand, torch.randn}
LIKE = {torch.rand_like: torch.rand, torch.randn_like: torch.randn}
KINKED = {F.relu, F.leaky_relu}
IN_PLACE = {torch.Tensor.uniform_, torch.Tensor.normal_, torch.Tensor.bernoulli_}


class GlobalDraws(TorchFunctionMode):
    """Draws for all ranks' rows and keeps this rank's, for every random function whose first dimension is the batch.

    Functions with a kink are replaced by a smooth one: at a kink, rounding can change a gradient by any amount.
    """

    def __init__(self, rank: int, ranks: int) -> None:
        super().__init__()
        self.rank, self.ranks = rank, ranks
        self.off = False

    def _mine(self, rows: torch.Tensor) -> torch.Tensor:
        return rows.chunk(self.ranks)[self.rank].clone()

    def _shape(self, shape: Any) -> tuple[int, ...]:
        shape = tuple(shape)
        return (shape[0] * self.ranks, *shape[1:])

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if self.off or kwargs.get("generator") is not None:
            return func(*args, **kwargs)
        if func in KINKED:
            return F.silu(args[0])
        if func in SIZED:
            sizes = args[0] if len(args) == 1 and not isinstance(args[0], int) else args
            return self._mine(func(self._shape(sizes), **kwargs))
        if func is torch.randint:
            *bounds, sizes = args
            return self._mine(func(*bounds, self._shape(sizes), **kwargs))
        if func in LIKE:
            return self._mine(LIKE[func](self._shape(args[0].shape), dtype=args[0].dtype))
        if func in IN_PLACE:
            target, *rest = args
            return target.copy_(self._mine(func(target.new_empty(self._shape(target.shape)), *rest, **kwargs)))
        if func is F.dropout:
            x, p, training = [*args, *kwargs.values()][:3]
            if not training:
                return x
            kept = self._mine(torch.rand(self._shape(x.shape)) >= p)
            return x * kept / (1 - p)
        return func(*args, **kwargs)


def shared_by_all(mode: GlobalDraws, patch: Any) -> None:
    """Leave alone what is drawn for all ranks together already: the exchanges of a replay pool."""
    exchange = Replay._exchanged

    def unmodified(self: Replay, fakes: torch.Tensor) -> torch.Tensor:
        mode.off = True
        try:
            return exchange(self, fakes)
        finally:
            mode.off = False

    patch.setattr(Replay, "_exchanged", unmodified)
