import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck

from gan_lightning.augment import DiffAugment
from gan_lightning.augment.diffaugment import brightness, contrast, saturation, translation

POLICIES = [("color",), ("translation",), ("cutout",), ("color", "translation", "cutout")]


def _images(*shape: int) -> torch.Tensor:
    torch.manual_seed(0)
    return torch.rand(*shape, dtype=torch.float64) * 2 - 1


@pytest.mark.parametrize("shape", [(5, 1, 8, 8), (5, 3, 32, 32), (2, 4, 9, 16)])
@pytest.mark.parametrize("policy", POLICIES)
def test_shape_dtype_and_determinism(policy, shape):
    augment = DiffAugment(policy=policy)
    images = _images(*shape).float()
    torch.manual_seed(7)
    first = augment(images)
    torch.manual_seed(7)
    again = augment(images)
    assert first.shape == images.shape
    assert first.dtype == torch.float32
    assert torch.equal(first, again)
    assert not torch.equal(first, augment(images))
    assert not torch.equal(first, images)


@pytest.mark.parametrize("policy", POLICIES)
def test_differentiable_twice(policy):
    augment = DiffAugment(policy=policy)

    def seeded(images: torch.Tensor) -> torch.Tensor:
        torch.manual_seed(3)
        return augment(images).square()

    images = _images(2, 3, 4, 4).requires_grad_()
    assert gradcheck(seeded, (images,))
    assert gradgradcheck(seeded, (images,))


def test_brightness_range():
    offset = brightness(torch.zeros(20000, 1, 1, 1))
    assert offset.min() >= -0.5
    assert offset.max() <= 0.5
    assert abs(float(offset.mean())) < 0.01
    assert abs(float(offset.std()) - 12**-0.5) < 0.005


def test_saturation_scales_the_chroma_about_the_channel_mean():
    images = _images(4000, 3, 2, 2)
    changed = saturation(images)
    mean = images.mean(dim=1, keepdim=True)
    torch.testing.assert_close(changed.mean(dim=1, keepdim=True), mean, rtol=0, atol=1e-12)
    factor = (changed - mean) / (images - mean)
    assert float((factor - factor[:, :1, :1, :1]).abs().max()) < 1e-8
    per_image = factor[:, 0, 0, 0]
    assert per_image.min() > -1e-9
    assert per_image.max() < 2 + 1e-9
    assert abs(float(per_image.mean()) - 1) < 0.04
    assert abs(float(per_image.std()) - 2 * 12**-0.5) < 0.02


def test_saturation_leaves_gray_alone():
    images = _images(3, 1, 4, 4)
    assert torch.equal(saturation(images), images)


def test_contrast_scales_about_the_image_mean():
    images = _images(4000, 3, 2, 2)
    changed = contrast(images)
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    factor = (changed - mean) / (images - mean)
    assert float((factor - factor[:, :1, :1, :1]).abs().max()) < 1e-8
    per_image = factor[:, 0, 0, 0]
    assert per_image.min() > 0.5 - 1e-9
    assert per_image.max() < 1.5 + 1e-9
    assert abs(float(per_image.mean()) - 1) < 0.02


def _shifted(image: torch.Tensor, down: int, right: int) -> torch.Tensor:
    out = torch.zeros_like(image)
    height, width = image.shape[1:]
    for i in range(height):
        for j in range(width):
            if 0 <= i - down < height and 0 <= j - right < width:
                out[:, i, j] = image[:, i - down, j - right]
    return out


@pytest.mark.parametrize(("height", "width"), [(8, 8), (12, 20)])
def test_translation_is_one_of_the_zero_filled_shifts_all_equally_likely(height, width):
    vertical, horizontal = int(height / 8 + 0.5), int(width / 8 + 0.5)
    image = _images(2, height, width) + 5
    candidates = torch.stack(
        [
            _shifted(image, down, right)
            for down in range(-vertical, vertical + 1)
            for right in range(-horizontal, horizontal + 1)
        ]
    )
    moved = translation(image.repeat(4000, 1, 1, 1))
    distance = torch.cdist(moved.flatten(1), candidates.flatten(1))
    assert float(distance.amin(dim=1).max()) < 1e-5
    share = distance.argmin(dim=1).bincount(minlength=len(candidates)) / len(moved)
    expected = 1 / len(candidates)
    assert float((share - expected).abs().max()) < 5 * (expected / len(moved)) ** 0.5


@pytest.mark.parametrize(("size", "ratio", "length"), [(7, 0.5, 4), (8, 0.5, 4), (16, 0.5, 8), (16, 0.2, 3), (8, 1, 8)])
def test_cutout_is_a_clipped_square_with_uniform_center(size, ratio, length):
    zeros = 1 - DiffAugment(policy=["cutout"], cutout_ratio=ratio)(torch.ones(6000, 1, size, size))[:, 0]
    rows, columns = zeros.amax(dim=2), zeros.amax(dim=1)
    assert torch.equal(zeros, rows[:, :, None] * columns[:, None])
    for line in (rows, columns):
        first, extent = line.argmax(dim=1), line.sum(dim=1)
        assert extent.max() == length
        # The covered range follows from its center; every center in [0, size - length % 2] is equally likely.
        centers = range(size + 1 - length % 2)
        spans = [(max(c - length // 2, 0), min(c - length // 2 + length, size)) for c in centers]
        share = [float(((first == a) & (extent == b - a)).float().mean()) for a, b in spans]
        assert abs(sum(share) - 1) < 1e-5
        assert max(abs(value - 1 / len(spans)) for value in share) < 5 * (1 / len(spans) / 6000) ** 0.5


def test_images_have_their_own_draws():
    images = _images(1, 3, 16, 16).repeat(8, 1, 1, 1)
    augmented = DiffAugment()(images)
    assert len({tuple(image.flatten().tolist()) for image in augmented}) == 8


def test_bf16_input_and_autocast():
    augment = DiffAugment()
    images = _images(4, 3, 8, 8).float()
    torch.manual_seed(1)
    expected = augment(images)
    torch.manual_seed(1)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(augment(images), expected)
    torch.manual_seed(1)
    assert augment(images.bfloat16()).dtype == torch.bfloat16


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ([], "at least one"),
        (["colour"], "'colour'"),
        ("color", None),
        (["color", "color"], "repeats"),
        ("abc", "'abc'"),
    ],
)
def test_bad_policies_are_refused(policy, message):
    if message is None:
        assert DiffAugment(policy=policy).policy == ("color",)
        return
    with pytest.raises(ValueError, match=message):
        DiffAugment(policy=policy)


@pytest.mark.parametrize("ratio", [0, -0.5, 1.5])
def test_bad_cutouts_are_refused(ratio):
    with pytest.raises(ValueError, match=rf"cutout_ratio must lie in \(0, 1\], got {ratio}"):
        DiffAugment(cutout_ratio=ratio)


def test_vectors_are_refused():
    with pytest.raises(ValueError, match=r"\(N, C, H, W\)"):
        DiffAugment()(torch.zeros(3, 2))
