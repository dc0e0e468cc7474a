"""Folders, archives, label files and images as people have them: what each is read as, or why it is refused."""


# ruff: noqa: E501 (tables)

from __future__ import annotations

import io
import itertools
import json
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from PIL import Image, features

from gan_lightning.data import FolderDataModule, Loading, TranslationFolderDataModule, archive, copies
from gan_lightning.data.archive import open_files
from gan_lightning.data.arrangement import arrange
from gan_lightning.data.errors import DataError
from tests.data.pictures import encoded, noise, write, write_zip

PNG = b"never decoded here"


@dataclass(frozen=True)
class Odd:
    """A folder, and how it is read.

    Attributes:
        files: names of its images, or names to contents.
        splits: what it is read as: split to names; None: it is refused.
        refusal: part of the message.
        classes: of the images by name; None: labels are not asked for.
        unused: names of the files that are said not to be used.
        unmatched: names in label files of files that are not there.
        split: value of data.split.
    """

    files: Any
    splits: Mapping[str, str] | None = None
    refusal: str = ""
    classes: Mapping[str, str] | None = None
    unused: str = ""
    unmatched: str = ""
    split: str = "auto"
    labeled: bool = field(default=False)


def refused(files, refusal, **others):
    return Odd(files, refusal=refusal, **others)


def labeled(files, classes, **others):
    return Odd(files, {"train": " ".join(classes)}, classes=classes, labeled=True, **others)


def with_labels(file, content, names="a.png b.png", **others):
    content = content if isinstance(content, bytes) else json.dumps(content).encode()
    return {**dict.fromkeys(names.split(), PNG), file: content}


