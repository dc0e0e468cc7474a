"""How pictures reach the size that a network takes: it moves scores by more than many papers do."""

from __future__ import annotations

from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor

Resize = Literal["tensorflow", "clean"]

_IN_WORDS = {
    "tensorflow": "TensorFlow 1 bilinear",
    "clean": "antialiased bicubic, not rounded (clean-fid)",
}


def check_resize(resize: Resize) -> None:
    """Refuse an unknown way of resizing.

    Raises:
        ValueError: naming the known ones.
    """
    if resize not in get_args(Resize):
        raise ValueError(f"extractor.resize must be one of {', '.join(get_args(Resize))}, got {resize!r}")


def in_words(resize: Resize, size: int) -> str:
    """Describe a way of resizing for a protocol."""
    return f"{_IN_WORDS[resize]} to {size}x{size}"


def resized(images: Tensor, size: int, resize: Resize) -> Tensor:
    """Resize pictures to ``size`` x ``size``.

    "tensorflow" is TensorFlow 1's bilinear interpolation without antialiasing, which the published FID, KID and IS
    use, as torch-fidelity imitates it. "clean" is Pillow's antialiased bicubic filter on floating point, clipped to
    [0, 255] and not rounded, as clean-fid defines it (Parmar 2022, arXiv:2104.11222, section 3).

    Args:
        images: uint8 ``(N, C, H, W)``.
        size: height and width of the result.
        resize: the way.

    Returns:
        float32 ``(N, C, size, size)`` in [0, 255].
    """
    if resize == "tensorflow":
        from torch_fidelity.interpolate_compat_tensorflow import interpolate_bilinear_2d_like_tensorflow1x

        return interpolate_bilinear_2d_like_tensorflow1x(images.float(), size=(size, size), align_corners=False)
    if images.shape[-2:] == (size, size):
        return images.float()
    # with antialias=True torch's bicubic kernel is Pillow's (a = -0.5), also where a picture grows; in float32 its
    # places would be off by 1e-5 of a pixel; Apple's GPUs have no float64
    wide = images.float() if images.device.type == "mps" else images.double()
    return F.interpolate(wide, size=(size, size), mode="bicubic", antialias=True).clamp(0, 255).float()


def normalized(images: Tensor, mean: tuple[float, ...], std: tuple[float, ...]) -> Tensor:
    """Shift and scale channels: ``(x / 255 - mean) / std``.

    Args:
        images: float ``(N, C, H, W)`` in [0, 255].
        mean: mean of each channel, in units of 255.
        std: likewise.
    """
    shift, scale = (torch.tensor(values, device=images.device).view(1, -1, 1, 1) * 255 for values in (mean, std))
    return (images - shift) / scale
