"""One training run from its composed config to its record on disk."""

from __future__ import annotations

import contextlib
import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from gan_lightning.callbacks import Evaluation, Interruption, Progress, RunCheckpoint, TrainingHealth
from gan_lightning.core.atomic import write_atomic
from gan_lightning.launch.hydra_files import write_hydra_files
from gan_lightning.launch.origin import present_origin
from gan_lightning.launch.parts import Parts
from gan_lightning.launch.process_watchdog import Companions
from gan_lightning.launch.start import Start, start
from gan_lightning.launch.summary import heldout_distance, print_summary
from gan_lightning.loggers import JSONLLogger
from gan_lightning.runs.folder import RunFolder
from gan_lightning.runs.record import RunRecord, Status
from gan_lightning.runs.status import EXIT_CODES, WORST
from gan_lightning.runs.summary import outcome

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Attributes:
        status: one word.
        objective: best value of the evaluator's first score, sign turned if higher is better; ``WORST`` without.
        requeue: whether a cluster warned that it takes the machine away, and the job should be queued again.
    """

    status: Status
    objective: float
    requeue: bool = False

    @property
    def exit_code(self) -> int:
        """The code the process should end with."""
        return EXIT_CODES[self.status]


def train(cfg: DictConfig) -> Outcome:
    """Train, evaluate and record one run.

    Raises:
        ConfigError: if the config is wrong.
        InputError: see ``start``.
    """
    return run(start(cfg))


def run(begun: Start) -> Outcome:
    """Train what was started; its folder is let go of at the end."""
    with begun.held:
        return _run(begun.config, begun.folder, begun)


def _run(config: dict[str, Any], output_dir: Path, begun: Start) -> Outcome:
    parts, source = begun.parts, begun.source
    for complaint in source.complaints:
        log.warning("%s; going on from %s instead", complaint, source.path or "the beginning")
    if source.path is not None:
        log.info("resuming from %s at %d images", source.path, source.images_seen)
    parts.callback(Companions).begin(parts.trainer)
    record = RunRecord(output_dir, clock=parts.clock)
    if parts.trainer.is_global_zero:
        if begun.composed is not None and HydraConfig.initialized():
            write_hydra_files(output_dir, composed=begun.composed, hydra=HydraConfig.get())
        write_atomic(RunFolder(output_dir).config, OmegaConf.to_yaml(OmegaConf.create(config)))
    journal = next(logger for logger in parts.loggers if isinstance(logger, JSONLLogger))
    journal.truncate_after(-1 if source.images_seen is None else source.images_seen)
    record.start(config, resumed_at=source.images_seen)
    connect(parts, record)

    status: Status = "failed"
    failure: BaseException | None = None
    started = time.monotonic()
    try:
        origin = present_origin()
        for tracker in parts.trackers:
            tracker.identify(origin, config)
            tracker.set_config({**config, "origin": origin.record(config)})
        parts.trainer.fit(
            parts.model,
            datamodule=parts.data,
            ckpt_path=None if source.path is None else str(source.path),
            weights_only=True,
        )
        status = ending(parts)
    except BaseException as error:
        failure = error
        raise
    finally:
        finish(parts, record, status, failure)
    seconds = time.monotonic() - started
    evaluation = parts.callback(Evaluation)
    reference = heldout_distance(parts.data, evaluation) if status == "finished" else None
    if parts.trainer.is_global_zero:
        print_summary(output_dir, evaluation, status, reference=reference, seconds=seconds)
    interruption = parts.callback(Interruption)
    return Outcome(status, objective(evaluation, status), requeue=interruption is not None and interruption.warned)


def connect(parts: Parts, record: RunRecord) -> None:
    """Let scores and troubles reach the record and the progress display."""
    parts.callback(Companions).on_death = lambda reason: record.finish("failed", error=reason)
    evaluation, progress, health = (parts.callback(kind) for kind in (Evaluation, Progress, TrainingHealth))
    if health is not None:
        health.listeners.append(lambda troubles, _: record.health([trouble.as_dict() for trouble in troubles]))
    if health is not None and progress is not None:
        health.listeners.append(lambda _, lasting: progress.report_health(lasting))
    if evaluation is None:
        return
    evaluation.on_scores.append(lambda seen, result: record.scores(seen, result.scores, skipped=result.skipped))
    if progress is not None:
        evaluation.on_scores.append(
            lambda seen, result: progress.report_scores({score.key: score.value for score in result.scores})
        )


def ending(parts: Parts) -> Status:
    """Name how a fit that raised nothing ended."""
    interruption = parts.callback(Interruption)
    if parts.model.diverged:
        return "diverged"
    if interruption is not None and interruption.stopped is not None:
        return "interrupted" if interruption.stopped.name == "SIGINT" else "preempted"
    return "finished"


def finish(parts: Parts, record: RunRecord, status: Status, failure: BaseException | None) -> None:
    """Close record and trackers with what became of the run."""
    checkpoints, health = parts.callback(RunCheckpoint), parts.callback(TrainingHealth)
    if health is not None:
        health.tell()  # how long the troubles lasted
    if checkpoints is not None:
        for path in (checkpoints.folder.latest, checkpoints.folder.best):
            if path.exists():
                record.artefact(path.stem, path)
    record.finish(status, images_seen=parts.model.images_seen, error=failure)
    with contextlib.ExitStack() as closing:  # each is closed, whatever another one raises
        closing.callback(lambda: record.tracking(problem for tracker in parts.trackers for problem in tracker.problems))
        for tracker in parts.trackers:
            closing.callback(tracker.close, EXIT_CODES[status])
        if parts.trainer.is_global_zero:
            summary = outcome(record.content)
            for tracker in (tracker for tracker in parts.trackers if failure is None or tracker.begun):
                tracker.summary(summary)
                if checkpoints is not None and checkpoints.folder.best.exists():
                    tracker.best_checkpoint(checkpoints.folder.best, summary)


def objective(evaluation: Evaluation | None, status: Status) -> float:
    """What a sweep minimises."""
    if status == "diverged" or evaluation is None or evaluation.best is None:
        return WORST
    return -evaluation.best.value if evaluation.best.higher_is_better else evaluation.best.value
