"""Where the bytes of images lie: files by name, in a folder for instance."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from gan_lightning.core.run_mark import is_of_run
from gan_lightning.data.errors import DataError

_NOT_DECODED = frozenset({"BUFR", "EPS", "FPX", "GRIB", "HDF5", "MIC", "MPEG", "WMF"})
"""Formats that Pillow recognizes, but decodes not at all or only with another program."""
_ICONS = frozenset({"CUR", "ICNS", "ICO"})
"""Formats of what decorates folders and pages."""
_USUAL = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM")
"""Formats of most images."""
_MOST_VISITS = 100
"""Of one folder over different links."""


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
        hidden_images: names of images that are skipped, once the files have been listed.
    """

    prefix: str = ""

    def __init__(self, location: Path) -> None:
        self.location = location
        self.hidden_images: list[str] = []
        self._stored: dict[str, str] = {}

    @abstractmethod
    def stored_entries(self) -> list[Entry]:
        """List all files under the names that they are stored by.

        Raises:
            DataError: if they cannot be listed.
        """

    @abstractmethod
    def read_stored(self, name: str) -> bytes:
        """Return the content of a file by the name that it is stored by; see ``read``."""

    def entries(self) -> list[Entry]:
        """List all files, sorted by name; hidden ones and those of ``__MACOSX`` are left out.

        The backslashes of Windows separate folders, and ``./`` at the beginning of a name says nothing.

        Raises:
            DataError: if they cannot be listed, or two have the same name.
        """
        found: dict[str, Entry] = {}
        self.hidden_images.clear()
        for entry in self.stored_entries():
            name = plain_name(entry.name)
            if "/." in f"/{name}" or "__MACOSX" in name.split("/"):
                if is_image(name) and not any(map(is_of_macos, name.split("/"))):
                    self.hidden_images.append(name)
                continue
            if name in found:
                raise DataError(f"{self.location} has two files of the name {name}")
            if name != entry.name:
                self._stored[name] = entry.name
                entry = entry._replace(name=name)
            found[name] = entry
        return [found[name] for name in sorted(found)]

    def read(self, name: str) -> bytes:
        """Return a file's content.

        Raises:
            OSError: if it cannot be read.
            zipfile.BadZipFile: if its checksum is wrong.
        """
        return self.read_stored(self._stored.get(self.prefix + name, self.prefix + name))

    def below(self, root: str, entries: Mapping[str, Entry]) -> dict[str, Entry]:
        """Take the folders ``root`` off every name, and read the files by what is left."""
        self.prefix = root
        if not root:
            return dict(entries)
        return {name.removeprefix(root): e._replace(name=name.removeprefix(root)) for name, e in entries.items()}


class FolderFiles(Files):
    """Files below a folder; links are followed. Pictures in folders of runs are not data, and count as hidden."""

    def stored_entries(self) -> list[Entry]:
        """List the files below the folder."""
        try:
            return list(self._walk(self.location, "", frozenset(), Counter()))
        except OSError as error:
            raise DataError(f"{error.filename or self.location} cannot be listed: {error.strerror or error}") from error

    def _walk(self, folder: Path | str, prefix: str, above: frozenset[str], visits: Counter[str]) -> Iterator[Entry]:
        real = os.path.realpath(folder)
        if real in above:  # a link that leads back up
            return
        visits[real] += 1
        if visits[real] > _MOST_VISITS:  # a few folders with links to one another are as many as their orders
            raise DataError(f"{self.location}: more than {_MOST_VISITS} ways lead over links to {real}; remove some")
        with os.scandir(folder) as found:
            for item in found:
                if is_of_macos(item.name):
                    continue
                if item.is_dir() and is_of_run(item.path):
                    self.hidden_images += images_below(item.path, f"{prefix}{item.name}/")
                elif item.is_dir():
                    yield from self._walk(item.path, f"{prefix}{item.name}/", above | {real}, visits)
                else:
                    try:
                        facts = item.stat()
                        yield Entry(prefix + item.name, facts.st_size, facts.st_mtime_ns)
                    except FileNotFoundError:  # a link to nothing: reading it will say so
                        yield Entry(prefix + item.name, 0, 0)

    def read_stored(self, name: str) -> bytes:
        """Return a file's content; a pipe, which would be waited for without end, is refused."""
        path = os.path.join(self.location, name)
        with open(path, "rb", opener=lambda path, flags: os.open(path, flags | os.O_NONBLOCK)) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise OSError("not a regular file")
            return file.read()


def images_below(folder: str, prefix: str) -> list[str]:
    """Return the names of all image files below a folder, whose links are not followed, each after ``prefix``."""
    found = []
    for place, _, names in os.walk(folder):
        below = os.path.relpath(place, folder)
        found += [os.path.normpath(os.path.join(prefix, below, name)) for name in names if is_image(name)]
    return found


def plain_name(name: str) -> str:
    """Return a file's name with forward slashes, and without parts that lead nowhere."""
    if "\\" not in name and not name.startswith((".", "/")) and "/." not in name and "//" not in name:
        return name
    return "/".join(part for part in name.replace("\\", "/").split("/") if part not in ("", "."))


def is_of_macos(name: str) -> bool:
    """Return whether a name is one that macOS gives to notes on other files; it may end as an image's does."""
    return name.startswith("._") or name == "__MACOSX"


@cache
def image_formats() -> tuple[str, ...]:
    """Return Pillow's names of all formats that it decodes by itself, in the order in which a file is tried as each.

    The usual ones come first: forty others would take as long as the decoding of a small image.
    """
    Image.init()
    kinds = [kind for kind in Image.ID if kind not in _NOT_DECODED]
    return tuple(sorted(kinds, key=lambda kind: kind not in _USUAL))


@cache
def image_suffixes() -> frozenset[str]:
    """Return the endings, such as ".png", of all formats that this machine's Pillow decodes, except icons."""
    kinds = set(image_formats()) - _ICONS
    return frozenset(suffix for suffix, kind in Image.registered_extensions().items() if kind in kinds)


def is_image(name: str) -> bool:
    """Return whether a file's suffix is that of an image."""
    return os.path.splitext(name)[1].lower() in image_suffixes()


def digest(entries: Sequence[Entry]) -> str:
    """Return the SHA-256 of names, sizes and stamps."""
    return hashlib.sha256(json.dumps(list(zip(*entries, strict=True))).encode()).hexdigest()
