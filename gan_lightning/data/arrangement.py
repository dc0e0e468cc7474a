"""From files to splits with labels."""

from __future__ import annotations

import os
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from gan_lightning.core.terminal import printable
from gan_lightning.data.copies import in_both
from gan_lightning.data.errors import DataError
from gan_lightning.data.files import Entry, Files, is_image
from gan_lightning.data.label_files import LABEL_FILES, is_label_file, matched, read_labels
from gan_lightning.data.layout import (
    Split,
    by_folders,
    by_folders_or_hash,
    check_no_split_below,
    class_order,
    common_root,
    composed,
    folder_class,
    heldout_of,
    listed,
    names_split,
)
from gan_lightning.data.source import FileImages, integers

_NAMED = 20


@dataclass(frozen=True)
class Arrangement:
    """The images below a folder or in an archive.

    Attributes:
        splits: name of a split to its images; "train" is always there.
        heldout_split: the split that training never sees, or None.
        labeled_by: what says which class an image is of: a file's name, "folders", or None without labels.
        unused: the files that are neither images nor used label files.
        unmatched: what label files name that is not there.
    """

    splits: dict[str, FileImages]
    heldout_split: str | None
    labeled_by: str | None
    unused: Sequence[str] = ()
    unmatched: Sequence[str] = ()

    def facts(self) -> dict[str, Any]:
        """Return, for people, how many images each split has, and which files are not used."""
        return {
            "splits": {name: len(images) for name, images in self.splits.items()},
            "labels": self.labeled_by,
            "unused_files": unused_facts(self.unused),
            "labels_without_file": unused_facts(self.unmatched),
            "heldout_in_train": unused_facts(self.in_both),
        }

    @cached_property
    def in_both(self) -> list[str]:
        """The held-out files that are training images, too; see ``copies``."""
        return [] if self.heldout_split is None else in_both(self.splits["train"], self.splits[self.heldout_split])


def unused_facts(names: Sequence[str]) -> dict[str, Any]:
    """Count files by their endings, and name the first."""
    return {"count": len(names), "endings": endings(names), "first": list(names[:_NAMED])}


def endings(names: Iterable[str]) -> dict[str, int]:
    """Return how many names there are of each ending, such as ".txt", the most frequent first."""
    return dict(Counter(os.path.splitext(name)[1].lower() or "no ending" for name in names).most_common())


def unused_lines(what: str, facts: Mapping[str, Any]) -> list[str]:
    """Return a sentence each for files that are not used, labels of missing files, and files of two splits.

    Args:
        what: the data set, for messages.
        facts: as ``Arrangement.facts`` returns them, or without these entries.
    """
    lines = []
    for key, one, several in (
        ("unused_files", "file is not used", "files are not used"),
        ("labels_without_file", "label is of a missing file", "labels are of missing files"),
        ("heldout_in_train", "held-out file is a training image as well", "held-out files are training images as well"),
    ):
        names = facts.get(key, unused_facts(()))
        if names["count"]:
            kinds = ", ".join(f"{count} {ending}" for ending, count in names["endings"].items())
            noun = one if names["count"] == 1 else several
            lines.append(f"{what}: {names['count']} {noun} ({kinds}): {', '.join(names['first'])}")
            lines[-1] += f" and {names['count'] - _NAMED} more" if names["count"] > _NAMED else ""
    return [printable(line).replace("\n", "\\n") for line in lines]


def image_entries(
    files: Files, *, where: str | None = None, label_files: bool = False
) -> tuple[dict[str, Entry], list[str]]:
    """Return the images by name, with label files if they are wanted, and the names of all other files.

    Args:
        files: files of a folder or an archive.
        where: config key and path, for messages; None: ``data.path``.
        label_files: see above.

    Raises:
        DataError: if there are no images, saying what there is.
    """
    entries = {entry.name: entry for entry in files.entries()}
    others = [name for name in entries if not is_image(name)]
    unused = [name for name in others if not (label_files and is_label_file(name))]
    if len(others) == len(entries):
        what = ", ".join(f"{count} {ending}" for ending, count in endings(entries).items())
        archives = any(name.lower().endswith((".zip", ".tar", ".gz", ".tgz", ".rar", ".7z")) for name in entries)
        raise DataError(
            f"{where or f'data.path = {files.location}'}: there are no images in it"
            + (f", only {what}: {listed(list(entries))}" if entries else "")
            + (f"; hidden ones are not used: {listed(sorted(files.hidden_images))}" if files.hidden_images else "")
            + ("; archives inside are not opened: unpack them, or name one" if archives else "")
        )
    left_out = set(unused)
    kept = {name: entry for name, entry in entries.items() if name not in left_out}
    return kept, sorted([*unused, *files.hidden_images])


