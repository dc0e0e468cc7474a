"""``results.json``, the only record of what became of a run: how it is read, and noted in from outside of the run.

The file holds

- ``status``: see ``runs.status``; ``message``: why, or null; ``requeue``: whether a cluster was to queue it again;
- ``last_start``: status and message of a later start that ended before it trained, or null;
- ``images_seen``, ``budget_images``, ``wall_time_s``;
- ``objective``: what a sweep minimizes, or null, and ``objective_score``: the key of the score that it is the best of;
- ``scores``: ``final`` and ``best``, each score with its protocol and number of images;
- ``evaluations``: their values over time; ``skipped``: metric to reason;
- ``real_parts``: what parts of the real images score, by the keys of scores, see ``metrics.real_parts``; of a run that
  has not finished, and in records of older versions, there is nothing;
- ``health``: troubles of the training, see ``callbacks.health``; ``tracking``: what the trackers failed to show;
- ``artefacts``: paths relative to the run folder;
- ``segments``: what each part of the run, from one start to the next, ran with: ``from_images``, ``started_at``,
  ``precision``, ``processes``, ``device`` (cpu, cuda), ``threads``,
  ``deterministic``, ``init_from`` (what the networks started from, or null), ``generator_parameters``, and what
  ``provenance.Origin.record`` returns.

``runs.record`` writes it during a run. Nothing here imports torch or Lightning.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from gan_lightning.core.atomic import write_atomic
from gan_lightning.core.errors import InputError
from gan_lightning.core.side_files import SideFileError, read_json, read_or_move_aside
from gan_lightning.core.strict_json import dumps, from_strict, to_strict
from gan_lightning.runs.folder import RunFolder
from gan_lightning.runs.lock import Occupied, exclusive
from gan_lightning.runs.status import MEANINGS, WORST, Meaning, Status

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """How a run, or a start of it, ended or stands.

    Attributes:
        status: one word.
        objective: what a sweep minimizes, or None.
        message: why, or None.
        requeue: whether a cluster warned that it takes the machine away, and the job should be queued again.
    """

    status: Status
    objective: float | None = None
    message: str | None = None
    requeue: bool = False

    @property
    def meaning(self) -> Meaning:
        """What follows from the status."""
        return MEANINGS[self.status]

    @property
    def over(self) -> bool:
        """Whether nothing more is to come of this start."""
        return self.meaning.exit_code is not None

    @property
    def exit_code(self) -> int:
        """The code that the command ends with; a run that should be over and is not has failed."""
        return 1 if self.meaning.exit_code is None else self.meaning.exit_code

    @property
    def value(self) -> float:
        """What a sweeper gets: the objective of a run that ended in order, ``WORST`` of every other."""
        return WORST if self.exit_code or self.objective is None else self.objective


def read_results(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the content of a results file, with non-finite values as floats.

    Raises:
        FileNotFoundError: if there is no such file.
        SideFileError: if it is damaged, or no results file.
    """
    content = read_json(Path(path))
    try:
        content.setdefault("real_parts", {})
        if missing := sorted(blank("running").keys() - content.keys()):
            raise ValueError(f"it has no {', '.join(missing)}")
        for said in (content, *([] if content["last_start"] is None else [content["last_start"]])):
            if said["status"] not in get_args(Status):
                raise ValueError(f"its status is {said['status']!r}")
        tables = [*content["scores"].values(), *(evaluation["scores"] for evaluation in content["evaluations"])]
        for entry in (entry for table in tables for entry in table.values()):
            entry["value"], entry["stderr"] = from_strict(entry["value"]), from_strict(entry["stderr"])
        content["objective"] = from_strict(content["objective"])
        if not isinstance(content["objective"], int | float | None):
            raise ValueError(f"its objective is {content['objective']!r}")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SideFileError(f"{path}: it is not a results file: {type(error).__name__}: {error}") from error
    return content


