"""Saving a run: the latest state often, the best state by score."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Any

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint

from gan_lightning.callbacks.evaluation import Evaluation
from gan_lightning.callbacks.interruption import Interruption
from gan_lightning.models.adversarial import AdversarialModule
from gan_lightning.runs.cadence import Cadence
from gan_lightning.runs.checkpoints import NonFiniteStateError, write_checkpoint
from gan_lightning.runs.folder import RunFolder

log = logging.getLogger(__name__)
_CLOCK_BATCHES = 16


class RunCheckpoint(Checkpoint):
    """Keeps ``latest.ckpt`` (with ``previous.ckpt`` behind it) and ``best.ckpt``.

    Lightning's own callback counts optimizer steps of both players, never fires by time under manual optimization,
    and writes its "last" file only when a score improved.

    Args:
        output_dir: the run folder; the files go to its ``checkpoints/``.
        every_kimg: thousands of images between two saves; None: not by images.
        every_minutes: minutes between two saves; None: not by time.

    Raises:
        ValueError: for an interval that is not positive.

    Attributes:
        problem: why the state was not written to ``latest.ckpt`` when it was due last; None if it was.
    """

    def __init__(self, *, output_dir: str, every_kimg: float | None = None, every_minutes: float | None = 10.0) -> None:
        super().__init__()
        if every_minutes is not None and every_minutes <= 0:
            raise ValueError(f"callbacks.checkpoint.every_minutes must be positive or null, got {every_minutes}")
        self.folder = RunFolder(output_dir)
        self.cadence = Cadence(every_kimg, key="callbacks.checkpoint")
        self.every_minutes = every_minutes
        self.problem: str | None = None
        self._saved_at_s = 0.0
        self._saved_images: int | None = None
        self._batches = 0

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Ask to be told of scores, of a new best one, and of an interruption."""
        for callback in trainer.callbacks:  # type: ignore[attr-defined]
            if isinstance(callback, Evaluation) and self.save_best not in callback.on_best:
                callback.on_best.append(self.save_best)
                callback.on_scores.append(self._note_scores)
            if isinstance(callback, Interruption) and self.save_latest not in callback.on_stop:
                callback.on_stop.append(self.save_latest)

    def _note_scores(self, images_seen: int, result: Any) -> None:
        """Forget the last save, whose state lacks the scores of this evaluation."""
        self._saved_images = None

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the clocks."""
        assert isinstance(pl_module, AdversarialModule)
        self.cadence.start(pl_module.images_seen)
        self._saved_at_s = time.monotonic()

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Save when images or time say so; a state that has diverged replaces none."""
        assert isinstance(pl_module, AdversarialModule)
        due = self.cadence.passed(pl_module.images_seen)
        if self.every_minutes is not None:
            due = due or self._time_is_up(trainer, self.every_minutes)
        if due and not pl_module.diverged:
            self.save_latest(trainer)

    def _time_is_up(self, trainer: Trainer, every_minutes: float) -> bool:
        due = time.monotonic() - self._saved_at_s >= every_minutes * 60
        if trainer.world_size == 1:
            return due
        # Clocks differ between ranks and a save needs all of them: rank 0 decides, now and then.
        self._batches += 1
        return self._batches % _CLOCK_BATCHES == 0 and trainer.strategy.broadcast(due, src=0)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save the last state, also when training was stopped early; not when it diverged."""
        assert isinstance(pl_module, AdversarialModule)
        if not pl_module.diverged and pl_module.images_loaded != self._saved_images:
            self.save_latest(trainer)

    def save_latest(self, trainer: Trainer) -> None:
        """Write ``latest.ckpt``; a full disk or the like is reported, and training continues."""
        assert isinstance(trainer.lightning_module, AdversarialModule)
        self.problem = self._write(trainer, self.folder.latest, keep=self.folder.previous)
        if self.problem is None:
            self._saved_images = trainer.lightning_module.images_loaded
        self._saved_at_s = time.monotonic()

    def save_best(self, trainer: Trainer) -> bool:
        """Write ``best.ckpt``; return whether it could be written."""
        return self._write(trainer, self.folder.best, keep=None) is None

    def _write(self, trainer: Trainer, path: Path, *, keep: Path | None) -> str | None:
        """Write a checkpoint; return what is wrong if that is not possible. A state that is not finite ends the run."""
        module = trainer.lightning_module
        assert isinstance(module, AdversarialModule)
        try:
            write_checkpoint(trainer, path, keep=keep)
        except NonFiniteStateError as error:
            log.error("the run has diverged; its last finite state is kept: %s", error)
            module.diverged = True
            trainer.should_stop = True
            return str(error)
        except OSError as error:
            log.error("could not write a checkpoint; training continues, and the previous one is kept: %s", error)
            return str(error)
        return None