CATS = {"a.png": "cat", "b.png": "dog"}
SPLITS = {
    # folders of splits, however they are written
    "plain": Odd("train/a.png test/b.png", {"train": "train/a.png", "test": "test/b.png"}),
    "capital": Odd("Train/a.png Test/b.png", {"train": "Train/a.png", "test": "Test/b.png"}),
    "upper case": Odd("TRAIN/a.png VAL/b.png", {"train": "TRAIN/a.png", "val": "VAL/b.png"}),
    "participle": Odd("training/a.png testing/b.png", {"train": "training/a.png", "test": "testing/b.png"}),
    "validation": Odd("train/a.png Validation/b.png", {"train": "train/a.png", "val": "Validation/b.png"}),
    "with images": Odd("train_images/a.png test_images/b.png", {"train": "train_images/a.png", "test": "test_images/b.png"}),
    "images first": Odd("images_train/a.png Images-Test/b.png", {"train": "images_train/a.png", "test": "Images-Test/b.png"}),
    "with years": Odd("train2017/a.png val2017/b.png", {"train": "train2017/a.png", "val": "val2017/b.png"}),
    "with numbers": Odd("train/a.png test1/b.png", {"train": "train/a.png", "test": "test1/b.png"}),
    "with set": Odd("trainset/a.png testset/b.png", {"train": "trainset/a.png", "test": "testset/b.png"}),
    "with spaces": Odd(["train set/a.png", "test set/b.png"], {"train": ["train set/a.png"], "test": ["test set/b.png"]}),
    "three": Odd("train/a.png val/b.png test/c.png", {"train": "train/a.png", "val": "val/b.png", "test": "test/c.png"}),
    "below others": Odd("x/imgs/train/a.png x/imgs/test/b.png", {"train": "x/imgs/train/a.png", "test": "x/imgs/test/b.png"}),
    "files beside": Odd("imgs/train/a.png imgs/test/b.png info.txt", {"train": "imgs/train/a.png", "test": "imgs/test/b.png"}, unused="info.txt"),
    "train alone": Odd("Train/a.png Train/x/b.png", {"train": "Train/a.png Train/x/b.png"}),
    "a class called test": Odd("train/test/a.png test/test/b.png", {"train": "train/test/a.png", "test": "test/test/b.png"}),
    # splits that would be mixed
    "test alone": refused("test/a.png", "test/: named like held-out images"),
    "val beside photos": refused("Val/a.png photos/b.png", "Val/: named like held-out images"),
    "test below a class": refused("dog/train/a.png dog/test/b.png cat/train/c.png", "dog/test/: named like"),
    "imgs/test beside images": refused("imgs/test/a.png imgs/b.png c.png", "imgs/test/: named like"),
    "nested twice": refused("train/train/a.png train/val/b.png", "train/val/: named like"),
    "masks beside": refused("imgs/train/a.png imgs/test/b.png masks/train/a.png", "imgs/test/: named like"),
    "a third folder": refused("Train/a.png photos/b.png", "'Train', but photos/b.png lie outside train, test, val"),
    "images outside": refused("train/a.png b.png", "'train', but b.png lie outside train, test, val"),
    "twice the same": refused("train/a.png TRAIN/b.png", "'TRAIN' and 'train' are both named like the split 'train'"),
    "val twice": refused("train/a.png val/b.png valid/c.png", "both named like the split 'val'"),
    "no train": refused("photos/a.png", "no folder 'train' at its top", split="folders"),
    # folders that look like splits, but are not named so
    "with a word before": refused("seg_train/sea/a.png seg_test/sea/b.png seg_pred/c.png", "seg_train/ and seg_test/: they look like"),
    "abbreviated": refused("trn/a.png tst/b.png", "trn/ and tst/: they look like training and held-out images"),
    "in German": refused("Trainieren/a.png Testen/b.png", "Trainieren/ and Testen/: they look like"),
    "in one word": refused("petsTrain/a.png petsEval/b.png", "petsTrain/ and petsEval/: they look like"),
    "of each class": refused("x/cat_train/a.png x/dog_train/b.png x/cat_test/c.png", "cat_train/, dog_train/ and cat_test/: they look"),
    "of domains": refused("trainA/a.png trainB/b.png testA/c.png", "trainA/, trainB/ and testA/: they look like"),
    "said to be no splits": Odd("trn/a.png tst/b.png", {"train": "trn/a.png tst/b.png"}, split="hash"),
    # what the user says counts
    "hash takes all": Odd("dog/test/a.png dog/train/b.png", {"train": "dog/test/a.png dog/train/b.png"}, split="hash"),
    "hash of test": Odd("test/a.png", {"train": "test/a.png"}, split="hash"),
    "folders with test below": Odd("train/x/test/a.png", {"train": "train/x/test/a.png"}, split="folders"),
    # names that only look like it
    "contest": Odd("contest/a.png latest/b.png", {"train": "contest/a.png latest/b.png"}),
    "files called so": Odd("test.png train.png", {"train": "test.png train.png"}),
    "a train": Odd("steam_train/a.png buses/b.png", {"train": "steam_train/a.png buses/b.png"}),
    "trains": Odd("trains/a.png buses/b.png", {"train": "trains/a.png buses/b.png"}),
}  # fmt: skip
NAMES = {
    "windows": Odd([r"train\a.png", r"test\b.png"], {"train": "train/a.png", "test": "test/b.png"}),
    "windows and classes": labeled([r"cat\a.png", r"dog\b.png"], {"cat/a.png": "cat", "dog/b.png": "dog"}),
    "upper case endings": Odd("a.PNG b.JpEg", {"train": "a.PNG b.JpEg"}),
    "hidden": Odd("a.png .b.png ._a.png .x/c.png .x/d __MACOSX/a.png", {"train": "a.png"}, unused=".b.png .x/c.png"),
    "all image endings": Odd("a.jfif b.jpe c.tga d.pnm e.webp f.jpx", {"train": "a.jfif b.jpe c.tga d.pnm e.webp f.jpx"}),
    "no image endings": Odd("a.png b.heic c.svg d.png.part e f.ico", {"train": "a.png"}, unused="b.heic c.svg d.png.part e f.ico"),
    "not UTF-8": Odd([os.fsdecode(b"caf\xe9.png")], {"train": [os.fsdecode(b"caf\xe9.png")]}),
    "emoji and spaces": Odd(["ü 💥.png"], {"train": ["ü 💥.png"]}),
    "an archive inside": Odd("a.png more.zip", {"train": "a.png"}, unused="more.zip"),
    "only archives": refused("more.zip b.tar", "no images in it, only 1 .tar, 1 .zip: b.tar, more.zip; archives inside"),
    "only text": refused("a.txt b.txt", "no images in it, only 2 .txt: a.txt, b.txt"),
    "nothing": refused("", "there are no images in it"),
    "only hidden": refused(".a.png", "there are no images in it; hidden ones are not used: .a.png"),
    "above the folder": refused(["..\\a.png"], "hidden ones are not used: ../a.png"),
}  # fmt: skip
LABELS = {
    "commas": labeled(with_labels("labels.csv", b"a.png,cat\nb.png,dog\n"), CATS),
    "semicolons": labeled(with_labels("labels.csv", b"file;label\na.png;cat\nb.png;dog\n"), CATS),
    "tabs": labeled(with_labels("labels.csv", b"a.png\tcat\nb.png\tdog\n"), CATS),
    "quoted": labeled(with_labels("labels.csv", b'"a.png","cat"\n"b.png","dog"\n'), CATS),
    "file in capitals": labeled(with_labels("Labels.CSV", b"a.png,cat\nb.png,dog\n"), CATS),
    "turned": labeled(with_labels("labels.csv", b"label,file\ncat,a.png\ndog,b.png\n"), CATS),
    "more columns": labeled(with_labels("labels.csv", b"id,filename,class\n1,a.png,cat\n2,b.png,dog\n"), CATS),
    "a class called image": labeled(with_labels("labels.csv", b"a.png,image\nb.png,dog\n"), {"a.png": "image", "b.png": "dog"}),
    "dots and slashes": labeled(with_labels("labels.csv", b"./a.png,cat\n.\\b.png,dog\n"), CATS),
    "backslashes": labeled(with_labels("dataset.json", {"labels": [["x\\a.png", 0], [".\\x\\b.png", 1]]}, "x/a.png x/b.png"), {"x/a.png": "0", "x/b.png": "1"}),
    "dataset.json": labeled(with_labels("dataset.json", {"labels": [["./a.png", 1], ["b.png", 0]]}), {"a.png": "1", "b.png": "0"}),
    "accents of macOS": labeled(with_labels("labels.csv", "é.png,ö\nb.png,o\u0308\n".encode(), "e\u0301.png b.png"), {"e\u0301.png": "ö", "b.png": "ö"}),
    "classes of macOS": labeled({"o\u0308/a.png": PNG, "ö/b.png": PNG}, {"o\u0308/a.png": "ö", "ö/b.png": "ö"}),
    "missing files": labeled(with_labels("labels.csv", b"a.png,cat\nb.png,dog\nc.png,cow\n"), CATS, unmatched="c.png"),
    "two label files": labeled({**with_labels("labels.csv", b"a.png,cat\nb.png,dog\n"), "labels.json": b"{}"}, CATS, unused="labels.json"),
    "labels not asked for": Odd(with_labels("labels.csv", b"a.png,cat\nb.png,dog\n"), {"train": "a.png b.png"}, unused="labels.csv"),
    "below one folder": labeled(with_labels("set/labels.csv", b"a.png,cat\nb.png,dog\n", "set/a.png set/b.png"), {"set/a.png": "cat", "set/b.png": "dog"}),
    "folders below one": labeled({"dataset.json": b'{"labels": null}', "x/cat/a.png": PNG, "x/dog/b.png": PNG}, {"x/cat/a.png": "cat", "x/dog/b.png": "dog"}, unused="dataset.json"),
    "splits and one file": Odd({"labels.csv": b"Train/a.png,cat\nTest/b.png,cat\n", "Train/a.png": PNG, "Test/b.png": PNG}, {"train": "Train/a.png", "test": "Test/b.png"}, classes={"Train/a.png": "cat", "Test/b.png": "cat"}, labeled=True),
    "an empty label": refused(with_labels("labels.csv", b"a.png,cat\nb.png,\n"), "labels.csv has no class for b.png: the label is empty", labeled=True),
    "a blank label": refused(with_labels("labels.json", {"a.png": "cat", "b.png": " "}), "labels.json has no class for b.png", labeled=True),
    "no label": refused(with_labels("labels.csv", b"a.png,cat\n"), "labels.csv has no label for b.png", labeled=True),
    "columns without a header": refused(with_labels("labels.csv", b"1,a.png,cat\n2,b.png,dog\n"), "expected two columns, file and label, got 3 in the first line", labeled=True),
    "a short row": refused(with_labels("labels.csv", b"a.png,cat\nb.png\n"), "the row 'b.png' has 1 columns instead of 2", labeled=True),
    "empty file": refused(with_labels("labels.csv", b""), "labels.csv is not a label file: ValueError: it has no rows", labeled=True),
    "the same twice": refused(with_labels("labels.csv", b"a.png,cat\n./a.png,dog\nb.png,dog\n"), "labels.csv names an image more than once", labeled=True),
    "the same key twice": refused(with_labels("labels.json", b'{"a.png": "cat", "a.png": "dog", "b.png": "x"}'), "labels.json names an image more than once", labeled=True),
    "UTF-16": refused(with_labels("labels.csv", "a.png,cat\n".encode("utf-16")), "labels.csv is not a label file", labeled=True),
    "not JSON": refused(with_labels("labels.json", b"{'a.png': 'cat'}"), "labels.json is not a label file", labeled=True),
    "fractions": refused(with_labels("labels.json", {"a.png": 0.5, "b.png": 1}), "must be a whole number or a string, got 0.5", labeled=True),
    "an unknown label file": refused(with_labels("classes.csv", b"a.png,cat\n"), "lie in no class folder", labeled=True),
}  # fmt: skip
CASES = {**SPLITS, **NAMES, **LABELS}


