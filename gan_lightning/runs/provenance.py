"""Where a run's numbers come from: versions, commit, and a hash of the configuration without the seed."""

from __future__ import annotations

import hashlib
import json
import platform
import subprocess
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from gan_lightning.core.strict_json import to_strict
from gan_lightning.core.version import __version__

NOT_HASHED = ("name", "output_dir", "overwrite", "paths", "logger", "resume")
"""Root keys that say where and for whom a run is, not what it computes."""


def versions() -> dict[str, str | None]:
    """Versions of Python and of the packages that numbers depend on; None for one that is not installed."""
    found: dict[str, str | None] = {"python": platform.python_version(), "gan_lightning": __version__}
    for package in ("torch", "lightning"):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = None
    return found


def git_commit(folder: Path | None = None) -> str | None:
    """The commit of this package's checkout, with ``-dirty`` after it where files are changed.

    None if the package is not in a checkout. A virtual environment inside somebody's repository is not one:
    git has to know the package's files.

    Args:
        folder: inside the checkout; None is this package.
    """
    folder = Path(__file__).parents[1] if folder is None else folder
    if _git(folder, "ls-files", "--error-unmatch", "__init__.py") is None:
        return None
    return _git(folder, "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def hashed_part(config: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a configuration that says what a run computes, as strict plain data.

    Left out are the root keys of ``NOT_HASHED`` and every key called ``seed``, at any depth, since the root's
    seed is interpolated into other nodes. Paths below ``output_dir``, and below absolute ones of ``paths``,
    count relative to them.

    Args:
        config: the resolved configuration, nested plain data.
    """
    places = {"output_dir": config.get("output_dir"), **dict(config.get("paths") or {})}
    roots = {
        str(path).rstrip("/"): f"${{{name}}}"
        for name, path in places.items()
        if path and (name == "output_dir" or str(path).startswith("/"))
    }

    def reduced(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: reduced(item) for key, item in value.items() if key != "seed"}
        if isinstance(value, list):
            return [reduced(item) for item in value]
        if isinstance(value, str):
            for root in sorted(roots, key=len, reverse=True):
                if value == root or value.startswith(root + "/"):
                    return roots[root] + value[len(root) :]
        return value

    return reduced(to_strict({key: value for key, value in config.items() if key not in NOT_HASHED}))


def config_hash(config: Mapping[str, Any]) -> str:
    """A hash that runs share when they differ in nothing but seed, name and place: 12 hexadecimal digits.

    Args:
        config: the resolved configuration, nested plain data; see ``hashed_part``.
    """
    text = json.dumps(hashed_part(config), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:12]
