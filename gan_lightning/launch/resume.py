"""What ``resume=`` means: which file a run continues from, and in which folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import yaml

from gan_lightning.config import Budget, ConfigError
from gan_lightning.core.errors import InputError
from gan_lightning.launch.overrides import quoted
from gan_lightning.runs.folder import RunFolder

OF_SWEEPS = ("cluster", "sweep")
"""Groups that say how the jobs of a sweep are chosen and started; a run that is continued alone is no sweep."""


def continued_run(argv: Sequence[str]) -> list[str]:
    """Expand ``resume=<run folder>`` to that run's own overrides and folder; what is given besides wins over them.

    Args:
        argv: the command line without the program's name.
    """
    arguments = list(argv)
    value = next((a.removeprefix("resume=") for a in arguments if a.startswith("resume=")), None)
    if value is None or not RunFolder(value).checkpoints.is_dir():
        return arguments
    if any(a.startswith("hydra.run.dir=") for a in arguments):
        return arguments
    stored = RunFolder(value).hydra_overrides
    former = yaml.safe_load(stored.read_text(encoding="utf-8")) or [] if stored.is_file() else []
    given = {_subject(argument) for argument in arguments}
    former = [override for override in former if _subject(override) not in given and _key(override) not in OF_SWEEPS]
    return [*former, *arguments, *_other_budgets_off(arguments), f"hydra.run.dir={quoted(value)}"]


def _key(override: str) -> str:
    return override.partition("=")[0].lstrip("+~")


def _subject(override: str) -> str:
    """What an override is about; the three ways to give a budget are one, since they exclude each other."""
    return "budget" if _key(override).startswith("budget.") else _key(override)


def _other_budgets_off(arguments: Sequence[str]) -> list[str]:
    """A new budget replaces the former one, in whatever unit that was given."""
    units = [f"budget.{entry.name}" for entry in fields(Budget)]
    given = [_key(argument) for argument in arguments if _key(argument) in units]
    return [f"{unit}=null" for unit in units if given and unit not in given]


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
        return newest_whole(RunFolder(output_dir).checkpoints)
    path = Path(resume)
    if path.is_dir():
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

    def check_budget(self, budget_images: int, *, batch_size: int) -> None:
        """Refuse a budget that was passed already, since the run would be called finished under it.

        Args:
            budget_images: the budget; its last batch may go beyond it.
            batch_size: images of a batch, over all processes.

        Raises:
            ConfigError: naming both numbers.
        """
        if self.images_seen is not None and self.images_seen >= budget_images + batch_size:
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
