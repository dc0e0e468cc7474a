"""What is said of images that cannot be translated."""

import warnings

import pytest
import torch

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
    assert lines[-1] == "  and 2 more"  # and no advice to resize what cannot be read


def test_images_of_a_wrong_size_could_be_resized(tmp_path):
    write(tmp_path / "set", {"good.png": encoded(noise(0)), "bad.png": b"nothing"})
    with pytest.raises(ValueError, match="2 of 2 images cannot be translated") as caught:
        check(tmp_path / "set", Network(ValueError("multiples of 16")))
    assert str(caught.value).endswith("\nmode.size=16 would resize the images to the size of the training")


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_pixels_are_copied_out_of_pillows_memory(tmp_path, mode):
    write(tmp_path / "set", {"a.png": encoded(noise(0, mode=mode))})
    files = open_files(tmp_path / "set")
    network = Network()
    network.source_shape = (1 if mode == "L" else 3, 16, 16)
    torch.set_warn_always(True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            Translation(source="set").prepared(files, files.entries()[0], network)
    finally:
        torch.set_warn_always(False)


def test_an_error_of_ours_is_not_taken_for_a_damaged_file(tmp_path):
    write(tmp_path / "set", {"good.png": encoded(noise(0))})
    check(tmp_path / "set", Network())
    with pytest.raises(ValueError, match=r"good\.png: multiples of 16"):
        check(tmp_path / "set", Network(ValueError("multiples of 16")))
    with pytest.raises(KeyError):
        check(tmp_path / "set", Network(KeyError("no such layer")))