def as_names(value):
    return value.split() if isinstance(value, str) else list(value)


@pytest.mark.parametrize("archived", [False, True], ids=["folder", "zip"])
@pytest.mark.parametrize("odd", CASES.values(), ids=CASES)
def test_a_folder_is_read_as_expected_or_refused(odd, archived, tmp_path):
    contents = odd.files if isinstance(odd.files, dict) else dict.fromkeys(as_names(odd.files), PNG)
    if archived and any(not name.isprintable() for name in contents):
        pytest.skip("an archive's names are text")
    (tmp_path / "set").mkdir()
    path = write_zip(tmp_path / "set.zip", contents) if archived else write(tmp_path / "set", contents)
    given = {"split": odd.split, "heldout_fraction": 0.0, "labeled": odd.labeled}
    if odd.splits is None:
        with pytest.raises(DataError) as refusal:
            arrange(open_files(path), **given)
        assert odd.refusal in str(refusal.value)
        return
    found = arrange(open_files(path), **given)
    read = {split: [images.name(i) for i in range(len(images))] for split, images in found.splits.items()}
    assert {split: sorted(names) for split, names in read.items()} == {
        split: sorted(as_names(names)) for split, names in odd.splits.items()
    }
    assert sorted(found.unused) == sorted(as_names(odd.unused))
    assert list(found.unmatched) == as_names(odd.unmatched)
    if odd.classes is not None:
        classes = {
            images.name(i): images.class_names[label]
            for images in found.splits.values()
            for i, label in enumerate(images.labels.tolist())
        }
        assert classes == odd.classes
    for images in found.splits.values():
        assert all(images.files.read(entry.name) == PNG for entry in images.entries)


