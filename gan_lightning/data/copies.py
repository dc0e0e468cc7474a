"""Held-out files that are trained on as well."""

from __future__ import annotations

import hashlib
import zipfile
from collections import defaultdict
from collections.abc import Callable, Hashable
from functools import cache, partial

from gan_lightning.data.files import Entry, Files
from gan_lightning.data.source import FileImages

_MOST_COMPARED = 2000
"""Files that look alike, and so are read at each start."""


def in_both(train: FileImages, heldout: FileImages) -> list[str]:
    """Return the held-out files that are training images, too: links and copies.

    Files of equal size are compared. Where many have the size of others, a copy must have the time, the checksum or the
    name of the other as well.
    """
    content, found = cache(partial(content_digest, train.files)), set[str]()

    def compare(alike: Callable[[Entry], Hashable], most_of_all: float) -> None:
        groups: dict[Hashable, tuple[list[str], list[str]]] = defaultdict(lambda: ([], []))
        for side, images in enumerate((train, heldout)):
            for entry in images.entries:
                groups[alike(entry)][side].append(entry.name)
        shared = [group for group in groups.values() if all(group) and sum(map(len, group)) <= _MOST_COMPARED]
        if sum(len(ours) + len(theirs) for ours, theirs in shared) <= most_of_all:
            for ours, theirs in shared:
                known = {content(name) for name in ours} - {None}
                found.update(name for name in theirs if content(name) in known)

    compare(lambda entry: entry.size_bytes, _MOST_COMPARED)
    compare(lambda entry: (entry.size_bytes, entry.stamp), float("inf"))
    compare(lambda entry: (entry.size_bytes, entry.name.rpartition("/")[2]), float("inf"))
    return [train.files.prefix + entry.name for entry in heldout.entries if entry.name in found]


def content_digest(files: Files, name: str) -> bytes | None:
    """Return the SHA-256 of a file; None if it is empty, or cannot be read, which is reported elsewhere."""
    try:
        content = files.read(name)
    except (OSError, zipfile.BadZipFile, NotImplementedError):
        return None
    return hashlib.sha256(content).digest() if content else None
