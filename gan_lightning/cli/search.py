"""Hydra's callback that lets a search with Optuna go on where it stopped."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig, flag_override

from gan_lightning.cli.preflight import loudly

if TYPE_CHECKING:
    from optuna.study import Study

log = logging.getLogger(__name__)


class ContinuedSearch(Callback):
    """Takes ``hydra.sweeper.n_trials`` for the trials of the study, and not for those of each start.

    The sweeper alone would add as many with every start, and leave those that a stop cut off for ever running.
    These are tried again with the same parameters: the same folder, where the run goes on.
    """

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Open the study, repair it, and reduce the number of trials by those it has."""
        import optuna

        sweeper = config.hydra.sweeper
        with loudly():
            Path(config.hydra.sweep.dir).mkdir(parents=True, exist_ok=True)  # the database lies there
            study = optuna.create_study(study_name=sweeper.study_name, storage=sweeper.storage, load_if_exists=True)
            left = remaining(study, sweeper.n_trials)
            if left < sweeper.n_trials:
                log.info("study %s: %d of %d trials are left", study.study_name, left, sweeper.n_trials)
            with flag_override(config.hydra, "readonly", False), flag_override(sweeper, ["readonly", "struct"], False):
                sweeper.n_trials = left


def remaining(study: Study, wanted: int) -> int:
    """Queue the trials again that a stop cut off, and return how many are to be run.

    Args:
        study: of one objective.
        wanted: number of complete trials.
    """
    from optuna.exceptions import ExperimentalWarning
    from optuna.trial import TrialState

    states = [trial.state for trial in study.get_trials(deepcopy=False)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)  # the methods that queue a trial, since 2020
        for trial in study.get_trials(deepcopy=True):
            if trial.state is TrialState.RUNNING:
                study.tell(trial.number, state=TrialState.FAIL)
                if trial.params:
                    study.enqueue_trial(trial.params)
    return max(0, wanted - states.count(TrialState.COMPLETE))
