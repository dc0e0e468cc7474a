import math

import pytest
import torch

from gan_lightning.augment.colors import (
    apply_color,
    brightness_matrix,
    contrast_matrix,
    draw_color,
    hue_matrix,
    luma_flip_matrix,
    saturation_matrix,
)


def _images() -> torch.Tensor:
    torch.manual_seed(0)
    return torch.randn(4, 3, 5, 6, dtype=torch.float64)


@pytest.fixture
def values() -> torch.Tensor:
    return torch.tensor([0.3, -0.7, 1.9, 1.0], dtype=torch.float64)


def _assert_equal(actual: torch.Tensor, expected: torch.Tensor) -> None:
    torch.testing.assert_close(actual, expected, rtol=0, atol=1e-12)


def test_direct_formulas(values):
    images = _images()
    per_image = values[:, None, None, None]
    luma = images.mean(dim=1, keepdim=True)
    _assert_equal(apply_color(images, brightness_matrix(values)), images + per_image)
    _assert_equal(apply_color(images, contrast_matrix(values)), images * per_image)
    _assert_equal(apply_color(images, saturation_matrix(values)), luma + (images - luma) * per_image)
    flip = torch.tensor([1.0, 0.0, 1.0, 0.0], dtype=torch.float64)
    expected = images.clone()
    expected[::2] -= 2 * luma[::2]
    _assert_equal(apply_color(images, luma_flip_matrix(flip)), expected)


def test_hue_keeps_luma_and_chroma_and_turns_by_the_angle(values):
    images = _images()
    turned = apply_color(images, hue_matrix(values))
    luma = images.mean(dim=1, keepdim=True)
    _assert_equal(turned.mean(dim=1, keepdim=True), luma)
    before, after = images - luma, turned - luma
    _assert_equal(after.norm(dim=1), before.norm(dim=1))
    cosine = (before * after).sum(dim=1) / before.norm(dim=1).square()
    _assert_equal(cosine, values.cos()[:, None, None].expand_as(cosine))


def test_a_third_of_a_turn_permutes_the_channels():
    images = _images()
    angle = torch.full((4,), 2 * math.pi / 3, dtype=torch.float64)
    _assert_equal(apply_color(images, hue_matrix(angle)), images.roll(1, dims=1))


def test_gray_is_the_mean_of_an_rgb_image_with_equal_channels():
    torch.manual_seed(3)
    matrix = draw_color(4, 1.0, chromatic=True)
    gray = _images()[:, :1]
    expected = apply_color(gray.expand(-1, 3, -1, -1), matrix).mean(dim=1, keepdim=True)
    _assert_equal(apply_color(gray, matrix), expected)


def test_other_channels_are_refused():
    with pytest.raises(ValueError, match="1 or 3 channels, got 4"):
        apply_color(torch.zeros(1, 4, 2, 2), torch.eye(4)[None])


def test_probability_zero_gives_the_identity():
    assert torch.equal(draw_color(10, 0.0, chromatic=True), torch.eye(4, dtype=torch.float64).repeat(10, 1, 1))


def test_moments_of_the_draws():
    torch.manual_seed(0)
    count = 40000
    matrix = draw_color(count, 1.0, chromatic=False)
    sign = matrix[:, :3, :3].sum(dim=(1, 2)).sign()
    factor = (matrix[:, :3, :3].sum(dim=(1, 2)) / 3).abs()
    offset = matrix[:, :3, 3].mean(dim=1) / (factor * sign)
    assert abs(float((sign < 0).double().mean()) - 0.5) < 0.0125
    assert abs(float(factor.log2().mean())) < 0.0125
    assert abs(float(factor.log2().std()) - 0.5) < 0.01
    assert abs(float(offset.mean())) < 0.005
    assert abs(float(offset.std()) - 0.2) < 0.004
    # Saturation is the length ratio of the chroma, hue its angle; contrast scales both luma and chroma.
    matrix = draw_color(count, 1.0, chromatic=True)[:, :3, :3]
    chroma = matrix @ torch.tensor([1.0, -1.0, 0.0], dtype=torch.float64)
    luma = matrix.sum(dim=(1, 2)).abs() / 3
    ratio = (chroma.norm(dim=1) / math.sqrt(2) / luma).log2()
    assert abs(float(ratio.mean())) < 0.025
    assert abs(float(ratio.std()) - 1) < 0.02
    along = chroma @ torch.tensor([1.0, -1.0, 0.0], dtype=torch.float64) / math.sqrt(2)
    across = chroma @ torch.tensor([1.0, 1.0, -2.0], dtype=torch.float64) / math.sqrt(6)
    angle = torch.atan2(across, along)
    assert abs(float(angle.mean())) < 0.05
    assert abs(float(angle.square().mean()) - math.pi**2 / 3) < 0.08


@pytest.mark.parametrize("probability", [0.2, 0.6])
def test_fraction_of_unchanged_images(probability):
    torch.manual_seed(0)
    matrix = draw_color(20000, probability, chromatic=True)
    unchanged = (matrix - torch.eye(4, dtype=torch.float64)).abs().amax(dim=(1, 2)) < 1e-9
    expected = (1 - probability) ** 4 * (1 - probability / 2)
    assert abs(float(unchanged.double().mean()) - expected) < 0.02
