"""Residual blocks of the WGAN-GP (arXiv 1704.00028), SNGAN (arXiv 1802.05957) and SAGAN (arXiv 1805.08318) networks."""

from __future__ import annotations

import math

from torch import Tensor, nn
from torch.nn import functional as F

from gan_lightning.networks.conditional import LabeledBatchNorm2d
from gan_lightning.networks.resampling import convolve_and_halve, double_and_convolve
from gan_lightning.networks.spectral import normalized_if


def convolution(inputs: int, outputs: int, *, kernel: int, gain: float, spectral_norm: bool) -> nn.Conv2d:
    """Build a same-size convolution with bias 0 and Xavier-uniform weights times ``gain``."""
    layer = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2)
    nn.init.xavier_uniform_(layer.weight, gain)
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
    return normalized_if(spectral_norm, layer)


def residual_convolution(inputs: int, outputs: int, *, spectral_norm: bool) -> nn.Conv2d:
    """Build a 3x3 convolution of a residual branch; gain sqrt(2) makes up for the ReLU before it."""
    return convolution(inputs, outputs, kernel=3, gain=math.sqrt(2), spectral_norm=spectral_norm)


def shortcut_convolution(inputs: int, outputs: int, *, spectral_norm: bool) -> nn.Conv2d:
    """Build a 1x1 convolution of a shortcut."""
    return convolution(inputs, outputs, kernel=1, gain=1.0, spectral_norm=spectral_norm)


class GeneratorBlock(nn.Module):
    """Norm, ReLU, doubling, 3x3, norm, ReLU, 3x3, beside a shortcut of doubling and 1x1 (nearest neighbor).

    Args:
        inputs: channels in.
        outputs: channels inside and out.
        classes: number of classes of conditional batch norm, or None for plain batch norm.
        spectral_norm: normalize the convolutions.
    """

    def __init__(self, inputs: int, outputs: int, *, classes: int | None, spectral_norm: bool) -> None:
        super().__init__()
        self.norm1 = LabeledBatchNorm2d(channels=inputs, classes=classes)
        self.conv1 = residual_convolution(inputs, outputs, spectral_norm=spectral_norm)
        self.norm2 = LabeledBatchNorm2d(channels=outputs, classes=classes)
        self.conv2 = residual_convolution(outputs, outputs, spectral_norm=spectral_norm)
        self.shortcut = shortcut_convolution(inputs, outputs, spectral_norm=spectral_norm)

    def forward(self, x: Tensor, labels: Tensor | None) -> Tensor:
        """Map ``(N, inputs, H, W)`` to ``(N, outputs, 2 H, 2 W)``."""
        h = double_and_convolve(F.relu(self.norm1(x, labels)), self.conv1.weight, self.conv1.bias)
        h = self.conv2(F.relu(self.norm2(h, labels)))
        # A 1x1 convolution commutes with nearest-neighbor doubling; before it, it costs a quarter.
        return h + F.interpolate(self.shortcut(x), scale_factor=2.0, mode="nearest")


class FirstDiscriminatorBlock(nn.Module):
    """3x3, ReLU, 3x3, average pooling, beside pooling and 1x1: no ReLU before the first convolution of an image.

    Args:
        inputs: channels of the image.
        outputs: channels inside and out.
        spectral_norm: normalize the convolutions.
    """

    def __init__(self, inputs: int, outputs: int, *, spectral_norm: bool) -> None:
        super().__init__()
        self.conv1 = residual_convolution(inputs, outputs, spectral_norm=spectral_norm)
        self.conv2 = residual_convolution(outputs, outputs, spectral_norm=spectral_norm)
        self.shortcut = shortcut_convolution(inputs, outputs, spectral_norm=spectral_norm)

    def forward(self, x: Tensor) -> Tensor:
        """Map images ``(N, inputs, H, W)`` to maps ``(N, outputs, H / 2, W / 2)``."""
        h = convolve_and_halve(F.relu(self.conv1(x)), self.conv2.weight, self.conv2.bias)
        return h + self.shortcut(F.avg_pool2d(x, 2))


class DiscriminatorBlock(nn.Module):
    """ReLU, 3x3, ReLU, 3x3, average pooling if halving, beside a 1x1 shortcut where the shape changes.

    Args:
        inputs: channels in.
        outputs: channels out.
        hidden: channels inside.
        halve: whether to pool.
        spectral_norm: normalize the convolutions.
    """

    def __init__(self, inputs: int, outputs: int, *, hidden: int, halve: bool, spectral_norm: bool) -> None:
        super().__init__()
        self.halve = halve
        self.conv1 = residual_convolution(inputs, hidden, spectral_norm=spectral_norm)
        self.conv2 = residual_convolution(hidden, outputs, spectral_norm=spectral_norm)
        self.shortcut: nn.Module = nn.Identity()
        if halve or inputs != outputs:
            self.shortcut = shortcut_convolution(inputs, outputs, spectral_norm=spectral_norm)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, inputs, H, W)`` to ``(N, outputs, H, W)``, or of half the height and width."""
        h = F.relu(self.conv1(F.relu(x)))
        if not self.halve:
            return self.conv2(h) + self.shortcut(x)
        h = convolve_and_halve(h, self.conv2.weight, self.conv2.bias)
        return h + self.shortcut(F.avg_pool2d(x, 2))
