"""The statistics that batch norm of a generator takes when samples are drawn."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from gan_lightning.core.running_statistics import batch_norm_layers, batch_norm_statistics
from gan_lightning.core.torch_internals import version

Generate = Callable[[range], Any]
"""Runs a network on the latents, and the conditions, of given numbers."""


class BatchNormStatistics(ABC):
    """Which statistics batch norm takes; a score depends on them, so that its protocol names them.

    Attributes:
        name: in the protocol.
    """

    name: str

    @abstractmethod
    def applied_to(
        self, network: nn.Module, generate: Generate, *, truncation: float | None
    ) -> AbstractContextManager[None]:
        """Let the batch norm of a network have these statistics for a while.

        Args:
            network: in evaluation mode.
            generate: runs it.
            truncation: truncation of the latents that ``generate`` takes.
        """


class Running(BatchNormStatistics):
    """The running means of training, as they are."""

    name = "running"

    def applied_to(
        self, network: nn.Module, generate: Generate, *, truncation: float | None
    ) -> AbstractContextManager[None]:
        """Change nothing."""
        return nullcontext()


class Standing(BatchNormStatistics):
    """The means, over some forward passes, of what batch norm would take in training.

    Each pass normalizes a batch of samples by its own mean and (biased) variance; samples are then drawn with the
    unweighted means of both over all passes: Brock 2018 (arXiv 1809.11096), with the means of BigGAN-PyTorch. The
    latents of the passes are fixed, and truncated as the samples are; labels follow the training set. So sample i stays
    a function of (seed, i) alone. One pass gives the statistics of one batch.

    Args:
        passes: n, the number of forward passes.
        batch_size: samples of a pass.

    Raises:
        ValueError: for no pass, or a batch of fewer than two samples.
    """

    def __init__(self, *, passes: int = 16, batch_size: int = 64) -> None:
        if passes < 1:
            raise ValueError(f"statistics.passes must be at least 1, got {passes}")
        if batch_size < 2:
            raise ValueError(f"statistics.batch_size must be at least 2, got {batch_size}")
        self.passes = passes
        self.batch_size = batch_size
        self.name = f"batch({batch_size})" if passes == 1 else f"standing({passes}, {batch_size})"
        self._taken: tuple[Any, list[Tensor]] = (None, [])

    @contextmanager
    def applied_to(self, network: nn.Module, generate: Generate, *, truncation: float | None) -> Iterator[None]:
        """Take the statistics, unless they were last taken of the same weights, and give the network its own back."""
        own = batch_norm_statistics(network)
        before = [tensor.clone() for tensor in own]
        others = set(map(id, own))
        state = [*network.parameters(), *(buffer for buffer in network.buffers() if id(buffer) not in others)]
        taken_of = (network, truncation, [(id(tensor), version(tensor)) for tensor in state])
        try:
            if self._taken[0] != taken_of:
                self._taken = (taken_of, self.take(network, generate))
            _write(own, self._taken[1])
            yield
        finally:
            _write(own, before)

    @torch.no_grad()
    def take(self, network: nn.Module, generate: Generate) -> list[Tensor]:
        """Return mean and variance of each batch norm layer, one after the other; the network's own get lost."""
        sums = [torch.zeros_like(tensor) for tensor in batch_norm_statistics(network)]
        with ExitStack() as hooks:
            for layer, means, variances in zip(batch_norm_layers(network), sums[::2], sums[1::2], strict=True):
                note = partial(_take_from_batch, means=means, variances=variances)
                hooks.callback(layer.register_forward_pre_hook(note).remove)
            for start in range(0, self.passes * self.batch_size, self.batch_size):
                generate(range(start, start + self.batch_size))
        return [total / self.passes for total in sums]


def statistics_node(value: Any) -> dict[str, Any]:
    """Return the config of what ``gan-sample`` and ``gan-evaluate`` call ``running``, or ``[n, batch]``.

    Raises:
        ValueError: for anything else.
    """
    match value:
        case "running":
            return {"_target_": f"{__name__}.{Running.__name__}"}
        case [int(passes), int(batch_size)]:
            return {"_target_": f"{__name__}.{Standing.__name__}", "passes": passes, "batch_size": batch_size}
    raise ValueError(
        f"statistics = {value}: must be running, or [n, batch] for those of n forward passes of so many samples each"
    )


def _take_from_batch(layer: Any, inputs: tuple[Tensor], *, means: Tensor, variances: Tensor) -> None:
    """Give a layer in evaluation mode the statistics of what it is about to normalize, and add them up."""
    (maps,) = inputs
    variance, mean = torch.var_mean(maps, dim=[axis for axis in range(maps.ndim) if axis != 1], correction=0)
    layer.running_mean.copy_(mean)
    layer.running_var.copy_(variance)
    means += mean
    variances += variance


@torch.no_grad()
def _write(tensors: list[Tensor], values: list[Tensor]) -> None:
    for tensor, value in zip(tensors, values, strict=True):
        tensor.copy_(value)
