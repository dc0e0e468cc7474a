"""``results.json``: what became of a run, and its scores with all that they depend on."""

from __future__ import annotations

import json
import logging
import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal, get_args

from lightning.pytorch.utilities import rank_zero_only

from gan_lightning.core.atomic import write_atomic
from gan_lightning.core.strict_json import dumps, from_strict
from gan_lightning.metrics.scores import Score
from gan_lightning.runs.folder import RunFolder
from gan_lightning.runs.provenance import config_hash, git_commit, versions
from gan_lightning.runs.steps import WallClock

log = logging.getLogger(__name__)

Status = Literal["running", "finished", "diverged", "failed", "preempted", "interrupted"]


def is_better(value: float, than: float, *, higher_is_better: bool) -> bool:
    """Whether ``value`` beats ``than``; NaN never wins, and everything else beats NaN."""
    if math.isnan(value):
        return False
    if math.isnan(than):
        return True
    return value > than if higher_is_better else value < than


def read_results(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The content of a results file, with non-finite score values as floats.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not JSON.
    """
    content = json.loads(Path(path).read_text(encoding="utf-8"))
    tables = [*content["scores"].values(), *(evaluation["scores"] for evaluation in content["evaluations"])]
    for entry in (entry for table in tables for entry in table.values()):
        entry["value"], entry["stderr"] = from_strict(entry["value"]), from_strict(entry["stderr"])
    return content


class RunRecord:
    """Keeps ``<output_dir>/results.json`` up to date; every write replaces the file as a whole.

    The file holds ``status``, ``images_seen``, ``wall_time_s``, ``scores`` (``final`` and ``best``, each score
    with its protocol and number of images), ``evaluations`` (the values over time), ``skipped`` (metric to
    reason), ``health`` (troubles of the training, see ``callbacks.health``), ``tracking`` (what the trackers failed
    to show), ``artefacts`` (paths relative to the run's folder), ``error``, ``versions``, ``git_commit`` and
    ``config_hash``. Only rank zero writes.

    Args:
        output_dir: the run's folder.
        clock: the run's clock, shared with its ``JSONLLogger``; None makes one.
    """

    def __init__(self, output_dir: str | os.PathLike[str], *, clock: WallClock | None = None) -> None:
        self.folder = RunFolder(output_dir)
        self.path = self.folder.results
        self.clock = WallClock() if clock is None else clock
        self.content: dict[str, Any] = {}

    @rank_zero_only
    def start(self, config: Mapping[str, Any], *, resumed_at: int | None = None) -> None:
        """Write the file with status ``running``.

        Args:
            config: the resolved configuration, nested plain data.
            resumed_at: images seen by the checkpoint that training resumes from: scores up to there are kept,
                later ones will be measured again; None for a fresh run, which forgets an older file.
        """
        old = read_results(self.path) if resumed_at is not None and self.path.is_file() else None
        self.content = {
            "status": "running",
            "images_seen": resumed_at or 0,
            "wall_time_s": 0.0,
            "error": None,
            "config_hash": config_hash(config),
            "scores": {"final": {}, "best": {}},
            "skipped": {},
            "health": [],
            "tracking": [] if old is None else old.get("tracking", []),
            "artefacts": {} if old is None else old["artefacts"],
            "evaluations": [],
            "versions": versions(),
            "git_commit": git_commit(),
        }
        if old is not None and resumed_at is not None:
            self._restore(old, resumed_at)
        self._write()

    @rank_zero_only
    def scores(self, images_seen: int, scores: Iterable[Score], *, skipped: Mapping[str, str] | None = None) -> None:
        """Enter one evaluation.

        Args:
            images_seen: when it was.
            scores: what it measured.
            skipped: key of a score that could not be measured, to the reason.
        """
        entries = {score.key: asdict(score) for score in scores}
        for entry in entries.values():
            del entry["key"]
        self._enter(images_seen, entries)
        self.content["skipped"] = dict(skipped or {})
        self.progress(images_seen)

    @rank_zero_only
    def progress(self, images_seen: int) -> None:
        """Enter how far training is, so that a killed run leaves it behind."""
        self.content["images_seen"] = max(images_seen, self.content["images_seen"])
        self._keep()

    @rank_zero_only
    def health(self, troubles: Iterable[Mapping[str, Any]]) -> None:
        """Enter the troubles of the training, all of them; see ``callbacks.health`` for the form."""
        self.content["health"] = [dict(trouble) for trouble in troubles]
        self._keep()

    @rank_zero_only
    def tracking(self, problems: Iterable[str]) -> None:
        """Enter what the trackers failed to show, in sentences."""
        self.content["tracking"] += problems
        self._keep()

    @rank_zero_only
    def artefact(self, name: str, path: str | os.PathLike[str]) -> None:
        """Enter where a product of the run lies, relative to the run's folder if it is below it."""
        resolved, folder = Path(path).resolve(), self.folder.path.resolve()
        inside = resolved.is_relative_to(folder)
        self.content["artefacts"][name] = str(resolved.relative_to(folder) if inside else resolved)
        self._keep()

    @rank_zero_only
    def finish(
        self, status: Status, *, images_seen: int | None = None, error: BaseException | str | None = None
    ) -> None:
        """Enter how the run ended.

        Args:
            status: anything but ``running``.
            images_seen: how far it came; None: as far as known.
            error: the exception that ended it, or its message.

        Raises:
            ValueError: for any other status.
        """
        allowed = [known for known in get_args(Status) if known != "running"]
        if status not in allowed:
            raise ValueError(f"a run's final status must be one of {allowed}, got {status!r}")
        self.content["status"] = status
        self.content["error"] = f"{type(error).__name__}: {error}" if isinstance(error, BaseException) else error
        self.progress(self.content["images_seen"] if images_seen is None else images_seen)

    def best(self, key: str) -> float | None:
        """The best value of a score so far, or None."""
        entry = self.content.get("scores", {}).get("best", {}).get(key)
        return None if entry is None else entry["value"]

    def _restore(self, old: Mapping[str, Any], resumed_at: int) -> None:
        known = {**old["scores"]["best"], **old["scores"]["final"]}
        for evaluation in old["evaluations"]:
            if evaluation["images_seen"] <= resumed_at:
                entries = {key: {**known[key], **measured} for key, measured in evaluation["scores"].items()}
                self._enter(evaluation["images_seen"], entries)

    def _enter(self, images_seen: int, entries: Mapping[str, dict[str, Any]]) -> None:
        final: dict[str, Any] = {}
        best = self.content["scores"]["best"]
        for key, measured in entries.items():
            entry = final[key] = {**measured, "images_seen": images_seen}
            old = best.get(key)
            changed = old is None or old["protocol"] != entry["protocol"]  # values of two protocols have no order
            if changed or is_better(entry["value"], old["value"], higher_is_better=entry["higher_is_better"]):
                best[key] = entry
        self.content["scores"]["final"] = final
        history = {key: {"value": entry["value"], "stderr": entry["stderr"]} for key, entry in final.items()}
        self.content["evaluations"].append({"images_seen": images_seen, "scores": history})

    def _keep(self) -> None:
        """Write; if the disk is full or the like, say so and go on: the next time everything is written again."""
        try:
            self._write()
        except OSError as error:
            log.error("could not write %s, the run goes on: %s", self.path, error)

    def _write(self) -> None:
        self.content["wall_time_s"] = round(self.clock.elapsed_s(), 3)
        write_atomic(self.path, dumps(self.content, indent=2) + "\n")
