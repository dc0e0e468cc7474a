"""Parquet files of the test's own making, read as a stream."""

import itertools

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf

from gan_lightning.config import build
from gan_lightning.data import HuggingFaceStreamDataModule
from gan_lightning.data.errors import DataError
from gan_lightning.data.row_stream import RowDecoder
from gan_lightning.data.transform import Transform
from gan_lightning.launch.run import train
from tests.conftest import compose_train
from tests.contract.variants import assert_same, fit, state
from tests.data.pictures import noise
from tests.data.test_huggingface import rows

datasets = pytest.importorskip("datasets")


@pytest.fixture(autouse=True)
def quick_end_of_an_epoch(monkeypatch):
    """Let `datasets` wait for PyArrow's threads at the end of an epoch for less than its 5 seconds; 3.0 does not."""
    monkeypatch.setattr(datasets.config, "SLEEP_TIME_ON_THREADS_SHUTDOWN", 0.1, raising=False)


@pytest.fixture
def path(tmp_path):
    """Two shards of training rows, 9 in all, and 4 test rows."""
    folder = tmp_path / "pets"
    folder.mkdir()
    rows(5).to_parquet(folder / "train-0.parquet")
    rows(4, 5).to_parquet(folder / "train-1.parquet")
    rows(4, 100).to_parquet(folder / "test-0.parquet")
    return folder


def module(path, **arguments):
    return HuggingFaceStreamDataModule(
        path=str(path), **{"resolution": 12, "batch_size": 3, "images": 9, "shuffle_buffer": 4, **arguments}
    )


def numbered(images):
    """Which of the test's images these are."""
    known = {np.asarray(noise(i)).transpose(2, 0, 1).tobytes(): i for i in range(9)}
    return [known[((image + 1) * 127.5).round().byte().numpy().tobytes()] for image in images]


def shown(data, batches):
    loaded = itertools.islice(data.train_dataloader(), batches)
    return [(numbered(batch.images), None if batch.labels is None else batch.labels.tolist()) for batch in loaded]


def test_each_epoch_shows_every_row_once_in_an_order_of_its_own(path):
    found = shown(module(path, classes=3), 6)
    epochs = [[image for images, _ in found[start : start + 3] for image in images] for start in (0, 3)]
    assert [sorted(epoch) for epoch in epochs] == [list(range(9))] * 2
    assert epochs[0] != epochs[1]
    labels_of = [i % 3 for i in (*range(5), *range(4))]  # of the two shards
    assert all(labels == [labels_of[i] for i in images] for images, labels in found)
    assert shown(module(path, classes=3), 6) == found
    assert shown(module(path, seed=1), 3) != [(images, None) for images, _ in found[:3]]
    assert [images for images, _ in shown(module(path, shuffle_buffer=1), 3)] == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]


@pytest.mark.parametrize(("labels", "complaint"), [([0, 2], None), ([0, -1], "-1"), ([0, 3], "3"), ([0, None], "None")])
def test_a_label_that_is_no_class_is_named_with_its_row(labels, complaint):
    decode = RowDecoder(
        image_column="image", label_column="label", classes=3, open_image=lambda image: image, transform=Transform(12)
    )
    rows = [(7 + number, {"image": noise(number), "label": label}) for number, label in enumerate(labels)]
    if complaint is None:
        assert decode(rows)[1].tolist() == labels
        return
    with pytest.raises(
        DataError, match=rf"^row 8 of the stream: 'label' is {complaint}, data\.classes = 3 are numbered"
    ):
        decode(rows)


