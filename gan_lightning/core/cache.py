"""Where the package keeps what it would otherwise compute or download again."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path

log = logging.getLogger(__name__)

CACHE_VARIABLE = "GAN_LIGHTNING_CACHE"


def cache_root(cache_dir: str | Path | None = None) -> Path:
    """Return ``cache_dir``, else the environment's ``GAN_LIGHTNING_CACHE``, else ``~/.cache/gan_lightning``.

    Args:
        cache_dir: a folder chosen by the user; ``~`` is expanded.
    """
    chosen = cache_dir or os.environ.get(CACHE_VARIABLE) or Path.home() / ".cache" / "gan_lightning"
    return Path(os.path.expanduser(chosen))


def keep(path: Path, write: Callable[[Path], object]) -> None:
    """Call ``write(path)`` to keep something for the next start; where that fails, warn and continue without.

    Args:
        path: the file, in the cache folder.
        write: writes it whole or not at all.
    """
    try:
        write(path)
    except (OSError, ValueError) as error:  # the disk, or more than a file may hold
        log.warning("cannot keep %s for the next start: %s", path, error)
