"""What happens to a training config before Hydra writes anything: a run is started, the jobs of a sweep are checked."""

from __future__ import annotations

import copy
import importlib.util
import itertools
import logging
import os
import shutil
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.core.hydra_config import HydraConfig
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf, flag_override

from gan_lightning.config import COMPOSITION_ERRORS, ConfigError
from gan_lightning.core import slurm
from gan_lightning.core.errors import InputError
from gan_lightning.core.hydra_internals import unresolved_value
from gan_lightning.launch.command import stop
from gan_lightning.launch.held_back import HeldBack
from gan_lightning.launch.job import continuing, read_config
from gan_lightning.launch.plan import PlannedJob, compose_jobs, planned_jobs, without_hydra
from gan_lightning.launch.resume import differences
from gan_lightning.launch.sweep_report import SweepProgress, folders_below, report
from gan_lightning.runs.folder import RunFolder
from gan_lightning.runs.lock import Occupied, check_can_be_made
from gan_lightning.runs.provenance import SWEEP_FILE

if TYPE_CHECKING:
    from gan_lightning.launch.start import Start

log = logging.getLogger(__name__)

REMOTE = "hydra_plugins.gan_lightning_slurm.launcher.SlurmLauncher"
"""The launcher whose jobs run on other machines."""

SWEEPER = "hydra_plugins.gan_lightning_optuna.sweeper.OptunaSweeper"
"""The sweeper that chooses its jobs by the scores of former ones."""


_handed_on: list[Start] = []
"""What ``Preflight`` has started and the task takes; Hydra gives a callback no other way to hand something on."""

_held_back = HeldBack()


def handed_on(cfg: DictConfig) -> Start:
    """Return the run that was started for the present task, whose messages can be shown now; start it otherwise."""
    from gan_lightning.launch.start import start

    _held_back.show()
    return _handed_on.pop() if _handed_on else start(cfg)


def _started(config: DictConfig) -> Start:
    from gan_lightning.launch.start import start

    with _held_back:
        return start(config)


