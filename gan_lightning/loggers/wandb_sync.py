"""Uploading the offline segments of runs, so that each run is one run on the server.

``wandb sync`` does the work. What it leaves to the caller: it ends with 0 whatever happened, it stops a run at a
segment whose log was cut off, it would repeat the rows of such a segment at the next call, and it takes a segment that
is still being written for a finished one and skips it from then on.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gan_lightning.core.side_files import SideFileError, read_json
from gan_lightning.core.wandb_internals import CUT_OFF, SYNCED_SUFFIX
from gan_lightning.loggers.wandb_segments import Segment, Upload, read_segments, write_segments
from gan_lightning.runs.find import find_folders
from gan_lightning.runs.folder import RunFolder

Uploader = Callable[[Sequence[Path]], str]


@dataclass(frozen=True)
class Synced:
    """What became of one run.

    Attributes:
        run: its folder.
        whole: segments that were uploaded whole.
        cut: segments whose rows before a cut were uploaded.
        waiting: a segment that was left alone because its job may still be writing it.
        failed: segments that could not be uploaded.
        problem: why, as W&B puts it, or what is wrong with the manifest.
    """

    run: Path
    whole: int = 0
    cut: int = 0
    waiting: int = 0
    failed: int = 0
    problem: str | None = None


def find_tracked(roots: Iterable[str | os.PathLike[str]]) -> list[Path]:
    """Return the folders of all runs with segments at or below ``roots``, sorted; see ``find_folders``.

    Raises:
        FileNotFoundError: if a root does not exist.
    """
    places = [Path(root) for root in roots]
    for root in places:
        if not root.is_dir():
            raise FileNotFoundError(f"there is no folder {root}")
    return sorted(find_folders(places, lambda run: run.wandb_segments.is_file()))


def wandb_sync(folders: Sequence[Path]) -> str:
    """Call ``wandb sync`` for segment folders, and return all that it said."""
    command = [sys.executable, "-m", "wandb", "sync", *map(str, folders)]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    return done.stdout + done.stderr


def sync_runs(runs: Iterable[Path], *, running: bool = False, upload: Uploader = wandb_sync) -> list[Synced]:
    """Upload what is not yet uploaded of each run, and keep the manifests.

    Args:
        runs: their folders.
        running: upload also the last segment of a run whose record says ``running``: its job was killed.
        upload: uploads segment folders in order, of each run up to the first that fails, and returns what it said.
    """
    jobs = [_Job(run, running=running) for run in runs]
    while open_jobs := [job for job in jobs if job.pending]:
        said = upload([folder for job in open_jobs for folder in job.pending])
        for job in open_jobs:
            job.note(said)
    return [job.synced for job in jobs]


class _Job:
    """The upload of one run."""

    def __init__(self, run: Path, *, running: bool) -> None:
        self.run = run
        self.segments: list[Segment] = []
        self.before: list[Segment] = []
        self.problem: str | None = None
        self.waiting = 0
        try:
            self.segments = read_segments(run)
        except ValueError as error:
            self.problem = str(error)
            return
        self._mark("")
        self.before = self.segments
        if self._unsent() and self._unsent()[-1] == self.segments[-1] and not running and _says_running(run):
            self.waiting = 1

    def _unsent(self) -> list[Segment]:
        return [segment for segment in self.segments if segment.mode == "offline" and segment.uploaded == "none"]

    @property
    def pending(self) -> list[Path]:
        """Folders to upload now; none after a problem."""
        if self.problem is not None:
            return []
        unsent = self._unsent()
        return [RunFolder(self.run).wandb / segment.folder for segment in unsent[: len(unsent) - self.waiting]]

    def note(self, said: str) -> None:
        """Enter what became of the pending segments."""
        before = self.pending
        self._mark(said)
        if self.pending == before:
            names = {folder.name for folder in before}
            about = [line for line in said.splitlines() if "ERROR" in line or any(name in line for name in names)]
            self.problem = "; ".join(about or said.split("\n")[-2:]) or "wandb sync said nothing"

    def _mark(self, said: str) -> None:
        after = [replace(segment, uploaded=self._upload_of(segment, said)) for segment in self.segments]
        if after != self.segments:
            self.segments = after
            write_segments(self.run, after)

    def _upload_of(self, segment: Segment, said: str) -> Upload:
        if segment.mode != "offline" or segment.uploaded != "none":
            return segment.uploaded
        if (RunFolder(self.run).wandb / segment.folder / f"run-{segment.run_id}.wandb{SYNCED_SUFFIX}").is_file():
            return "whole"
        return "cut" if any(segment.folder in line and CUT_OFF in line for line in said.splitlines()) else "none"

    @property
    def synced(self) -> Synced:
        """What became of the run."""
        changed = [now for now, then in zip(self.segments, self.before, strict=False) if now != then]
        return Synced(
            self.run,
            whole=sum(segment.uploaded == "whole" for segment in changed),
            cut=sum(segment.uploaded == "cut" for segment in changed),
            waiting=self.waiting,
            failed=len(self._unsent()) - self.waiting,
            problem=self.problem,
        )


def _says_running(run: Path) -> bool:
    try:
        return read_json(RunFolder(run).results).get("status") == "running"
    except (FileNotFoundError, SideFileError):
        return False  # without a record nobody writes this run any more
