"""DiffAugment: always-on differentiable augmentation of every image the discriminator sees."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Literal

import torch
from torch import Tensor

from gan_lightning.augment.base import Augmentation, check_images
from gan_lightning.augment.precision import full_precision

Policy = Literal["color", "translation", "cutout"]


def _uniform(images: Tensor, low: float, high: float) -> Tensor:
    """Draw one number per image, broadcastable over ``(N, C, H, W)``."""
    return torch.empty(len(images), 1, 1, 1, device=images.device, dtype=images.dtype).uniform_(low, high)


def brightness(images: Tensor) -> Tensor:
    """Add U(-0.5, 0.5) to each image."""
    return images + _uniform(images, -0.5, 0.5)


def saturation(images: Tensor) -> Tensor:
    """Scale each pixel's deviation from its channel mean by U(0, 2); gray images are left unchanged."""
    if images.shape[1] == 1:
        return images
    mean = images.mean(dim=1, keepdim=True)
    return mean + (images - mean) * _uniform(images, 0.0, 2.0)


def contrast(images: Tensor) -> Tensor:
    """Scale each image's deviation from its own mean by U(0.5, 1.5)."""
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    return mean + (images - mean) * _uniform(images, 0.5, 1.5)


def color(images: Tensor) -> Tensor:
    """Change brightness, then saturation, then contrast."""
    return contrast(saturation(brightness(images)))


def _shift(images: Tensor, dim: int) -> Tensor:
    """Shift each image along ``dim`` by an integer within ±round(size/8), filling with zeros."""
    size = images.shape[dim]
    limit = int(size / 8 + 0.5)
    count = len(images)
    offsets = torch.randint(-limit, limit + 1, (count, 1), device=images.device)
    sources = torch.arange(size, device=images.device) - offsets
    shape = [count, 1, 1, 1]
    shape[dim] = size
    index = sources.clamp(0, size - 1).reshape(shape).expand(images.shape)
    inside = ((sources >= 0) & (sources < size)).reshape(shape)
    return torch.gather(images, dim, index) * inside


def translation(images: Tensor) -> Tensor:
    """Shift each image by integers within ±round(height/8) and ±round(width/8), filling with zeros."""
    return _shift(_shift(images, 2), 3)


def _covered(images: Tensor, dim: int, ratio: float) -> Tensor:
    """Return where along ``dim`` the cutout of each image lies: bool, broadcastable over ``(N, C, H, W)``."""
    size = images.shape[dim]
    length = int(size * ratio + 0.5)
    count = len(images)
    # With an even length a square has no center pixel: the extra position keeps the range symmetric.
    centers = torch.randint(0, size + 1 - length % 2, (count, 1), device=images.device)
    distance = torch.arange(size, device=images.device) - (centers - length // 2)
    shape = [count, 1, 1, 1]
    shape[dim] = size
    return ((distance >= 0) & (distance < length)).reshape(shape)


def cutout(images: Tensor, ratio: float = 0.5) -> Tensor:
    """Zero a rectangle of ``ratio`` of each side, its center uniform over the image, clipped at the borders."""
    return images * ~(_covered(images, 2, ratio) & _covered(images, 3, ratio))


TRANSFORMATIONS: Mapping[str, Callable[[Tensor], Tensor]] = MappingProxyType(
    {"color": color, "translation": translation, "cutout": cutout}
)


class DiffAugment(Augmentation):
    """Differentiable augmentation, applied to every real and generated image in both turns.

    D(T(x)) and D(T(G(z))) take the place of D(x) and D(G(z)) in both players' losses: Zhao et al. 2020,
    "Differentiable Augmentation for Data-Efficient GAN Training" (arXiv 2006.10738), section 3. Each image has its
    own draws.
    Computes in float32 (float64 for float64 images), also under autocast.

    Args:
        policy: transformations, applied in this order. The paper uses ``translation, cutout`` for BigGAN on CIFAR
            and all three for StyleGAN2 and few-shot training.
        cutout_ratio: height and width of a cutout, in those of the image (Projected GAN's code: 0.2).

    Raises:
        ValueError: if ``policy`` is empty, repeats a transformation or names an unknown one, or ``cutout_ratio`` does
            not lie in (0, 1].

    Source: the policies' ranges are those of the authors' release for images in [-1, 1].
    """

    def __init__(
        self, *, policy: Sequence[Policy] = ("color", "translation", "cutout"), cutout_ratio: float = 0.5
    ) -> None:
        super().__init__()
        # A string is a sequence too: its letters would be reported as unknown transformations.
        names = [policy] if isinstance(policy, str) else list(policy)
        allowed = ", ".join(TRANSFORMATIONS)
        if not names:
            raise ValueError(f"policy must name at least one transformation of {allowed}, got {policy!r}")
        for name in names:
            if name not in TRANSFORMATIONS:
                raise ValueError(f"policy names {name!r}; allowed are {allowed}")
        if len(set(names)) < len(names):
            raise ValueError(f"policy repeats a transformation: {names}")
        if not 0 < cutout_ratio <= 1:
            raise ValueError(f"cutout_ratio must lie in (0, 1], got {cutout_ratio}")
        self.policy = tuple(names)
        self.cutout_ratio = cutout_ratio

    def check(self, sample_shape: tuple[int, ...]) -> None:
        """Refuse samples that are not images.

        Raises:
            ValueError: naming their shape.
        """
        check_images(self, sample_shape)

    def forward(self, images: Tensor) -> Tensor:
        """Map images ``(N, C, H, W)`` in [-1, 1] to images of the same shape and dtype, not clipped to [-1, 1]."""
        with full_precision(images) as augmented:
            for name in self.policy:
                if name == "cutout":
                    augmented = cutout(augmented, self.cutout_ratio)
                else:
                    augmented = TRANSFORMATIONS[name](augmented)
        return augmented.to(images.dtype)