def test_there_are_many_cases():
    assert len(CASES) >= 60


def test_names_of_archives_that_lead_nowhere_or_are_there_twice(tmp_path):
    path = write_zip(tmp_path / "a.zip", {"./a.png": b"1", "/b.png": b"2", "x//c.png": b"3", "../d.png": b"4"})
    files = open_files(path)
    assert [entry.name for entry in files.entries()] == ["a.png", "b.png", "x/c.png"]
    assert [files.read(name) for name in ("a.png", "b.png", "x/c.png")] == [b"1", b"2", b"3"]
    with pytest.raises(DataError, match=r"two files of the name a/b\.png"):
        open_files(write_zip(tmp_path / "b.zip", {"a/b.png": b"", "a\\b.png": b""})).entries()


def test_an_archive_that_describes_more_than_the_memory_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "_MOST_MEMBER_BYTES", 10_000)
    files = open_files(write_zip(tmp_path / "a.zip", {"a.png": bytes(10_001), "b.png": bytes(10_000)}))
    assert (tmp_path / "a.zip").stat().st_size < 1000
    assert files.read("b.png") == bytes(10_000)
    with pytest.raises(OSError, match="more than 10000 bytes"):
        files.read("a.png")


@pytest.mark.parametrize("kind", ["a pipe", "a link to nothing", "damaged"])
def test_a_label_file_that_cannot_be_read_is_refused(tmp_path, kind):
    path = write(tmp_path / "set", {"a.png": PNG})
    if kind == "damaged":
        path = write_zip(tmp_path / "set.zip", {"a.png": PNG, "labels.csv": b"a.png,cat"}, zipfile.ZIP_STORED)
        path.write_bytes(path.read_bytes().replace(b"a.png,cat", b"a.png,cow"))
    elif kind == "a pipe":
        os.mkfifo(path / "labels.csv")
    else:
        (path / "labels.csv").symlink_to("nowhere.csv")
    with pytest.raises(DataError, match=r"labels\.csv in .* cannot be read: "):
        arrange(open_files(path), split="auto", heldout_fraction=0.0, labeled=True)


