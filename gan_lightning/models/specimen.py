"""What kind of optimizer a factory makes, before there is anything to train."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch.nn import Parameter
from torch.optim import Optimizer


def specimen(factory: Callable[[Iterable[Parameter]], Optimizer]) -> Optimizer:
    """Build an optimizer of one small matrix, to be looked at.

    On the CPU, also where a config is rehearsed without memory: there, fused optimizers would be refused.
    """
    return factory([Parameter(torch.zeros(2, 2, device="cpu"))])


def check_momentum(factory: Callable[[Iterable[Parameter]], Optimizer], player: str) -> None:
    """Refuse an optimizer whose momentum cannot be scheduled.

    Raises:
        ValueError: if it has none, naming it.
    """
    optimizer = specimen(factory)
    if any("momentum" not in group for group in optimizer.param_groups):
        raise ValueError(
            "model.updates.momentum_schedule needs an optimizer with a momentum (SGD, RMSprop); "
            f"model.{player}_optimizer is {type(optimizer).__name__}"
        )
    if any(group["momentum"] == 0 for group in optimizer.param_groups):
        raise ValueError(
            f"model.updates.momentum_schedule is a factor of a momentum, but model.{player}_optimizer.momentum = 0; "
            "it must be above 0"
        )
