import math

import numpy as np
import pytest
import torch
from scipy import ndimage

from gan_lightning.augment.affine import rotation, scaling, translation
from gan_lightning.augment.warp import (
    SUPPORT,
    SYM6,
    copy_pixels,
    downsampling_matrix,
    reflect,
    resample,
    upsampling_matrix,
)

CPU = torch.device("cpu")


def _value(value: float) -> torch.Tensor:
    return torch.tensor([value], dtype=torch.float64)


def _shift(x: float, y: float) -> torch.Tensor:
    """The inverse map of a shift by (x, y)."""
    return translation(_value(-x), _value(-y))


def _noise(*shape: int) -> torch.Tensor:
    torch.manual_seed(0)
    return torch.randn(*shape, dtype=torch.float64)


def _smooth(height: int, width: int) -> torch.Tensor:
    y = torch.arange(height, dtype=torch.float64)[:, None] / height
    x = torch.arange(width, dtype=torch.float64) / width
    return torch.stack([(5 * x + 3 * y).sin(), (4 * x - 2 * y).cos(), x * y + y])[None]


def test_sym6_is_orthonormal_with_six_vanishing_moments():
    taps = np.array(SYM6)
    for shift in range(6):
        assert abs(taps[: 12 - 2 * shift] @ taps[2 * shift :] - (shift == 0)) < 1e-11
    positions = np.arange(12.0) - 5
    for power in range(6):
        assert abs((taps * (-1.0) ** np.arange(12) * positions**power).sum()) < 1e-8
    assert abs(taps.sum() - math.sqrt(2)) < 1e-12


@pytest.mark.parametrize("size", [2, 3, 8, 9])
def test_reflect_is_numpys(size):
    line = np.pad(np.arange(size), 3 * size, mode="reflect")
    index = torch.arange(-3 * size, 4 * size)
    assert reflect(index, size).tolist() == line.tolist()


def test_reflect_of_one_pixel():
    assert reflect(torch.arange(-3, 4), 1).tolist() == [0] * 7


def test_upsampling_matches_an_explicit_convolution():
    size, padding = 9, 4
    line = _noise(size).numpy()
    padded = np.pad(line, padding, mode="reflect")
    stuffed = np.zeros(2 * len(padded))
    stuffed[::2] = padded
    full = np.convolve(stuffed, np.array(SYM6) * math.sqrt(2))
    expected = full[5 : 5 + len(stuffed)]
    actual = upsampling_matrix(size, padding, torch.float64, CPU).numpy() @ line
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-12)


def test_downsampling_undoes_upsampling():
    size, padding = 16, 2 * SUPPORT
    up = upsampling_matrix(size, padding, torch.float64, CPU)
    canvas = up[2 * (padding - SUPPORT) : -2 * (padding - SUPPORT)]
    product = downsampling_matrix(size, torch.float64, CPU) @ canvas
    torch.testing.assert_close(product, torch.eye(size, dtype=torch.float64), rtol=0, atol=1e-11)


@pytest.mark.parametrize(("height", "width"), [(8, 8), (16, 16), (9, 12), (32, 32)])
def test_resampling_by_the_identity_changes_nothing(height, width):
    images = _noise(1, 3, height, width)
    identity = torch.eye(3, dtype=torch.float64)[None]
    torch.testing.assert_close(resample(images, identity), images, rtol=0, atol=1e-10)


@pytest.mark.parametrize(("x", "y"), [(3, 0), (0, -2), (-1, 4), (5, 5)])
def test_integer_shifts_reflect_the_border(x, y):
    images = _noise(1, 2, 16, 16)
    padded = np.pad(images.numpy(), ((0, 0), (0, 0), (8, 8), (8, 8)), mode="reflect")
    expected = torch.from_numpy(padded[:, :, 8 - y : 24 - y, 8 - x : 24 - x])
    assert torch.equal(copy_pixels(images, _shift(x, y)), expected)
    torch.testing.assert_close(resample(images, _shift(x, y)), expected, rtol=0, atol=1e-10)


