import itertools
import json

import pytest
import torch
from lightning import Trainer
from PIL import Image

from gan_lightning.data import FolderDataModule, InMemoryLoader, Loading
from gan_lightning.data.errors import DataError
from gan_lightning.data.stream import StreamLoader
from tests.data.pictures import classes, encoded, noise, write, write_zip


@pytest.fixture
def module(tmp_path):
    def make(path=None, contents=None, **arguments):
        path = path or write(tmp_path / "set", contents or classes({"cat": 30, "dog": 10}))
        loading = Loading(cache_dir=str(tmp_path / "cache"), workers=0, memory_fraction=arguments.pop("memory", 0.5))
        return FolderDataModule(path=str(path), resolution=8, batch_size=4, loading=loading, **arguments)

    return make


def test_folder_and_archive_give_the_same_batches_and_score_reference(tmp_path, module):
    contents = classes({"cat": 5, "dog": 4})
    folder = module(write(tmp_path / "pets", contents), classes=2)
    archive = module(write_zip(tmp_path / "pets.zip", contents), classes=2)
    for first, second in itertools.islice(zip(folder.train_dataloader(), archive.train_dataloader(), strict=False), 5):
        assert torch.equal(first.images, second.images)
        assert torch.equal(first.labels, second.labels)
    references = [data.evaluation_images("train") for data in (folder, archive)]
    assert references[0].fingerprint == references[1].fingerprint
    assert references[0].name == references[1].name == "pets"
    assert folder.label_counts().tolist() == [5, 4]
    assert folder.images_per_epoch == 9


def test_without_classes_there_are_no_labels(module):
    data = module()
    batch = next(iter(data.train_dataloader()))
    assert batch.labels is None
    assert batch.images.shape == (4, 3, 8, 8)
    assert batch.images.abs().max() <= 1
    assert data.label_counts() is None
    assert data.evaluation_images("train").labels is None


@pytest.mark.parametrize("memory", [0.5, 0.0])
def test_held_out_images_are_never_trained_on(tmp_path, module, memory):
    contents = {f"train/{i}.png": encoded(Image.new("L", (8, 8), i)) for i in range(9)}
    contents |= {f"test/{i}.png": encoded(Image.new("L", (8, 8), i)) for i in range(100, 105)}
    data = module(write(tmp_path / "set", contents), channels=1, memory=memory)
    kind = InMemoryLoader if memory else StreamLoader
    assert isinstance(data.train_dataloader(), kind)
    shown = torch.cat([batch.images for batch in itertools.islice(data.train_dataloader(), 9)])
    assert sorted(((shown[:, 0, 0, 0] + 1) * 127.5).round().int().tolist()) == sorted(list(range(9)) * 4)
    assert data.heldout_split == "test"
    held = data.evaluation_images("test")
    assert (held.name, held.split, len(held)) == ("set", "test", 5)
    assert next(held.batches(9))[:, 0, 0, 0].tolist() == list(range(100, 105))


def test_a_hash_holds_out_the_rest(module):
    data = module(heldout_fraction=0.3)
    assert data.heldout_split == "heldout"
    assert data.images_per_epoch + len(data.evaluation_images("heldout")) == 40


def test_a_missing_split_says_how_to_get_one(module):
    with pytest.raises(DataError, match=r"no split 'test', only train; data\.heldout_fraction"):
        module().evaluation_images("test")
    assert module().heldout_split is None


def test_a_fraction_is_fixed_nested_and_named(module):
    small, large, other = (module(fraction=f, subset_seed=s, seed=9) for f, s in ((0.1, 0), (0.5, 0), (0.5, 1)))
    rows = [
        {data.looked("train").source.name(i) for i in range(data.images_per_epoch)} for data in (small, large, other)
    ]
    assert [len(names) for names in rows] == [4, 20, 20]
    assert rows[0] < rows[1] != rows[2]
    assert small.dataset == "set (0.1 of seed 0)"
    assert len(small.evaluation_images("train")) == 4
    assert len(small.evaluation_images("train_full")) == 40


