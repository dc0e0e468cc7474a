"""Apply planar maps to images: copy whole pixels, or resample with a high-quality filter."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

# The orthonormal sym6 scaling filter of Daubechies, "Ten Lectures on Wavelets" (1992), least asymmetric, 12 taps.
SYM6 = (
    0.015404109327027373,
    0.0034907120842174702,
    -0.11799011114819057,
    -0.048311742585633,
    0.4910559419267466,
    0.787641141030194,
    0.3379294217276218,
    -0.07263752278646252,
    -0.021060292512300564,
    0.04472490177066578,
    0.0017677118642428036,
    -0.007800708325034148,
)
CENTER = 5  # the tap that lies on the pixel
SUPPORT = 3  # pixels that the filter reaches on either side
MIN_SIZE = 8  # below, the reflected border is smaller than twice the support


def reflect(index: Tensor, size: int) -> Tensor:
    """Fold integer positions into ``[0, size)`` by reflection at the outermost pixels, without repeating them."""
    period = max(2 * (size - 1), 1)
    folded = index.remainder(period)
    return torch.minimum(folded, period - folded).clamp(max=size - 1)


@lru_cache(maxsize=32)
@torch.inference_mode(False)  # a matrix cached during inference must serve training too
def upsampling_matrix(size: int, padding: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Reflect padding and twofold sym6 upsampling of a line of pixels, as one matrix.

    Args:
        size: size of the line, in pixels.
        padding: pixels added on either side, below ``size``.
        dtype: dtype of the matrix.
        device: device of the matrix.

    Returns:
        ``(2 (size + 2 padding), size)``: row j gives the sample at pixel position j/2 - padding.
    """
    padded = size + 2 * padding
    matrix = torch.zeros(2 * padded, size, dtype=torch.float64)
    sources = reflect(torch.arange(padded) - padding, size)
    for tap, value in enumerate(SYM6):
        rows = 2 * torch.arange(padded) + tap - CENTER
        inside = (rows >= 0) & (rows < 2 * padded)
        values = torch.full((int(inside.sum()),), value * 2**0.5, dtype=torch.float64)
        matrix.index_put_((rows[inside], sources[inside]), values, accumulate=True)
    return matrix.to(device=device, dtype=dtype)


