"""What is said of images that cannot be translated."""

import pytest

from gan_lightning.data.archive import open_files
from gan_lightning.sampling.translation import Translation
from tests.data.pictures import encoded, noise, write


class Network:
    """Takes what ``check_images`` lets pass."""

    source_shape = (3, 16, 16)

    def __init__(self, error=None):
        self.error = error

    def check_images(self, images):
        assert tuple(images.shape) == (1, 3, 12, 12)
        if self.error is not None:
            raise self.error


def check(folder, network):
    files = open_files(folder)
    Translation(source=str(folder))._check(files, files.entries(), network)


def test_damaged_images_are_named_together_and_the_rest_are_counted(tmp_path):
    write(tmp_path / "set", {"good.png": encoded(noise(0))} | {f"{i:02}.png": b"nothing" for i in range(22)})
    with pytest.raises(ValueError, match="22 of 23 images cannot be translated") as caught:
        check(tmp_path / "set", Network())
    lines = str(caught.value).splitlines()
    assert lines[1].startswith("  00.png: UnidentifiedImageError: cannot identify image file")
    assert lines[-2:] == ["  and 2 more", "mode.size=16 would resize them to the size of the training"]


def test_an_error_of_ours_is_not_taken_for_a_damaged_file(tmp_path):
    write(tmp_path / "set", {"good.png": encoded(noise(0))})
    check(tmp_path / "set", Network())
    with pytest.raises(ValueError, match=r"good\.png: multiples of 16"):
        check(tmp_path / "set", Network(ValueError("multiples of 16")))
    with pytest.raises(KeyError):
        check(tmp_path / "set", Network(KeyError("no such layer")))
