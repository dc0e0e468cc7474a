"""The stage of progressive growing: which resolution is trained, and how far its layers are faded in."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

FIRST_LEVEL = 2


class Growth(nn.Module):
    """Holds log2 of the current resolution (``level``) and the share of its newest layers (``alpha``) as a buffer.

    A buffer, so that checkpoints and averaged copies carry it. It starts fully grown.

    Args:
        last_level: log2 of the full resolution.
    """

    stage: Tensor

    def __init__(self, *, last_level: int) -> None:
        super().__init__()
        self.last_level = last_level
        self.register_buffer("stage", torch.tensor([float(last_level), 1.0]))

    def set(self, *, level: int, alpha: float) -> None:
        """Move to a stage.

        Raises:
            ValueError: unless ``2 <= level <= last_level`` and ``0 <= alpha <= 1``.
        """
        if not FIRST_LEVEL <= level <= self.last_level:
            raise ValueError(f"level must lie between {FIRST_LEVEL} and {self.last_level}, got {level}")
        if not 0 <= alpha <= 1:
            raise ValueError(f"alpha must lie in [0, 1], got {alpha}")
        self.stage.copy_(torch.tensor([float(level), float(alpha)]))

    def read(self) -> tuple[int, float]:
        """Return ``(level, alpha)``; alpha is 1 at the first level, which has nothing to fade from."""
        level, alpha = self.stage.tolist()
        return int(level), 1.0 if int(level) == FIRST_LEVEL else alpha


class FixedGrowth(Growth):
    """A stage that stays: its numbers are constants, so that a network around it can be traced.

    Args:
        growth: whose stage it takes over.
    """

    def __init__(self, growth: Growth) -> None:
        super().__init__(last_level=growth.last_level)
        self.stage.copy_(growth.stage)
        self._constants = growth.read()

    def read(self) -> tuple[int, float]:
        """Return ``(level, alpha)``."""
        return self._constants


def double(images: Tensor, times: int = 1) -> Tensor:
    """Enlarge ``(N, C, H, W)`` by ``2 ** times``, nearest neighbor."""
    return images if times == 0 else F.interpolate(images, scale_factor=float(2**times), mode="nearest")


def halve(images: Tensor, times: int = 1) -> Tensor:
    """Shrink ``(N, C, H, W)`` by ``2 ** times``, averaging."""
    return images if times == 0 else F.avg_pool2d(images, 2**times)


def fade(images: Tensor, *, level: int, alpha: float) -> Tensor:
    """Return real images as a stage sees them: ``alpha x_level + (1 - alpha) x_(level - 1)``, at full size.

    ``x_l`` are the images averaged down to ``2 ** l`` and enlarged again; without this, reals would show detail that
    the generator's half-faded layers cannot draw (Karras 2017, arXiv 1710.10196, figure 2).

    Args:
        images: ``(N, C, R, R)`` with R a power of two.
        level: log2 of the current resolution.
        alpha: share of the newest layers.
    """
    times = images.shape[-1].bit_length() - 1 - level
    sharp = halve(images, times)
    if level > FIRST_LEVEL and alpha < 1:
        sharp = torch.lerp(double(halve(sharp)), sharp, alpha)
    return double(sharp, times)