@lru_cache(maxsize=8)
@torch.inference_mode(False)
def downsampling_matrix(size: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return the matrix that halves a line with sym6 and crops ``SUPPORT`` extra pixels on either side.

    Returns:
        ``(size, 2 (size + 2 SUPPORT))``, the transpose of upsampling up to its scale. The filter is orthonormal,
        so downsampling undoes upsampling.
    """
    matrix = torch.zeros(size, 2 * (size + 2 * SUPPORT), dtype=torch.float64)
    rows = torch.arange(size)
    for tap, value in enumerate(SYM6):
        matrix[rows, 2 * (rows + SUPPORT) + tap - CENTER] = value / 2**0.5
    return matrix.to(device=device, dtype=dtype)


def _reach(inverse: Tensor, height: int, width: int) -> tuple[int, int]:
    """Return rows and columns of padding that the farthest sample needs, less than the size that reflection allows."""
    half_x, half_y = width / 2 + SUPPORT, height / 2 + SUPPORT
    # The largest |coordinate| over the four corners of the canvas.
    reach = inverse[:, :2, :2].abs() @ inverse.new_tensor([half_x, half_y]) + inverse[:, :2, 2].abs()
    columns, rows = (reach.amax(dim=0) + SUPPORT - inverse.new_tensor([width / 2, height / 2])).ceil().tolist()
    return min(max(int(rows), 0), height - 1), min(max(int(columns), 0), width - 1)


def resample(images: Tensor, inverse: Tensor) -> Tensor:
    """Transform images by general affine maps: pad, upsample, sample, downsample, crop.

    Karras et al. 2020 (arXiv 2006.06676), appendix B: reflect padding, twofold upsampling with the sym6 wavelet,
    bilinear sampling, downsampling with the same filter. Samples more than a side beyond the border are zero.

    Args:
        images: ``(N, C, H, W)``, sides of at least ``MIN_SIZE`` pixels.
        inverse: maps from output to input pixel coordinates about the center, float64 ``(N, 3, 3)`` on the host.

    Returns:
        ``(N, C, H, W)``.

    Raises:
        ValueError: if a side is below ``MIN_SIZE``.
    """
    height, width = images.shape[2:]
    if min(height, width) < MIN_SIZE:
        raise ValueError(f"geometric augmentation needs sides of at least {MIN_SIZE} pixels, got {height}x{width}")
    rows, columns = _reach(inverse, height, width)
    dtype, device = images.dtype, images.device
    up_y = upsampling_matrix(height, rows, dtype, device)
    up_x = upsampling_matrix(width, columns, dtype, device)
    upsampled = up_y @ (images @ up_x.T)

    x = torch.arange(2 * (width + 2 * SUPPORT), dtype=dtype, device=device) / 2 - SUPPORT - (width - 1) / 2
    y = torch.arange(2 * (height + 2 * SUPPORT), dtype=dtype, device=device) / 2 - SUPPORT - (height - 1) / 2
    maps = inverse[:, None, None, :2].to(device=device, dtype=dtype)
    plane = maps[..., 0] * x[:, None] + maps[..., 1] * y[:, None, None] + maps[..., 2]
    center = torch.tensor([(width - 1) / 2 + columns, (height - 1) / 2 + rows], dtype=dtype, device=device)
    extent = torch.tensor([width + 2 * columns, height + 2 * rows], dtype=dtype, device=device)
    # Upsampled sample j lies at pixel j/2 of the padded image; its center is at (2j + 1) / (2 extent) of the span.
    positions = (2 * (plane + center) + 0.5) / extent - 1

    sampled = sample_bilinear(upsampled, positions)
    down_y = downsampling_matrix(height, dtype, device)
    down_x = downsampling_matrix(width, dtype, device)
    return down_y @ (sampled @ down_x.T)


def copy_pixels(images: Tensor, inverse: Tensor) -> Tensor:
    """Transform images by maps that take pixels to pixels, without blending; reflect at the borders.

    Args:
        images: ``(N, C, H, W)``.
        inverse: maps from output to input pixel coordinates about the center, float64 ``(N, 3, 3)`` on the host.

    Returns:
        ``(N, C, H, W)``, each of whose values is one of the input's.
    """
    height, width = images.shape[2:]
    x = torch.arange(width, dtype=torch.float64) - (width - 1) / 2
    y = torch.arange(height, dtype=torch.float64) - (height - 1) / 2
    a = inverse[:, :, :, None, None]
    columns = a[:, 0, 0] * x + a[:, 0, 1] * y[:, None] + a[:, 0, 2] + (width - 1) / 2
    rows = a[:, 1, 0] * x + a[:, 1, 1] * y[:, None] + a[:, 1, 2] + (height - 1) / 2
    source = reflect(rows.round().long(), height) * width + reflect(columns.round().long(), width)
    index = source.flatten(1)[:, None].to(images.device).expand(-1, images.shape[1], -1)
    return torch.gather(images.flatten(2), 2, index).reshape(images.shape)


class _Sample(torch.autograd.Function):
    """Images ``(N, C, H, W)`` read at positions ``(N, h, w, 2)``: ``(N, C, h, w)``."""

    @staticmethod
    def forward(ctx: Any, images: Tensor, positions: Tensor) -> Tensor:
        ctx.save_for_backward(positions)
        ctx.shape = images.shape
        return functional.grid_sample(images, positions, mode="bilinear", padding_mode="zeros", align_corners=False)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (positions,) = ctx.saved_tensors
        return _Scatter.apply(gradient, positions, ctx.shape), None


class _Scatter(torch.autograd.Function):
    """The transpose of ``_Sample``: ``(N, C, h, w)`` added into images ``(N, C, H, W)``."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, positions: Tensor, shape: torch.Size) -> Tensor:
        ctx.save_for_backward(positions)
        # Only the shape of the images matters to the gradient with respect to them.
        images = values.new_empty(shape)
        bilinear, zeros, align_corners = 0, 0, False
        scattered, _ = torch.ops.aten.grid_sampler_2d_backward(
            values.contiguous(), images, positions, bilinear, zeros, align_corners, [True, False]
        )
        return scattered

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        (positions,) = ctx.saved_tensors
        return _Sample.apply(gradient, positions), None, None


def sample_bilinear(images: Tensor, positions: Tensor) -> Tensor:
    """Read images at given positions, bilinearly, zero outside.

    Args:
        images: ``(N, C, H, W)``, differentiable to any order.
        positions: ``(N, h, w, 2)``, constant, as (x, y) in units in which the image spans [-1, 1] from border
            to border (``align_corners=False``).

    Returns:
        ``(N, C, h, w)``.
    """
    return _Sample.apply(images, positions.detach())
