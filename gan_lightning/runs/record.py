"""The record of a run while it runs: what it is told goes into ``results.json`` at once."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lightning.pytorch.utilities import rank_zero_only

from gan_lightning.core.side_files import read_or_move_aside
from gan_lightning.metrics.scores import Score
from gan_lightning.runs.best import BestScores, entry_of
from gan_lightning.runs.folder import RunFolder
from gan_lightning.runs.results import Outcome, blank, read_results, write_results
from gan_lightning.runs.steps import WallClock

log = logging.getLogger(__name__)


class RunRecord:
    """Keeps ``<output_dir>/results.json`` up to date; every write replaces the file as a whole.

    Only rank zero writes; see ``runs.results`` for the content.

    Args:
        output_dir: the run folder.
        clock: the run's clock, shared with its ``JSONLLogger``; None makes one.

    Attributes:
        best: the best scores; an evaluation is entered here before it is entered in the record.
        content: content of the file; empty before ``start``.
    """

    def __init__(self, output_dir: str | os.PathLike[str], *, clock: WallClock | None = None) -> None:
        self.folder = RunFolder(output_dir)
        self.clock = WallClock() if clock is None else clock
        self.best = BestScores()
        self.content: dict[str, Any] = {}

    @rank_zero_only
    def start(
        self, segment: Mapping[str, Any], *, budget_images: int | None = None, resumed_at: int | None = None
    ) -> None:
        """Write the file with status ``running``.

        Args:
            segment: what this part of the run runs with, plain data.
            budget_images: images after which the run is finished.
            resumed_at: images seen by the checkpoint that training resumes from: scores up to there are kept,
                later ones will be measured again; None for a fresh run, which forgets an older file.
        """
        seen = resumed_at or 0
        self.content = blank("running") | {"images_seen": seen, "budget_images": budget_images}
        if resumed_at is not None:
            consequence = f"scores and settings from before {resumed_at} images are no longer in the record"
            former = read_or_move_aside(
                self.folder.results, lambda path: restored(read_results(path), resumed_at), consequence=consequence
            )
            if former is not None:
                content, best = former
                self.content |= content
                self.best.load_state_dict(best.state_dict())  # until the checkpoint is loaded, which knows it too
        started_at = datetime.now(UTC).isoformat(timespec="seconds")
        self.content["segments"].append({"from_images": seen, "started_at": started_at, **segment})
        self._write()

    @rank_zero_only
    def scores(self, images_seen: int, scores: Iterable[Score], *, skipped: Mapping[str, str] | None = None) -> None:
        """Enter one evaluation, which ``best`` knows already.

        Args:
            images_seen: when it was.
            scores: what it measured.
            skipped: key of a score that could not be measured, to the reason.
        """
        final = {score.key: entry_of(score, images_seen) for score in scores}
        history = {key: {"value": entry["value"], "stderr": entry["stderr"]} for key, entry in final.items()}
        before = [entry for entry in self.content["evaluations"] if entry["images_seen"] < images_seen]
        self.content["evaluations"] = [*before, {"images_seen": images_seen, "scores": history}]
        self.content["scores"]["final"] = final
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
    def real_parts(self, parts: Mapping[str, Mapping[str, Any]]) -> None:
        """Enter what parts of the real images score, by the keys of the scores; see ``metrics.real_parts``."""
        self.content["real_parts"] = {key: dict(found) for key, found in parts.items()}
        self._keep()

    @rank_zero_only
    def tracking(self, problems: Iterable[str]) -> None:
        """Enter what the trackers failed to show, in sentences."""
        self.content["tracking"] += problems
        self._keep()

    @rank_zero_only
    def artefact(self, name: str, path: str | os.PathLike[str]) -> None:
        """Enter where a product of the run lies, relative to the run folder if it is below it."""
        resolved, folder = Path(path).resolve(), self.folder.path.resolve()
        inside = resolved.is_relative_to(folder)
        self.content["artefacts"][name] = str(resolved.relative_to(folder) if inside else resolved)
        self._keep()

    @rank_zero_only
    def finish(self, outcome: Outcome, *, images_seen: int | None = None) -> None:
        """Enter how the run ended; of one that has not started there is nothing to say.

        Args:
            outcome: status, message and requeue; the objective is the record's own.
            images_seen: how far it came; None: as far as known.

        Raises:
            ValueError: for a status of a run that is not over.
        """
        if not outcome.over:
            raise ValueError(f"a run that is over cannot be {outcome.status!r}")
        if not self.content:
            return
        self.content |= {"status": outcome.status, "message": outcome.message, "requeue": outcome.requeue}
        self.progress(self.content["images_seen"] if images_seen is None else images_seen)

    def _keep(self) -> None:
        """Write; if the disk is full or the like, say so and continue: the next write has everything."""
        try:
            self._write()
        except OSError as error:
            log.error("could not write %s; the run continues: %s", self.folder.results, error)

    def _write(self) -> None:
        self.content["scores"]["best"] = self.best.entries
        self.content |= {"objective": self.best.objective, "objective_score": self.best.judge}
        self.content["wall_time_s"] = round(self.clock.elapsed_s(), 3)
        write_results(self.folder.path, self.content)


def restored(old: Mapping[str, Any], resumed_at: int) -> tuple[dict[str, Any], BestScores]:
    """Return what a former record knew at ``resumed_at`` images, and the best scores up to there.

    Raises:
        LookupError, TypeError, AttributeError: if the record is damaged.
    """
    best, final, evaluations = BestScores(), {}, []
    known = {**old["scores"]["best"], **old["scores"]["final"]}
    for evaluation in old["evaluations"]:
        seen = evaluation["images_seen"]
        if seen > resumed_at:
            continue
        scores = [
            Score(key, value["value"], value["stderr"], known[key]["higher_is_better"], known[key]["protocol"])
            for key, value in evaluation["scores"].items()
            if key in known
        ]
        best.enter(seen, scores)
        evaluations.append(evaluation)
        final = {score.key: entry_of(score, seen) for score in scores}
    content = {
        "segments": [segment for segment in old["segments"] if segment["from_images"] < resumed_at],
        "tracking": [*old["tracking"]],
        "artefacts": {**old["artefacts"]},
        "evaluations": evaluations,
        "scores": {"final": final, "best": {}},
    }
    return content, best
