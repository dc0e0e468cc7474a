"""The one format of files that are loaded back: checkpoints, decoded pixels, statistics.

A container is what ``torch.save`` writes, a zip archive of stored records, with a digest of all bytes before it as the
archive's comment. ``torch.load(path, weights_only=True)`` reads it as it reads any other file. ``read_container``
verifies the digest, because torch tests no checksum, and limits what the file may describe before anything is built.
"""

from __future__ import annotations

import os
import pickle
import stat
from pathlib import Path
from typing import Any, BinaryIO

import torch
import xxhash

from gan_lightning.core.atomic import whole_file
from gan_lightning.core.machine import memory_bytes
from gan_lightning.core.pickle_scan import ScanError, scan_pickle
from gan_lightning.core.torch_archive import END, END_SIGNATURE, ArchiveError, read_records

MOST_PICKLE_BYTES = 32 * 2**20
"""Of the record that describes everything but the tensors' numbers."""

_LABEL = b"gan-lightning xxh3-128 "
_DIGEST_BYTES = 32  # hexadecimal
_COMMENT_BYTES = len(_LABEL) + _DIGEST_BYTES
_BLOCK_BYTES = 2**20
_ATTEMPTS = 3
_DATA = "data/"


class ContainerError(ValueError):
    """A file is damaged, is not a container, or describes more than may be built; the message names the file."""


class NoDigestError(ContainerError):
    """A file whose content nothing vouches for."""


def write_container(path: Path, content: Any) -> None:
    """Write plain containers and tensors to ``path``, whole or not at all.

    Raises:
        ContainerError: if ``content`` holds anything else, or more than ``read_container`` reads.
        OSError: if the file cannot be written; what was there before still is.
    """
    with whole_file(path) as temporary:
        save_container(temporary, content)


def save_container(path: Path, content: Any) -> None:
    """Write a container directly to ``path``, for callers that rename files themselves.

    Raises:
        ContainerError: as ``write_container`` does.
        OSError: if the file cannot be written; a part of it may have been.
    """
    with path.open("w+b") as file:
        try:
            torch.save(content, file)
        except RuntimeError as error:  # torch's writer reports a full disk in this way
            raise OSError(f"{path} cannot be written: {error}") from error
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise ContainerError(f"what is to be saved cannot be pickled: {error}") from error
        end = file.seek(-END.size, os.SEEK_END)
        *fields, _ = END.unpack(file.read())
        file.seek(end)
        file.write(END.pack(*fields, _COMMENT_BYTES) + _LABEL)
        file.seek(0)
        digest = _digest(file, end + END.size + len(_LABEL))
        file.seek(0, os.SEEK_END)
        file.write(digest)
        try:
            _check_limits(file, comment_bytes=_COMMENT_BYTES)
        except (ArchiveError, ScanError) as error:
            raise ContainerError(f"what is to be saved could not be loaded again: {error}") from error


def read_container(path: Path, *, mapped: bool = False, most_bytes: int | None = None, digest: bool = True) -> Any:
    """Verify a container and load it onto the CPU.

    Args:
        path: the file.
        mapped: map tensors from the disk instead of reading them.
        most_bytes: size above which the file is refused; None: the machine's memory, or any size if it is mapped.
        digest: verify the digest; without, read what ``torch.save`` wrote.

    Raises:
        FileNotFoundError: if there is no such file.
        NoDigestError: if it has no digest.
        ContainerError: if it is damaged, is not a container, or describes more than may be built.
    """
    limit = memory_bytes() if most_bytes is None and not mapped else most_bytes
    for _ in range(_ATTEMPTS):
        verified = check_container(path, most_bytes=limit, digest=digest)
        try:
            content = torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
        except FileNotFoundError:
            raise
        except Exception as error:  # there is no telling what an unpickler raises
            raise ContainerError(f"{path} cannot be read: {type(error).__name__}: {error}") from error
        if identity(os.stat(path)) == verified:
            return content
    raise ContainerError(f"{path} was replaced each time it was read")


def check_container(path: Path, *, most_bytes: int | None = None, digest: bool = True) -> tuple[int, ...]:
    """Verify digest, unless told not to, and limits of a container without loading it.

    Returns:
        What distinguishes the file from one that takes its place.

    Raises:
        FileNotFoundError: if there is no such file.
        ContainerError: as ``read_container`` does.
    """
    try:
        facts = os.stat(path)
        if not stat.S_ISREG(facts.st_mode):
            raise ContainerError(f"{path} is not a regular file")
        if most_bytes is not None and facts.st_size > most_bytes:
            raise ContainerError(f"{path} has {facts.st_size} bytes, more than the {most_bytes} that are allowed")
        with path.open("rb") as file:
            facts = os.fstat(file.fileno())
            if digest:
                _check_digest(file, facts.st_size, path)
            _check_limits(file, comment_bytes=_COMMENT_BYTES if digest else 0)
    except FileNotFoundError:
        raise
    except (ArchiveError, ScanError) as error:
        raise ContainerError(f"{path} is refused: {error}") from error
    except OSError as error:
        raise ContainerError(f"{path} cannot be read: {error}") from error
    return identity(facts)


def identity(facts: os.stat_result) -> tuple[int, ...]:
    """Return what distinguishes a file from one that takes its place, or from itself after it was written to."""
    return facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns


def _check_digest(file: BinaryIO, size: int, path: Path) -> None:
    file.seek(max(0, size - _COMMENT_BYTES - END.size))
    tail = file.read()
    if tail[-END.size :].startswith(END_SIGNATURE):
        raise NoDigestError(f"{path} has no digest: an older version of gan-lightning wrote it, or another program")
    if not tail.startswith(END_SIGNATURE) or tail[END.size : -_DIGEST_BYTES] != _LABEL:
        raise ContainerError(f"{path} is damaged or truncated, or not a file of gan-lightning")
    file.seek(0)
    if _digest(file, size - _DIGEST_BYTES) != tail[-_DIGEST_BYTES:]:
        raise ContainerError(f"{path} is damaged: its content does not match its digest")


def _digest(file: BinaryIO, length: int) -> bytes:
    """Return the hexadecimal digest of the next ``length`` bytes."""
    state, block = xxhash.xxh3_128(), memoryview(bytearray(_BLOCK_BYTES))
    while length and (count := file.readinto(block[: min(length, _BLOCK_BYTES)])):  # type: ignore[attr-defined]
        state.update(block[:count])
        length -= count
    return state.hexdigest().encode()


def _check_limits(file: BinaryIO, *, comment_bytes: int) -> None:
    """Refuse what would take more memory or time to load than the file's own size justifies.

    Raises:
        ArchiveError, ScanError: saying why.
    """
    records = read_records(file, comment_bytes=comment_bytes)
    if "data.pkl" not in records:
        raise ArchiveError("it has no record data.pkl")
    start, size = records["data.pkl"]
    if size > MOST_PICKLE_BYTES:
        raise ScanError(f"its record data.pkl has more than {MOST_PICKLE_BYTES} bytes")
    file.seek(start)
    tensors = {name.removeprefix(_DATA): r.size for name, r in records.items() if name.startswith(_DATA)}
    scan_pickle(file.read(size), tensors)
