"""Images in a zip archive, read without unpacking it."""

from __future__ import annotations

import hashlib
import json
import os
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from gan_lightning.core.atomic import write_atomic
from gan_lightning.core.cache import keep
from gan_lightning.core.side_files import read_json, read_or_move_aside
from gan_lightning.data.errors import DataError
from gan_lightning.data.files import Entry, Files, FolderFiles, hidden

_LOCAL_HEADER = struct.Struct("<26sHH")
_ENCRYPTED = 1  # bit of a member's flags
_COLUMNS = 6
_MOST_LISTING_BYTES = 2**32  # of an archive of tens of millions of images


class Member(NamedTuple):
    """Where a zip archive keeps a file."""

    crc: int
    header_offset: int
    compressed_bytes: int
    method: int


class ZipFiles(Files):
    """Members of a zip archive, read at their positions, so that threads and processes can share the open file.

    Args:
        location: the archive.
        cache: folder that keeps the list of members, which takes longer to read than all else of a warm start;
            None: it is not kept.
    """

    def __init__(self, location: Path, *, cache: Path | None = None) -> None:
        super().__init__(location)
        self._cache = cache
        self._members: dict[str, tuple[int, int, int, int]] = {}
        self._file: BinaryIO | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_file": None}

    def entries(self) -> list[Entry]:
        """List the members; an entry's stamp is its CRC-32."""
        facts = self.location.stat()
        key = hashlib.sha256(repr((str(self.location), facts.st_size, facts.st_mtime_ns)).encode()).hexdigest()
        kept = None if self._cache is None else self._cache / f"{key}.members.json"
        columns = None if kept is None else read_columns(kept)
        if columns is None:
            columns = list_members(self.location)
            if kept is not None:
                keep(kept, lambda path: write_atomic(path, json.dumps(columns)))
        self._members = dict(zip(columns[0], zip(*columns[2:], strict=True), strict=True))
        return list(map(Entry._make, zip(*columns[:3], strict=True)))

    def read(self, name: str) -> bytes:
        """Return a member's content."""
        if self._file is None:
            self._file = open(self.location, "rb")  # noqa: SIM115  (stays open)
        handle, member = self._file.fileno(), Member._make(self._members[self.prefix + name])
        header = os.pread(handle, _LOCAL_HEADER.size, member.header_offset)
        if len(header) < _LOCAL_HEADER.size or not header.startswith(b"PK\x03\x04"):
            raise zipfile.BadZipFile("its header in the archive is damaged")
        name_bytes, extra_bytes = _LOCAL_HEADER.unpack(header)[1:]
        start = member.header_offset + _LOCAL_HEADER.size + name_bytes + extra_bytes
        content = os.pread(handle, member.compressed_bytes, start)
        if member.method == zipfile.ZIP_DEFLATED:
            content = zlib.decompress(content, -zlib.MAX_WBITS)
        elif member.method != zipfile.ZIP_STORED:
            raise zipfile.BadZipFile(f"compression method {member.method} is not supported, only deflate and none")
        if zlib.crc32(content) != member.crc:
            raise zipfile.BadZipFile("its checksum in the archive is wrong")
        return content


def list_members(location: Path) -> list[list[Any]]:
    """Return the names of the files, sorted, and as many sizes, CRC-32s, positions, compressed sizes and methods.

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
    rows = sorted(
        (info.filename, info.file_size, info.CRC, info.header_offset, info.compress_size, info.compress_type)
        for info in members
        if not any(hidden(part) for part in info.filename.split("/"))
    )
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(_COLUMNS)]


def read_columns(path: Path) -> list[list[Any]] | None:
    """Read what ``list_members`` returned; None if it was not kept, or is damaged and was moved aside."""

    def read(path: Path) -> list[list[Any]]:
        columns: list[list[Any]] = read_json(path, kind=list, most_bytes=_MOST_LISTING_BYTES)
        names, *numbers = columns
        if len(columns) != _COLUMNS or len(set(map(len, columns))) != 1:
            raise ValueError("its columns do not have the same length")
        if not all(isinstance(name, str) for name in names) or not all(type(n) is int for row in numbers for n in row):
            raise TypeError("its columns do not hold names and numbers")
        return columns

    return read_or_move_aside(path, read, consequence="the archive is listed again")


def open_files(path: str | Path, *, key: str = "data.path", cache: Path | None = None) -> Files:
    """Open a folder or a zip archive.

    Args:
        path: of either.
        key: of the config, for messages.
        cache: folder that keeps the list of an archive's members, or None.

    Raises:
        DataError: if there is neither.
    """
    location = Path(path).expanduser().absolute()
    if location.is_dir():
        return FolderFiles(location)
    if location.is_file() and location.suffix.lower() == ".zip":
        return ZipFiles(location, cache=cache)
    if location.is_file():
        raise DataError(f"{key} = {path}: neither a folder nor a zip archive (.zip)")
    raise DataError(f"{key} = {path}: there is nothing at {location}")
