"""A search with Optuna: ask for trials, launch their jobs, tell their values; a search resumes where it stopped."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.core.utils import JobReturn
from hydra.utils import instantiate
from omegaconf import OmegaConf

from gan_lightning.core.errors import InputError
from gan_lightning.core.side_files import write_side_file
from gan_lightning.launch.search_settings import SearchSettings
from gan_lightning.runs.lock import exclusive
from gan_lightning.runs.status import WORST

if TYPE_CHECKING:
    from optuna import Study, Trial
    from optuna.trial import FrozenTrial

log = logging.getLogger(__name__)

AGAIN = "again"
"""Attribute of a trial that is tried again: the parameters that it is to have."""

FOLDERS = "folders"
"""Attribute of a trial: where its runs are."""

OTHER_SEARCH = "hydra.sweep.dir=... names a folder for another search"

RESULTS = "optimization_results.yaml"

Launch = Callable[..., Sequence[JobReturn]]


def search(settings: SearchSettings, *, folder: Path, launch: Launch) -> None:
    """Search until the study has all its trials; say which is best.

    A second search at the same time would take the first one's trials for cut off, and is refused.

    Args:
        settings: checked.
        folder: the sweep's.
        launch: runs jobs, as ``Launcher.launch`` of Hydra does.

    Raises:
        InputError: if another process searches there, the study is another search's, or it cannot be read or written.
    """
    with exclusive(folder, key="hydra.sweep.dir", purpose="searches in this folder"), usable_storage(settings.storage):
        study = open_study(settings)
        left = remaining(study, settings)
        if left < settings.n_trials:
            log.info("study %s: %d of %d trials are left", study.study_name, left, settings.n_trials)
        launched = 0
        while left > 0:
            trials = [ask(study, settings) for _ in range(min(left, settings.n_jobs))]
            launched += run_trials(study, trials, settings, launch=launch, first_job=launched)
            left -= len(trials)
        conclude(study, settings, folder)


@contextmanager
def usable_storage(storage: str) -> Iterator[None]:
    """Say in one sentence what a database complains of in this block: it is damaged, locked, or of another kind.

    Raises:
        InputError: naming the storage.
    """
    from optuna.exceptions import StorageInternalError
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (SQLAlchemyError, StorageInternalError) as error:
        reason = str(error.__cause__ or error).splitlines()[0]
        raise InputError(f"hydra.sweeper.storage = {storage}: {reason}; {OTHER_SEARCH}") from error


def open_study(settings: SearchSettings) -> Study:
    """Open the study of a search, or begin it.

    Raises:
        InputError: if it cannot be gone on with.
    """
    import optuna
    from optuna.distributions import check_distribution_compatibility

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        study = optuna.create_study(
            study_name=settings.study_name,
            storage=settings.storage,
            pruner=instantiate(settings.pruner),
            load_if_exists=True,
        )
    except RuntimeError as error:  # the tables of another release, of Optuna 2 for instance
        reason = str(error).splitlines()[0]
        raise InputError(f"hydra.sweeper.storage = {settings.storage}: {reason} ({OTHER_SEARCH})") from error
    if study.direction is not optuna.study.StudyDirection.MINIMIZE:
        raise InputError(f"hydra.sweeper.storage = {settings.storage}: the study maximizes; {OTHER_SEARCH}")
    for trial in study.trials:
        for key in trial.distributions.keys() & settings.space.keys():
            try:
                check_distribution_compatibility(trial.distributions[key], settings.space[key])
            except ValueError as error:
                known, wanted = trial.distributions[key], settings.space[key]
                raise InputError(f"{key} = {wanted}: the study has it as {known}; {OTHER_SEARCH}") from error
    return study


def ask(study: Study, settings: SearchSettings) -> Trial:
    """Return the next trial with its parameters: those of one that was cut off, or new ones.

    New ones depend on the sampler's seed and the trials before it alone, so that an interrupted search tries what an
    undisturbed one does.
    """
    asked = sum(
        AGAIN not in trial.user_attrs and is_whole(trial, settings) for trial in study.get_trials(deepcopy=False)
    )
    seed = settings.sampler["seed"]
    study.sampler = instantiate(settings.sampler, seed=None if seed is None else seed + asked)
    return study.ask(dict(settings.space))


def is_whole(trial: FrozenTrial, settings: SearchSettings) -> bool:
    """Return whether a trial has a value for every key; one that was cut off before has launched nothing."""
    return settings.space.keys() <= trial.params.keys()


def remaining(study: Study, settings: SearchSettings) -> int:
    """Queue the trials again that a stop cut off, and return how many are to be run.

    A stop in the middle of this loses no trial and queues none twice.
    """
    from optuna.trial import TrialState

    trials = study.get_trials(deepcopy=True)
    queued = [trial.user_attrs.get(AGAIN) for trial in trials if trial.state is TrialState.WAITING]
    for trial in trials:
        if trial.state is TrialState.RUNNING:
            # one that was tried again may have been cut off before it took its parameters
            chosen = trial.user_attrs.get(AGAIN) or (trial.params if is_whole(trial, settings) else None)
            if chosen is not None and chosen not in queued:
                study.enqueue_trial(chosen, user_attrs={AGAIN: chosen})
            study.tell(trial.number, state=TrialState.FAIL)
    done = sum(trial.state in (TrialState.COMPLETE, TrialState.PRUNED) for trial in trials)
    return max(0, settings.n_trials - done)


def run_trials(
    study: Study, trials: Sequence[Trial], settings: SearchSettings, *, launch: Launch, first_job: int
) -> int:
    """Train the trials of a batch, one seed of each at a time, and tell the study what became of them.

    A run without a score is the end of its trial, which counts as the worst. After every seed but the last the pruner
    may end a trial.

    Args:
        study: which asked for them.
        trials: with their parameters.
        settings: settings of the search.
        launch: see ``search``.
        first_job: number of jobs that were launched before.

    Returns:
        The number of jobs that were launched.
    """
    from optuna.trial import TrialState

    values: dict[int, list[float]] = {trial.number: [] for trial in trials}
    folders: dict[int, list[str]] = {trial.number: [] for trial in trials}
    launched, active = 0, list(trials)
    for step in range(settings.seeds_per_trial):
        lines = [tuple(job_overrides(trial.params, settings, step=step)) for trial in active]
        distinct = list(dict.fromkeys(lines))  # two trials of a batch may be the same
        returns = dict(zip(distinct, launch(distinct, initial_job_idx=first_job + launched), strict=True))
        launched += len(distinct)
        going_on = []
        for trial, line in zip(active, lines, strict=True):
            returned = returns[line]
            try:
                value = float(returned.return_value)
            except Exception as error:  # of the job, which the launcher kept for us
                log.warning("trial %d failed: %s", trial.number, error)
                study.tell(trial, state=TrialState.FAIL)
                continue
            known = values[trial.number]
            known.append(value)
            assert returned.hydra_cfg is not None
            folders[trial.number].append(str(returned.hydra_cfg.hydra.runtime.output_dir))
            trial.set_user_attr(FOLDERS, folders[trial.number])
            mean = WORST if WORST in known else sum(known) / len(known)
            trial.report(mean, step=step + 1)
            if mean == WORST or step + 1 == settings.seeds_per_trial:
                study.tell(trial, mean)
            elif trial.should_prune():
                log.info("trial %d is pruned after %d of %d seeds", trial.number, step + 1, settings.seeds_per_trial)
                study.tell(trial, state=TrialState.PRUNED)
            else:
                going_on.append(trial)
        active = going_on
        if not active:
            break
    return launched


def job_overrides(params: dict[str, Any], settings: SearchSettings, *, step: int) -> list[str]:
    """Return the command line of a trial's job; with only one seed it sets none, which keeps the folder's name."""
    lines = [*(f"{key}={value}" for key, value in params.items()), *settings.fixed]
    if settings.seeds_per_trial == 1:
        return lines
    return [*(line for line in lines if not line.startswith("seed=")), f"seed={settings.seed + step}"]


def conclude(study: Study, settings: SearchSettings, folder: Path) -> None:
    """Write the best trial into the sweep's folder, and say how to train it and where its runs are."""
    from optuna.trial import TrialState

    complete = [trial for trial in study.get_trials(states=[TrialState.COMPLETE]) if trial.value != WORST]
    if not complete:
        log.warning("study %s: no trial has a score", study.study_name)
        return
    best = min(complete, key=lambda trial: trial.values)
    overrides = [*(f"{key}={value}" for key, value in best.params.items()), *settings.fixed]
    content = {"name": "optuna", "best_params": best.params, "best_value": best.value}
    write_side_file(folder / RESULTS, OmegaConf.to_yaml(OmegaConf.create(content)))
    log.info("best of %d trials: trial %d, objective %.6g", len(complete), best.number, best.value)
    log.info("train it alone: gan-train %s", shlex.join(overrides))
    for place in best.user_attrs.get(FOLDERS, []):
        log.info("its run: %s", place)
