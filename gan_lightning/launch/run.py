"""One training run from its composed config to its record on disk."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from gan_lightning.callbacks import Evaluation, Progress, RunCheckpoint, TrainingHealth
from gan_lightning.config.expected import read_expected
from gan_lightning.core.side_files import write_side_file
from gan_lightning.core.signals import stops_raised
from gan_lightning.core.terminal import printable, short_path
from gan_lightning.data import RealDataModule
from gan_lightning.launch.command import is_sweep
from gan_lightning.launch.ending import outcome_of_exception, outcome_of_fit
from gan_lightning.launch.few_images import few_images_hint
from gan_lightning.launch.hydra_files import write_hydra_files
from gan_lightning.launch.parts import Parts
from gan_lightning.launch.process_watchdog import Companions
from gan_lightning.launch.start import Start, start
from gan_lightning.launch.summary import parts_of_real, print_summary, set_beside
from gan_lightning.loggers import JSONLLogger
from gan_lightning.metrics.real_parts import RealParts
from gan_lightning.runs.folder import SAMPLES, RunFolder
from gan_lightning.runs.provenance import Origin, swept
from gan_lightning.runs.record import RunRecord
from gan_lightning.runs.results import Outcome, tracker_summary

log = logging.getLogger(__name__)


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
    if parts.trainer.is_global_zero:
        log.info("the run's folder is %s", printable(short_path(output_dir)))
    for complaint in source.complaints:
        log.warning("%s; continuing from %s instead", complaint, source.path or "the beginning")
    if source.path is not None:
        log.info("resuming from %s at %d images", source.path, source.images_seen)
        if source.doubt is not None:
            log.warning("%s", source.doubt)
        if not isinstance(parts.data, RealDataModule):
            kind = type(parts.data).__name__
            log.warning("%s cannot continue where it stopped: the resumed run sees other batches", kind)
    elif (hint := few_images_hint(parts.model, parts.data)) is not None and parts.trainer.is_global_zero:
        log.warning("%s", hint)
    started_from = None
    if begun.beginning is not None:
        started_from = begun.beginning.record()
        if parts.trainer.is_global_zero:
            log.info("%s", begun.beginning.describe())
        begun.beginning = None  # its tensors, which the model has
    if parts.callback(RunCheckpoint) is None and parts.trainer.is_global_zero:
        log.warning("there is no callbacks.checkpoint: nothing of this run is saved, and it cannot be resumed")
    parts.callback(Companions).begin(parts.trainer)
    record = RunRecord(output_dir, clock=parts.clock)
    if parts.trainer.is_global_zero:
        if begun.composed is not None and HydraConfig.initialized():
            write_hydra_files(output_dir, composed=begun.composed, hydra=HydraConfig.get())
        write_side_file(RunFolder(output_dir).config, OmegaConf.to_yaml(OmegaConf.create(config)))
    journal = next(logger for logger in parts.loggers if isinstance(logger, JSONLLogger))
    journal.truncate_after(-1 if source.images_seen is None else source.images_seen)
    connect(parts, record)
    origin = present_origin()
    about = origin.record(config)
    trainer = parts.trainer
    device = trainer.strategy.root_device.type
    segment = {
        "precision": str(trainer.precision),
        "processes": trainer.world_size,
        "device": device,
        "threads": torch.get_num_threads(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "init_from": started_from,
        "generator_parameters": sum(weight.numel() for weight in parts.model.generator.parameters()),
        **about,
    }

    outcome, real = Outcome("failed"), {}
    started = time.monotonic()
    with stops_raised() as leave:
        try:
            record.start(segment, budget_images=parts.model.budget_images, resumed_at=source.images_seen)
            for tracker in parts.trackers:
                tracker.identify(origin, config)
                tracker.set_config({**config, "origin": about})
            parts.log_hyperparameters(config)
            parts.trainer.fit(
                parts.model,
                datamodule=parts.data,
                ckpt_path=None if source.path is None else str(source.path),
                weights_only=True,
            )
            outcome = outcome_of_fit(parts)
            if outcome.status == "finished":
                real = beside_scores(parts)
                record.real_parts(by_key(parts, real))
        except BaseException as error:
            outcome = outcome_of_exception(error, trainer)
            if isinstance(error, SystemExit) and outcome.meaning.failure:  # whose code may say that all is well
                log.error("%s", outcome.message)
                raise SystemExit(outcome.exit_code) from error
            if outcome.meaning.failure:
                raise
        finally:
            leave()
            finish(parts, record, outcome)
    seconds = time.monotonic() - started
    if parts.trainer.is_global_zero:
        evaluation = parts.callback(Evaluation)
        latest = None if evaluation is None else evaluation.latest
        published = set_beside(
            read_expected(config),
            [] if latest is None else latest.scores,
            images_seen=parts.model.images_seen,
            budget_images=parts.model.budget_images,
        )
        print_summary(output_dir, evaluation, outcome, real=real, published=published, seconds=seconds)
    return replace(outcome, objective=record.best.objective)


def connect(parts: Parts, record: RunRecord) -> None:
    """Let scores and troubles reach the record and the progress display."""
    parts.callback(Companions).on_death = lambda reason: record.finish(Outcome("failed", message=reason))
    evaluation, progress, health = (parts.callback(kind) for kind in (Evaluation, Progress, TrainingHealth))
    if health is not None:
        health.listeners.append(lambda troubles, _: record.health([trouble.as_dict() for trouble in troubles]))
    if health is not None and progress is not None:
        health.listeners.append(lambda _, lasting: progress.report_health(lasting))
    if evaluation is None:
        return
    evaluation.best = record.best
    evaluation.on_scores.append(lambda seen, result: record.scores(seen, result.scores, skipped=result.skipped))
    if progress is not None:
        evaluation.on_scores.append(
            lambda seen, result: progress.report_scores({score.key: score.value for score in result.scores})
        )


def beside_scores(parts: Parts) -> dict[str, RealParts]:
    """Return what parts of the real images score; nothing where there are no scores. All ranks must call it."""
    evaluation = parts.callback(Evaluation)
    if evaluation is None or evaluation.latest is None or evaluation.evaluator is None:
        return {}
    assert isinstance(parts.data, RealDataModule)  # else there were no scores
    real = parts.data.evaluation_set(evaluation.evaluator.real_split)
    return parts_of_real(evaluation.evaluator, real, parts.data, device=parts.trainer.strategy.root_device)


def by_key(parts: Parts, real: Mapping[str, RealParts]) -> dict[str, dict[str, Any]]:
    """Return what parts of the real images score, as plain data, by the keys of the last scores."""
    evaluation = parts.callback(Evaluation)
    scores = [] if evaluation is None or evaluation.latest is None else evaluation.latest.scores
    metrics = {score.key: score.protocol["metric"] for score in scores}
    return {key: asdict(real[metric]) for key, metric in metrics.items() if metric in real}


def finish(parts: Parts, record: RunRecord, outcome: Outcome) -> None:
    """Close record and trackers with what became of the run."""
    if parts.trainer.is_global_zero and not record.content:
        return  # a signal came before anything had begun
    checkpoints, health = parts.callback(RunCheckpoint), parts.callback(TrainingHealth)
    if health is not None:
        health.tell()  # how long the troubles lasted
    if checkpoints is not None:
        for path in (checkpoints.folder.latest, checkpoints.folder.best):
            if path.is_file():
                record.artefact(path.stem, path)
    record.finish(outcome, images_seen=parts.model.images_seen)
    with contextlib.ExitStack() as closing:  # each is closed, whatever another one raises
        closing.callback(lambda: record.tracking(problem for tracker in parts.trackers for problem in tracker.problems))
        for tracker in parts.trackers:
            closing.callback(tracker.close, outcome.exit_code)
        if parts.trainer.is_global_zero:
            summary = tracker_summary(record.content)
            for tracker in (tracker for tracker in parts.trackers if not outcome.meaning.failure or tracker.begun):
                tracker.summary(summary)
                tracker.evaluations(record.content["evaluations"], record.folder.pictures_by_images(SAMPLES))
                if checkpoints is not None and checkpoints.folder.best.is_file():
                    tracker.best_checkpoint(checkpoints.folder.best, summary)


def present_origin() -> Origin:
    """Return the overrides of the present run and its place in a sweep; without Hydra, nothing is known."""
    if not HydraConfig.initialized():
        return Origin()
    hydra = HydraConfig.get()
    overrides = list(hydra.overrides.task)
    if not is_sweep():
        return Origin(overrides=overrides)
    folder = Path(hydra.sweep.dir)
    return Origin(
        overrides=overrides,
        sweep=folder.name,
        job=str(hydra.job.num),
        swept=swept(overrides, folder),
    )
