"""One W&B run for one training run, online or offline, without the surprises of the stock logger."""

from __future__ import annotations

import logging
import math
import os
import re
import secrets
import signal
from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lightning.fabric.loggers.logger import rank_zero_experiment
from lightning.pytorch.loggers import WandbLogger
from lightning.pytorch.utilities import rank_zero_only
from PIL import Image

from gan_lightning.core.atomic import write_atomic
from gan_lightning.core.lightning_internals import wandb_arguments
from gan_lightning.core.side_files import read_or_move_aside, read_text
from gan_lightning.loggers.base import Tracker, plain
from gan_lightning.loggers.wandb_login import Mode, resolve_mode, server_answers
from gan_lightning.loggers.wandb_segments import add_segment, recover_segments
from gan_lightning.loggers.wandb_session import Session, init, settings
from gan_lightning.runs.folder import RunFolder
from gan_lightning.runs.provenance import LONGEST_TAG, Origin
from gan_lightning.runs.steps import images_axis

if TYPE_CHECKING:
    from wandb import Run

_log = logging.getLogger(__name__)

_RUN_ID = re.compile(r"[^\s\x00-\x1f/\\#?%:]{1,128}")
"""What W&B takes as an id."""

DEFAULT_PROJECT = "gan-lightning"

_RESERVED = "/\\#?%:"
_PROJECT = re.compile(rf"[^{re.escape(_RESERVED)}]{{1,128}}")

PREEMPTED = 128 + signal.SIGTERM


