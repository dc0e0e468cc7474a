"""``<run folder>/wandb/segments.json``: the parts in which W&B recorded a run, in the order they were made.

Every start of a run, the first one and each after a requeue, makes a segment: a folder of W&B with one transaction
log. All carry the id of the run, so that the server joins offline ones into one run if they come in order. The
manifest says which were uploaded. W&B marks a segment that was uploaded whole by itself; one whose log was cut off by
a kill it never marks, and uploading it again would repeat its rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from gan_lightning.core.atomic import write_atomic
from gan_lightning.core.side_files import SideFileError, read_json, read_or_move_aside
from gan_lightning.core.strict_json import dumps
from gan_lightning.runs.folder import RunFolder

Upload = Literal["none", "whole", "cut"]


@dataclass(frozen=True)
class Segment:
    """One part of a run.

    Attributes:
        folder: name of its folder below ``<run folder>/wandb``.
        run_id: W&B's id of the run.
        mode: ``"online"`` or ``"offline"``.
        started_at: ISO time, UTC.
        uploaded: ``"whole"``, ``"cut"`` (all rows before the place where its log was cut off) or ``"none"``; for an
            offline segment, what the last ``gan-compare sync`` did.
    """

    folder: str
    run_id: str
    mode: str
    started_at: str
    uploaded: Upload = "none"


def read_segments(run: Path) -> list[Segment]:
    """Return the segments of the run in a folder, in order; empty if W&B recorded none.

    Raises:
        SideFileError: if the manifest is damaged, naming it.
    """
    path = RunFolder(run).wandb_segments
    try:
        return _segments(path)
    except FileNotFoundError:
        return []
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        if isinstance(error, SideFileError):
            raise
        raise SideFileError(f"{path} is damaged: {type(error).__name__}: {error}") from error


def recover_segments(run: Path) -> list[Segment]:
    """Return the segments of this process's own run; a damaged manifest is moved aside, with a warning."""
    consequence = "`wandb sync` uploads the segments that it named"
    return read_or_move_aside(RunFolder(run).wandb_segments, _segments, consequence=consequence) or []


def _segments(path: Path) -> list[Segment]:
    segments = [Segment(**entry) for entry in read_json(path)["segments"]]
    for segment in segments:
        if not all(isinstance(value, str) for value in asdict(segment).values()):
            raise TypeError(f"its entry {segment} does not hold text")
        if Path(segment.folder).name != segment.folder:
            raise ValueError(f"{segment.folder!r} is not a folder name")
    return segments


def write_segments(run: Path, segments: Sequence[Segment]) -> None:
    """Replace the manifest."""
    content = {"segments": [asdict(segment) for segment in segments]}
    write_atomic(RunFolder(run).wandb_segments, dumps(content, indent=2) + "\n")


def add_segment(run: Path, *, folder: str, run_id: str, mode: str) -> None:
    """Enter a segment that has just begun."""
    started_at = datetime.now(UTC).isoformat(timespec="seconds")
    write_segments(run, [*recover_segments(run), Segment(folder, run_id, mode, started_at)])
