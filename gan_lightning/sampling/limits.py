"""How much may be asked for: what would fill the memory or the disk is refused before anything is drawn."""

from __future__ import annotations

import os
from pathlib import Path

MAX_TILES = 4096
"""More samples would make a picture that hardly any program opens."""
_BYTES_PER_FILE = 4096  # of the usual file systems; the smallest PNG file takes as much


def check_tiles(count: int, what: str) -> None:
    """Refuse a picture, or a moving one, of too many images.

    Args:
        count: number of images.
        what: says where the number comes from, "n = 5000".

    Raises:
        ValueError: if there are more than ``MAX_TILES``.
    """
    if count > MAX_TILES:
        raise ValueError(f"{what}: a picture shows at most {MAX_TILES} images, but there are {count}")


def check_room(out: Path, bytes_needed: int, what: str) -> None:
    """Refuse what cannot fit on the disk on which ``out`` lies.

    Args:
        out: the file or folder to be written; it need not exist.
        bytes_needed: its size, or less.
        what: names it, "n = 50000".

    Raises:
        ValueError: if the disk has less room.
        OSError: if the disk cannot be asked.
    """
    folder = next(parent for parent in out.absolute().parents if parent.is_dir())
    disk = os.statvfs(folder)
    room = disk.f_bavail * disk.f_frsize
    if bytes_needed > room:
        raise ValueError(
            f"{what}: {out} would take at least {gigabytes(bytes_needed)}, its disk has {gigabytes(room)} free"
        )


def check_room_for_files(out: Path, count: int, what: str) -> None:
    """Refuse a folder of more files than fit on the disk, however small they are; see ``check_room``."""
    check_room(out, count * _BYTES_PER_FILE, what)


def gigabytes(count: int) -> str:
    """Return a number of bytes for people: "256 GB", "0.12 GB"."""
    return f"{count / 1e9:.{0 if count >= 1e10 else 2}f} GB"
