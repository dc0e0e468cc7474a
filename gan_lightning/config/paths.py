"""Where the config tree is."""

from __future__ import annotations

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
