"""Files that say which class each image is of."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence

from gan_lightning.core.side_files import parse_json
from gan_lightning.data.errors import DataError
from gan_lightning.data.files import is_image, plain_name
from gan_lightning.data.layout import composed, listed

LABEL_FILES = ("labels.csv", "labels.json", "dataset.json")
"""In the order in which they are looked for; their names may be written in any case."""

_FILE_COLUMNS = ("file", "filename", "file_name", "name", "image", "path")
_LABEL_COLUMNS = ("label", "labels", "class", "class_name", "category", "target")


def is_label_file(name: str) -> bool:
    """Return whether a file's name is one of ``LABEL_FILES``."""
    return name.rpartition("/")[2].lower() in LABEL_FILES


def read_labels(content: bytes, file: str) -> dict[str, str] | None:
    """Read a label file: name of each image to name of its class, both ``composed``.

    Backslashes in the names of images are taken for slashes, and a ``./`` before them is left out.

    Args:
        content: content of the file.
        file: its name; ``labels.csv`` has the columns file and label, separated by commas, semicolons or tabs, with
            or without a header, which it needs where it has more columns or another order; ``labels.json`` is an
            object {file: label}; ``dataset.json`` is StyleGAN's {"labels": [[file, label], ...]}, which may be null:
            no labels.

    Raises:
        DataError: for anything else.
    """
    given_twice = False
    try:
        if file.lower().endswith(".csv"):
            pairs = _pairs_of_csv(content.decode("utf-8-sig"))
        else:
            value = parse_json(content)
            given_twice = isinstance(value, dict) and len(json.loads(content, object_pairs_hook=list)) > len(value)
            if file.lower().endswith("dataset.json"):
                value = value["labels"]
                if value is None:
                    return None
            items = value.items() if isinstance(value, dict) else value
            pairs = [(name, class_name(label)) for name, label in items]
        pairs = [(composed(plain_name(name)), composed(label.strip())) for name, label in pairs]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, csv.Error) as error:
        raise DataError(f"{file} is not a label file: {type(error).__name__}: {error}") from error
    labels = dict(pairs)
    if unlabeled := [name for name, label in pairs if not label]:
        raise DataError(f"{file} has no class for {listed(unlabeled)}: the label is empty")
    if given_twice or len(labels) != len(pairs):
        raise DataError(f"{file} names an image more than once")
    return labels


def _pairs_of_csv(text: str) -> list[tuple[str, str]]:
    first = text.lstrip().partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    rows = [row for row in csv.reader(io.StringIO(text), delimiter=delimiter) if any(map(str.strip, row))]
    if not rows:
        raise ValueError("it has no rows")
    header = [cell.strip().lower() for cell in rows[0]]
    files = [header.index(name) for name in _FILE_COLUMNS if name in header]
    labels = [header.index(name) for name in _LABEL_COLUMNS if name in header]
    if files and (labels or len(header) == 2) and not any(map(is_image, header)):
        rows = rows[1:]
        file, label = files[0], labels[0] if labels else 1 - files[0]
    elif len(header) == 2:
        file, label = 0, 1
    else:
        raise ValueError(
            f"expected two columns, file and label, got {len(header)} in the first line; more need a header that has "
            f"one of {', '.join(_FILE_COLUMNS)} and one of {', '.join(_LABEL_COLUMNS)}"
        )
    if ragged := [row for row in rows if len(row) != len(header)]:
        raise ValueError(f"the row {delimiter.join(ragged[0])!r} has {len(ragged[0])} columns instead of {len(header)}")
    return [(row[file].strip(), row[label]) for row in rows]


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
    missing = [name for name in names if composed(name) not in labels]
    if missing:
        raise DataError(f"{file} has no label for {listed(missing)}")
    return [labels[composed(name)] for name in names]
