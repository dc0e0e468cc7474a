"""Hydra's callback that lets a search with Optuna go on where it stopped."""

from __future__ import annotations

import logging
import warnings
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig, flag_override

from gan_lightning.launch.preflight import loudly
from gan_lightning.runs.lock import exclusive

if TYPE_CHECKING:
    from optuna.study import Study

log = logging.getLogger(__name__)

GIVEN = "fixed_params"
"""Where Optuna keeps the parameters of a trial that was queued and not yet begun."""


class ContinuedSearch(Callback):
    """Takes ``hydra.sweeper.n_trials`` for the trials of the study, and not for those of each start.

    The sweeper alone would add as many with every start, and leave those that a stop cut off for ever running.
    These are tried again with the same parameters: the same folder, where the run goes on. A second search at the
    same time would take the first one's trials for cut off, and is refused.
    """

    def __init__(self) -> None:
        self._held = ExitStack()

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Open the study, repair it, and reduce the number of trials by those it has."""
        import optuna

        sweeper = config.hydra.sweeper
        with loudly():
            folder = Path(config.hydra.sweep.dir)  # the database lies there
            self._held.enter_context(exclusive(folder, key="hydra.sweep.dir", purpose="searches in this folder"))
            study = optuna.create_study(study_name=sweeper.study_name, storage=sweeper.storage, load_if_exists=True)
            left = remaining(study, sweeper.n_trials)
            if left < sweeper.n_trials:
                log.info("study %s: %d of %d trials are left", study.study_name, left, sweeper.n_trials)
            with flag_override(config.hydra, "readonly", False), flag_override(sweeper, ["readonly", "struct"], False):
                sweeper.n_trials = left

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        """Let others search."""
        self._held.close()


def remaining(study: Study, wanted: int) -> int:
    """Queue the trials again that a stop cut off, and return how many are to be run.

    A stop in the middle of this loses no trial and queues none twice.

    Args:
        study: of one objective.
        wanted: number of complete trials.
    """
    from optuna.exceptions import ExperimentalWarning
    from optuna.trial import TrialState

    trials = study.get_trials(deepcopy=True)
    queued = [trial.system_attrs.get(GIVEN) for trial in trials if trial.state is TrialState.WAITING]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)  # the methods that queue a trial, since 2020
        for trial in trials:
            if trial.state is TrialState.RUNNING:
                chosen = trial.system_attrs.get(GIVEN) or trial.params  # it may have been cut off before it took them
                if chosen and chosen not in queued:
                    study.enqueue_trial(chosen)
                study.tell(trial.number, state=TrialState.FAIL)
    return max(0, wanted - sum(trial.state is TrialState.COMPLETE for trial in trials))