def test_folders_with_links_to_one_another_are_refused_and_a_few_links_are_followed(tmp_path):
    numbers = range(8)
    write(tmp_path, {f"{number}/a.png": PNG for number in numbers})
    (tmp_path / "0" / "again").symlink_to("../1")
    assert len(open_files(tmp_path).entries()) == len(numbers) + 1
    for first, second in itertools.permutations(numbers, 2):
        (tmp_path / str(first) / f"to {second}").symlink_to(f"../{second}")
    with pytest.raises(DataError, match=r"more than 100 ways lead over links to .*remove some"):
        open_files(tmp_path).entries()


def test_an_empty_path_is_not_the_folder_that_the_command_runs_in():
    with pytest.raises(DataError, match=r"data\.path is empty; the folder that the command runs in is data\.path=\."):
        open_files("")
    assert str(open_files(".").location) == os.getcwd()


def test_a_program_is_no_image_whatever_its_name(tmp_path):
    buffer = io.BytesIO()
    noise(0).save(buffer, "EPS")  # Pillow would hand it to Ghostscript
    contents = {"a.jpg": buffer.getvalue(), "b.jpg": encoded(noise(1)), "c.jpg": encoded(noise(2), "ico")}
    with pytest.raises(DataError, match=r"1 of 3 images cannot be used:\n  a\.jpg: not an image of a known format"):
        _ = make(write(tmp_path / "set", contents), tmp_path).images_per_epoch


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(OSError, match="not a regular file"):
        open_files(tmp_path).read("a.png")


@pytest.mark.parametrize("kind", ["pipe", "link to nothing", "damaged member"])
def test_a_label_file_that_cannot_be_read_is_named(tmp_path, kind):
    path = tmp_path / "set"
    labels = b"1.png,cat"
    if kind == "damaged member":
        content = write_zip(
            tmp_path / "set.zip", {"1.png": encoded(noise(4)), "labels.csv": labels}, zipfile.ZIP_STORED
        ).read_bytes()
        path = tmp_path / "other.zip"
        path.write_bytes(content.replace(labels, b"1.png,dog", 1))
    else:
        write(path, {"1.png": encoded(noise(4))})
        name = path / "labels.csv"
        os.mkfifo(name) if kind == "pipe" else name.symlink_to("nowhere")
    with pytest.raises(DataError, match=r"labels\.csv in .* cannot be read: "):
        arrange(open_files(path), split="auto", heldout_fraction=0.0, labeled=True)


