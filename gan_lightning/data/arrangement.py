"""From files to splits with labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gan_lightning.data.errors import DataError
from gan_lightning.data.files import Entry, Files, is_image
from gan_lightning.data.layout import (
    LABEL_FILES,
    Split,
    by_folders,
    by_hash,
    class_order,
    common_root,
    folder_class,
    heldout_of,
    listed,
    matched,
    read_labels,
)
from gan_lightning.data.source import FileImages, integers


@dataclass(frozen=True)
class Arrangement:
    """The images below a folder or in an archive.

    Attributes:
        splits: name of a split to its images; "train" is always there.
        heldout_split: the split that training never sees, or None.
        labelled_by: what says which class an image is of: a file's name, "folders", or None without labels.
    """

    splits: dict[str, FileImages]
    heldout_split: str | None
    labelled_by: str | None


def arrange(
    files: Files, *, split: Split, heldout_fraction: float, labelled: bool, classes: int | None = None
) -> Arrangement:
    """Find the images, sort them into splits, and label them.

    A label file, at the top or in a split's folder, comes before class folders.

    Args:
        files: of the folder or archive.
        split: how splits are told apart.
        heldout_fraction: share of the images that are held out by their names' hashes.
        labelled: whether the images are to have labels.
        classes: number of classes there must be, or None.

    Raises:
        DataError: if there are no images, or names and config do not fit together.
    """
    entries = {entry.name: entry for entry in files.entries() if is_image(entry.name) or is_label_file(entry.name)}
    root = common_root(list(entries))
    entries = files.below(root, entries)
    images = [name for name in entries if is_image(name)]
    if not images:
        raise DataError(f"data.path = {files.location}: there are no images in it")
    found = by_folders(images) if split in ("auto", "folders") else None
    if found is None and split == "folders":
        raise DataError(f"data.split=folders, but {files.location} has no folder 'train' at its top")
    by_name = found if found is not None else by_hash(images, heldout_fraction)
    heldout = heldout_of(by_name)
    if not labelled:
        return Arrangement({name: taken(files, entries, names) for name, names in by_name.items()}, heldout, None)
    classes_of, labelled_by = class_names_of(files, entries, images, in_folders=found is not None)
    order = class_order({classes_of[name] for name in by_name["train"]}, classes)
    foreign = sorted({classes_of[name] for name in images} - set(order))
    if foreign:
        raise DataError(f"{files.location}: of the classes {listed(foreign)} there are no training images")
    index = {name: number for number, name in enumerate(order)}
    splits = {
        split_name: taken(files, entries, names, [index[classes_of[name]] for name in names], order)
        for split_name, names in by_name.items()
    }
    return Arrangement(splits, heldout, labelled_by)


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


def class_names_of(
    files: Files, entries: dict[str, Entry], images: Sequence[str], *, in_folders: bool
) -> tuple[dict[str, str], str]:
    """Return the name of each image's class, and what says so.

    Raises:
        DataError: if an image has none.
    """
    tops = dict.fromkeys(name.partition("/")[0] + "/" for name in images) if in_folders else {"": None}
    classes: dict[str, str] = {}
    sources = set()
    for top in tops:
        members = [name for name in images if name.startswith(top)]
        for place, file in [(place, file) for place in dict.fromkeys((top, "")) for file in LABEL_FILES]:
            if place + file not in entries:
                continue
            labels = read_labels(files.read(place + file), place + file)
            if labels is not None:
                members_here = [name.removeprefix(place) for name in members]
                classes |= dict(zip(members, matched(labels, members_here, place + file), strict=True))
                sources.add(place + file)
                break
        else:
            unlabelled = [name for name in members if folder_class(name, top) is None]
            if unlabelled:
                raise DataError(
                    f"data.classes is set, but {listed(unlabelled)} lie in no class folder below "
                    f"{files.location}, and there is no {' or '.join(LABEL_FILES)}"
                )
            classes |= {name: str(folder_class(name, top)) for name in members}
            sources.add("folders")
    return classes, ", ".join(sorted(sources))


def is_label_file(name: str) -> bool:
    """Whether a file's name is one of ``LABEL_FILES``."""
    return name.rpartition("/")[2] in LABEL_FILES
