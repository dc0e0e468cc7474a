"""How a fit ended, and why."""

from __future__ import annotations

import signal

from lightning import Trainer
from lightning.pytorch.callbacks import Timer

from gan_lightning.callbacks import Interruption, RunCheckpoint, TrainingHealth
from gan_lightning.core.signals import Stopped
from gan_lightning.launch.parts import Parts
from gan_lightning.runs.results import Outcome
from gan_lightning.runs.status import status_of_signal


def outcome_of_fit(parts: Parts) -> Outcome:
    """Return how a fit that raised nothing ended; every process comes to the same result."""
    checkpoints, interruption = parts.callback(RunCheckpoint), parts.callback(Interruption)
    problem = checkpoints.problem if isinstance(checkpoints, RunCheckpoint) else None
    unsaved = None if problem is None else f"the last state could not be saved: {problem}"
    if parts.model.diverged:
        health = parts.callback(TrainingHealth)
        seen = None if health is None or health.monitor is None else health.monitor.troubles.get("divergence")
        return Outcome("diverged", message="something is not finite" if seen is None else seen.message)
    if isinstance(interruption, Interruption) and interruption.stopped is not None:
        return Outcome(status_of_signal(interruption.stopped), message=unsaved, requeue=interruption.warned)
    if unsaved is not None:
        return Outcome("failed", message=unsaved)
    budget = parts.model.budget_images
    if budget is None or parts.model.images_seen >= budget:
        return Outcome("finished")
    reason = "the data ended" if parts.model.empty_epochs > 1 else what_stopped(parts.trainer)
    return Outcome("stopped", message=f"{reason}, at {parts.model.images_seen} of {budget} images")


def what_stopped(trainer: Trainer) -> str:
    """Name what ended a fit before its budget."""
    if trainer.fast_dev_run:  # type: ignore[attr-defined]
        return "trainer.fast_dev_run was reached"
    if 0 <= trainer.max_steps <= trainer.global_step:
        return f"trainer.max_steps = {trainer.max_steps} was reached, which counts the steps of all optimizers"
    timers = [callback for callback in trainer.callbacks if isinstance(callback, Timer)]  # type: ignore[attr-defined]
    left = [timer.time_remaining() for timer in timers]
    if any(seconds is not None and seconds <= 0 for seconds in left):
        return "trainer.max_time was reached"
    if trainer.max_epochs is not None and 0 <= trainer.max_epochs <= trainer.current_epoch:
        return f"trainer.max_epochs = {trainer.max_epochs} was reached"
    return "a callback set trainer.should_stop" if trainer.should_stop else "the data ended"


def outcome_of_exception(error: BaseException, trainer: Trainer) -> Outcome:
    """Return how a run ended that an exception ended.

    A launcher ends all processes of a run with SIGTERM when one of them dies, before they have met for instance. A
    step that waits for the dead one fails by itself; outside of the steps nothing tells this from a cluster that
    takes the machines away, and a run that has lost a process is never called preempted.
    """
    if isinstance(error, SystemExit) and isinstance(error.__context__, KeyboardInterrupt):
        return Outcome("interrupted")  # Lightning turns the one into the other
    if isinstance(error, Stopped):
        if error.number == signal.SIGTERM and trainer.world_size > 1 and created_externally(trainer):
            return Outcome("failed", message="SIGTERM outside of the steps: a process died, or the job was ended")
        return Outcome(status_of_signal(error.number))
    if isinstance(error, KeyboardInterrupt):
        return Outcome("interrupted")
    left = "a part of the run wanted to leave the process: " if isinstance(error, SystemExit) else ""
    return Outcome("failed", message=f"{left}{type(error).__name__}: {error}")


def created_externally(trainer: Trainer) -> bool:
    """Say whether a launcher such as ``srun`` or ``torchrun`` starts the processes of a run, and not Lightning."""
    environment = getattr(trainer.strategy, "cluster_environment", None)
    return environment is not None and environment.creates_processes_externally
