"""What happens to a training config before Hydra writes anything: a run is started, the jobs of a sweep are checked."""

from __future__ import annotations

import copy
import importlib.util
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
from gan_lightning.core.errors import InputError
from gan_lightning.launch.command import stop
from gan_lightning.launch.held_back import HeldBack
from gan_lightning.launch.job import continuing, read_config
from gan_lightning.launch.plan import PlannedJob, planned_jobs, without_hydra
from gan_lightning.launch.resume import differences
from gan_lightning.launch.sweep_progress import SweepProgress
from gan_lightning.launch.sweep_report import folders_below, report

if TYPE_CHECKING:
    from gan_lightning.launch.start import Start

log = logging.getLogger(__name__)

REMOTE = "hydra_plugins.gan_lightning_slurm.launcher.SlurmLauncher"
"""The launcher whose jobs run on other machines."""


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
        folders: of the jobs of a plain sweep.
        progress: of that sweep.
    """

    def __init__(self) -> None:
        self.folders: list[Path] = []
        self.progress: SweepProgress | None = None

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Start the run for the task to take up, or stop with exit code 2 and all complaints."""
        with loudly():
            if config.hydra.launcher._target_ == REMOTE:
                raise InputError("cluster, hydra/launcher: SLURM jobs are jobs of a sweep, start one with gan-train -m")
            HydraConfig.instance().set_config(copy.deepcopy(config))  # makes its argument read-only
            config = copy.deepcopy(config)
            with flag_override(config, ["struct", "readonly"], False):
                config.hydra.runtime.output_dir = os.path.abspath(config.hydra.run.dir)  # Hydra sets it after this call
                HydraConfig.instance().set_config(copy.deepcopy(config))
                del config["hydra"]
            _handed_on[:] = [_started(config)]

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Compose and check every job of a plain sweep; what is wrong with any of them stops all."""
        with loudly():
            # Hydra needs this for a folder name that looks at ``hydra:runtime.choices``, and does it only in jobs
            HydraConfig.instance().set_config(copy.deepcopy(config))
            jobs = planned_jobs(config)
            problems: dict[str, list[str]] = {}
            for job in jobs:
                for message in job_problems(job):
                    problems.setdefault(message, []).append(" ".join(job.overrides))
            if problems:
                raise ConfigError([f"{message} ({which(found, len(jobs))})" for message, found in problems.items()])
            self.folders = check_folders([(job.folder, " ".join(job.overrides)) for job in jobs])
            self.progress = SweepProgress(self.folders) if self.folders else None

    def on_job_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Say how far the sweep has come, whichever process has this job."""
        if self.progress is not None:
            log.info(self.progress.describe())

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        """Say what became of every job, and end the process with a code that tells of it."""
        with loudly():
            code = report(self.folders or folders_below(Path(config.hydra.sweep.dir).absolute()))
            if code:
                raise SystemExit(code)


def job_problems(job: PlannedJob) -> list[str]:
    """Return what is wrong with one job of a sweep."""
    cfg = without_hydra(job.config)
    remote = job.config.hydra.launcher._target_ == REMOTE
    from gan_lightning.launch.start import check

    try:
        with job.present():
            continuing(check(cfg, remote_processes=requested_processes(job.config) if remote else None))
            if remote:
                check_request(job.config)
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
    former = read_config(folder)
    if former is None:
        return
    now: dict[str, Any] = OmegaConf.to_container(cfg, resolve=True)  # type: ignore[assignment]
    if lines := differences(former, now, moved=True):  # each job looks at its data when it starts
        hint = "delete it, or choose another folder for this sweep with hydra.sweep.dir=..."
        raise ConfigError([f"{folder} holds another run: {line}; {hint}" for line in lines])


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
        raise ConfigError(["hydra/launcher: there is no sbatch here; SLURM jobs are submitted on one of its machines"])
    if importlib.util.find_spec("submitit") is None:
        raise ConfigError(["hydra/launcher: submitit is missing; pip install gan-lightning[slurm]"])


def which(found: list[str], count: int) -> str:
    """Say in which of ``count`` jobs something was found."""
    if len(found) == count:
        return "in every job"
    return f"in the job {found[0]}" + (f" and {len(found) - 1} more" if len(found) > 1 else "")


@contextmanager
def loudly() -> Iterator[None]:
    """End the process on any exception, since Hydra turns those of its callbacks into warnings and goes on."""
    try:
        yield
    except (ConfigError, InputError) as error:
        stop(error)
    except COMPOSITION_ERRORS as error:
        stop(ConfigError([str(error)]))
    except Exception:
        traceback.print_exc()
        raise SystemExit(1) from None