def test_samples_more_than_a_side_away_are_zero():
    images = _noise(1, 1, 8, 8)
    assert resample(images, _shift(30, 0)).abs().max() == 0
    assert resample(images, _shift(3, 0)).abs().max() > 0.1


def test_copies_flip_and_turn_exactly():
    images = _noise(1, 3, 8, 8)
    flip = scaling(_value(-1.0), _value(1.0))
    assert torch.equal(copy_pixels(images, flip), images.flip(3))
    turned = {turns: copy_pixels(images, rotation(_value(turns * math.pi / 2)).round()) for turns in range(4)}
    for turns, copy in turned.items():
        # The y axis points down: a positive inverse angle turns the picture counter-clockwise on the screen.
        assert torch.equal(copy, torch.rot90(images, turns, (2, 3)))


def _reference(images: torch.Tensor, inverse: torch.Tensor) -> torch.Tensor:
    """Cubic splines with mirrored borders, in (row, column) coordinates."""
    matrix = inverse[0].numpy()
    center = np.array([(images.shape[2] - 1) / 2, (images.shape[3] - 1) / 2])
    linear = matrix[:2, :2][::-1, ::-1]
    offset = matrix[:2, 2][::-1] + center - linear @ center
    channels = [ndimage.affine_transform(c, linear, offset, order=3, mode="mirror") for c in images[0].numpy()]
    return torch.from_numpy(np.stack(channels))[None]


@pytest.mark.parametrize(
    ("inverse", "tolerance"),
    [
        (_shift(2.3, -1.6), 1e-3),
        (rotation(_value(0.4)), 2e-3),
        (rotation(_value(-2.0)), 1e-2),
        (scaling(_value(0.8), _value(0.8)), 1e-3),
        (scaling(_value(1 / 1.3), _value(1.3)) @ rotation(_value(0.7)) @ _shift(1.5, 3.2), 3e-3),
    ],
    ids=["shift", "rotation", "large rotation", "scale", "all"],
)
def test_resampling_matches_spline_interpolation(inverse, tolerance):
    # sym6 is not quite symmetric: its center of mass is 0.1 samples = 0.05 pixels off its center tap, on the way
    # down again in the other direction, so half a turn is off by 0.1 pixels. The slope here is 0.1 per pixel.
    images = _smooth(24, 32)
    actual, expected = resample(images, inverse), _reference(images, inverse)
    inner = (slice(None), slice(None), slice(4, -4), slice(4, -4))
    difference = (actual - expected).abs()
    assert difference.mean() < 0.01
    assert difference[inner].median() < tolerance
    assert (actual - images).abs().mean() > 0.05


def test_each_image_has_its_own_map():
    images = _noise(3, 1, 12, 12)
    maps = torch.cat([_shift(0, 0), _shift(1.5, 0), rotation(_value(1.0))])
    together = resample(images, maps)
    for i in range(3):
        torch.testing.assert_close(together[i : i + 1], resample(images[i : i + 1], maps[i : i + 1]), rtol=0, atol=1e-9)


def test_small_images_are_refused():
    with pytest.raises(ValueError, match="at least 8 pixels, got 4x4"):
        resample(torch.zeros(1, 1, 4, 4), torch.eye(3, dtype=torch.float64)[None])


def test_matrices_cached_during_inference_serve_training():
    with torch.inference_mode():
        resample(torch.zeros(1, 1, 11, 13), torch.eye(3, dtype=torch.float64)[None])
    images = torch.zeros(1, 1, 11, 13, requires_grad=True)
    resample(images, torch.eye(3, dtype=torch.float64)[None]).sum().backward()
    assert images.grad is not None
    torch.testing.assert_close(images.grad, torch.ones_like(images), rtol=0, atol=0.2)