class WandbTracker(WandbLogger, Tracker):
    """Lightning's W&B logger with explicit arguments, whose chart axis is images seen.

    It differs from its base class where that fails silently: a second run in one process is a second run;
    the mode is an argument of ``wandb.init`` and never leaks into the environment of later jobs; the
    configuration stays nested; a resumed run continues under the id stored in ``<save_dir>/wandb/run_id``;
    and ``close`` ends the run with its exit code. A run that has no id yet takes that of ``WANDB_RUN_ID``, which the
    agents of W&B's sweeps set. The W&B run begins at the first use, not here; from then on nothing that happens to W&B
    ends the training, see ``Session``.

    Args:
        save_dir: the run's folder; W&B's files go to its ``wandb/``.
        project: W&B project; None: ``WANDB_PROJECT``, or "gan-lightning".
        entity: W&B user or team; None: ``WANDB_ENTITY``, or the login's default.
        group: shared by runs that belong together; None: ``WANDB_RUN_GROUP``, or name and hash of the configuration,
            which its seeds share.
        name: displayed name; None: ``WANDB_NAME``, or the configuration's, and what is this job's own in a sweep.
        tags: labels to filter by; none: those of ``WANDB_TAGS``, with commas between them. A job of a sweep gets the
            sweep's, too.
        notes: what the page says below the name; None: ``WANDB_NOTES``.
        job_type: such as ``"train"``.
        mode: ``"auto"`` is online when a login is present and the server takes it, and offline otherwise;
            ``WANDB_MODE`` overrides it. ``"online"`` fails instead of going offline.
        record_git: whether W&B may record the git state of the working directory.
        log_best_checkpoint: whether the best checkpoint becomes an artifact at the end of the run.

    Raises:
        ValueError: for an unknown mode, ``"online"`` without a login, or a project, tag or id that W&B does not take.
    """

    def __init__(
        self,
        *,
        save_dir: str | os.PathLike[str],
        project: str | None = None,
        entity: str | None = None,
        group: str | None = None,
        name: str | None = None,
        tags: Sequence[str] = (),
        notes: str | None = None,
        job_type: str = "train",
        mode: Mode = "auto",
        record_git: bool = False,
        log_best_checkpoint: bool = False,
    ) -> None:
        environ = os.environ
        keys = {"project": "logger.wandb.project", "tags": "logger.wandb.tags"}
        if project is None:
            project, keys["project"] = environ.get("WANDB_PROJECT") or DEFAULT_PROJECT, "WANDB_PROJECT"
        if not tags:
            tags = [tag.strip() for tag in environ.get("WANDB_TAGS", "").split(",") if tag.strip()]
            keys["tags"] = "WANDB_TAGS"
        run_id = environ.get("WANDB_RUN_ID")
        if _PROJECT.fullmatch(project) is None:
            raise ValueError(
                f"{keys['project']} must have 1 to 128 characters and none of {' '.join(_RESERVED)}, got {project!r}"
            )
        if wrong := [tag for tag in tags if not 1 <= len(tag) <= LONGEST_TAG]:
            raise ValueError(f"{keys['tags']} must have 1 to {LONGEST_TAG} characters each, got {wrong[0]!r}")
        if run_id is not None and _RUN_ID.fullmatch(run_id) is None:
            raise ValueError(f"WANDB_RUN_ID must have 1 to 128 characters and none of / \\ # ? % :, got {run_id!r}")
        self._wished_mode = mode
        self._mode = resolve_mode(mode)
        super().__init__(
            save_dir=os.fspath(save_dir),
            project=project,
            entity=entity or environ.get("WANDB_ENTITY"),
            group=group or environ.get("WANDB_RUN_GROUP"),
            name=name or environ.get("WANDB_NAME"),
            tags=list(tags),
            notes=notes or environ.get("WANDB_NOTES"),
            job_type=job_type,
            reinit="create_new",  # leave another job's active run in this process alone
        )
        self._given_id = run_id
        self._record_git = record_git
        self._log_best_checkpoint = log_best_checkpoint
        self._session = Session(self._begin, advice=self._advice)
        self._latest = 0
        self._closed = False

    @property
    @rank_zero_experiment
    def experiment(self) -> Run:
        """The W&B run, begun at the first call; on ranks above zero an object that does nothing."""
        return self._session.run

    @property
    def mode(self) -> str:
        """``"online"``, ``"offline"`` or ``"disabled"``, with ``"auto"`` resolved."""
        return self._mode

    @property
    def begun(self) -> bool:
        """Whether the W&B run has begun."""
        return self._session.begun

    @property
    def problems(self) -> list[str]:
        """What W&B did not record, or not at once, and why."""
        return self._session.problems

    @rank_zero_only
    def identify(self, origin: Origin, config: Mapping[str, Any]) -> None:
        """Set name, group and tags for a run that has not begun."""
        wished = wandb_arguments(self)
        wished["name"] = wished["name"] or origin.name(config)
        wished["group"] = wished["group"] or origin.group(config)
        wished["tags"] = list(dict.fromkeys([*wished["tags"], *origin.tags()]))
        if origin.sweep is not None and self._given_id is not None:
            _log.warning("WANDB_RUN_ID is ignored: each job of a sweep is a run of its own")
            self._given_id = None

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        """Log one row at its number of images, see ``images_axis``."""
        self._latest = images_axis(metrics, step, self._latest)
        row = {**metrics, "images_seen": self._latest}
        self._tell(lambda run: run.log(row))

    @rank_zero_only
    def log_hyperparams(self, params: dict[str, Any] | Namespace) -> None:
        """Do nothing: ``set_config`` records the whole configuration, and Lightning would turn parts into strings."""

    @rank_zero_only
    def set_config(self, config: Mapping[str, Any]) -> None:
        """Record the resolved configuration, nested plain data; raises ValueError for anything else."""
        self._session.config = plain(dict(config))
        if self.begun:
            self._tell(lambda run: run.config.update(self._session.config, allow_val_change=True))
        else:
            self._tell(lambda run: None)  # it begins with its configuration

    @rank_zero_only
    def log_images(self, key: str, image: str | os.PathLike[str] | Image.Image, images_seen: int) -> None:
        """Show a picture at ``images_seen``."""
        import wandb

        self._latest = images_axis({"images_seen": images_seen}, None, self._latest)
        shown, seen = image if isinstance(image, Image.Image) else os.fspath(image), self._latest
        self._tell(lambda run: run.log({key: wandb.Image(shown), "images_seen": seen}))

    @rank_zero_only
    def summary(self, values: Mapping[str, Any]) -> None:
        """Set summary values, which tables of runs show and sort by."""
        data = plain(dict(values))
        self._tell(lambda run: run.summary.update(data))

    @rank_zero_only
    def evaluations(self, table: Sequence[Mapping[str, Any]], pictures: Mapping[int, Path]) -> None:
        """Show all evaluations of the run so far as the table "evaluations".

        Each has the last samples that were drawn until then, since grids may come less often than scores.
        """
        import wandb

        keys = list(dict.fromkeys(key for entry in table for key in entry["scores"]))
        columns = ["images_seen", *(name for key in keys for name in (key, f"{key} s.e.")), "samples", "samples_at"]

        def show(run: Run) -> None:
            shown = wandb.Table(columns=columns, allow_mixed_types=True)
            for entry in table:
                scores = [entry["scores"].get(key, {}) for key in keys]
                numbers = [finite(score.get(name)) for score in scores for name in ("value", "stderr")]
                drawn_at = max((seen for seen in pictures if seen <= entry["images_seen"]), default=None)
                picture = None if drawn_at is None else wandb.Image(os.fspath(pictures[drawn_at]))
                shown.add_data(entry["images_seen"], *numbers, picture, drawn_at)
            run.log({"evaluations": shown, "images_seen": self._latest})

        if table:
            self._tell(show)

    @rank_zero_only
    def best_checkpoint(self, path: str | os.PathLike[str], values: Mapping[str, Any]) -> None:
        """Log the file as the artifact ``<run id>-best`` of type "checkpoint", if this was asked for."""
        import wandb

        def keep(run: Run) -> None:
            artifact = wandb.Artifact(f"{run.id}-best", type="checkpoint", metadata=plain(dict(values)))
            artifact.add_file(os.fspath(path))
            run.log_artifact(artifact, aliases=["best"])

        if self._log_best_checkpoint:
            self._tell(keep)

    @rank_zero_only
    def close(self, exit_code: int) -> None:
        """End the run, waiting for its files to be written (offline) or uploaded (online).

        With the exit code of SIGTERM, W&B shows the run as preempted, and not as crashed.
        """

        def end(run: Run) -> None:
            if exit_code == PREEMPTED:
                run.mark_preempting()
            run.finish(exit_code=exit_code)

        if self.begun and not self._closed:
            self._tell(end)
        self._closed = True

    def where(self) -> str:
        """Return the run's page (online), or the command that uploads its offline segments in their order."""
        if self._mode == "online" and self.begun:
            return str(self._session.run.url)
        return f"gan-compare sync {self._folder}" if recover_segments(self._folder) else "no W&B run"

    @property
    def _folder(self) -> Path:
        return self._run_folder.path

    @property
    def _run_folder(self) -> RunFolder:
        return RunFolder(self.save_dir or ".")

    def _tell(self, call: Callable[[Run], object]) -> None:
        self._session.tell(call, images_seen=self._latest)

    def _advice(self) -> str:
        kept = f"{self._run_folder.metrics} keeps every row"
        return kept if self._mode == "online" else f"{kept}, gan-compare sync {self._folder} uploads what W&B has"

    def _begin(self) -> Run:
        import wandb

        arguments = {key: value for key, value in wandb_arguments(self).items() if key not in ("id", "anonymous")}
        arguments["settings"] = settings(record_git=self._record_git)
        may_fall_back = self._wished_mode == "auto" and self._mode == "online"
        if may_fall_back and not server_answers():
            _log.warning("the W&B server does not answer; the run is recorded offline")
            self._mode = "offline"
        try:
            run = init({**arguments, "id": self._run_id(), "mode": self._mode})
        except (wandb.errors.CommError, wandb.errors.UsageError) as error:
            if not may_fall_back:
                raise
            _log.warning("W&B refuses to go online; the run is recorded offline: %s", error)
            self._mode = "offline"
            # W&B's service keeps the id of the failed attempt as in use
            run = init({**arguments, "id": self._run_id(renew=True), "mode": "offline"})
        if self._mode != "disabled":
            folder = Path(run.dir).parent.name
            add_segment(self._folder, folder=folder, run_id=run.id, mode=self._mode)
        run.define_metric("images_seen")
        run.define_metric("*", step_metric="images_seen", step_sync=True)
        return run

    def _run_id(self, *, renew: bool = False) -> str:
        """Return the id in ``<save_dir>/wandb/run_id``, or make one: a requeued job continues its run."""
        path = self._run_folder.wandb_run_id
        kept = None if renew else read_or_move_aside(path, _read_id, consequence="a new W&B run begins")
        if kept is not None:
            return kept
        given, self._given_id = self._given_id, None
        made = secrets.token_hex(4) if given is None else given
        write_atomic(path, made + "\n")
        return made

    def __getstate__(self) -> dict[str, Any]:
        self._session.leave()  # a run cannot travel to a spawned process, which continues it under its id
        return self.__dict__.copy()


def finite(number: float | None) -> float | None:
    """Return a number as a table can hold it: W&B's take no NaN."""
    return number if number is not None and math.isfinite(number) else None


def _read_id(path: Path) -> str:
    text = read_text(path)
    if not _RUN_ID.fullmatch(text):
        raise ValueError(f"{text!r} is not a run id")
    return text
