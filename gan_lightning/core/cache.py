"""Where the package keeps what it would otherwise compute or download again."""

from __future__ import annotations

import os
from pathlib import Path

CACHE_VARIABLE = "GAN_LIGHTNING_CACHE"


def cache_root(cache_dir: str | Path | None = None) -> Path:
    """The cache folder: ``cache_dir``, else the environment's ``GAN_LIGHTNING_CACHE``, else ``~/.cache/gan_lightning``.

    Args:
        cache_dir: a folder chosen by the user; ``~`` is expanded.
    """
    chosen = cache_dir or os.environ.get(CACHE_VARIABLE) or Path.home() / ".cache" / "gan_lightning"
    return Path(chosen).expanduser()
