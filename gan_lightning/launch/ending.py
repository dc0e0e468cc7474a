"""How a fit that raised nothing ended, and why."""

from __future__ import annotations

from dataclasses import dataclass

from lightning import Trainer
from lightning.pytorch.callbacks import Timer

from gan_lightning.callbacks import Interruption, RunCheckpoint
from gan_lightning.core.signals import Stopped
from gan_lightning.launch.parts import Parts
from gan_lightning.runs.status import Status, status_of_signal


@dataclass(frozen=True)
class Ending:
    """How a run ended, before it is recorded.

    Attributes:
        status: one word.
        message: why, or None where the status says all.
        requeue: whether a cluster left it to us to queue the job again.
    """

    status: Status
    message: str | None = None
    requeue: bool = False


def ending_of(parts: Parts) -> Ending:
    """Return how a fit ended; every process comes to the same result."""
    checkpoints, interruption = parts.callback(RunCheckpoint), parts.callback(Interruption)
    problem = checkpoints.problem if isinstance(checkpoints, RunCheckpoint) else None
    unsaved = None if problem is None else f"the last state could not be saved: {problem}"
    if parts.model.diverged:
        return Ending("diverged")
    if isinstance(interruption, Interruption) and interruption.stopped is not None:
        return Ending(status_of_signal(interruption.stopped), unsaved, requeue=interruption.warned)
    if unsaved is not None:
        return Ending("failed", unsaved)
    budget = parts.model.budget_images
    if budget is None or parts.model.images_seen >= budget:
        return Ending("finished")
    return Ending("stopped", f"{what_stopped(parts.trainer)}, at {parts.model.images_seen} of {budget} images")


def what_stopped(trainer: Trainer) -> str:
    """Name what ended a fit before its budget."""
    if trainer.fast_dev_run:  # type: ignore[attr-defined]
        return "trainer.fast_dev_run was reached"
    if 0 <= trainer.max_steps <= trainer.global_step:
        return f"trainer.max_steps = {trainer.max_steps} was reached, which counts the steps of all optimizers"
    timers = [callback for callback in trainer.callbacks if isinstance(callback, Timer)]  # type: ignore[attr-defined]
    if any((timer.time_remaining() or 1.0) <= 0 for timer in timers):
        return "trainer.max_time was reached"
    if trainer.max_epochs is not None and 0 <= trainer.max_epochs <= trainer.current_epoch:
        return f"trainer.max_epochs = {trainer.max_epochs} was reached"
    if trainer.should_stop:
        return "a callback set trainer.should_stop"
    return "the data ended"


def ending_of_exception(error: BaseException) -> Ending:
    """Return how a run ended that an exception ended."""
    if isinstance(error, Stopped):
        return Ending(status_of_signal(error.number))
    if isinstance(error, KeyboardInterrupt):
        return Ending("interrupted")
    return Ending("failed", f"{type(error).__name__}: {error}")
