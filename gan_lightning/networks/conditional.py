"""How a class label enters a network: one-hot codes, conditional batch norm, projection."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gan_lightning.networks.checks import check_positive


def require_condition(condition: Tensor | None) -> Tensor:
    """Return the condition.

    Raises:
        ValueError: if there is none.
    """
    if condition is None:
        raise ValueError("condition must be class labels, int64 (N,), got None: this network is conditional")
    return condition


def one_hot(labels: Tensor, classes: int, *, like: Tensor) -> Tensor:
    """Encode labels int64 ``(N,)`` as ``(N, classes)`` in the dtype of ``like``."""
    return F.one_hot(labels, classes).to(like.dtype)


class ConditionalBatchNorm2d(nn.Module):
    """Batch norm whose scale and shift belong to the class of each sample.

    ``y = gamma_c (x - mean) / sqrt(var + eps) + beta_c`` with c the label (Dumoulin 2016, arXiv 1610.07629, eq. 5);
    the statistics are shared by all classes. Scales start at 1, shifts at 0.

    Args:
        channels: channels of the map.
        classes: number of classes.
    """

    def __init__(self, *, channels: int, classes: int) -> None:
        check_positive(channels=channels, classes=classes)
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, affine=False)
        self.scale = nn.Parameter(torch.ones(classes, channels))
        self.shift = nn.Parameter(torch.zeros(classes, channels))

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:
        """Map ``(N, channels, H, W)`` and labels int64 ``(N,)`` to maps of the same shape."""
        return self.norm(x) * self.scale[labels, :, None, None] + self.shift[labels, :, None, None]


class LabeledBatchNorm2d(nn.Module):
    """Batch norm, conditional if there are classes, plain if not: one call for both kinds of network.

    Args:
        channels: channels of the map.
        classes: number of classes, or None for batch norm without labels.
    """

    def __init__(self, *, channels: int, classes: int | None) -> None:
        super().__init__()
        self.conditional = classes is not None
        self.norm: nn.Module = (
            nn.BatchNorm2d(channels) if classes is None else ConditionalBatchNorm2d(channels=channels, classes=classes)
        )

    def forward(self, x: Tensor, labels: Tensor | None) -> Tensor:
        """Map ``(N, channels, H, W)``, and labels int64 ``(N,)`` if conditional, to maps of the same shape."""
        return self.norm(x, require_condition(labels)) if self.conditional else self.norm(x)


def project(features: Tensor, class_vectors: Tensor) -> Tensor:
    """Return the inner products of features and class vectors, both ``(N, F)``, as ``(N,)``.

    The conditional part of the projection discriminator (Miyato 2018, arXiv 1802.05637, eq. 3).
    """
    return (features * class_vectors).sum(dim=1)
