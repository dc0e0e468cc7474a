"""The normalization layers that image-to-image networks choose between, and what they mean for biases."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, get_args

from torch import nn

from gan_lightning.core.torch_internals import AnyBatchNorm
from gan_lightning.networks.batch_norm import SyncedBatchNorm

NormKind = Literal["batch", "instance", "none"]


def check_norm(kind: str) -> None:
    """Refuse an unknown normalization.

    Raises:
        ValueError: naming the known ones.
    """
    if kind not in get_args(NormKind):
        raise ValueError(f"norm must be one of {', '.join(get_args(NormKind))}, got {kind!r}")


def norm_layers(kind: NormKind, channels: int) -> list[nn.Module]:
    """Return the layer that normalizes maps of ``channels``, or nothing.

    Instance norm (Ulyanov 2016, arXiv 1607.08022) is without scale, shift and running statistics, as in CycleGAN.
    """
    if kind == "batch":
        return [nn.BatchNorm2d(channels)]
    return [nn.InstanceNorm2d(channels)] if kind == "instance" else []


def needs_bias(kind: NormKind) -> bool:
    """Return whether a convolution before this norm keeps its bias: batch norm has a shift of its own."""
    return kind != "batch"


@contextmanager
def as_in_training(network: nn.Module, *, dropout: bool, image_statistics: bool) -> Iterator[None]:
    """Let parts of a network that is in evaluation mode behave as in training; its running statistics stay.

    Args:
        network: in evaluation mode.
        dropout: dropout draws from the global generator.
        image_statistics: batch norm takes mean and variance of the batch at hand.
    """
    kinds = ((nn.Dropout,) if dropout else ()) + ((AnyBatchNorm,) if image_statistics else ())
    changed = [module for module in network.modules() if isinstance(module, kinds)]
    for module in changed:
        module.train()
        if isinstance(module, AnyBatchNorm):
            module.track_running_stats = False
        if isinstance(module, SyncedBatchNorm):
            module.local = True
    try:
        yield
    finally:
        for module in changed:
            module.eval()
            if isinstance(module, AnyBatchNorm):
                module.track_running_stats = True
            if isinstance(module, SyncedBatchNorm):
                module.local = False
