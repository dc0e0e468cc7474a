"""The layers of the FastGAN networks (Liu 2021, arXiv 2101.04775)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrize

from gan_lightning.networks.biggan_layers import VectorBatchNorm2d
from gan_lightning.networks.init import normal_init
from gan_lightning.networks.resampling import double_and_convolve
from gan_lightning.networks.spectral import SpectralNorm, spectral_norm


class DoublingConv2d(nn.Conv2d):
    """A 3x3 convolution of the map doubled by nearest neighbor."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, 3, padding=1, bias=False)

    def forward(self, input: Tensor) -> Tensor:
        """Map ``(N, inputs, H, W)`` to ``(N, outputs, 2 H, 2 W)``."""
        return double_and_convolve(input, self.weight, None)


def up_layers(inputs: int, outputs: int) -> list[nn.Module]:
    """Return doubling, 3x3, batch norm and gated linear unit, which halves the channels."""
    return [DoublingConv2d(inputs, 2 * outputs), nn.BatchNorm2d(2 * outputs), nn.GLU(dim=1)]


def down_layers(inputs: int, outputs: int, *, norm: bool = True) -> list[nn.Module]:
    """Return a 4x4 convolution of stride 2, batch norm if ``norm``, and LeakyReLU 0.2."""
    convolution = nn.Conv2d(inputs, outputs, 4, stride=2, padding=1, bias=False)
    return [convolution, *([nn.BatchNorm2d(outputs)] if norm else []), nn.LeakyReLU(0.2)]


class NoiseInjection(nn.Module):
    """``x + s n``: noise n, one map for each sample, times a learned scalar s that starts at 0."""

    def __init__(self) -> None:
        super().__init__()
        self.strength = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor, noise: Tensor) -> Tensor:
        """Map ``(N, C, H, W)`` and noise ``(N, 1, H, W)`` to maps of the same shape."""
        return x + (self.strength * noise).to(x.dtype)


class ComposedBlock(nn.Module):
    """Doubling, then twice 3x3, noise, batch norm and gated linear unit.

    Args:
        inputs: channels in.
        outputs: channels between and out.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = DoublingConv2d(inputs, 2 * outputs)
        self.noise1 = NoiseInjection()
        self.norm1 = nn.BatchNorm2d(2 * outputs)
        self.conv2 = nn.Conv2d(outputs, 2 * outputs, 3, padding=1, bias=False)
        self.noise2 = NoiseInjection()
        self.norm2 = nn.BatchNorm2d(2 * outputs)

    def forward(self, x: Tensor, noise1: Tensor, noise2: Tensor) -> Tensor:
        """Map ``(N, inputs, H, W)`` to ``(N, outputs, 2 H, 2 W)``; noise ``(N, 1, 2 H, 2 W)`` for each convolution."""
        h = F.glu(self.norm1(self.noise1(self.conv1(x), noise1)), dim=1)
        return F.glu(self.norm2(self.noise2(self.conv2(h), noise2)), dim=1)


class ConditionalBlock(nn.Module):
    """Doubling, 3x3, batch norm that a vector steers, and gated linear unit; twice, and with noise, if ``composed``.

    Both convolutions share one strength of their noise, as in Projected GAN's code.

    Args:
        inputs: channels in.
        outputs: channels between and out.
        condition_dim: length of the vector.
        composed: whether there is a second convolution.
    """

    def __init__(self, inputs: int, outputs: int, *, condition_dim: int, composed: bool) -> None:
        super().__init__()
        convolutions: list[nn.Module] = [DoublingConv2d(inputs, 2 * outputs)]
        if composed:
            convolutions.append(nn.Conv2d(outputs, 2 * outputs, 3, padding=1, bias=False))
        self.convolutions = nn.ModuleList(convolutions)
        self.norms = nn.ModuleList(
            VectorBatchNorm2d(channels=2 * outputs, condition_dim=condition_dim, bias=True) for _ in convolutions
        )
        self.noise = NoiseInjection() if composed else None

    def forward(self, x: Tensor, vector: Tensor, *noise: Tensor) -> Tensor:
        """Map ``(N, inputs, H, W)`` to ``(N, outputs, 2 H, 2 W)``.

        Args:
            x: the maps.
            vector: ``(N, condition_dim)``.
            noise: ``(N, 1, 2 H, 2 W)`` for each convolution, if composed.
        """
        h = x
        for index, (convolution, norm) in enumerate(zip(self.convolutions, self.norms, strict=True)):
            h = convolution(h)
            if self.noise is not None:
                h = self.noise(h, noise[index])
            h = F.glu(norm(h, vector), dim=1)
        return h


class Excitation(nn.Sequential):
    """Gates for the channels of one map from another map (skip-layer excitation, eqs. 1 and 2).

    Average pooling to 4x4, 4x4 convolution to 1x1, SiLU, 1x1 convolution, sigmoid: maps ``(N, inputs, H, W)`` to
    gates ``(N, outputs, 1, 1)`` in [0, 1].
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(
            nn.AdaptiveAvgPool2d(4),
            nn.Conv2d(inputs, outputs, 4, bias=False),
            nn.SiLU(),
            nn.Conv2d(outputs, outputs, 1, bias=False),
            nn.Sigmoid(),
        )


class DownBlock(nn.Module):
    """The mean of two branches that halve the map: 4x4 of stride 2 and 3x3, and average pooling and 1x1.

    Batch norm and LeakyReLU 0.2 follow each convolution.

    Args:
        inputs: channels in.
        outputs: channels out.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.main = nn.Sequential(
            *down_layers(inputs, outputs),
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.LeakyReLU(0.2),
        )
        self.direct = nn.Sequential(
            nn.AvgPool2d(2), nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs), nn.LeakyReLU(0.2)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, inputs, H, W)`` to ``(N, outputs, H / 2, W / 2)``."""
        return (self.main(x) + self.direct(x)) / 2


def decoder(inputs: int, widths: Sequence[int], channels: int) -> nn.Sequential:
    """Return layers from maps ``(N, inputs, 8, 8)``, doubled once for each width, to images of values in [-1, 1]."""
    layers = [layer for pair in pairwise([inputs, *widths]) for layer in up_layers(*pair)]
    return nn.Sequential(*layers, nn.Conv2d(widths[-1], channels, 3, padding=1, bias=False), nn.Tanh())


class TransposedSpectralNorm(SpectralNorm):
    """Spectral norm of a transposed convolution, whose weight has its outputs on the second axis."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__(weight.transpose(0, 1))

    def forward(self, weight: Tensor) -> Tensor:
        """Normalize a weight ``(inputs, outputs, k, k)``."""
        return super().forward(weight.transpose(0, 1)).transpose(0, 1)


def initialize_and_normalize(network: nn.Module) -> None:
    """Draw all weights from N(0, 0.02) and batch norm's scales from N(1, 0.02), then normalize all weights."""
    normal_init(network)
    normalize(network)


def normalize(network: nn.Module) -> None:
    """Normalize the weights of all convolutions and linear layers by their spectral norm."""
    for layer in list(network.modules()):
        match layer:
            case nn.Conv2d():
                spectral_norm(layer)
            case nn.Linear():
                spectral_norm(layer)
            case nn.ConvTranspose2d():
                parametrize.register_parametrization(layer, "weight", TransposedSpectralNorm(layer.weight), unsafe=True)
