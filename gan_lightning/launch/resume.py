"""What ``resume=`` means: which file a run continues from."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gan_lightning.config import ConfigError
from gan_lightning.core.errors import InputError
from gan_lightning.core.side_files import SideFileError
from gan_lightning.core.terminal import shell_quoted
from gan_lightning.launch.command_line import run_folder_of
from gan_lightning.runs.folder import RunFolder
from gan_lightning.runs.results import read_outcome, read_results

if TYPE_CHECKING:
    from gan_lightning.launch.parts import Parts


def find_checkpoint(resume: str | None, output_dir: Path) -> tuple[Path | None, list[str]]:
    """Return the checkpoint to resume from, and what is wrong with damaged ones that were skipped.

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
            raise CheckpointError(f"{'; '.join(complaints)}; to start over, delete what cannot be read")
        former = read_outcome(output_dir)
        if found is None and former is not None and former.status == "finished":
            raise CheckpointError(
                f"{output_dir} holds a finished run without latest.ckpt; to start over, leave resume out and set "
                "overwrite=true"
            )
        return found, complaints
    path = Path(resume)
    if os.path.isdir(path):  # false for a name that is too long, where Path.is_dir raises
        below = RunFolder(path).checkpoints
        found, complaints = newest_whole(below if below.is_dir() else path)
        if found is None:
            raise CheckpointError("; ".join(complaints) or f"there is no checkpoint in {path}")
        return found, complaints
    read_checkpoint(path)
    return path, []


@dataclass(frozen=True)
class Source:
    """What a run continues from.

    Attributes:
        path: the checkpoint, or None for a fresh run.
        images_seen: number of images seen at the checkpoint, or None.
        complaints: what is wrong with damaged checkpoints that were skipped.
        processes: how many wrote the checkpoint, or None.
        doubt: why the checkpoint may not be of the run in whose folder it lies, or None.
    """

    path: Path | None
    images_seen: int | None
    complaints: list[str]
    processes: int | None = None
    doubt: str | None = None

    def check_processes(self, now: int) -> None:
        """Refuse to resume with another number of processes.

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
                [f"budget: {budget_images} images, but the run to be resumed has already seen {self.images_seen}"]
            )


def prepare_resume(config: Mapping[str, Any], output_dir: Path, parts: Parts) -> Source:
    """Find the checkpoint to continue from; refuse one of another run, or that the run's parts cannot take over.

    Args:
        config: config of the run, as plain data.
        output_dir: its folder.
        parts: what the config builds.

    Raises:
        ConfigError: naming each key in which the runs differ.
        InputError: if there is no usable checkpoint.
    """
    from gan_lightning.core.checkpoint import CheckpointError, read_checkpoint
    from gan_lightning.launch.restorable import check_restorable

    resume = config["resume"]
    try:
        path, complaints = find_checkpoint(resume, output_dir)
        if path is None:
            return Source(None, None, complaints)
        checkpoint = read_checkpoint(path)
        stored = checkpoint["gan_lightning"]
    except CheckpointError as error:
        raise InputError(f"resume = {resume}: {error}") from error
    if "by_hand" in stored:
        raise InputError(
            f"resume = {resume}: {path} was written by a Trainer without gan-train: it holds a model, but no run to "
            "resume; in Python, trainer.fit(model, ckpt_path=...) continues from it"
        )
    moved, lines = _compare_data(stored.get("data"), parts.model.run_data)
    lines += differences(stored["config"] or {}, config, moved=moved)
    lines += _compare_beginnings(stored["config"] or {}, config)
    problems = [f"resume = {resume}: {path} is of another run: {line}" for line in lines]
    if problems and (run := run_folder_of(path.parent)) is not None and path == Path(resume):
        problems.append(f"resume={shell_quoted(str(run))} resumes the run of {path.name} with its settings")
    if problems:
        raise ConfigError(problems)
    try:
        check_restorable(checkpoint, path, parts)
    except CheckpointError as error:
        raise InputError(f"resume = {resume}: {error}") from error
    written_in = (stored["config"] or {}).get("output_dir") or str(output_dir)
    doubt = doubt_about(path, written_in=written_in, images_seen=stored["images_seen"])
    return Source(path, stored["images_seen"], complaints, stored.get("processes"), doubt)


def doubt_about(path: Path, *, written_in: str, images_seen: int) -> str | None:
    """Say where a checkpoint was written that lies beside a record of other images; None where both may be of one run.

    The record of a killed run may be behind, and a run that was moved was written elsewhere: only both at once are odd.

    Args:
        path: the checkpoint.
        written_in: the folder of the run that wrote it.
        images_seen: by that run, when it did.
    """
    run = RunFolder(path.absolute().parent.parent)
    try:
        recorded = read_results(run.results)["images_seen"]
    except (FileNotFoundError, SideFileError):
        return None
    if recorded == images_seen or os.path.realpath(written_in) == os.path.realpath(run.path):
        return None
    return (
        f"{path} was written in {written_in}, at {images_seen} images, and {run.results} is at {recorded}: unless the "
        "run was moved from there, what its record says of the time before is of another run"
    )


def _compare_data(before: Mapping[str, Any] | None, now: Mapping[str, Any] | None) -> tuple[bool, list[str]]:
    """Return whether two sets of training data are known to be the same, and what is wrong with the new one."""
    if before is None or now is None or not before["fingerprints"] or not now["fingerprints"]:
        return False, []
    if not set(before["fingerprints"]) & set(now["fingerprints"]):
        return False, ["data: the training images are not those that it has seen"]
    if before["dataset"] != now["dataset"]:
        return True, [
            f"data: its scores are of {before['dataset']!r}, and these images are called {now['dataset']!r}; "
            "data.name=... calls them as before"
        ]
    return True, []


def _compare_beginnings(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Say that a run did not start from what ``init_from`` names now, which a resume does not read."""
    former, path = (before.get("init_from") or {}).get("path"), now["init_from"]["path"]
    return [] if path in (None, former) else [f"init_from.path was {former!r} and is now {path!r}"]


ESSENTIAL = ("seed", "batch_size", "data", "model")
"""Parts of a config that must be the same before and after: with others, the run would be another one."""

LOCATIONS = ("path", "root", "download_dir", "cache_dir", "name")
"""Keys of data that say where they lie and what they are called."""


def differences(before: Mapping[str, Any], now: Mapping[str, Any], *, moved: bool = False) -> list[str]:
    """Say in which essential keys two configs differ, one line each.

    Args:
        before: one of them.
        now: the other.
        moved: whether the data may lie elsewhere.
    """
    lines: list[str] = []
    for key in ESSENTIAL:
        _compare(before.get(key), now.get(key), key, lines, ignored=LOCATIONS if moved and key == "data" else ())
    return lines


def _compare(before: Any, now: Any, key: str, lines: list[str], *, ignored: Collection[str]) -> None:
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for name in sorted({*before, *now} - {*ignored}):
            _compare(before.get(name), now.get(name), f"{key}.{name}", lines, ignored=ignored)
    elif before != now:
        lines.append(f"{key} was {before!r} and is now {now!r}")
