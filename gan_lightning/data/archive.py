"""Images in a zip archive, read without unpacking it."""

from __future__ import annotations

import hashlib
import os
import zipfile
from pathlib import Path
from typing import Any

from gan_lightning.core.kept import keep_json, read_kept_json
from gan_lightning.core.side_files import read_or_move_aside
from gan_lightning.data.errors import DataError
from gan_lightning.data.files import Entry, Files, FolderFiles

_ENCRYPTED = 1  # bit of a member's flags
_MOST_LISTING_BYTES = 2**32  # of an archive of tens of millions of images
_MOST_MEMBER_BYTES = 2**30  # a few bytes of an archive may describe more than the memory holds


class ZipFiles(Files):
    """Members of a zip archive.

    Args:
        location: the archive.
        cache: folder that keeps the list of members, which takes longer to read than all else of a warm start;
            None: it is not kept.
    """

    def __init__(self, location: Path, *, cache: Path | None = None) -> None:
        super().__init__(location)
        self._cache = cache
        self._opened: tuple[int, zipfile.ZipFile] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_opened": None}

    def stored_entries(self) -> list[Entry]:
        """List the members; an entry's stamp is its CRC-32."""
        facts = self.location.stat()
        stamp = facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns  # a copy may bring its time of modification along
        key = hashlib.sha256(repr((str(self.location), *stamp)).encode()).hexdigest()
        kept = None if self._cache is None else self._cache / f"{key}.entries.json"
        columns = None if kept is None else read_columns(kept)
        if columns is None:
            columns = list_members(self.location)
            if kept is not None:
                keep_json(kept, {"columns": columns})
        return list(map(Entry._make, zip(*columns, strict=True)))

    def read_stored(self, name: str) -> bytes:
        """Return a member's content."""
        process = os.getpid()
        if self._opened is None or self._opened[0] != process:  # forked processes share the position in an open file
            self._opened = (process, zipfile.ZipFile(self.location))
        info = self._opened[1].getinfo(name)
        if info.file_size > _MOST_MEMBER_BYTES:
            raise OSError(f"it has more than {_MOST_MEMBER_BYTES} bytes")
        return self._opened[1].read(info)


def list_members(location: Path) -> list[list[Any]]:
    """Return the names of the files, sorted, and as many sizes and CRC-32s.

    Raises:
        DataError: if the archive is damaged or encrypted.
    """
    try:
        with zipfile.ZipFile(location) as archive:
            members = [info for info in archive.infolist() if not info.is_dir()]
    except zipfile.BadZipFile as error:
        raise DataError(f"{location} is not a complete zip archive: {error}") from error
    if any(info.flag_bits & _ENCRYPTED for info in members):
        raise DataError(f"{location} is encrypted; unpack it and give the folder")
    rows = sorted((info.filename, info.file_size, info.CRC) for info in members)
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in Entry._fields]


def read_columns(path: Path) -> list[list[Any]] | None:
    """Read what ``list_members`` returned; None if it was not kept, or is damaged and was moved aside."""

    def read(path: Path) -> list[list[Any]]:
        columns: list[list[Any]] = read_kept_json(path, most_bytes=_MOST_LISTING_BYTES)["columns"]
        names, *numbers = columns
        if len(columns) != len(Entry._fields) or len(set(map(len, columns))) != 1:
            raise ValueError("its columns do not have the same length")
        if not all(isinstance(name, str) for name in names) or not all(type(n) is int for row in numbers for n in row):
            raise TypeError("its columns do not hold names and numbers")
        return columns

    return read_or_move_aside(path, read, consequence="the archive is listed again")


def open_files(path: str | Path, *, key: str = "data.path", cache: Path | None = None) -> Files:
    """Open a folder or a zip archive.

    Args:
        path: path of the folder or the archive.
        key: key of the config, for messages.
        cache: folder that keeps the list of an archive's members, or None.

    Raises:
        DataError: if there is neither.
    """
    if not str(path).strip():
        raise DataError(f"{key} is empty; the folder that the command runs in is {key}=.")
    location = Path(os.path.expanduser(path)).absolute()
    if location.is_dir():
        return FolderFiles(location)
    if location.is_file() and location.suffix.lower() == ".zip":
        return ZipFiles(location, cache=cache)
    if location.is_file():
        raise DataError(f"{key} = {path}: neither a folder nor a zip archive (.zip)")
    raise DataError(f"{key} = {path}: there is nothing at {location}")