class Preflight(Callback):
    """Hydra's callback that stops a wrong run, or a sweep with a wrong job, while nothing is written.

    Attributes:
        folders: folders of the jobs of a plain sweep.
        progress: progress of that sweep.
    """

    def __init__(self) -> None:
        self.folders: list[Path] = []
        self.progress: SweepProgress | None = None

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Start the run for the task to take up, or stop with exit code 2 and all complaints."""
        with loudly():
            if config.hydra.launcher._target_ == REMOTE:
                raise InputError("cluster, hydra/launcher: SLURM jobs run as a sweep; start one with gan-train -m")
            with flag_override(config.hydra, "readonly", False):  # what follows makes it read-only
                HydraConfig.instance().set_config(config)
            check_hydra(config, folder_key="hydra.run.dir")
            _handed_on[:] = [start_in_free_folder(config)]

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Compose and check every job of a sweep, and of a search the ends of its space; what is wrong stops all."""
        with loudly():
            # Hydra needs this for a folder name that looks at ``hydra:runtime.choices``, and does it only in jobs
            HydraConfig.instance().set_config(copy.deepcopy(config))
            check_hydra(config, folder_key="hydra.sweep.dir")
            search = config.hydra.sweeper._target_ == SWEEPER
            jobs = probing_jobs(config) if search else planned_jobs(config)
            check_can_be_made(sweep := Path(config.hydra.sweep.dir).absolute(), key="hydra.sweep.dir")
            check_writable(sweep / SWEEP_FILE, purpose="what the sweep was started with")
            problems: dict[str, list[str]] = {}
            for job in jobs:
                for message in job_problems(job):
                    problems.setdefault(message, []).append(" ".join(job.overrides))
            if problems:
                raise ConfigError([f"{message} ({which(found, len(jobs))})" for message, found in problems.items()])
            if search:  # whose jobs are not known yet
                return
            self.folders = check_folders([(job.folder, " ".join(job.overrides)) for job in jobs])
            self.progress = SweepProgress(self.folders) if self.folders else None

    def on_job_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Log the progress of the sweep; a job may run in any of its processes."""
        if self.progress is not None:
            log.info(self.progress.describe())

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        """Say what became of every job, and end the process with a code that tells of it."""
        with loudly():
            code = report(self.folders or folders_below(Path(config.hydra.sweep.dir).absolute()))
            if code:
                raise SystemExit(code)


def check_hydra(config: DictConfig, *, folder_key: str) -> None:
    """Refuse settings of Hydra's own under which a path would mean something else than what was typed.

    Args:
        config: with Hydra's own node.
        folder_key: key of the folder that Hydra will make.

    Raises:
        InputError: naming the setting.
    """
    if config.hydra.job.chdir:
        raise InputError(
            "hydra.job.chdir = true: relative paths of the config would lie in the run's folder, and not where the "
            "command was typed; leave it false"
        )
    if "${" in (folder := str(OmegaConf.select(config, folder_key))):
        raise InputError(f"{folder_key} = {folder}: Hydra takes ${{ for the start of an interpolation; choose another")


def start_in_free_folder(config: DictConfig) -> Start:
    """Start a run in its folder; where only the time names that, and another run has the name, in one beside it.

    Args:
        config: with Hydra's own node, which is told of the folder.

    Raises:
        Occupied: if another process trains in the folder.
    """
    named_by_time = (
        "run_folder:" in str(unresolved_value(config.hydra.run, "dir"))
        and "hydra:runtime.output_dir" in str(unresolved_value(config, "output_dir"))
        and slurm.job_id() is None  # else it is the job that names it, and a requeued one continues in it
    )
    first = str(config.hydra.run.dir)
    others = (f"{first}_{number}" for number in itertools.count(2)) if named_by_time else ()
    for folder in itertools.chain([first], others):
        if named_by_time and os.path.lexists(folder):
            continue
        with flag_override(config, ["struct", "readonly"], False), flag_override(config.hydra, "readonly", False):
            config.hydra.run.dir = folder
        try:
            return _started(_as_task(config))
        except Occupied:
            if not named_by_time:
                raise
    raise AssertionError("there is always another name")


def _as_task(config: DictConfig) -> DictConfig:
    """Return a copy of a config as its task will get it, and set what ``${hydra:...}`` looks at."""
    copied = copy.deepcopy(config)
    with flag_override(copied, ["struct", "readonly"], False):
        copied.hydra.runtime.output_dir = os.path.abspath(copied.hydra.run.dir)
        HydraConfig.instance().set_config(copy.deepcopy(copied))
        del copied["hydra"]
    return copied


def probing_jobs(config: DictConfig) -> list[PlannedJob]:
    """Return a job for each value at which a search space begins and ends, or which it lists.

    Raises:
        ConfigError: with all that is wrong with the search.
    """
    from gan_lightning.launch.search_settings import probes, read_settings

    return compose_jobs(config, probes(read_settings(config, config.hydra.overrides.task)))


def job_problems(job: PlannedJob) -> list[str]:
    """Return what is wrong with one job of a sweep."""
    cfg = without_hydra(job.config)
    remote = job.config.hydra.launcher._target_ == REMOTE
    from gan_lightning.launch.start import check, refuse_inside_run

    try:
        with job.present():
            continuing(check(cfg, remote_processes=requested_processes(job.config) if remote else None))
            if remote:
                check_request(job.config)
            check_can_be_made(job.folder, key="hydra.sweep.dir")
            refuse_inside_run(job.folder)
            check_folder(job.folder, cfg)
    except (ConfigError, InputError) as error:
        return error.messages if isinstance(error, ConfigError) else [str(error)]
    except COMPOSITION_ERRORS as error:
        return [str(error)]
    return []


def check_folder(folder: Path, cfg: DictConfig) -> None:
    """Refuse a folder in which another run lies: it would be picked up, or overwritten.

    Raises:
        ConfigError: naming each key in which the runs differ.
    """
    check_writable(RunFolder(folder).log, purpose="the job's log")
    former = read_config(folder)
    if former is None:
        return
    now: dict[str, Any] = OmegaConf.to_container(cfg, resolve=True)  # type: ignore[assignment]
    if lines := differences(former, now, moved=True):  # each job looks at its data when it starts
        hint = "delete it, or choose another folder for this sweep with hydra.sweep.dir=..."
        raise ConfigError([f"{folder} holds another run: {line}; {hint}" for line in lines])


def check_writable(path: Path, *, purpose: str) -> None:
    """Refuse what Hydra would fail to write to, or wait for without end, since it opens the file by itself.

    Raises:
        InputError: naming the path.
    """
    if os.path.lexists(path) and not path.is_file():
        found = "a folder" if path.is_dir() else "not a file, or is a link to a missing one"
        raise InputError(f"{path} is {found}, but {purpose} needs this name")


def check_folders(jobs: list[tuple[Path, str]]) -> list[Path]:
    """Return the folders of jobs, which must be different ones.

    Raises:
        ConfigError: naming two jobs that would run in one folder.
    """
    names: dict[Path, str] = {}
    for folder, name in jobs:
        if folder in names:
            raise ConfigError(
                [f"hydra.sweep.subdir: the jobs {names[folder]} and {name} would both run in the folder {folder}"]
            )
        names[folder] = name
    return list(names)


def requested_processes(config: DictConfig) -> int:
    """Return how many processes a job asks a cluster for."""
    return config.hydra.launcher.nodes * config.hydra.launcher.tasks_per_node


def check_request(config: DictConfig) -> None:
    """Check what a job asks a cluster for, whose devices cannot be looked at from here.

    Raises:
        ConfigError: if the request cannot be made, or the batch does not divide over its processes.
    """
    world = requested_processes(config)
    if config.batch_size % world:
        raise ConfigError(
            [f"batch_size = {config.batch_size}: it is the global size and must divide over {world} devices"]
        )
    if shutil.which("sbatch") is None:
        raise ConfigError(["hydra/launcher: there is no sbatch here; submit SLURM jobs from a machine of the cluster"])
    if importlib.util.find_spec("submitit") is None:
        raise ConfigError(["hydra/launcher: submitit is missing; pip install gan-lightning[slurm]"])


def which(found: list[str], count: int) -> str:
    """Say in which of ``count`` jobs something was found."""
    if len(found) == count:
        return "in every job"
    return f"in the job {found[0]}" + (f" and {len(found) - 1} more" if len(found) > 1 else "")


@contextmanager
def loudly() -> Iterator[None]:
    """End the process on any exception, since Hydra turns exceptions of its callbacks into warnings and continues."""
    try:
        yield
    except (ConfigError, InputError) as error:
        stop(error)
    except COMPOSITION_ERRORS as error:
        stop(ConfigError([str(error)]))
    except Exception:
        traceback.print_exc()
        raise SystemExit(1) from None
