"""What the names of files say: which split an image belongs to, and which class."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Literal

from gan_lightning.data.errors import DataError

Split = Literal["auto", "folders", "hash"]

SPLIT_WORDS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("test", "testing"), "test"),
    **dict.fromkeys(("val", "valid", "validation"), "val"),
}
"""What folders of splits are called, in any case, perhaps with words such as "images" or a year, to the split."""

_LIKE_TRAIN = re.compile(r"train\w*|trn")
_LIKE_HELDOUT = re.compile(r"test\w*|tst|val|valid\w*|eval\w*|dev|holdout|heldout")
_FILLERS = re.compile(r"images?|imgs?|pictures?|photos?|data|set|split|[\W\d_]+")
_NAMED = 20


def split_of(folder: str) -> str | None:
    """Return the split that a folder's name means: "train", "test", "val", or None."""
    return SPLIT_WORDS.get(_FILLERS.sub("", folder.lower()))


def names_split(folder: str) -> bool:
    """Say whether a folder's name means a split."""
    return split_of(folder) is not None


def common_root(names: Iterable[str], is_stop: Callable[[str], bool] = names_split) -> str:
    """Return the folders that all files lie in ("archive/photos/"), down to one that ``is_stop`` at the deepest."""
    names, root = list(names), ""
    while True:
        tops = {name[len(root) :].partition("/")[0] for name in names}
        nested = all("/" in name[len(root) :] for name in names)
        if len(tops) != 1 or not nested or is_stop(top := tops.pop()):
            return root
        root += top + "/"


def by_folders(names: Sequence[str]) -> dict[str, list[str]] | None:
    """Sort images into splits by their top folder, or return None where none there is called ``train``.

    Raises:
        DataError: if images lie beside the split folders, or two of them are called like the same split.
    """
    folders = sorted({name.partition("/")[0] for name in names if "/" in name})
    found = {folder: split for folder in folders if (split := split_of(folder)) is not None}
    if "train" not in found.values():
        return None
    outside = [name for name in names if "/" not in name or name.partition("/")[0] not in found]
    if outside:
        raise DataError(
            f"there is a folder {folder_of(found, 'train')!r}, but {listed(outside)} lie outside "
            f"{', '.join(dict.fromkeys(SPLIT_WORDS.values()))}; "
            "data.split=hash takes all folders for training"
        )
    splits: dict[str, list[str]] = {}
    for folder, split in found.items():
        if split in splits:
            raise DataError(
                f"the folders {folder_of(found, split)!r} and {folder!r} are both named like the split {split!r}; "
                "rename one, or data.split=hash takes all folders for training"
            )
        splits[split] = [name for name in names if name.startswith(f"{folder}/")]
    return splits


def folder_of(found: dict[str, str], split: str) -> str:
    """Return the first folder of a split."""
    return next(folder for folder, its_split in found.items() if its_split == split)


def has_word(path: str, words: re.Pattern[str]) -> bool:
    """Return whether the last folder of a path has a word such as "test" in its name: "seg_test/", "petsTest/"."""
    folder = re.sub(r"(?<=[^\W\d_A-Z])(?=[A-Z])", "_", path.rstrip("/").rpartition("/")[2]).lower()
    return any(words.fullmatch(word) for word in re.split(r"[\W\d_]+", folder))


def check_no_split_below(names: Iterable[str], splits: Collection[str] | None, *, remedy: str = "") -> None:
    """Refuse folders that are called like held-out splits where they would not be taken as such.

    Folders beside one another that only look like splits, "seg_train" and "seg_test", are refused as well.

    Args:
        names: names of all images.
        splits: those that the folders at the top name, or None.
        remedy: what else helps than another path, for the message.

    Raises:
        DataError: naming the folders.
    """
    if splits is not None and heldout_of(splits) is not None:
        return
    below = 0 if splits is None else 1
    found: dict[str, None] = {}
    siblings: dict[str, dict[str, None]] = {}
    for folder in dict.fromkeys(name.rpartition("/")[0] for name in names):
        parts = folder.split("/")
        for depth in range(below, len(parts)):
            path = "/".join(parts[: depth + 1]) + "/"
            if split_of(parts[depth]) in ("test", "val"):
                found[path] = None
            siblings.setdefault("/".join(parts[:depth]), {})[path] = None
    for folders in siblings.values():
        alike = [[path for path in folders if has_word(path, words)] for words in (_LIKE_TRAIN, _LIKE_HELDOUT)]
        if all(alike) and not found:
            raise DataError(
                f"{listed(alike[0])} and {listed(alike[1])}: they look like training and held-out images, but are not "
                f"named so; rename them to train/ and test/{remedy}"
            )
    if found:
        raise DataError(
            f"{listed(list(found))}: named like held-out images, but not beside a folder 'train'; "
            f"name the folder above both as the path, or that of one split{remedy}"
        )


def heldout_of(splits: Collection[str]) -> str | None:
    """Return the name of the split that training never sees, or None."""
    return next((name for name in ("test", "val", "heldout") if name in splits), None)


def check_apart(train_split: str, heldout: str | None) -> None:
    """Refuse to hold out what is trained on.

    Raises:
        ValueError: if both are the same split.
    """
    if heldout == train_split:
        raise ValueError(f"data.heldout must differ from data.train_split, got {heldout!r} for both")


def is_held_out(name: str, fraction: float) -> bool:
    """Return whether an image is held out: its name's hash decides, whatever other images there are."""
    encoded = composed(name).encode(errors="surrogateescape")  # bytes of a file's name that are not UTF-8
    return int.from_bytes(hashlib.sha256(encoded).digest()[:8]) < fraction * 2**64


def by_folders_or_hash(
    names: Sequence[str], found: dict[str, list[str]] | None, fraction: float
) -> dict[str, list[str]]:
    """Return what ``by_folders`` found; where no folder is held out, a fraction of the others is, by ``by_hash``.

    Raises:
        DataError: if a part is empty.
    """
    if found is not None and heldout_of(found) is not None:
        return found
    return by_hash(names if found is None else found["train"], fraction)


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


def composed(name: str) -> str:
    """Return a name with each accent and its letter as one character: macOS stores them as two, keyboards type one."""
    return unicodedata.normalize("NFC", name)


def folder_class(name: str, root: str) -> str | None:
    """Return the folder just below ``root`` that an image lies in, or None."""
    top, slash, _ = name.removeprefix(root).partition("/")
    return composed(top) if slash else None


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
    """Join names, the first of many, in one line."""
    rest = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]).replace("\n", "\\n") + rest
