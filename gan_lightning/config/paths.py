"""Where the config tree is, and what a command line adds to it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent


def conf_dir(package: Path = _PACKAGE) -> Path:
    """Return the folder of the config tree: ``conf`` of a checkout, or the copy inside an installed wheel.

    Args:
        package: folder of the installed package.

    Raises:
        FileNotFoundError: if neither has a ``train.yaml``.
    """
    candidates = [package.parent / "conf", package / "conf"]
    for candidate in candidates:
        if (candidate / "train.yaml").is_file():
            return candidate
    looked = " or ".join(str(candidate / "train.yaml") for candidate in candidates)
    raise FileNotFoundError(f"gan_lightning's config tree is missing: there is no {looked}")


def config_folders(argv: Sequence[str]) -> list[Path]:
    """Return the folders that ``--config-dir`` names on a command line."""
    folders = []
    for position, argument in enumerate(argv):
        for flag in ("--config-dir", "-cd"):
            if argument == flag and position + 1 < len(argv):
                folders.append(Path(argv[position + 1]))
            elif argument.startswith(f"{flag}="):
                folders.append(Path(argument.partition("=")[2]))
    return folders
