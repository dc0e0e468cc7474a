import json

import pytest

from gan_lightning.data.archive import open_files
from gan_lightning.data.arrangement import arrange
from gan_lightning.data.errors import DataError
from gan_lightning.data.label_files import read_labels
from gan_lightning.data.layout import by_hash, common_root
from tests.data.pictures import write, write_zip


@pytest.fixture(params=["folder", "zip"])
def arranged(request, tmp_path):
    def make(names, *, split="auto", heldout_fraction=0.0, labeled=False, classes=None, files=None):
        contents = {name: name.encode() for name in names} | (files or {})
        path = (
            write(tmp_path / "set", contents) if request.param == "folder" else write_zip(tmp_path / "a.zip", contents)
        )
        return arrange(
            open_files(path), split=split, heldout_fraction=heldout_fraction, labeled=labeled, classes=classes
        )

    return make


def listing(source):
    return [source.name(index) for index in range(len(source))]


def test_a_flat_folder(arranged):
    found = arranged(["b.png", "a.JPG", "c.webp", "readme.md"])
    assert listing(found.splits["train"]) == ["a.JPG", "b.png", "c.webp"]
    assert found.splits.keys() == {"train"}
    assert found.heldout_split is None
    assert found.splits["train"].labels is None


def test_class_folders_however_deep(arranged):
    found = arranged(["dog/1.png", "cat/a/b/2.png", "cat/3.png"], labeled=True, classes=2)
    assert found.splits["train"].class_names == ["cat", "dog"]
    assert found.splits["train"].labels.tolist() == [0, 0, 1]
    assert found.labeled_by == "folders"


def test_what_everything_lies_in_is_no_class(arranged):
    found = arranged(["x/y/dog/1.png", "x/y/cat/2.png"], labeled=True, classes=2)
    assert listing(found.splits["train"]) == ["x/y/cat/2.png", "x/y/dog/1.png"]
    assert found.splits["train"].class_names == ["cat", "dog"]
    assert found.splits["train"].files.read("cat/2.png") == b"x/y/cat/2.png"


@pytest.mark.parametrize("held", ["test", "val", "valid", "validation"])
def test_split_folders(arranged, held):
    names = ["train/dog/1.png", "train/cat/2.png", f"{held}/dog/3.png"]
    found = arranged(names, labeled=True, classes=2)
    name = "test" if held == "test" else "val"
    assert found.heldout_split == name
    assert listing(found.splits["train"]) == ["train/cat/2.png", "train/dog/1.png"]
    assert listing(found.splits[name]) == [f"{held}/dog/3.png"]
    assert found.splits[name].labels.tolist() == [1]


def test_split_folders_without_classes(arranged):
    found = arranged(["data/train/1.png", "data/test/2.png"])
    assert listing(found.splits["train"]) == ["data/train/1.png"]
    assert found.splits["test"].files.read("test/2.png") == b"data/test/2.png"


def test_split_folders_must_hold_everything(arranged):
    with pytest.raises(DataError, match=r"extra/2\.png lie outside train, test, val.*data\.split=hash"):
        arranged(["train/1.png", "extra/2.png"])
    assert len(arranged(["train/1.png", "extra/2.png"], split="hash").splits["train"]) == 2


def test_split_folders_can_be_demanded(arranged):
    with pytest.raises(DataError, match="no folder 'train'"):
        arranged(["a/1.png", "b/2.png"], split="folders")


def test_the_held_out_images_depend_on_names_alone(arranged):
    names = [f"{number}.png" for number in range(400)]
    found = arranged(names, heldout_fraction=0.2)
    held = set(listing(found.splits["heldout"]))
    assert found.heldout_split == "heldout"
    assert held | set(listing(found.splits["train"])) == set(names)
    assert 50 < len(held) < 110  # sigma is 8
    more = by_hash([*names, *(f"new{number}.png" for number in range(100))], 0.2)
    assert held == {name for name in more["heldout"] if not name.startswith("new")}
    assert held < set(by_hash(names, 0.3)["heldout"])


def test_a_fraction_of_a_training_folder_alone_is_held_out_and_a_held_out_folder_stands(arranged):
    names = [f"train/{number}.png" for number in range(40)]
    found = arranged(names, heldout_fraction=0.2)
    assert {split: listing(images) for split, images in found.splits.items()} == by_hash(sorted(names), 0.2)
    found = arranged([*names, "val/0.png"], heldout_fraction=0.2)
    assert {split: len(images) for split, images in found.splits.items()} == {"train": 40, "val": 1}


def test_a_fraction_that_leaves_nothing_is_an_error(arranged):
    with pytest.raises(DataError, match=r"heldout_fraction = 1e-06 leaves no image for 'heldout'"):
        arranged(["1.png"], heldout_fraction=1e-6)


