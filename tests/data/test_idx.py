"""IDX files of the test's own making, whole and damaged."""

import gzip

import numpy as np
import pytest

from gan_lightning.data import IdxDataModule, Loading
from gan_lightning.data.errors import DataError
from gan_lightning.launch.run import train
from tests.data.pictures import write
from tests.data.test_torchvision_sets import idx, mnist_files


@pytest.fixture
def module(tmp_path):
    def make(path, **arguments):
        loading = Loading(cache_dir=str(tmp_path / "cache"), workers=0)
        return IdxDataModule(path=str(path), resolution=28, loading=loading, **arguments)

    return make


@pytest.fixture
def folder(tmp_path):
    """Both splits of MNIST, the held-out one gzipped; with the images of both."""
    images = mnist_files(tmp_path)
    raw = tmp_path / "MNIST" / "raw"
    for kind in ("images-idx3", "labels-idx1"):
        plain = raw / f"t10k-{kind}-ubyte"
        plain.with_name(f"{plain.name}.gz").write_bytes(gzip.compress(plain.read_bytes()))
        plain.unlink()
    return raw, *images


def test_plain_and_gzipped_files(folder, module):
    raw, train_images, test_images = folder
    data = module(raw, classes=10)
    assert np.array_equal(data.looked("train").pixels[:, 0].numpy(), train_images)
    assert np.array_equal(data.looked(data.heldout_split).pixels[:, 0].numpy(), test_images)
    assert data.looked("train").labels.tolist() == [i % 10 for i in range(30)]
    assert module(raw, classes=2, only_classes=[7, "3"]).label_counts().tolist() == [3, 3]


def test_a_single_split_is_trained_on_when_asked_for(folder, module, tmp_path, train_config):
    raw, _, test_images = folder
    for name in ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"):
        (raw / name).unlink()
    with pytest.raises(DataError, match=r"no train-images-idx3-ubyte(.|\n)*data\.train_split=t10k data\.heldout=null"):
        _ = module(raw).images_per_epoch
    alone = ["data=idx", f"data.path={raw}", "data.train_split=t10k", "data.heldout=null", "data.classes=10"]
    small = ["batch_size=8", "model.generator.width=8", "model.discriminator.width=8", "trainer=cpu", "logger=none"]
    budget = ["budget.kimg=null", "budget.images=16", "evaluator=none", "callbacks.samples.rows=1"]
    assert train(train_config(*small, *budget, *alone, "data.resolution=16")).status == "finished"
    assert np.array_equal(module(raw, train_split="t10k", heldout=None).looked("train").pixels[:, 0], test_images)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "it has no images in IDX files"),
        ({"train-images-idx3-ubyte": b"\0\0\x08\x01\0\0\0\0"}, "not an IDX file of unsigned bytes with 3 axes"),
        ({"train-images-idx3-ubyte": b"text"}, "not an IDX file"),
        ({"train-images-idx3-ubyte": idx(np.zeros((2, 4, 4), np.uint8))[:-1]}, "holds 31 values, its header says 32"),
        (
            {"train-images-idx3-ubyte": idx(np.zeros((2, 4, 4), np.uint8)) + b"x"},
            "holds more values, its header says 32",
        ),
        ({"train-images-idx3-ubyte": b"\0\0\x08\x03" + b"\xff" * 12}, "do not fit into the memory"),
        ({"train-images-idx3-ubyte.gz": gzip.compress(b"\0\0\x08\x03" + b"\0\0\0\2" * 3 + bytes(10**6))}, "holds more"),
        ({"train-images-idx3-ubyte.gz": b"text"}, "cannot be read: BadGzipFile"),
        (
            {"train-images-idx3-ubyte.gz": gzip.compress(idx(np.zeros((2, 4, 4), np.uint8)))[:-9]},
            "cannot be read: EOFError",
        ),
    ],
)
def test_missing_and_damaged_files_are_named(tmp_path, module, files, message):
    with pytest.raises(DataError, match=message):
        _ = module(write(tmp_path / "idx", files)).images_per_epoch


def test_labels_must_fit(folder, module):
    raw, *_ = folder
    with pytest.raises(DataError, match=r"data\.classes is 3, but .* has labels up to 9"):
        _ = module(raw, classes=3).images_per_epoch
    (raw / "train-labels-idx1-ubyte").write_bytes(idx(np.zeros(29, np.uint8)))
    with pytest.raises(DataError, match=r"has 29 labels, .* 30 images"):
        _ = module(raw, classes=10).images_per_epoch
    (raw / "train-labels-idx1-ubyte").unlink()
    with pytest.raises(DataError, match=r"no train-labels-idx1-ubyte or train-labels-idx1-ubyte\.gz"):
        _ = module(raw, classes=10).images_per_epoch
    assert module(raw).images_per_epoch == 30
    with pytest.raises(DataError, match=r"no emnist-images-idx3-ubyte.*images of t10k, train"):
        _ = module(raw, heldout="emnist").looked("emnist")
    with pytest.raises(ValueError, match=r"data\.heldout must differ from data\.train_split"):
        module(raw, heldout="train")