def make(path, tmp_path, **arguments):
    loading = Loading(cache_dir=str(tmp_path / "cache"), workers=0)
    return FolderDataModule(path=str(path), resolution=8, batch_size=2, loading=loading, **arguments)


def test_every_format_that_pillow_decodes_is_read(tmp_path):
    kinds = {
        "jfif": "JPEG",
        "jpe": "JPEG",
        "tga": "TGA",
        "pnm": "PPM",
        "bmp": "BMP",
        "gif": "GIF",
        "pcx": "PCX",
        "sgi": "SGI",
    }
    kinds |= {ending: ending.upper() for ending in ("webp", "avif") if features.check(ending)}
    contents = {
        f"{number}.{ending}": encoded(noise(number), kind) for number, (ending, kind) in enumerate(kinds.items())
    }
    assert make(write(tmp_path / "set", contents), tmp_path).images_per_epoch == len(contents)


def test_what_is_not_used_is_counted_and_named_in_the_report_and_in_the_log(tmp_path, caplog):
    contents = {f"{split}/{number}.png": encoded(noise(number)) for split in ("Train", "val") for number in range(3)}
    contents |= {f"Train/{number}.heic": b"x" for number in range(25)} | {"Train/notes.txt": b""}
    data = make(write(tmp_path / "set", contents), tmp_path)
    with caplog.at_level("INFO"):
        data.describe(tmp_path / "run")
    report = json.loads((tmp_path / "run" / "data.json").read_text())
    assert report["splits"] == {"train": 3, "val": 3}
    assert report["unused_files"]["count"] == 26
    assert report["unused_files"]["endings"] == {".heic": 25, ".txt": 1}
    assert len(report["unused_files"]["first"]) == 20
    assert "26 files are not used (25 .heic, 1 .txt): Train/0.heic, Train/1.heic" in caplog.text
    assert "and 6 more" in caplog.text


@pytest.mark.parametrize("most", [2000, 3], ids=["few", "many"])
@pytest.mark.parametrize(
    "kind", ["links", "copies", "later copies", "later copies of the name", "a zip", "others of the same time and size"]
)
def test_held_out_images_that_are_trained_on_as_well_are_named(tmp_path, caplog, monkeypatch, kind, most):
    monkeypatch.setattr(copies, "_MOST_COMPARED", most)
    contents = {
        f"{split}/{n}.png": encoded(noise(n + 5 * (split == "val"))) for split in ("train", "val") for n in (0, 1)
    }
    if kind == "a zip":
        path = write_zip(tmp_path / "set.zip", contents | {"train/again.png": contents["val/0.png"]})
    else:
        path = write(tmp_path / "set", contents)
        again = path / "train" / ("again/0.png" if kind.endswith("name") else "again.png")
        again.parent.mkdir(exist_ok=True)
        if kind == "links":
            again.symlink_to("../val/0.png")
        else:
            again.write_bytes(contents["val/0.png"][:: -1 if kind.startswith("others") else 1])
            os.utime(again, ns=(0, kind.startswith("later")))
            os.utime(path / "val" / "0.png", ns=(0, 0))
    data = make(path, tmp_path, on_bad="skip")
    data.describe(tmp_path / "run")
    known = kind != "others of the same time and size" and (kind != "later copies" or most > 3)
    assert ("1 held-out file is a training image as well (1 .png): val/0.png" in caplog.text) == known
    assert json.loads((tmp_path / "run" / "data.json").read_text())["heldout_in_train"]["count"] == known


