"""Where a run comes from: how it was started, with what, on what, and what trackers call it."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import torch

from gan_lightning.runs.provenance import config_hash, git_commit, versions

PACKAGES = ("torchvision", "hydra-core", "numpy", "torchmetrics", "torch-fidelity", "wandb")
"""Beside those of ``versions``."""

_LONGEST_TAG = 64  # of W&B


@dataclass(frozen=True, kw_only=True)
class Origin:
    """How a run was started.

    Attributes:
        overrides: what was set on the command line.
        sweep: name of the sweep's folder; None for a single run.
        job: number of the job in the sweep.
        swept: those of ``overrides`` in which the jobs of the sweep differ.
    """

    overrides: Sequence[str] = ()
    sweep: str | None = None
    job: str | None = None
    swept: Sequence[str] = ()

    def name(self, config: Mapping[str, Any]) -> str:
        """The configuration's name, followed by what is this job's own in the sweep."""
        return " ".join([str(config["name"]), *self.swept])

    def group(self, config: Mapping[str, Any]) -> str:
        """A name that the seeds of one configuration share, whichever sweep they are from."""
        return f"{config['name']}-{config_hash(config)}"

    def tags(self) -> list[str]:
        """The sweep, for a job of one."""
        return [] if self.sweep is None else [f"sweep {self.sweep}"[:_LONGEST_TAG]]

    def record(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """Plain data to keep beside the configuration: with what and on what it runs."""
        return {
            "overrides": list(self.overrides),
            "sweep": self.sweep,
            "job": self.job,
            "config_hash": config_hash(config),
            "git_commit": git_commit(),
            "versions": {**versions(), **{name: _version(name) for name in PACKAGES}},
            "hardware": hardware(),
        }


def hardware() -> dict[str, Any]:
    """The machine: system, number of processors, and the names of its GPUs with their memory in GiB."""
    found = torch.cuda.is_available()
    gpus = [torch.cuda.get_device_properties(index) for index in range(torch.cuda.device_count())] if found else []
    return {
        "system": platform.platform(),
        "machine": platform.machine(),
        "cpus": os.cpu_count(),
        "gpus": [f"{gpu.name} ({gpu.total_memory / 2**30:.0f} GiB)" for gpu in gpus],
    }


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