def arrange(
    files: Files,
    *,
    split: Split,
    heldout_fraction: float,
    labeled: bool,
    classes: int | None = None,
    where: str | None = None,
) -> Arrangement:
    """Find the images, sort them into splits, and label them.

    A label file, at the top or in a split's folder, comes before class folders.

    Args:
        files: files of the folder or archive.
        split: how splits are told apart.
        heldout_fraction: share of the images that are held out by their names' hashes.
        labeled: whether the images are to have labels.
        classes: number of classes there must be, or None.
        where: config key and path, for messages; None: ``data.path``.

    Raises:
        DataError: if there are no images, or names and config do not fit together.
    """
    entries, unused = image_entries(files, where=where, label_files=True)
    is_stop = names_split if split != "hash" else lambda folder: False
    root = common_root(entries, is_stop)
    entries = files.below(root, entries)
    images = [name for name in entries if is_image(name)]
    inner = common_root(images, is_stop)
    below = [name.removeprefix(inner) for name in images]
    found = by_folders(below) if split in ("auto", "folders") else None
    if found is None and split == "folders":
        raise DataError(f"data.split=folders, but {files.location} has no folder 'train' at its top")
    if split == "auto":
        check_no_split_below(below, found, remedy="; data.split=hash takes all folders for training")
    by_name = by_folders_or_hash(below, found, heldout_fraction)
    by_name = {name: [inner + member for member in members] for name, members in by_name.items()}
    heldout = heldout_of(by_name)
    if not labeled:
        unused += [root + name for name in entries if not is_image(name)]
        sources = {name: taken(files, entries, names) for name, names in by_name.items()}
        return Arrangement(sources, heldout, None, sorted(unused))
    tops = dict.fromkeys(inner + name.partition("/")[0] + "/" for name in below) if found is not None else [inner]
    labels = label_images(files, entries, images, tops)
    classes_of = labels.classes_of
    order = class_order({classes_of[name] for name in by_name["train"]}, classes)
    foreign = sorted({classes_of[name] for name in images} - set(order))
    if foreign:
        raise DataError(f"{files.location}: the classes {listed(foreign)} have no training images")
    index = {name: number for number, name in enumerate(order)}
    splits = {
        split_name: taken(files, entries, names, [index[classes_of[name]] for name in names], order)
        for split_name, names in by_name.items()
    }
    unused += [root + name for name in entries if not is_image(name) and name not in labels.sources]
    return Arrangement(splits, heldout, ", ".join(sorted(labels.sources)), sorted(unused), labels.unmatched)


def taken(
    files: Files,
    entries: dict[str, Entry],
    names: Sequence[str],
    labels: Sequence[int] | None = None,
    class_names: Sequence[str] | None = None,
) -> FileImages:
    """Return the named images as a source."""
    return FileImages(
        files, [entries[name] for name in names], None if labels is None else integers(labels), class_names
    )


@dataclass(frozen=True)
class Labels:
    """What the images are of.

    Attributes:
        classes_of: name of each image to the name of its class.
        sources: what says so: names of files, or "folders".
        unmatched: what the label files name that is not there.
    """

    classes_of: dict[str, str]
    sources: set[str]
    unmatched: list[str]


def label_file(files: Files, name: str) -> bytes:
    """Return the content of a label file.

    Raises:
        DataError: if it cannot be read.
    """
    try:
        return files.read(name)
    except (OSError, zipfile.BadZipFile, zlib.error, NotImplementedError) as error:
        raise DataError(f"{name} in {files.location} cannot be read: {error}") from error


def label_images(files: Files, entries: dict[str, Entry], images: Sequence[str], tops: Iterable[str]) -> Labels:
    """Return the class of each image, by the label file in its part of the files or at the top, or by its folder.

    Args:
        files: files of the folder or archive.
        entries: the images and label files.
        images: names of the images.
        tops: the folders below which class folders lie.

    Raises:
        DataError: if an image has no class.
    """
    label_files = {(name.rpartition("/")[0], name.rpartition("/")[2].lower()): name for name in entries}
    found = Labels({}, set(), [])
    for top in tops:
        members = [name for name in images if name.startswith(top)]
        for place, file in [(place, file) for place in dict.fromkeys((top, "")) for file in LABEL_FILES]:
            path = label_files.get((place.rstrip("/"), file))
            labels = None if path is None else read_labels(label_file(files, path), path)
            if path is None or labels is None:
                continue
            members_here = [name.removeprefix(place) for name in members]
            found.classes_of.update(zip(members, matched(labels, members_here, path), strict=True))
            if path not in found.sources:
                found.unmatched.extend(sorted(labels.keys() - {composed(name.removeprefix(place)) for name in images}))
            found.sources.add(path)
            break
        else:
            unlabeled = [name for name in members if folder_class(name, top) is None]
            if unlabeled:
                raise DataError(
                    f"data.classes is set, but {listed(unlabeled)} lie in no class folder below "
                    f"{files.location}, and there is no {' or '.join(LABEL_FILES)}"
                )
            found.classes_of.update((name, str(folder_class(name, top))) for name in members)
            found.sources.add("folders")
    return found
