import numpy as np
import pytest
import torch
from PIL import Image

from gan_lightning.metrics.resize import check_resize, in_words, normalized, resized

from .random_weights import pictures


@pytest.mark.parametrize(("stored", "side"), [(20, 299), (400, 299), (331, 64), (64, 64)])
def test_clean_is_pillows_bicubic_on_floats(stored, side):
    # clean-fid's definition: each channel as a floating point picture, bicubic, clipped, not rounded
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (2, 3, stored, stored), dtype=torch.uint8, generator=generator)
    expected = np.stack(
        [
            [
                np.asarray(
                    Image.fromarray(channel.numpy().astype(np.float32)).resize((side, side), Image.Resampling.BICUBIC)
                ).clip(0, 255)
                for channel in image
            ]
            for image in images
        ]
    )
    got = resized(images, side, "clean")
    np.testing.assert_allclose(got.numpy(), expected, rtol=0, atol=1e-4)
    assert got.min() >= 0
    assert got.max() <= 255
    if stored != side:
        assert (got != got.round()).any()


def test_tensorflow_is_bilinear_from_the_corner_without_antialiasing():
    images = pictures(1, seed=1)
    got = resized(images, 10, "tensorflow")
    assert torch.equal(got, images[:, :, ::2, ::2].float())
    enlarged = resized(images, 40, "tensorflow")
    assert torch.equal(enlarged[:, :, ::2, ::2], images.float())
    assert torch.equal(enlarged[:, :, 0, 1], (images[:, :, 0, 0].float() + images[:, :, 0, 1].float()) / 2)


def test_the_ways_differ_and_say_so():
    assert not torch.allclose(resized(pictures(1, 1), 9, "tensorflow"), resized(pictures(1, 1), 9, "clean"), atol=1)
    assert in_words("tensorflow", 299) == "TensorFlow 1 bilinear to 299x299"
    assert "clean-fid" in in_words("clean", 224)
    with pytest.raises(ValueError, match=r"extractor\.resize must be one of tensorflow, clean, got 'nearest'"):
        check_resize("nearest")


def test_normalized_is_in_units_of_255():
    images = torch.full((1, 3, 2, 2), 255.0)
    got = normalized(images, (0.5, 0.0, 1.0), (0.25, 0.5, 0.1))
    assert got[0, :, 0, 0].tolist() == pytest.approx([2, 2, 0])
    assert normalized(images, (0.5,), (0.5,))[0, :, 1, 1].tolist() == [1, 1, 1]
