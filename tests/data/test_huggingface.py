import itertools

import numpy as np
import pytest
import torch

from gan_lightning.data import HuggingFaceDataModule, Loading
from gan_lightning.data.errors import DataError
from tests.data.pictures import encoded, noise

datasets = pytest.importorskip("datasets")


def rows(count, offset=0, broken=()):
    features = datasets.Features(
        {
            "image": datasets.Image(),
            "label": datasets.ClassLabel(names=["cat", "dog", "owl"]),
            "text": datasets.Value("string"),
        }
    )
    content = {
        "image": [
            {"bytes": b"broken" if i in broken else encoded(noise(i + offset)), "path": None} for i in range(count)
        ],
        "label": [i % 3 for i in range(count)],
        "text": ["x"] * count,
    }
    return datasets.Dataset.from_dict(content, features=features)


@pytest.fixture
def saved(tmp_path):
    datasets.DatasetDict({"train": rows(9), "test": rows(4, 100)}).save_to_disk(tmp_path / "pets")
    return tmp_path / "pets"


@pytest.fixture
def module(tmp_path):
    def make(path, memory=0.5, workers=0, **arguments):
        loading = Loading(cache_dir=str(tmp_path / "cache"), workers=workers, memory_fraction=memory)
        return HuggingFaceDataModule(path=str(path), resolution=12, batch_size=4, loading=loading, **arguments)

    return make


def test_a_saved_data_set_in_memory_and_streamed(saved, module):
    memory = module(saved, classes=3, heldout="test")
    stream = module(saved, classes=3, memory=0.0, workers=1)
    expected = np.stack([np.asarray(noise(i)).transpose(2, 0, 1) for i in range(9)])
    assert np.array_equal(memory.looked("train").pixels.numpy(), expected)
    assert memory.label_counts().tolist() == [3, 3, 3]
    assert memory.dataset == "pets"
    assert len(memory.evaluation_images(memory.heldout_split)) == 4
    for first, second in itertools.islice(zip(memory.train_dataloader(), stream.train_dataloader(), strict=False), 5):
        assert torch.equal(first.images, second.images)
        assert torch.equal(first.labels, second.labels)


def test_a_single_split_is_the_training_split(tmp_path, module):
    rows(5).save_to_disk(tmp_path / "one")
    data = module(tmp_path / "one")
    assert data.images_per_epoch == 5
    assert data.heldout_split is None


def test_subsets_go_by_class_names(saved, module):
    data = module(saved, classes=2, only_classes=["owl", "cat"])
    assert data.looked("train").report.classes == {"owl": 3, "cat": 3}


def test_bad_rows_are_named(tmp_path, module):
    rows(5, broken=(1, 3)).save_to_disk(tmp_path / "bad")
    with pytest.raises(DataError, match=r"2 of 5(.|\n)*row 1: (.|\n)*row 3: "):
        _ = module(tmp_path / "bad").images_per_epoch
    assert module(tmp_path / "bad", on_bad="skip").images_per_epoch == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"image_column": "img"}, r"data\.image_column = 'img': the columns are image, label, text"),
        ({"image_column": "label"}, "not images"),
        ({"label_column": "text", "classes": 3}, "not class indices"),
        ({"train_split": "training"}, "no split 'training', only train, test"),
        ({"classes": 2}, r"data\.classes is 2, but there are 3 classes"),
        ({"heldout": "train"}, r"data\.heldout must differ from data\.train_split"),
    ],
)
def test_bad_arguments_are_named(saved, module, arguments, message):
    with pytest.raises(ValueError, match=message):
        _ = module(saved, **arguments).images_per_epoch


def test_what_is_not_there_is_named(tmp_path, module, monkeypatch):
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    with pytest.raises(DataError, match=r"data\.path = .*missing(.|\n)*save_to_disk"):
        _ = module(tmp_path / "missing").images_per_epoch
