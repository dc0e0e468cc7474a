"""How far a decoded image is from the one that it should be, for models that learn to reconstruct."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from gan_lightning.metrics.known_weights import BACKBONES
from gan_lightning.metrics.lpips import LPIPS, Backbone
from gan_lightning.metrics.weights_file import find_weights
from gan_lightning.regularizers.gradients import at_least_float32


class FeatureLoss(ABC):
    """A distance between two images that gradients pass through."""

    @abstractmethod
    def check(self) -> None:
        """Look for what the distance is computed with, before a run begins.

        Raises:
            ValueError: naming the file that is missing, and where to put it.
        """

    @abstractmethod
    def prepare(self, device: torch.device) -> None:
        """Load what the distance is computed with, when a fit begins."""

    @abstractmethod
    def __call__(self, images: Tensor, targets: Tensor) -> Tensor:
        """Return the distances ``(N,)`` of images ``(N, 1 or 3, H, W)`` in [-1, 1] to others of the same shape."""


class PerceptualLoss(FeatureLoss):
    """LPIPS (Zhang 2018, arXiv 1801.03924), of images as they are.

    Its weights are looked for when a run begins, and not where a trained generator is only sampled from.

    Args:
        net: "vgg", "alex" or "squeeze".
        weights_path: as in ``LPIPS``.
        cache_dir: likewise.
    """

    def __init__(self, *, net: Backbone = "vgg", weights_path: str | None = None, cache_dir: str | None = None) -> None:
        self.net: Backbone = net
        self.weights_path = weights_path
        self.cache_dir = cache_dir
        self._distance: tuple[nn.Module, ...] = ()

    def check(self) -> None:
        """Find the network's weights, or download them."""
        find_weights(BACKBONES[self.net], weights_path=self.weights_path, cache_dir=self.cache_dir)

    def prepare(self, device: torch.device) -> None:
        """Load the network."""
        lpips = LPIPS(net=self.net, weights_path=self.weights_path, cache_dir=self.cache_dir, resize=None)
        self._distance = (lpips.distance.to(device),)

    def __call__(self, images: Tensor, targets: Tensor) -> Tensor:
        """Return LPIPS, in float32."""
        (distance,) = self._distance
        with torch.autocast(images.device.type, enabled=False):
            sides = [side.float().expand(-1, 3, -1, -1) for side in (images, targets)]
            return distance(*sides).reshape(-1)


class PixelLoss(FeatureLoss):
    """The mean squared difference of the pixels."""

    def check(self) -> None:
        """Do nothing: no weights are needed."""

    def prepare(self, device: torch.device) -> None:
        """Do nothing: no weights are needed."""

    def __call__(self, images: Tensor, targets: Tensor) -> Tensor:
        """Return the mean of each image."""
        return (at_least_float32(images) - at_least_float32(targets)).square().flatten(1).mean(dim=1)
