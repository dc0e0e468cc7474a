"""Where a run's numbers come from: its configuration, how it was started, with what software, on what machine."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from gan_lightning.core.side_files import SideFileError, read_yaml
from gan_lightning.core.strict_json import to_strict
from gan_lightning.core.version import __version__

NOT_HASHED = ("name", "output_dir", "overwrite", "paths", "logger", "resume", "expected")
"""Root keys that say where and for whom a run is, and what is published of it, not what it computes."""

PACKAGES = ("torch", "lightning", "torchvision", "hydra-core", "numpy", "torchmetrics", "torch-fidelity", "wandb")
"""Packages that numbers depend on, or that show them."""

SWEEP_FILE = "multirun.yaml"
"""In a sweep's folder, where Hydra keeps what the sweep was started with."""

LONGEST_TAG = 64  # of W&B


@dataclass(frozen=True, kw_only=True)
class Origin:
    """How a run was started.

    Attributes:
        overrides: what was set on the command line.
        sweep: name of the sweep's folder; None for a single run.
        job: number of the job in the sweep.
        swept: the overrides in which the jobs of the sweep differ.
    """

    overrides: Sequence[str] = ()
    sweep: str | None = None
    job: str | None = None
    swept: Sequence[str] = ()

    def name(self, config: Mapping[str, Any]) -> str:
        """Return the configuration's name, followed by what is this job's own in the sweep."""
        return " ".join([str(config["name"]), *self.swept])

    def group(self, config: Mapping[str, Any]) -> str:
        """Return a name that the seeds of one configuration share, whichever sweep they are from."""
        return f"{config['name']}-{config_hash(config)}"

    def tags(self) -> list[str]:
        """Return the sweep, for a job of one."""
        return [] if self.sweep is None else [f"sweep {self.sweep}"[:LONGEST_TAG]]

    def record(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """Return plain data to keep beside the configuration: with what and on what it runs."""
        return {
            "overrides": list(self.overrides),
            "sweep": self.sweep,
            "job": self.job,
            "config_hash": config_hash(config),
            "git_commit": git_commit(),
            "versions": versions(),
            "hardware": hardware(),
        }


def swept(overrides: Sequence[str], folder: Path) -> list[str]:
    """Return a job's own overrides, which the sweep did not set for all its jobs.

    Args:
        overrides: overrides of the job.
        folder: folder of the sweep.
    """
    try:
        common = set(read_yaml(folder / SWEEP_FILE)["hydra"]["overrides"]["task"])
    except (OSError, SideFileError, KeyError, TypeError):
        return list(overrides)  # a sweeper that keeps no such file
    return [override for override in overrides if override not in common]


def versions() -> dict[str, str | None]:
    """Return the versions of Python, this package and ``PACKAGES``; None for one that is not installed."""
    return {
        "python": platform.python_version(),
        "gan_lightning": __version__,
        **{name: _version(name) for name in PACKAGES},
    }


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def hardware() -> dict[str, Any]:
    """Return the machine: system, number of processors, and the names of its GPUs with their memory in GiB."""
    import torch  # readers of runs do not wait for it

    found = torch.cuda.is_available()
    gpus = [torch.cuda.get_device_properties(index) for index in range(torch.cuda.device_count())] if found else []
    return {
        "system": platform.platform(),
        "machine": platform.machine(),
        "cpus": os.cpu_count(),
        "gpus": [f"{gpu.name} ({gpu.total_memory / 2**30:.0f} GiB)" for gpu in gpus],
    }


def git_commit(folder: Path | None = None) -> str | None:
    """Return the commit of this package's checkout, with ``-dirty`` after it where files are changed.

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
    """Return the part of a configuration that says what a run computes, as strict plain data.

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
    """Return a hash that is equal for runs that differ only in seed, name and folder: 12 hexadecimal digits.

    Args:
        config: the resolved configuration, nested plain data; see ``hashed_part``.
    """
    text = json.dumps(hashed_part(config), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:12]
