import itertools

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits as originals

from gan_lightning.data import DigitsDataModule
from gan_lightning.data.digits import load_digits


def test_the_split_is_stratified_and_complete():
    train, heldout = load_digits(split="train", resolution=8), load_digits(split="heldout", resolution=8)
    assert (len(train.images), len(heldout.images)) == (1442, 355)
    counts = torch.bincount(heldout.labels) / (torch.bincount(train.labels) + torch.bincount(heldout.labels))
    assert counts.tolist() == pytest.approx([0.2] * 10, abs=0.01)
    pixels = originals().data.astype(np.float64) * 255 / 16
    both = torch.cat([train.images, heldout.images]).flatten(1).double().numpy()
    rows = {tuple(row) for row in np.floor(pixels + 0.5)} | {tuple(row) for row in np.rint(pixels)}
    assert all(tuple(row) in rows for row in both)


def test_labels_are_those_of_the_images():
    data = originals()
    label_of = {tuple(np.rint(x * 255 / 16)): y for x, y in zip(data.data, data.target, strict=True)}
    images, labels = load_digits(split="train", resolution=8)
    for image, label in zip(images[::20], labels[::20], strict=True):
        assert label_of[tuple(image.flatten().double().tolist())] == label


def test_images_are_uint8_of_the_resolution_and_use_the_whole_range():
    images, labels = load_digits(split="train")
    assert images.shape == (1442, 1, 16, 16)
    assert images.dtype == torch.uint8
    assert labels.dtype == torch.int64
    assert (images.min(), images.max()) == (0, 255)


def test_enlarging_keeps_the_picture():
    small = load_digits(split="heldout", resolution=8).images.double()
    large = load_digits(split="heldout", resolution=32).images.double()
    pooled = torch.nn.functional.avg_pool2d(large, 4)
    correlation = np.corrcoef(small.flatten().numpy(), pooled.flatten().numpy())[0, 1]
    assert correlation > 0.97  # uint8 overflow of the bicubic overshoot would leave far less
    assert (small - pooled).abs().mean() < 20


def test_three_channels_repeat_the_gray_image():
    data = DigitsDataModule(resolution=8, channels=3, batch_size=4)
    batch = next(iter(data.train_dataloader()))
    assert batch.images.shape == (4, 3, 8, 8)
    assert torch.equal(batch.images[:, 0], batch.images[:, 2])


def test_batches_and_evaluation_images():
    data = DigitsDataModule(resolution=8, batch_size=16, seed=2)
    assert data.images_per_epoch == 1442
    for batch in itertools.islice(iter(data.train_dataloader()), 3):
        assert batch.images.shape == (16, 1, 8, 8)
        assert batch.labels.shape == (16,)
    assert len(data.evaluation_images("train")) == 1442
    assert len(data.evaluation_images("heldout")) == 355
    assert data.evaluation_images("heldout").split == "heldout"


@pytest.mark.parametrize(
    ("argument", "value", "key"),
    [
        ("resolution", 7, "data.resolution"),
        ("channels", 2, "data.channels"),
        ("classes", 9, "data.classes"),
        ("batch_size", 0, "batch_size"),
    ],
)
def test_values_out_of_range_are_refused(argument, value, key):
    with pytest.raises(ValueError, match=rf"{key} must be .*got {value}"):
        DigitsDataModule(**{argument: value})


def test_an_unknown_split_is_refused():
    with pytest.raises(ValueError, match=r"split must be .*got 'test'"):
        DigitsDataModule().evaluation_images("test")
