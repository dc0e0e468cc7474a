"""What this package takes from torch's undocumented parts, each use with its reason.

No other module does. A test in ``tests/core/test_torch_internals.py`` fails when torch changes one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd

AnyBatchNorm = _BatchNorm
"""Base class of all batch norm layers, which is not public in torch."""

AnyConvolution = _ConvNd
"""Base class of all convolutions, transposed ones included."""

AnyTransposedConvolution = _ConvTransposeNd
"""Base class of all transposed convolutions."""


class BatchNormOfAnyShape(_BatchNorm):
    """Batch norm that takes ``(N, C, ...)`` with any number of positions.

    Torch's own layers check the number of axes in a private method, and differ in nothing else.
    """

    def _check_input_dim(self, input: Tensor) -> None:
        """Accept any shape."""


class MovedAlong(nn.Module):
    """A module with another one that moves and converts with it without being a submodule.

    Torch moves a module's own tensors in a private method, and has no public hook for others.
    """

    @property
    def network(self) -> nn.Module | None:
        """Return the other module, or None while there is none."""
        raise NotImplementedError

    def _apply(self, fn: Callable[..., Any], recurse: bool = True) -> MovedAlong:
        """Move or convert both."""
        if (network := self.network) is not None:
            network._apply(fn, recurse)
        super()._apply(fn, recurse)
        return self


def version(tensor: Tensor) -> int:
    """Return a number that rises with every write to a tensor in place; autograd keeps it to notice such writes."""
    return tensor._version


def lerp_all(tensors: Sequence[Tensor], targets: Sequence[Tensor], weight: float) -> None:
    """Move each tensor toward its target in place: ``tensor + weight * (target - tensor)``.

    One call for all tensors, as torch's optimizers do it; a loop takes ten times as long for a small network.
    """
    torch._foreach_lerp_(list(tensors), list(targets), weight)


def copy_all(tensors: Sequence[Tensor], sources: Sequence[Tensor]) -> None:
    """Copy each source into its tensor, in one call for all."""
    torch._foreach_copy_(list(tensors), list(sources))


def clamp_all(tensors: Sequence[Tensor], limit: float) -> None:
    """Clamp all tensors to [-limit, limit] in place, in one call for each bound."""
    torch._foreach_clamp_min_(list(tensors), -limit)
    torch._foreach_clamp_max_(list(tensors), limit)


def scaler_like(scaler: torch.amp.GradScaler) -> torch.amp.GradScaler:
    """Return a new gradient scaler with the settings of another one, which has no public way to tell two of them."""
    return type(scaler)(
        scaler._device,
        init_scale=scaler._init_scale,
        growth_factor=scaler.get_growth_factor(),
        backoff_factor=scaler.get_backoff_factor(),
        growth_interval=scaler.get_growth_interval(),
    )


def tracing_errors() -> tuple[type[Exception], ...]:
    """Return what ``torch.export.export`` raises for a module that it cannot trace.

    This is a function, and no constant, since looking them up makes torch import its compiler, which takes a second.
    """
    return (torch._dynamo.exc.TorchDynamoException, RuntimeError)
