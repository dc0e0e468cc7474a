"""What a damaged file is to be blamed for, and what not; in which order formats are tried."""

from dataclasses import dataclass

import pytest

from gan_lightning.data.archive import open_files
from gan_lightning.data.arrangement import arrange
from gan_lightning.data.errors import BadImage, DataError, decoding
from gan_lightning.data.files import image_formats
from gan_lightning.data.preflight import examine
from gan_lightning.data.row_stream import RowDecoder
from gan_lightning.data.stream import Decoder
from gan_lightning.data.transform import Transform
from tests.data.pictures import classes, encoded, noise, write


@dataclass(frozen=True)
class Mistaken(Transform):
    """A transform with a programming error."""

    def __call__(self, image):
        return image.no_such_attribute


def source_of(path):
    return arrange(open_files(path), split="auto", heldout_fraction=0, labeled=False).splits["train"]


def rows(transform):
    decode = RowDecoder(
        image_column="image", label_column=None, open_image=lambda stored: noise(stored), transform=transform
    )
    return decode([(7, {"image": 0})])


@pytest.mark.parametrize(
    ("raised", "text"), [(ValueError("empty file"), "empty file"), (KeyError("tag"), "KeyError: 'tag'")]
)
def test_whatever_a_decoder_raises_is_a_bad_image(raised, text):
    with pytest.raises(BadImage) as caught, decoding():
        raise raised
    assert str(caught.value) == text
    assert caught.value.reason is raised


def test_a_lack_of_memory_is_no_damage():
    with pytest.raises(MemoryError), decoding():
        raise MemoryError


def test_an_error_of_ours_is_not_taken_for_a_damaged_file(tmp_path):
    source = source_of(write(tmp_path / "set", classes({"cat": 2})))
    with pytest.raises(AttributeError) as caught:
        examine(source, 1, Mistaken(8), min_size=None, out=None)
    assert caught.value.__notes__ == ["while examining cat/1.png"]
    with pytest.raises(AttributeError):
        Decoder(source, Mistaken(8))([0])
    with pytest.raises(AttributeError):
        rows(Mistaken(8))


def test_a_damaged_exif_record_is_named(tmp_path):
    (tmp_path / "set").mkdir()
    noise(0).save(tmp_path / "set" / "a.png", exif=b"Exif\x00\x00no TIFF here")
    source = source_of(tmp_path / "set")
    found = examine(source, 0, Transform(8), min_size=None, out=None)
    assert (found.size, found.problem) == ((12, 12), "SyntaxError: not a TIFF file (header b'no TIFF ' not valid)")
    with pytest.raises(DataError, match=r"a\.png cannot be read any more: SyntaxError: not a TIFF file"):
        Decoder(source, Transform(8))([0])


def test_what_the_transform_refuses_is_named_with_its_kind(tmp_path):
    source = source_of(write(tmp_path / "set", {"a.png": encoded(noise(0))}))
    with pytest.raises(DataError, match=r"a\.png cannot be read any more: ValueError: 12x12 instead of 8x8"):
        Decoder(source, Transform(8, fit="exact"))([0])
    with pytest.raises(DataError, match="row 7 of the stream: ValueError: 12x12 instead of 8x8"):
        rows(Transform(8, fit="exact"))


def test_the_usual_formats_are_tried_first():
    assert set(image_formats()[:4]) < {"JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM"}
    assert len(set(image_formats())) == len(image_formats()) > 20
