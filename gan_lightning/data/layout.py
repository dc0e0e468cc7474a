"""What the names of files say: which split an image belongs to, and which class."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Collection, Mapping, Sequence
from typing import Literal

from gan_lightning.core.side_files import parse_json
from gan_lightning.data.errors import DataError

Split = Literal["auto", "folders", "hash"]

SPLIT_FOLDERS = {"train": "train", "test": "test", "val": "val", "valid": "val", "validation": "val"}
"""Folder at the top to name of the split."""

LABEL_FILES = ("labels.csv", "labels.json", "dataset.json")
_NAMED = 20


def common_root(names: Sequence[str], stops: Collection[str] = SPLIT_FOLDERS) -> str:
    """Return the folders that all files lie in ("archive/photos/"), down to one of ``stops`` at the deepest."""
    root = ""
    while True:
        tops = {name[len(root) :].partition("/")[0] for name in names}
        nested = all("/" in name[len(root) :] for name in names)
        if len(tops) != 1 or not nested or (top := tops.pop()) in stops:
            return root
        root += top + "/"


def by_folders(names: Sequence[str]) -> dict[str, list[str]] | None:
    """Sort images into splits by their top folder, or return None where there is no ``train`` folder at the top.

    Raises:
        DataError: if images lie beside the split folders.
    """
    tops = {name.partition("/")[0] for name in names if "/" in name}
    if "train" not in tops:
        return None
    outside = [name for name in names if name.partition("/")[0] not in SPLIT_FOLDERS]
    if outside:
        raise DataError(
            f"there is a folder 'train', but {listed(outside)} lie outside {', '.join(SPLIT_FOLDERS)}; "
            "data.split=hash takes all folders for training"
        )
    splits: dict[str, list[str]] = {}
    for name in names:
        splits.setdefault(SPLIT_FOLDERS[name.partition("/")[0]], []).append(name)
    return splits


def heldout_of(splits: Collection[str]) -> str | None:
    """Return the name of the split that training never sees, or None."""
    return next((name for name in ("test", "val", "heldout") if name in splits), None)


def check_apart(train_split: str, heldout: str | None) -> None:
    """Refuse to hold out what is trained on.

    Raises:
        ValueError: if both are the same split.
    """
    if heldout == train_split:
        raise ValueError(f"data.heldout must be another split than data.train_split, got {heldout!r} twice")


def is_held_out(name: str, fraction: float) -> bool:
    """Whether the hash of an image's name falls into the held-out fraction, whatever other images there are."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) < fraction * 2**64


def by_hash(names: Sequence[str], fraction: float) -> dict[str, list[str]]:
    """Hold out a fixed fraction of the images by the hash of their names.

    Raises:
        DataError: if a part is empty.
    """
    if fraction == 0:
        return {"train": list(names)}
    held_out = [is_held_out(name, fraction) for name in names]
    splits = {
        "train": [name for name, out in zip(names, held_out, strict=True) if not out],
        "heldout": [name for name, out in zip(names, held_out, strict=True) if out],
    }
    for split, members in splits.items():
        if not members:
            raise DataError(f"data.heldout_fraction = {fraction} leaves no image for {split!r} of {len(names)}")
    return splits


def folder_class(name: str, root: str) -> str | None:
    """Return the folder just below ``root`` that an image lies in, or None."""
    top, slash, _ = name.removeprefix(root).partition("/")
    return top if slash else None


def read_labels(content: bytes, file: str) -> dict[str, str] | None:
    """Read a label file: name of each image to name of its class.

    Args:
        content: of the file.
        file: its name; ``labels.csv`` has the columns file and label, with or without a header;
            ``labels.json`` is an object {file: label}; ``dataset.json`` is StyleGAN's {"labels": [[file, label], ...]},
            which may be null: no labels.

    Raises:
        DataError: for anything else.
    """
    try:
        if file.endswith(".csv"):
            rows = [row for row in csv.reader(io.StringIO(content.decode("utf-8-sig"))) if row]
            pairs = [(row[0].strip(), row[1].strip()) for row in rows]
            if pairs and pairs[0][0].lower() in ("file", "filename", "file_name", "name", "image", "path"):
                pairs = pairs[1:]
        else:
            value = parse_json(content)
            if file.endswith("dataset.json"):
                value = value["labels"]
                if value is None:
                    return None
            items = value.items() if isinstance(value, dict) else value
            pairs = [(name, class_name(label)) for name, label in items]
        labels = dict(pairs)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, csv.Error) as error:
        raise DataError(f"{file} is no label file: {type(error).__name__}: {error}") from error
    if len(labels) != len(pairs):
        raise DataError(f"{file} names an image more than once")
    return labels


def class_name(label: object) -> str:
    """Return a label of a JSON file as the name of a class.

    Raises:
        TypeError: unless it is a whole number or a string.
    """
    if isinstance(label, bool) or not isinstance(label, (int, str)):
        raise TypeError(f"a label must be a whole number or a string, got {label!r}")
    return str(label)


def matched(labels: Mapping[str, str], names: Sequence[str], file: str) -> list[str]:
    """Return the class of each image.

    Raises:
        DataError: naming the images without a label, if there are any.
    """
    missing = [name for name in names if name not in labels]
    if missing:
        raise DataError(f"{file} has no label for {listed(missing)}")
    return [labels[name] for name in names]


def class_order(names: set[str], classes: int | None) -> list[str]:
    """Return the names of all classes in the order of their indices.

    Whole numbers from 0 to ``classes - 1`` stand for themselves, so that a class without images keeps its number;
    other names are sorted, numbers by value.

    Raises:
        DataError: if there are not ``classes`` of them, unless that is None.
    """
    numbers = [str(number) for number in range(classes or 0)]
    if classes is not None and names <= set(numbers):
        return numbers
    if classes is not None and len(names) != classes:
        raise DataError(f"data.classes is {classes}, but there are {len(names)} classes: {listed(sorted(names))}")
    return sorted(names, key=lambda name: (0, int(name), name) if name.isdecimal() else (1, 0, name))


def listed(names: Sequence[str]) -> str:
    """Join names, the first of many."""
    rest = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + rest
