"""Layers that let a discriminator see how alike the samples of a batch are."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gan_lightning.core.process_group import gathered


def largest_group(batch: int, group_size: int) -> int:
    """Return the largest divisor of ``batch`` that is at most ``group_size``."""
    return max(size for size in range(1, min(batch, group_size) + 1) if batch % size == 0)


class MinibatchStdDev(nn.Module):
    """Appends how much a group of samples varies, as constant feature maps.

    The batch is split into groups; the standard deviation over the group is taken at each position, averaged over
    positions and over one of ``channels`` blocks of features, and appended as one channel: Karras et al. 2018
    (arXiv 1710.10196), section 3, with the groups of its code, but of consecutive samples: then they are the same
    on any number of processes whose share of the batch they divide.

    Args:
        group_size: samples in a group; where it does not divide the batch, the largest smaller divisor is used
            (a last, partial batch).
        channels: number of appended channels.

    Raises:
        ValueError: if either is below 1.
    """

    def __init__(self, *, group_size: int = 4, channels: int = 1) -> None:
        super().__init__()
        if group_size < 1:
            raise ValueError(f"group_size must be at least 1, got {group_size}")
        if channels < 1:
            raise ValueError(f"channels must be at least 1, got {channels}")
        self.group_size = group_size
        self.channels = channels

    def forward(self, features: Tensor) -> Tensor:
        """Map features ``(N, F, H, W)`` or ``(N, F)`` to the same with ``F + channels``.

        Raises:
            ValueError: if F is not a multiple of ``channels``.
        """
        n, width = features.shape[:2]
        if width % self.channels:
            raise ValueError(f"channels ({self.channels}) must divide the number of features, got {width}")
        group = largest_group(n, self.group_size)
        blocks = features.reshape(n // group, group, self.channels, -1)
        blocks = blocks if blocks.dtype == torch.float64 else blocks.float()
        # by hand, because Tensor.var is many times slower over a dimension of four
        variance = (blocks - blocks.mean(dim=1, keepdim=True)).square().mean(dim=1)
        # the small constant keeps the root differentiable where a group does not vary
        deviation = (variance + 1e-8).sqrt().mean(dim=2)
        maps = deviation.repeat_interleave(group, dim=0).to(features.dtype)
        spatial = features.shape[2:]
        maps = maps.view(n, self.channels, *[1] * len(spatial)).expand(n, self.channels, *spatial)
        return torch.cat([features, maps], dim=1)


class MinibatchDiscrimination(nn.Module):
    """Appends how close each sample is to the others, in learned projections.

    M_i = f(x_i) T, o(x_i)_b = sum_j exp(-||M_ib - M_jb||_1), and the layer gives [f(x_i), o(x_i)]: Salimans et al.
    2016 (arXiv 1606.03498), section 3.2. The sum includes j = i, as in the paper; in training it runs over the global
    batch, or its size would depend on the number of processes.

    Args:
        in_features: A, length of f(x).
        out_features: B, number of appended features.
        kernel_dim: C, dimension in which each of them measures distances.

    Raises:
        ValueError: if one of them is below 1.
    """

    def __init__(self, *, in_features: int, out_features: int = 100, kernel_dim: int = 5) -> None:
        super().__init__()
        sizes = {"in_features": in_features, "out_features": out_features, "kernel_dim": kernel_dim}
        for name, size in sizes.items():
            if size < 1:
                raise ValueError(f"{name} must be at least 1, got {size}")
        # distances of order 1 at the start, for features of order 1
        self.kernels = nn.Parameter(
            torch.randn(in_features, out_features, kernel_dim) / (in_features**0.5 * kernel_dim)
        )

    def forward(self, features: Tensor) -> Tensor:
        """Map features ``(N, in_features)`` to ``(N, in_features + out_features)``."""
        projected = torch.einsum("na,abc->nbc", features, self.kernels)
        others = gathered(projected) if self.training else projected
        distances = (others.unsqueeze(1) - projected.unsqueeze(0)).abs().sum(dim=3)
        closeness = torch.exp(-distances).sum(dim=0)
        return torch.cat([features, closeness.to(features.dtype)], dim=1)
