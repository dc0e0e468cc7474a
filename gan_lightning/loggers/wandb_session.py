"""A W&B run that lasts as long as the training, also if W&B's background process dies in the middle of it.

A kernel short of memory kills that process, for instance. From then on every call of W&B raises, in every run of this
process, until ``wandb.teardown`` has forgotten the dead one.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gan_lightning.core.wandb_internals import dead_process_errors, flush_every

if TYPE_CHECKING:
    from wandb import Run, Settings

_log = logging.getLogger(__name__)

INIT_TIMEOUT_S = 30

FLUSH_INTERVAL_S = 2.0
"""A killed job loses the rows that W&B has in memory."""

RESTARTS = 3
"""So often the process is started again; where it dies more often, the machine has no room for it."""


def refused() -> tuple[type[Exception], ...]:
    """Return the errors of a call whose data W&B cannot take, such as a picture when the disk is full."""
    import wandb

    return (OSError, wandb.errors.Error)


def settings(*, record_git: bool) -> Settings:
    """Return settings that keep W&B quiet and leave out what costs time."""
    import wandb

    made = wandb.Settings(
        console="off",  # capturing stdout costs time and breaks the progress bar
        quiet=True,
        silent=True,
        disable_code=True,
        disable_git=not record_git,
        save_code=False,
        init_timeout=INIT_TIMEOUT_S,
    )
    flush_every(made, FLUSH_INTERVAL_S)
    return made


def init(arguments: dict[str, Any]) -> Run:
    """Call ``wandb.init``; where an earlier run of this process has left a dead process behind, with a new one."""
    import wandb

    try:
        return wandb.init(**arguments)
    except dead_process_errors():
        with contextlib.suppress(*dead_process_errors()):
            wandb.teardown()
        return wandb.init(**arguments)


class Session:
    """A W&B run, the segments that continue it when W&B's process dies, and what was lost.

    Args:
        begin: begins the run, or continues it in a new segment.
        advice: what to do about something that W&B did not record.

    Attributes:
        config: the configuration, told to every segment.
        problems: what W&B did not record, or not at once, in sentences.
    """

    def __init__(self, begin: Callable[[], Run], *, advice: Callable[[], str]) -> None:
        self.config: dict[str, Any] = {}
        self.problems: list[str] = []
        self._begin = begin
        self._advice = advice
        self._run: Run | None = None
        self._restarts = 0
        self._refused = False

    @property
    def begun(self) -> bool:
        """Whether there is a run."""
        return self._run is not None

    @property
    def run(self) -> Run:
        """The run, begun at the first call."""
        if self._run is None:
            self._run = self._begin()
            if self.config:
                self._run.config.update(self.config, allow_val_change=True)
        return self._run

    def tell(self, call: Callable[[Run], object], *, images_seen: int) -> None:
        """Do something with the run if that is possible; it raises only if the run cannot begin.

        Nothing has been trained then, and what is wrong with W&B can still be put right.
        """
        if self._restarts > RESTARTS:
            return
        run = self.run
        try:
            call(run)
        except dead_process_errors() as death:
            self._restart(call, death, images_seen)
        except refused() as error:
            if not self._refused:
                self._complain(f"from {images_seen} images on, W&B could not record everything ({_words(error)})")
            self._refused = True

    def leave(self) -> None:
        """End this segment; the next call begins another one."""
        if self._run is not None:
            with contextlib.suppress(*dead_process_errors()):
                self._run.finish()
        self._run = None

    def _restart(self, call: Callable[[Run], object], death: Exception, images_seen: int) -> None:
        self._restarts += 1
        try:
            if self._restarts <= RESTARTS:
                self._run = None
                call(self.run)
                self._complain(
                    f"W&B's process died at {images_seen} images ({_words(death)}) and was started again, where "
                    "the run continues in a new segment; rows of the last seconds before that may be missing"
                )
                return
        except (*dead_process_errors(), *refused()) as error:
            death = error
        self._restarts = RESTARTS + 1
        self._complain(f"W&B died at {images_seen} images ({_words(death)}) and records nothing more of this run")

    def _complain(self, problem: str) -> None:
        self.problems.append(problem)
        _log.warning("%s. Training continues; %s", problem, self._advice())


def _words(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())