@pytest.mark.parametrize("most", [1, 255])
def test_masks_of_zeros_and_ones_are_said_to_be_nearly_black(tmp_path, caplog, most):
    masks = {f"{n}.png": encoded(noise(n, (8, 8), "L").point(lambda v: (v > 127) * most)) for n in range(2)}
    make(write(tmp_path / "set", masks), tmp_path).describe(tmp_path / "run")
    assert json.loads((tmp_path / "run" / "data.json").read_text())["train"]["levels"] == [0, most]
    assert ("set: all pixels lie between 0 and 1 of 255" in caplog.text) is (most == 1)


@pytest.mark.parametrize("paired", [True, False])
def test_held_out_images_of_two_domains_that_are_trained_on_as_well_are_named(tmp_path, caplog, paired):
    folders = ("trainA", "trainB", "valA", "valB")
    contents = {f"{folder}/1.png": encoded(noise(number)) for number, folder in enumerate(folders)}
    data = pairs(tmp_path, contents | {"valB/1.png": contents["trainB/1.png"]}, paired=paired)
    assert data.facts()["heldout_in_train"]["first"] == ["valB/1.png"]


def test_held_out_pairs_side_by_side_that_are_trained_on_as_well_are_named(tmp_path):
    image = encoded(noise(0, (16, 8)))
    data = pairs(tmp_path, {"train/1.png": image, "test/2.png": image, "test/3.png": encoded(noise(1, (16, 8)))})
    assert data.facts()["heldout_in_train"]["first"] == ["test/2.png"]


def test_images_in_the_folder_of_a_run_are_counted_and_named(tmp_path, caplog):
    contents = {f"{name}.png": encoded(noise(number)) for number, name in enumerate(("a", "old/b", "old/samples/c"))}
    data = make(write(tmp_path / "set", contents | {"old/.lock": b"", "old/notes.txt": b""}), tmp_path)
    data.describe(tmp_path / "run")
    assert data.images_per_epoch == 1
    assert "2 files are not used (2 .png): old/b.png, old/samples/c.png" in caplog.text


def test_classes_with_line_breaks_stay_in_their_line(tmp_path):
    labels = json.dumps({"a.png": "cat\nERROR", "b.png": "dog"}).encode()
    path = write(tmp_path / "set", {"a.png": encoded(noise(0)), "b.png": encoded(noise(1)), "labels.json": labels})
    with pytest.raises(DataError, match=r"there are 2 classes: cat\\nERROR, dog$"):
        _ = make(path, tmp_path, classes=3).images_per_epoch


def test_names_with_line_breaks_stay_in_their_line(tmp_path, caplog):
    make(write(tmp_path / "set", {"a.png": encoded(noise(0)), "b\nERROR c.heic": b""}), tmp_path).describe(
        tmp_path / "run"
    )
    assert r"1 file is not used (1 .heic): b\nERROR c.heic" in caplog.text


def test_files_of_several_pictures_are_counted(tmp_path, caplog):
    frames = [noise(number) for number in range(3)]
    buffer = io.BytesIO()
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:])
    contents = {"a.gif": buffer.getvalue(), "b.gif": encoded(frames[0], "gif"), "c.png": encoded(frames[1])}
    with caplog.at_level("INFO"):
        make(write(tmp_path / "set", contents), tmp_path).describe(tmp_path / "run")
    assert json.loads((tmp_path / "run" / "data.json").read_text())["train"]["of_several"] == 1
    assert "1 file holds several pictures, of which the first is used" in caplog.text


def test_labels_of_missing_files_are_said(tmp_path, caplog):
    contents = {"a.png": encoded(noise(0)), "labels.csv": b"a.png,0\nb.png,1\n"}
    make(write(tmp_path / "set", contents), tmp_path, classes=1).describe(tmp_path / "run")
    assert "1 label is of a missing file (1 .png): b.png" in caplog.text


def pairs(tmp_path, contents, **arguments):
    loading = Loading(cache_dir=str(tmp_path / "cache"), workers=0)
    path = str(write(tmp_path / "pairs", contents))
    return TranslationFolderDataModule(path=path, resolution=8, loading=loading, **{"paired": True, **arguments})


SIZED = {"A/1.png": (20, 10), "B/1.png": (20, 10), "A/2.png": (12, 12), "B/2.png": (12, 12)}


