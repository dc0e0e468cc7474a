import io

import numpy as np
import pytest
from PIL import Image

from gan_lightning.data.transform import FILTERS, Transform
from tests.data.pictures import noise


def reopened(image, kind="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return Image.open(io.BytesIO(buffer.getvalue()))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "I;16", "I"])
def test_every_mode_becomes_uint8_of_the_right_shape(mode, channels):
    image = (
        Image.fromarray(np.full((6, 9), 300, np.uint16))
        if mode == "I;16"
        else noise(0, (9, 6)).convert({"PA": "RGBA"}.get(mode, mode))
    )
    if mode == "PA":
        image = image.convert("PA")
    pixels = Transform(4, channels)(image)
    assert pixels.dtype == np.uint8
    assert pixels.shape == (channels, 4, 4)


def test_rgb_of_the_right_size_is_left_alone():
    image = noise(1, (8, 8))
    assert np.array_equal(Transform(8)(image), np.asarray(image).transpose(2, 0, 1))


def test_sixteen_bits_are_divided_by_257():
    levels = np.array([[0, 128, 129, 256], [257, 32768, 65406, 65535]] * 2, np.uint16)
    expected = np.rint(levels / 257).astype(np.uint8)
    for image in (reopened(Image.fromarray(levels)), Image.fromarray(levels.astype(np.int32))):
        assert np.array_equal(Transform(4, 1)(image)[0], expected)
    assert np.array_equal(Transform(4, 3)(reopened(Image.fromarray(levels)))[2], expected)


def test_what_has_no_stated_range_is_refused():
    with pytest.raises(ValueError, match="floating point"):
        Transform(2)(Image.fromarray(np.zeros((2, 2), np.float32)))
    with pytest.raises(ValueError, match="outside"):
        Transform(2)(Image.fromarray(np.full((2, 2), 70000, np.int32)))


@pytest.mark.parametrize(("background", "expected"), [("white", (227, 177, 152)), ("#000000", (100, 50, 25))])
def test_transparent_pixels_are_laid_over_the_background(background, expected):
    image = Image.new("RGBA", (4, 4), (200, 100, 50, 128))
    pixels = Transform(4, background=background)(image)[:, 0, 0]
    assert np.abs(pixels.astype(int) - expected).max() <= 1


def test_a_transparent_palette_entry_and_a_transparent_color_are_transparent():
    palette = Image.new("P", (4, 4), 0)
    palette.putpalette([10, 20, 30])
    for image in (
        reopened(palette, transparency=0),
        reopened(Image.new("RGB", (4, 4), (1, 2, 3)), transparency=(1, 2, 3)),
        reopened(Image.new("L", (4, 4), 7), transparency=7),
    ):
        assert (Transform(4)(image) == 255).all()
    levels = np.arange(16, dtype=np.uint16).reshape(4, 4) * 257
    pixels = Transform(4, 1)(reopened(Image.fromarray(levels), transparency=5 * 257))[0]
    assert pixels.ravel().tolist() == [255 if level == 5 else level for level in range(16)]


def test_gray_is_luma_and_rgb_repeats_gray():
    assert Transform(1, 1)(Image.new("RGB", (1, 1), (200, 100, 50)))[0, 0, 0] == pytest.approx(124.2, abs=0.6)
    assert Transform(1, 3)(Image.new("L", (1, 1), 77)).ravel().tolist() == [77, 77, 77]
    assert Transform(1, 1)(Image.new("1", (1, 1), 1)).ravel().tolist() == [255]


def test_cmyk_is_ink():
    assert Transform(1)(reopened(Image.new("CMYK", (1, 1), (0, 0, 0, 0)), "JPEG")).ravel().tolist() == [255] * 3
    assert Transform(1)(reopened(Image.new("CMYK", (1, 1), (0, 0, 0, 255)), "JPEG")).ravel().tolist() == [0] * 3


@pytest.mark.parametrize(
    ("orientation", "turn"),
    [(3, Image.Transpose.ROTATE_180), (6, Image.Transpose.ROTATE_270), (8, Image.Transpose.ROTATE_90)],
)
def test_photographs_are_turned_upright(orientation, turn):
    image = noise(2, (8, 8))
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = reopened(image, exif=exif)
    assert np.array_equal(Transform(8)(stored), np.asarray(image.transpose(turn)).transpose(2, 0, 1))


@pytest.mark.parametrize("size", [(20, 8), (9, 21)])
def test_center_crop_keeps_the_middle_square(size):
    image = noise(3, size)
    side = min(size)
    left, top = (size[0] - side) // 2, (size[1] - side) // 2
    expected = np.asarray(image)[top : top + side, left : left + side]
    assert np.array_equal(Transform(side)(image), expected.transpose(2, 0, 1))


def test_pad_keeps_the_aspect_ratio_between_bars():
    pixels = Transform(8, fit="pad", background="#0000ff")(Image.new("RGB", (16, 8), (255, 0, 0)))
    assert (pixels[0, 2:6] == 255).all()
    assert (pixels[2, 2:6] == 0).all()
    for bar in (pixels[:, :2], pixels[:, 6:]):
        assert (bar[2] == 255).all()
        assert (bar[0] == 0).all()


def test_stretch_uses_the_whole_picture():
    image = Image.new("L", (16, 4), 0)
    image.paste(200, (8, 0, 16, 4))
    pixels = Transform(4, 1, fit="stretch", filter="box")(image)[0]
    assert pixels.tolist() == [[0, 0, 200, 200]] * 4


@pytest.mark.parametrize("name", FILTERS)
def test_shrinking_is_antialiased(name):
    board = Image.fromarray((np.indices((32, 32)).sum(0) % 2 * 255).astype(np.uint8))
    pixels = Transform(8, 1, filter=name)(board)
    assert np.abs(pixels.astype(int) - 127.5).max() < 8


def test_the_filter_is_the_one_that_was_asked_for():
    image = noise(4, (31, 31))
    for name, resample in FILTERS.items():
        expected = np.asarray(image.resize((8, 8), resample)).transpose(2, 0, 1)
        assert np.array_equal(Transform(8, filter=name)(image), expected)
    assert not np.array_equal(Transform(8, filter="box")(image), Transform(8, filter="lanczos")(image))


def test_exact_refuses_other_sizes():
    assert Transform(8, fit="exact")(noise(5, (8, 8))).shape == (3, 8, 8)
    with pytest.raises(ValueError, match="9x8 instead of 8x8"):
        Transform(8, fit="exact")(noise(5, (9, 8)))


@pytest.mark.parametrize(
    ("arguments", "key"),
    [
        ({"resolution": 0}, "data.resolution"),
        ({"channels": 4}, "data.channels"),
        ({"fit": "crop"}, "data.fit"),
        ({"filter": "nearest"}, "data.filter"),
        ({"background": "no color"}, "data.background"),
    ],
)
def test_bad_arguments_are_named(arguments, key):
    with pytest.raises(ValueError, match=key):
        Transform(**{"resolution": 8, **arguments})
