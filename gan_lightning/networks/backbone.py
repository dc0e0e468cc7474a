"""The frozen networks whose feature maps a projected discriminator looks at, and one with random weights."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from gan_lightning.networks.checks import check_widths

SCALES = 4


class Pyramid(nn.Module):
    """Stages in a row; the map of each is kept.

    Args:
        stages: each takes the map of the one before it; the first takes images.
    """

    def __init__(self, stages: Sequence[nn.Module]) -> None:
        super().__init__()
        self.stages = nn.ModuleList(stages)

    def forward(self, images: Tensor) -> list[Tensor]:
        """Map images ``(N, 3, H, W)`` to one map for each stage."""
        maps, h = [], images
        for stage in self.stages:
            h = stage(h)
            maps.append(h)
        return maps


class Backbone(ABC):
    """Where a network of four feature maps comes from, and how large they are.

    Attributes:
        channels: channels of each map, the largest map first.
        stride: pixels of an image, in each direction, to a pixel of the largest map; each further map is half as large.
    """

    channels: tuple[int, ...]
    stride: int

    @abstractmethod
    def check(self) -> None:
        """Look for what the network is loaded from, before a run begins.

        Raises:
            ValueError: naming what is missing, and how to get it.
        """

    @abstractmethod
    def load(self) -> Pyramid:
        """Return the network: images float ``(N, 3, H, W)`` in [-1, 1] to four maps.

        Raises:
            ValueError: naming what is missing, and how to get it.
        """


class RandomBackbone(Backbone):
    """Convolutions with random weights that a seed determines, for images and machines too small for a pretrained one.

    Two 3x3 convolutions per stage; the first halves the map in all stages but the first; LeakyReLU 0.2; weights
    with variance 2 / fan_in (He 2015, arXiv 1502.01852), no biases.

    Args:
        widths: channels of the four maps.
        seed: seed of the weights; a resumed run draws the same.

    Raises:
        ValueError: unless there are four positive widths.
    """

    stride = 1

    def __init__(self, *, widths: Sequence[int] = (16, 16, 32, 32), seed: int = 0) -> None:
        self.channels = check_widths(widths)
        if len(self.channels) != SCALES:
            raise ValueError(f"widths must be {SCALES} numbers, got {list(widths)}")
        self.seed = seed

    def check(self) -> None:
        """Do nothing: no weights are needed."""

    def load(self) -> Pyramid:
        """Draw the network."""
        torch.manual_seed(self.seed)
        stages = []
        inputs = 3
        for index, width in enumerate(self.channels):
            stages.append(
                nn.Sequential(
                    nn.Conv2d(inputs, width, 3, stride=1 if index == 0 else 2, padding=1, bias=False),
                    nn.LeakyReLU(0.2),
                    nn.Conv2d(width, width, 3, padding=1, bias=False),
                    nn.LeakyReLU(0.2),
                )
            )
            inputs = width
        network = Pyramid(stages)
        for parameter in network.parameters():
            nn.init.kaiming_normal_(parameter, a=0.2)
        return network