def test_any_position_is_found_again_and_processes_share_a_batch(path):
    def loaded(**place):
        data = module(path, batch_size=4, flip=True, crop_from=14)
        loader = data.train_dataloader()
        loader.start, loader.rank, loader.world_size = (
            place.get(key, d) for key, d in (("start", 0), ("rank", 0), ("world", 1))
        )
        return [batch.images for batch in itertools.islice(loader, 5 - loader.start // 4)]

    whole = loaded()
    for start in (4, 8, 12):
        for late, early in zip(loaded(start=start), whole[start // 4 :], strict=True):
            assert torch.equal(late, early)
    for one, other, both in zip(loaded(rank=0, world=2), loaded(rank=1, world=2), whole, strict=True):
        assert torch.equal(torch.cat([one, other]), both)


def test_resume_is_exact(path, tmp_path):
    small = ["batch_size=4", "model.generator.width=4", "model.discriminator.width=4", "data.resolution=16"]
    overrides = [*small, "data=huggingface_stream", f"data.path={path}", "data.images=9", "data.shuffle_buffer=4"]

    def build_parts():
        config = OmegaConf.to_container(compose_train(*overrides), resolve=True)
        torch.manual_seed(0)
        model = build(config["model"], trust=True, key="model")
        model.run_config = config
        return model, build(config["data"], trust=True, key="data")

    whole, data = build_parts()
    fit(whole, data, images=4 * 7)
    first, data = build_parts()
    fit(first, data, images=4 * 3).save_checkpoint(tmp_path / "half.ckpt")
    second, data = build_parts()
    fit(second, data, images=4 * 7, ckpt_path=tmp_path / "half.ckpt")
    assert_same(state(whole), state(second))


def test_a_run_trains_and_its_scores_name_the_rows_they_compare_with(path, tmp_path, train_config):
    small = ["batch_size=4", "model.generator.width=4", "model.discriminator.width=4", "trainer=cpu", "logger=none"]
    data = ["data=huggingface_stream", f"data.path={path}", "data.images=9", "data.heldout=test", "data.resolution=16"]
    budget = ["budget.kimg=null", "budget.images=16", "evaluator=none", "callbacks.samples.rows=1"]
    assert train(train_config(*small, *data, *budget)).status == "finished"
    references = module(path, heldout="test", classes=3, reference_images=5)
    assert references.evaluation_images("train").name == "pets (first 5 rows)"
    expected = np.stack([np.asarray(noise(i)).transpose(2, 0, 1) for i in range(5)])
    assert np.array_equal(references.evaluation_images("train").take(list(range(5))).numpy(), expected)
    assert references.evaluation_images("test").labels.tolist() == [0, 1, 2, 0]
    assert references.evaluation_images("test").class_names == rows(1).features["label"].names


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"images": None}, r"does not say how many rows 'train' has; set data\.images"),
        ({"images": 8}, r"data\.images is 8, but the stream has more"),
        ({"images": 10}, r"data\.images is 10, but the stream has 9"),
        ({"train_split": "training"}, r"split 'training': .*train"),
        (
            {"image_column": "img"},
            r"data\.image_column = 'img' is not a column of images; the columns are image, label",
        ),
        ({"label_column": "text", "classes": 3}, r"data\.label_column = 'text' does not hold class indices"),
        ({"classes": 2}, r"data\.classes is 2, but there are 3 classes"),
        ({"heldout": "train"}, r"data\.heldout must differ from data\.train_split"),
        ({"crop_from": 8}, r"data\.crop_from must be at least"),
        ({"shuffle_buffer": 0}, r"data\.shuffle_buffer must be at least 1"),
    ],
)
def test_bad_arguments_are_named(path, arguments, message):
    with pytest.raises(ValueError, match=message):
        shown(module(path, **arguments), 5)


def test_a_bad_row_is_named_when_its_turn_comes(tmp_path):
    (tmp_path / "bad").mkdir()
    rows(5, broken=(3,)).to_parquet(tmp_path / "bad" / "train-0.parquet")
    loader = iter(module(tmp_path / "bad", images=5, batch_size=1, shuffle_buffer=1, prefetch=1).train_dataloader())
    assert [numbered(next(loader).images) for _ in range(3)] == [[0], [1], [2]]
    with pytest.raises(DataError, match="row 3 of the stream: UnidentifiedImageError"):
        next(loader)


def test_what_is_not_there_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    with pytest.raises(DataError, match=r"data\.path = .*missing"):
        _ = module(tmp_path / "missing", images=None).images_per_epoch
