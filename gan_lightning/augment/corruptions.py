"""Optional transformations of ADA that lose information: frequency filter, noise and cutout."""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional

from gan_lightning.augment.affine import draw_gate, normal
from gan_lightning.augment.warp import reflect

# The orthonormal sym2 (= Daubechies 2) scaling filter in closed form.
SYM2 = tuple(value / (4 * math.sqrt(2)) for value in (1 - 3**0.5, 3 - 3**0.5, 3 + 3**0.5, 1 + 3**0.5))
# Power of natural images in the four octave bands, from low to high: Karras 2020 (arXiv 2006.06676), appendix B.
EXPECTED_POWER = (10 / 13, 1 / 13, 1 / 13, 1 / 13)
BANDS = len(EXPECTED_POWER)


def _convolve(a: Tensor, b: Tensor) -> Tensor:
    """Return the full convolution of two sequences."""
    return functional.conv1d(a[None, None], b.flip(0)[None, None], padding=len(b) - 1)[0, 0]


def _upsample(a: Tensor) -> Tensor:
    """Put a zero between the values of a sequence."""
    return torch.stack([a, torch.zeros_like(a)], dim=-1).flatten()[:-1]


@lru_cache(maxsize=1)
def filter_bank() -> Tensor:
    """Return impulse responses of four octave bands, which add up to the identity: float64 ``(4, 43)``, symmetric.

    Each level splits the lowest band in two with the zero-phase half-band pair H(z)H(1/z)/2 of sym2.
    """
    low = torch.tensor(SYM2, dtype=torch.float64)
    high = low * torch.tensor([1.0, -1.0, 1.0, -1.0], dtype=torch.float64)
    low_pass = _convolve(low, low.flip(0)) / 2
    high_pass = _convolve(high, high.flip(0)) / 2
    # From high to low; `lowest` is what the levels so far leave, at the sampling rate of the pixels.
    lowest = torch.ones(1, dtype=torch.float64)
    bands = []
    for _ in range(BANDS - 1):
        bands.append(_convolve(lowest, high_pass))
        lowest = _convolve(lowest, low_pass)
        low_pass, high_pass = _upsample(low_pass), _upsample(high_pass)
    bands.append(lowest)
    length = len(lowest)
    return torch.stack([functional.pad(band, ((length - len(band)) // 2,) * 2) for band in reversed(bands)])


def draw_gains(count: int, probability: float) -> Tensor:
    """Draw gains of the four bands: float64 ``(count, 4)``.

    Each band in turn is amplified by 2^N(0, 1) with ``probability``, and all are divided by the amplitude that
    natural images would then have.
    """
    power = torch.tensor(EXPECTED_POWER, dtype=torch.float64)
    gains = torch.ones(count, BANDS, dtype=torch.float64)
    for band in range(BANDS):
        factors = torch.ones(count, BANDS, dtype=torch.float64)
        factors[:, band] = torch.where(draw_gate(count, probability), torch.exp2(normal(count, 1.0)), 1.0)
        gains = gains * factors / (power * factors.square()).sum(dim=1, keepdim=True).sqrt()
    return gains


@lru_cache(maxsize=8)
@torch.inference_mode(False)  # a matrix cached during inference must serve training too
def _filter_matrices(size: int) -> Tensor:
    """Return the bands as matrices on a line of pixels with reflected borders: float64 ``(4, size, size)``."""
    bank = filter_bank()
    reach = bank.shape[1] // 2
    matrices = torch.zeros(BANDS, size, size, dtype=torch.float64)
    rows = torch.arange(size)
    for tap in range(bank.shape[1]):
        columns = reflect(rows + tap - reach, size)
        # Reflection may map several taps to one pixel, so each tap adds.
        matrices[:, rows, columns] += bank[:, tap, None]
    return matrices


def amplify_bands(images: Tensor, gains: Tensor) -> Tensor:
    """Filter rows and columns of ``images`` ``(N, C, H, W)`` with each image's ``gains`` ``(N, 4)``."""

    def filters(size: int) -> Tensor:
        return torch.einsum("nb,bij->nij", gains, _filter_matrices(size))[:, None].to(images)

    return filters(images.shape[2]) @ (images @ filters(images.shape[3]).mT)


def add_noise(images: Tensor, probability: float) -> Tensor:
    """Add white noise with a standard deviation of |N(0, 0.1²)| per image, drawn with ``probability``."""
    count = len(images)
    deviation = torch.where(draw_gate(count, probability), normal(count, 0.1).abs(), 0.0)
    return images + torch.randn_like(images) * deviation.to(images)[:, None, None, None]


def cut_out(images: Tensor, probability: float) -> Tensor:
    """Zero a rectangle of half of each side with its center uniform over the image, drawn with ``probability``."""
    count, _, height, width = images.shape
    gate = draw_gate(count, probability)
    center = torch.rand(count, 2, 1, dtype=torch.float64)
    x = (torch.arange(width, dtype=torch.float64) + 0.5) / width
    y = (torch.arange(height, dtype=torch.float64) + 0.5) / height
    inside_x = (x - center[:, 0]).abs() < 0.25
    inside_y = (y - center[:, 1]).abs() < 0.25
    covered = inside_y[:, :, None] & inside_x[:, None, :] & gate[:, None, None]
    return images * ~covered[:, None].to(images.device)