def sized(**changes):
    sizes = {**SIZED, **changes}
    return {name: encoded(noise(number, size)) for number, (name, size) in enumerate(sizes.items())}


@pytest.mark.parametrize(
    ("change", "fit", "ending"),
    [
        ({}, "center_crop", "read"),
        ({"B/1.png": (40, 20)}, "center_crop", "read"),  # another size of the same shape
        ({"B/1.png": (10, 20)}, "center_crop", "refused"),
        ({"A/1.png": (12, 12), "A/2.png": (20, 10)}, "pad", "refused"),  # the same sizes, exchanged
        ({"B/1.png": (10, 20)}, "stretch", "said"),
    ],
)
def test_pairs_of_different_shapes(tmp_path, caplog, change, fit, ending):
    data = pairs(tmp_path, sized(**change), fit=fit)
    message = "images: pairs have different shapes: A/1.png is"
    if ending == "refused":
        with pytest.raises(DataError, match=message):
            _ = data.images_per_epoch
    else:
        assert data.images_per_epoch == 2
        assert (message in caplog.text) is (ending == "said")


def test_a_photograph_that_lies_on_its_side_has_the_shape_in_which_it_is_held(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    noise(0, (10, 20)).save(tmp_path / "lying.png", exif=exif)
    data = pairs(tmp_path, sized() | {"B/1.png": (tmp_path / "lying.png").read_bytes()}, fit="center_crop")
    assert data.images_per_epoch == 2


@pytest.mark.parametrize(
    ("names", "refusal"),
    [
        ("1.png", None),
        ("train/x/1.png test/x/2.png", None),
        ("images/1.png masks/1.png", r"the folders images, masks, which name no domains.* data\.layout=side_by_side"),
        ("train/in/1.png train/out/1.png test/in/2.png", "the folders train/in, train/out, which name no domains"),
    ],
)
def test_folders_of_unknown_domains_are_not_images_that_hold_pairs(tmp_path, names, refusal):
    contents = {name: encoded(noise(number, (16, 8))) for number, name in enumerate(names.split())}
    data = pairs(tmp_path, contents)
    if refusal is None:
        assert all(domains.b is None for domains in data.splits.values())
        return
    with pytest.raises(DataError, match=refusal):
        _ = data.splits
    said = pairs(tmp_path, contents, layout="side_by_side")
    assert len(said.splits["train"].a) == 2


@pytest.mark.parametrize(("size", "holds_two"), [((18, 16), True), ((16, 16), False), ((16, 20), False)])
def test_an_image_that_is_not_wider_than_high_holds_a_pair_only_if_that_is_said(tmp_path, size, holds_two):
    contents = {"1.png": encoded(noise(0, size))}
    assert pairs(tmp_path, contents, layout="side_by_side").images_per_epoch == 1
    data = pairs(tmp_path, contents)
    if holds_two:
        assert data.images_per_epoch == 1
    else:
        with pytest.raises(DataError, match=rf"1\.png: {size[0]}x{size[1]}: not wider than high.*layout=side_by_side"):
            _ = data.images_per_epoch


@pytest.mark.parametrize(
    ("folders", "splits"),
    [
        ("trainA trainB testA testB", {"train", "test"}),
        ("TrainA TrainB TestA TestB", {"train", "test"}),
        ("train_A train_B val_A val_B", {"train", "val"}),
        ("a b", {"train"}),
        ("A/Train B/Train A/TEST B/TEST", {"train", "test"}),
        ("Training/A Training/B testing/a testing/b", {"train", "test"}),
        ("A/x/train B/x/train A/x/test B/x/test", None),
    ],
)
def test_folders_of_domains_however_they_are_written(tmp_path, folders, splits):
    data = pairs(tmp_path, {f"{folder}/1.png": encoded(noise(0)) for folder in folders.split()})
    if splits is None:
        with pytest.raises(DataError, match="named like held-out images"):
            _ = data.splits
    else:
        assert data.splits.keys() == splits
