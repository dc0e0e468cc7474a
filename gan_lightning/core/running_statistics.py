"""The layers of a network that keep running statistics, and these statistics."""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn

from gan_lightning.core.torch_internals import AnyBatchNorm


def batch_norm_layers(network: nn.Module) -> list[AnyBatchNorm]:
    """Return the batch norm layers of a network that keep running statistics, in the order of its modules."""
    layers = [module for module in network.modules() if isinstance(module, AnyBatchNorm)]
    return [layer for layer in layers if layer.running_mean is not None and layer.running_var is not None]


def batch_norm_statistics(network: nn.Module) -> list[Tensor]:
    """Return running mean and running variance of each batch norm layer that keeps them, one after the other."""
    layers = batch_norm_layers(network)
    return [cast(Tensor, tensor) for layer in layers for tensor in (layer.running_mean, layer.running_var)]
