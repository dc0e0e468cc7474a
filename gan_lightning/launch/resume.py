"""What ``resume=`` means: which file a run continues from."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gan_lightning.config import ConfigError
from gan_lightning.core.errors import InputError
from gan_lightning.runs.folder import RunFolder


def find_checkpoint(resume: str | None, output_dir: Path) -> tuple[Path | None, list[str]]:
    """Return the checkpoint to continue from, and what is wrong with damaged ones that were passed over.

    Args:
        resume: "auto", a run folder, a checkpoint file, or None.
        output_dir: folder of this run, where "auto" looks.

    Raises:
        CheckpointError: if what was asked for is not there or not usable.
    """
    from gan_lightning.core.checkpoint import CheckpointError, read_checkpoint
    from gan_lightning.runs.checkpoints import newest_whole

    if resume is None:
        return None, []
    if resume == "auto":
        found, complaints = newest_whole(RunFolder(output_dir).checkpoints)
        if found is None and complaints:
            raise CheckpointError(f"{'; '.join(complaints)}; to begin anew, delete what cannot be read")
        return found, complaints
    path = Path(resume)
    if os.path.isdir(path):  # false for a name that is too long, where Path.is_dir raises
        below = RunFolder(path).checkpoints
        found, complaints = newest_whole(below if below.is_dir() else path)
        if found is None:
            raise CheckpointError("; ".join(complaints) or f"resume={resume}: no checkpoint in that folder")
        return found, complaints
    read_checkpoint(path)
    return path, []


@dataclass(frozen=True)
class Source:
    """What a run continues from.

    Attributes:
        path: the checkpoint, or None for a fresh run.
        images_seen: of the checkpoint, or None.
        complaints: what is wrong with damaged checkpoints that were passed over.
        processes: how many wrote the checkpoint, or None.
    """

    path: Path | None
    images_seen: int | None
    complaints: list[str]
    processes: int | None = None

    def check_processes(self, now: int) -> None:
        """Refuse to go on with another number of processes.

        Raises:
            ConfigError: naming both numbers.
        """
        from gan_lightning.core.checkpoint import processes_problem

        if (problem := processes_problem(self.processes, now)) is not None:
            raise ConfigError([f"resume, trainer.devices: {problem}"])

    def check_budget(self, budget_images: int | None, *, batch_size: int) -> None:
        """Refuse a budget that was passed already, since the run would be called finished under it.

        Args:
            budget_images: the budget; its last batch may go beyond it.
            batch_size: images of a batch, over all processes.

        Raises:
            ConfigError: naming both numbers.
        """
        if self.images_seen is None or budget_images is None:
            return
        if self.images_seen >= budget_images + batch_size:
            raise ConfigError(
                [f"budget: {budget_images} images, and the run to be resumed has seen {self.images_seen} already"]
            )


def prepare_resume(config: Mapping[str, Any], output_dir: Path) -> Source:
    """Find the checkpoint to continue from; refuse one of another run.

    Raises:
        ConfigError: naming each key in which the runs differ.
        InputError: if there is no usable checkpoint.
    """
    from gan_lightning.core.checkpoint import CheckpointError, read_checkpoint

    try:
        path, complaints = find_checkpoint(config["resume"], output_dir)
        if path is None:
            return Source(None, None, complaints)
        stored = read_checkpoint(path)["gan_lightning"]
    except CheckpointError as error:
        raise InputError(f"resume = {config['resume']}: {error}") from error
    if stored["config"] is not None and (lines := differences(stored["config"], config)):
        raise ConfigError([f"resume = {config['resume']}: {path} is of another run: {line}" for line in lines])
    return Source(path, stored["images_seen"], complaints, stored.get("processes"))


ESSENTIAL = ("seed", "batch_size", "data", "model")
"""Parts of a config that must be the same before and after: with others, the run would be another one."""


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Say in which essential keys two configs differ, one line each."""
    lines: list[str] = []
    for key in ESSENTIAL:
        _compare(before.get(key), now.get(key), key, lines)
    return lines


def _compare(before: Any, now: Any, key: str, lines: list[str]) -> None:
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for name in sorted({*before, *now}):
            _compare(before.get(name), now.get(name), f"{key}.{name}", lines)
    elif before != now:
        lines.append(f"{key} was {before!r} and is now {now!r}")