CSV = b"file,label\r\na.png,dog\r\nsub/b.png,cat\r\n"


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("labels.csv", CSV),
        ("labels.csv", b"\xef\xbb\xbfa.png, dog\nsub/b.png, cat\n\n"),
        ("labels.json", json.dumps({"a.png": "dog", "sub/b.png": "cat"}).encode()),
        ("labels.json", json.dumps([["a.png", "dog"], ["sub/b.png", "cat"]]).encode()),
        ("dataset.json", json.dumps({"labels": [["a.png", "dog"], ["sub/b.png", "cat"]]}).encode()),
    ],
)
def test_label_files(arranged, file, content):
    found = arranged(["a.png", "sub/b.png"], labeled=True, classes=2, files={file: content})
    assert found.splits["train"].class_names == ["cat", "dog"]
    assert found.splits["train"].labels.tolist() == [1, 0]
    assert found.labeled_by == file


def test_whole_numbers_are_indices_even_if_a_class_is_absent(arranged):
    labels = json.dumps({"labels": [["00000/img0.png", 3], ["00000/img1.png", 0]]}).encode()
    found = arranged(["00000/img0.png", "00000/img1.png"], labeled=True, classes=5, files={"dataset.json": labels})
    assert found.splits["train"].labels.tolist() == [3, 0]
    assert found.splits["train"].class_names == ["0", "1", "2", "3", "4"]


def test_numbered_class_folders_of_unknown_number_are_sorted_by_value(arranged):
    found = arranged([f"{number}/x.png" for number in (10, 9, 2)], labeled=True)
    assert found.splits["train"].class_names == ["2", "9", "10"]


def test_a_dataset_json_without_labels_leaves_the_folders(arranged):
    found = arranged(["x/a.png", "y/b.png"], labeled=True, classes=2, files={"dataset.json": b'{"labels": null}'})
    assert found.labeled_by == "folders"


def test_each_split_folder_may_have_its_label_file(arranged):
    files = {"train/labels.csv": b"a.png,x\nb.png,y\n", "test/labels.csv": b"c.png,y\n"}
    found = arranged(["train/a.png", "train/b.png", "test/c.png"], labeled=True, classes=2, files=files)
    assert found.splits["train"].labels.tolist() == [0, 1]
    assert found.splits["test"].labels.tolist() == [1]


def test_a_label_file_at_the_top_covers_all_splits(arranged):
    files = {"labels.csv": b"train/a.png,x\ntrain/b.png,y\ntest/c.png,y\n"}
    found = arranged(["train/a.png", "train/b.png", "test/c.png"], labeled=True, classes=2, files=files)
    assert found.splits["train"].labels.tolist() == [0, 1]
    assert found.splits["test"].labels.tolist() == [1]


def test_all_images_without_a_label_are_named(arranged):
    with pytest.raises(DataError, match=r"labels\.csv has no label for b\.png, c\.png"):
        arranged(["a.png", "b.png", "c.png"], labeled=True, classes=1, files={"labels.csv": b"a.png,0\n"})


def test_all_images_outside_class_folders_are_named(arranged):
    with pytest.raises(DataError, match=r"b\.png, c\.png lie in no class folder"):
        arranged(["x/a.png", "b.png", "c.png"], labeled=True, classes=1)


def test_the_number_of_classes_must_be_right(arranged):
    with pytest.raises(DataError, match=r"data\.classes is 3, but there are 2 classes: cat, dog"):
        arranged(["cat/1.png", "dog/2.png"], labeled=True, classes=3)


def test_a_class_of_the_held_out_images_must_be_in_training(arranged):
    with pytest.raises(DataError, match="the classes dog have no training images"):
        arranged(["train/cat/1.png", "test/dog/2.png"], labeled=True, classes=1)


@pytest.mark.parametrize(
    ("content", "file"),
    [
        (b"a.png\n", "labels.csv"),
        (b"{", "labels.json"),
        (b'{"a.png": 1.5}', "labels.json"),
        (b'{"a.png": true}', "labels.json"),
        (b"[]", "dataset.json"),
        (b"a.png,1\na.png,2\n", "labels.csv"),
        (b"\xff\xfe\x00", "labels.csv"),
    ],
)
def test_damaged_label_files_are_named(content, file):
    with pytest.raises(DataError, match=file):
        read_labels(content, file)


def test_no_images(arranged):
    with pytest.raises(DataError, match="there are no images"):
        arranged(["readme.md"])


def test_common_root():
    assert common_root(["a/b/x.png", "a/b/c/y.png"]) == "a/b/"
    assert common_root(["train/x.png", "train/y.png"]) == ""
    assert common_root(["a/train/x.png", "a/test/y.png"]) == "a/"
    assert common_root(["x.png"]) == ""
