"""How images get from disk into a run: where decoded ones are kept, and when a set is too large for that."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from gan_lightning.core.machine import memory_bytes, usable_cpus

_MOST_WORKERS = 8


@dataclass(frozen=True)
class Loading:
    """Resources for reading images; none of it changes what a run computes.

    Args:
        memory_fraction: a set whose decoded images take at most this share of the machine's memory is decoded once
            and kept; a larger one is read again in every epoch. 0: always read again.
        workers: processes that read and decode a larger set; 0: none beside the training; None: one per core, up
            to 8.
        prefetch: batches that each of them keeps ready.
        cache_dir: folder of the cache; None: ``$GAN_LIGHTNING_CACHE``, else ``~/.cache/gan_lightning``.
        keep: whether decoded images are kept on disk for the next start.

    Raises:
        ValueError: for a value out of range.
    """

    memory_fraction: float = 0.5
    workers: int | None = None
    prefetch: int = 4
    cache_dir: str | None = None
    keep: bool = True

    def __post_init__(self) -> None:
        if not (math.isfinite(self.memory_fraction) and 0 <= self.memory_fraction <= 1):
            raise ValueError(f"data.loading.memory_fraction must lie in [0, 1], got {self.memory_fraction}")
        if self.workers is not None and self.workers < 0:
            raise ValueError(f"data.loading.workers must be at least 0, or null, got {self.workers}")
        if self.prefetch < 1:
            raise ValueError(f"data.loading.prefetch must be at least 1, got {self.prefetch}")

    @property
    def limit_bytes(self) -> int:
        """Most that decoded images may take."""
        return int(self.memory_fraction * memory_bytes())

    @property
    def processes(self) -> int:
        """Number of worker processes."""
        return min(usable_cpus(), _MOST_WORKERS) if self.workers is None else self.workers

    def folder(self, name: str) -> Path:
        """Return a folder of the cache."""
        from gan_lightning.core.cache import cache_root  # metrics imports this room

        return cache_root(self.cache_dir) / name


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Let one process of this machine at a time make ``path``; without a lock if none can be had."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(f"{path}.lock")
        lock.acquire()
    except OSError:
        yield
        return
    try:
        yield
    finally:
        lock.release()