def outcome_of(content: Mapping[str, Any]) -> Outcome:
    """Return how a run stands, or how its last start ended if that did not come to train."""
    if content["last_start"] is not None:
        return Outcome(content["last_start"]["status"], message=content["last_start"]["message"])
    return Outcome(content["status"], content["objective"], content["message"], content["requeue"])


def read_outcome(folder: Path) -> Outcome | None:
    """Return what the record in a folder says; None if it is missing, or damaged, which is logged."""
    try:
        return outcome_of(read_results(RunFolder(folder).results))
    except FileNotFoundError:
        return None
    except SideFileError as error:
        log.warning("%s", error)
        return None


def blank(status: Status) -> dict[str, Any]:
    """Return the content of a record of a run that has not trained yet."""
    return {
        "status": status,
        "message": None,
        "requeue": False,
        "last_start": None,
        "images_seen": 0,
        "budget_images": None,
        "wall_time_s": 0.0,
        "objective": None,
        "objective_score": None,
        "scores": {"final": {}, "best": {}},
        "skipped": {},
        "real_parts": {},
        "health": [],
        "tracking": [],
        "artefacts": {},
        "evaluations": [],
        "segments": [],
    }


def note(folder: Path, status: Status, *, message: str | None = None) -> None:
    """Enter from outside how a run stands; what it recorded itself stays.

    Args:
        folder: folder of the run; a record is made if there is none.
        status: what it is to say.
        message: why.
    """
    content = _read(folder) or blank(status)
    write_results(folder, {**content, "status": status, "message": message, "requeue": False, "last_start": None})


def note_start(folder: Path, outcome: Outcome) -> None:
    """Enter how a start ended that perhaps did not come to train.

    A run that had trained before keeps its status: a start that changed nothing must not turn a finished run into
    another one. Nothing is entered where another process is at work.
    """
    said = {"status": outcome.status, "message": outcome.message}
    try:
        with exclusive(folder):
            content = _read(folder)
            if content is None or not content["segments"]:
                write_results(folder, {**blank(outcome.status), **said})
            elif content["status"] == "running" and outcome.status == "failed":  # its process is gone
                write_results(folder, {**content, **said})
            elif {key: content[key] for key in said} != said:  # else it said so itself
                write_results(folder, {**content, "last_start": said})
    except Occupied:
        log.info("%s belongs to another process; its record stays as it is", folder)
    except InputError as error:  # no folder, no record
        log.warning("%s", error)


def write_results(folder: Path, content: Mapping[str, Any]) -> None:
    """Replace a record as a whole."""
    write_atomic(RunFolder(folder).results, dumps(content, indent=2) + "\n")


def _read(folder: Path) -> dict[str, Any] | None:
    path = RunFolder(folder).results
    return read_or_move_aside(path, read_results, consequence="the run's record starts over")


def tracker_summary(results: Mapping[str, Any]) -> dict[str, Any]:
    """Return a flat summary of a run's record.

    ``status``, ``images_seen``, ``wall_time_s``, ``health`` (the kinds of trouble, joined by commas), ``message`` if
    there is one, and for every score ``final/<score>`` and ``best/<score>``, ``best_images_seen/<score>``,
    ``higher_is_better/<score>`` and ``protocol/<score>`` (nested). A value that is not finite is a string, as in the
    record's file.

    Args:
        results: the content of ``results.json``, as ``RunRecord`` keeps it.
    """
    values: dict[str, Any] = {
        "status": results["status"],
        "images_seen": results["images_seen"],
        "wall_time_s": results["wall_time_s"],
        "health": ", ".join(trouble["kind"] for trouble in results.get("health", ())) or "healthy",
    }
    if results["message"] is not None:
        values["message"] = results["message"]
    for key, entry in results["scores"]["final"].items():
        values[f"final/{key}"] = entry["value"]
        values[f"protocol/{key}"] = entry["protocol"]
        values[f"higher_is_better/{key}"] = entry["higher_is_better"]
    for key, entry in results["scores"]["best"].items():
        values[f"best/{key}"] = entry["value"]
        values[f"best_images_seen/{key}"] = entry["images_seen"]
    return to_strict(values)
