"""The layout of the zip archives that ``torch.save`` writes, read strictly.

Two programs that read the same archive leniently may see different records in it. What is verified here must be what
torch reads, so everything that torch's writer does not do is refused.
"""

from __future__ import annotations

import os
import struct
import zipfile
from typing import BinaryIO, NamedTuple

MOST_RECORDS = 20_000
"""A tensor is one record."""

END = struct.Struct("<4s4H2IH")
"""The archive's last structure; its last field is the length of the comment that follows."""
END_SIGNATURE = b"PK\x05\x06"
_LARGE_END = struct.Struct("<4sQ2H2I4Q")
_LOCATOR = struct.Struct("<4sIQI")
_LOCAL_HEADER = struct.Struct("<4s22x2H")
_HARMLESS_FLAGS = 0x808  # names are UTF-8; checksum and size follow the data


class ArchiveError(ValueError):
    """The file is not an archive as torch writes it."""


class Record(NamedTuple):
    """Where a record's content lies."""

    start: int
    size: int


def read_records(file: BinaryIO, *, comment_bytes: int = 0) -> dict[str, Record]:
    """Return the records of an archive by name, without the folder that they all lie in.

    Args:
        file: the archive.
        comment_bytes: length of the archive's comment.

    Raises:
        ArchiveError: if records are compressed, overlap, or are not laid out as torch does it.
    """
    directory_start = _directory_start(file, comment_bytes)
    try:
        with zipfile.ZipFile(file) as archive:
            entries = sorted(archive.infolist(), key=lambda entry: entry.header_offset)
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise ArchiveError(f"its directory is damaged: {error}") from error
    records: dict[str, Record] = {}
    end = 0
    for entry in entries:
        stored = entry.compress_type == zipfile.ZIP_STORED and entry.file_size == entry.compress_size
        if not stored or entry.flag_bits & ~_HARMLESS_FLAGS:
            raise ArchiveError(f"its record {entry.filename} is compressed or encrypted")
        if entry.header_offset < end:
            raise ArchiveError(f"its record {entry.filename} overlaps another one")
        file.seek(entry.header_offset)
        signature, name_bytes, extra_bytes = _LOCAL_HEADER.unpack(file.read(_LOCAL_HEADER.size))
        start = entry.header_offset + _LOCAL_HEADER.size + name_bytes + extra_bytes
        end = start + entry.file_size
        folder, _, name = entry.filename.partition("/")
        if signature != b"PK\x03\x04" or end > directory_start or name in records:
            raise ArchiveError(f"its record {entry.filename} is damaged")
        if folder != entries[0].filename.partition("/")[0]:
            raise ArchiveError(f"its record {entry.filename} is in another folder")
        records[name] = Record(start, entry.file_size)
    return records


def _directory_start(file: BinaryIO, comment_bytes: int) -> int:
    """Check the archive's end, which limits what any reader of its directory meets, and return where that begins."""
    length = _LARGE_END.size + _LOCATOR.size + END.size + comment_bytes
    position = file.seek(0, os.SEEK_END) - length
    if position < 0:
        raise ArchiveError("it is too short")
    file.seek(position)
    tail = file.read(length)
    signature, *_, count, _, size, start = _LARGE_END.unpack_from(tail)
    locator_signature, _, located, _ = _LOCATOR.unpack_from(tail, _LARGE_END.size)
    end_signature, *_, comment = END.unpack_from(tail, _LARGE_END.size + _LOCATOR.size)
    if (signature, locator_signature, end_signature) != (b"PK\x06\x06", b"PK\x06\x07", END_SIGNATURE):
        raise ArchiveError("it does not end as torch's archives do")
    if located != position or start + size != position or comment != comment_bytes:
        raise ArchiveError("its directory is not where it should be")
    if count > MOST_RECORDS or size > MOST_RECORDS * 128:
        raise ArchiveError(f"it has more than {MOST_RECORDS} records")
    return start
