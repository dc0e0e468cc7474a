"""Runs in a W&B project, read through its API into the same records as runs in folders."""

from __future__ import annotations

import functools
import os
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from gan_lightning.core.strict_json import from_strict
from gan_lightning.loggers.wandb_login import has_login
from gan_lightning.report.run import MOMENTS, UNREADABLE, Run, damaged, make_run
from gan_lightning.runs.folder import SAMPLES

PREFIX = "wandb:"

_STATES = {"finished": "finished", "running": "running", "preempted": "preempted", "killed": "interrupted"}
HEALTHY = "healthy"
_ORIGIN = "origin"  # what the tracker records beside the configuration


class ApiRun(Protocol):
    """What is used of ``wandb.apis.public.Run``."""

    id: str
    state: str
    url: str
    config: dict[str, Any]
    summary_metrics: dict[str, Any]

    def scan_history(self) -> Iterable[Mapping[str, Any]]:
        """Return all rows that were logged."""

    def file(self, name: str) -> Any:
        """Return one of the run's files, which has ``download``."""


class Api(Protocol):
    """What is used of ``wandb.Api``."""

    def runs(self, path: str, *, lazy: bool) -> Iterable[ApiRun]:
        """Return the runs of a project."""

    def run(self, path: str) -> ApiRun:
        """Return one run."""


class WandbDetails:
    """Curves and pictures of a run at W&B, downloaded when they are asked for.

    Args:
        run: the API's run.
    """

    def __init__(self, run: ApiRun) -> None:
        self._run = run

    @functools.cached_property
    def _rows(self) -> list[Mapping[str, Any]]:
        return [row for row in self._run.scan_history() if row.get("images_seen") is not None]

    @functools.cached_property
    def _pictures(self) -> dict[int, str]:
        pictures = ((int(row["images_seen"]), row.get(SAMPLES)) for row in self._rows)
        return {seen: entry["path"] for seen, entry in pictures if isinstance(entry, dict) and "path" in entry}

    def metrics(self) -> list[dict[str, Any]]:
        """Return the logged scalars; what W&B adds for itself is left out."""
        rows = [{k: from_strict(v) for k, v in row.items() if not k.startswith("_")} for row in self._rows]
        return [{k: v for k, v in row.items() if isinstance(v, (int, float))} for row in rows]

    def picture_moments(self) -> list[int]:
        """Return the numbers of images seen at which the history has a picture of samples."""
        return sorted(self._pictures)

    def picture(self, images_seen: int) -> bytes:
        """Download one of them."""
        if images_seen not in self._pictures:
            raise ValueError(f"W&B has no picture at {images_seen} images")
        with tempfile.TemporaryDirectory() as folder:
            name = self._pictures[images_seen]
            with self._run.file(name).download(root=folder, replace=True):
                return (Path(folder) / name).read_bytes()

    def real_picture(self) -> bytes | None:
        """Return None: W&B gets no picture of real images."""
        return None


def find_wandb_runs(path: str, *, api: Api | None = None) -> list[Run]:
    """Read the runs of a project, or one run.

    Args:
        path: ``ENTITY/PROJECT`` or ``ENTITY/PROJECT/RUN_ID``.
        api: W&B's API; None makes one.

    Raises:
        ValueError: for another path, without a login, when W&B cannot be asked, or if there are no runs.
    """
    parts = path.strip("/").split("/")
    if len(parts) not in (2, 3) or not all(parts):
        raise ValueError(f"runs = {PREFIX}{path}: must be {PREFIX}ENTITY/PROJECT or {PREFIX}ENTITY/PROJECT/RUN_ID")
    import wandb

    try:
        asked = _online() if api is None else api
        found = [asked.run("/".join(parts))] if len(parts) == 3 else list(asked.runs("/".join(parts), lazy=False))
        runs = [_read(f"{PREFIX}{'/'.join(parts[:2])}/{run.id}", run) for run in found]
    except (wandb.errors.Error, OSError, ValueError) as error:
        raise ValueError(f"runs = {PREFIX}{path}: {error}") from error
    if not runs:
        raise ValueError(f"runs = {PREFIX}{path}: the project has no runs")
    return runs


def _online() -> Any:
    """Return W&B's own API; without a login it would ask for one on the terminal."""
    import wandb

    if not has_login(os.environ):
        raise ValueError("there is no W&B login; set WANDB_API_KEY or run `wandb login`")
    return wandb.Api()


def _read(place: str, run: ApiRun) -> Run:
    config = {key: value for key, value in run.config.items() if key != _ORIGIN}
    group = run.config.get(_ORIGIN, {}).get("config_hash")
    try:
        found = make_run(place, config, results_of(run), group=group, details=WandbDetails(run))
        return replace(found, tracker=run.url) if run.url.startswith("https://") else found
    except UNREADABLE as error:
        return damaged(place, error)


def results_of(run: ApiRun) -> dict[str, Any]:
    """Return the tracker's summary, see ``tracker_summary``, as the content of a results file.

    Raises:
        KeyError: if a score has no protocol or direction.
    """
    summary = run.summary_metrics
    state = _STATES.get(run.state, "failed")
    scores: dict[str, dict[str, Any]] = {moment: {} for moment in MOMENTS}
    for moment, table in scores.items():
        for name in [name for name in summary if name.startswith(f"{moment}/")]:
            key = name.partition("/")[2]
            table[key] = {
                "value": summary[name],
                "protocol": summary[f"protocol/{key}"],
                "higher_is_better": summary[f"higher_is_better/{key}"],
            }
    images_seen = int(summary.get("images_seen", 0))
    health = summary.get("health", HEALTHY)
    return {
        "status": state if state == "running" else summary.get("status", state),
        "images_seen": images_seen,
        "wall_time_s": summary.get("wall_time_s", summary.get("_runtime")),
        "message": summary.get("message"),
        "scores": scores,
        "health": [] if health == HEALTHY else [_trouble(kind, images_seen) for kind in health.split(", ")],
    }


def _trouble(kind: str, images_seen: int) -> dict[str, Any]:
    """Return a warning that has only its kind, which is all that W&B's summary keeps."""
    return {
        "kind": kind,
        "first_images_seen": 0,
        "last_images_seen": images_seen,
        "message": f"the curve health/{kind} says when",
        "remedy": "what results.json of the run's folder says",
        "config_key": "",
    }
