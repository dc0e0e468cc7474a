"""Where the bytes of images lie: files by name, in a folder for instance."""

from __future__ import annotations

import hashlib
import json
import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from gan_lightning.core.run_mark import is_of_run

IMAGE_SUFFIXES = frozenset(
    ["bmp", "gif", "jp2", "jpeg", "jpg", "pbm", "pgm", "png", "ppm", "tif", "tiff", "webp"],
)


class Entry(NamedTuple):
    """One file: its name relative to the root with forward slashes, its size, and what changes when it changes."""

    name: str
    size_bytes: int
    stamp: int


class Files(ABC):
    """Named files that can be read from any thread and any worker process.

    Attributes:
        location: the folder or archive.
        prefix: what was taken off every name.
    """

    prefix: str = ""

    def __init__(self, location: Path) -> None:
        self.location = location

    @abstractmethod
    def entries(self) -> list[Entry]:
        """List all files, sorted by name; hidden ones and those of ``__MACOSX`` are left out."""

    @abstractmethod
    def read(self, name: str) -> bytes:
        """Return a file's content.

        Raises:
            OSError: if it cannot be read.
            zipfile.BadZipFile: if its checksum is wrong.
        """

    def below(self, root: str, entries: Mapping[str, Entry]) -> dict[str, Entry]:
        """Take the folders ``root`` off every name, and read the files by what is left."""
        self.prefix = root
        return {name.removeprefix(root): e._replace(name=name.removeprefix(root)) for name, e in entries.items()}


class FolderFiles(Files):
    """Files below a folder; links are followed, and folders of runs passed over: their pictures are no data."""

    def entries(self) -> list[Entry]:
        """List the files below the folder."""
        return sorted(self._walk(self.location, "", frozenset()))

    def _walk(self, folder: Path | str, prefix: str, above: frozenset[str]) -> Iterator[Entry]:
        real = os.path.realpath(folder)
        if real in above:  # a link that leads back up
            return
        with os.scandir(folder) as found:
            for item in found:
                if hidden(item.name):
                    continue
                if item.is_dir() and not is_of_run(item.path):
                    yield from self._walk(item.path, f"{prefix}{item.name}/", above | {real})
                elif not item.is_dir():
                    try:
                        facts = item.stat()
                        yield Entry(prefix + item.name, facts.st_size, facts.st_mtime_ns)
                    except FileNotFoundError:  # a link to nothing: reading it will say so
                        yield Entry(prefix + item.name, 0, 0)

    def read(self, name: str) -> bytes:
        """Return a file's content."""
        with open(os.path.join(self.location, self.prefix + name), "rb") as file:
            return file.read()


def hidden(name: str) -> bool:
    """Whether a file or folder is none of the user's images."""
    return name.startswith(".") or name == "__MACOSX"


def is_image(name: str) -> bool:
    """Whether a file's suffix is that of an image."""
    _, dot, suffix = name.rpartition(".")
    return bool(dot) and suffix.lower() in IMAGE_SUFFIXES


def digest(entries: Sequence[Entry]) -> str:
    """Sha256 over names, sizes and stamps."""
    return hashlib.sha256(json.dumps(list(zip(*entries, strict=True))).encode()).hexdigest()