def test_chosen_classes_are_renumbered_in_their_order(tmp_path, module):
    path = write(tmp_path / "set", classes({"ant": 2, "bee": 3, "cat": 4}))
    data = module(path, classes=2, only_classes=["cat", 0])
    assert data.label_counts().tolist() == [4, 2]
    assert data.dataset == "set (classes cat+0)"
    assert data.looked("train").report.classes == {"cat": 4, "ant": 2}
    with pytest.raises(DataError, match=r"no class 'dog'; there are ant, bee, cat"):
        _ = module(path, classes=1, only_classes=["dog"]).images_per_epoch
    with pytest.raises(ValueError, match=r"data\.classes must be 2"):
        module(path, classes=3, only_classes=["cat", "ant"])
    with pytest.raises(
        DataError, match=r"only_classes: 0 is the class 'ant', which is there already; got \['ant', 0\]"
    ):
        _ = module(path, classes=2, only_classes=["ant", 0]).images_per_epoch
    with pytest.raises(DataError, match="there is no class True"):
        _ = module(path, classes=1, only_classes=[True]).images_per_epoch


def test_balance_shows_classes_equally_often(module):
    labels = torch.cat([b.labels for b in itertools.islice(module(classes=2, balance=True).train_dataloader(), 10)])
    assert labels.bincount().tolist() == [20, 20]
    labels = torch.cat([b.labels for b in itertools.islice(module(classes=2).train_dataloader(), 10)])
    assert labels.bincount().tolist() == [30, 10]


def test_windows_are_cut_at_random_for_training_and_in_the_middle_for_evaluation(module):
    data = module(crop_from=12)
    whole = module()
    whole.transform = data.transform
    pixels = data.looked("train").pixels
    assert pixels.shape[-1] == 12
    images = data.evaluation_images("train")
    assert torch.equal(next(images.batches(40)), pixels[:, :, 2:10, 2:10])
    assert next(iter(data.train_dataloader())).images.shape == (4, 3, 8, 8)
    assert images.fingerprint != whole.evaluation_images("train").fingerprint


def test_bad_images_stop_or_are_skipped(tmp_path, module, caplog):
    path = write(tmp_path / "set", classes({"cat": 5}) | {"cat/1.png": b"", "cat/3.png": b"no image"})
    with pytest.raises(DataError, match=r"2 of 5 images cannot be used:\n  cat/1\.png: empty file\n  cat/3\.png"):
        _ = module(path).images_per_epoch
    assert module(path, on_bad="skip").images_per_epoch == 3
    assert "2 bad train images are left out: cat/1.png, cat/3.png" in caplog.text


def test_the_run_folder_gets_a_report_and_a_picture(tmp_path, module):
    data = module(classes=2, crop_from=10)
    trainer = Trainer(accelerator="cpu", logger=False, default_root_dir=tmp_path / "run", enable_progress_bar=False)
    data.trainer = trainer
    data.train_dataloader()
    report = json.loads((tmp_path / "run" / "data.json").read_text())
    assert report["train"]["classes"] == {"cat": 30, "dog": 10}
    assert report["train"]["sizes"] == {"12x12": 40}
    with Image.open(tmp_path / "run" / "data.png") as picture:
        assert picture.size == (512, 320)  # 8 columns, 5 rows of tiles of 64


@pytest.mark.parametrize(
    ("arguments", "key"),
    [
        ({"split": "none"}, "data.split"),
        ({"heldout_fraction": 1.0}, "data.heldout_fraction"),
        ({"fraction": 0.0}, "data.fraction"),
        ({"only_classes": [], "classes": 1}, "data.only_classes"),
        ({"balance": True}, "data.balance"),
        ({"crop_from": 4}, "data.crop_from"),
        ({"on_bad": "ignore"}, "data.on_bad"),
        ({"classes": 0}, "data.classes"),
        ({"fit": "none"}, "data.fit"),
        ({"channels": 2}, "data.channels"),
    ],
)
def test_bad_arguments_are_named(module, arguments, key):
    with pytest.raises(ValueError, match=key.replace(".", r"\.")):
        module(**arguments)


def test_nothing_at_the_path(tmp_path, module):
    with pytest.raises(ValueError, match=r"data\.path = .*there is nothing"):
        module(tmp_path / "missing")


MODES = ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK"]


def test_a_folder_of_all_sorts(tmp_path, module):
    contents = {
        f"{mode}.{kind}": encoded(noise(i, (20 + i, 13), mode), kind)
        for i, mode in enumerate(MODES)
        for kind in ("png", "tif", "webp")
        if not (kind == "png" and mode == "CMYK") and not (kind == "webp" and mode in ("1", "CMYK"))
    }
    data = module(write(tmp_path / "set", contents))
    assert data.images_per_epoch == len(contents)
    assert len(data.looked("train").report.sizes) == len(MODES)
