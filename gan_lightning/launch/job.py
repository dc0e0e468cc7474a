"""One job of a sweep: how it ends is recorded in its folder, and never ends the sweep.

``python -m gan_lightning.cli.job FOLDER`` trains the configuration that lies in a folder. That is how a job gets
processes of its own: Lightning starts them by repeating the command line, and that of a sweep would be the sweep.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from gan_lightning.config import ConfigError, TrainConfig
from gan_lightning.core.errors import InputError
from gan_lightning.core.side_files import SideFileError, read_yaml, write_side_file
from gan_lightning.launch.hydra_files import write_hydra_files
from gan_lightning.runs.folder import RunFolder
from gan_lightning.runs.provenance import NOT_HASHED
from gan_lightning.runs.results import Outcome, note_start, read_outcome

log = logging.getLogger(__name__)


def continuing(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a job's configuration such that the job resumes from its own checkpoint if there is one.

    Raises:
        ConfigError: if it is to overwrite its folder, since each start of the sweep would start all jobs over.
    """
    if config["overwrite"]:
        raise ConfigError(
            ["overwrite = true: a sweep resumes its jobs; to start over, delete its folder or choose another one"]
        )
    begun = RunFolder(config["output_dir"]).holds_checkpoint()
    return {**config, "resume": "auto" if begun or config["resume"] is None else config["resume"]}


def due(folder: Path, config: Mapping[str, Any]) -> Outcome | dict[str, Any]:
    """Return how an earlier start of the sweep ended a job, or else the configuration to start it with.

    Args:
        folder: the job's.
        config: the job's, checked, as plain data.

    Raises:
        ConfigError: see ``continuing``.
    """
    continued = continuing(config)
    if (outcome := settled(folder, continued)) is None:
        return continued
    log.info("%s already: %s", outcome.status, folder)
    return outcome


def settled(folder: Path, config: Mapping[str, Any]) -> Outcome | None:
    """Return how the job ended if an earlier start of the sweep brought it to an end, with this configuration."""
    outcome, former = read_outcome(folder), read_config(folder)
    if outcome is None or not outcome.meaning.settled or former is None:
        return None
    same = all(former.get(key) == config[key] for key in config if key not in NOT_HASHED)
    return outcome if same else None


def read_config(folder: Path) -> dict[str, Any] | None:
    """Return the configuration in a job's folder; None if it is missing, or damaged, which is logged.

    Nothing is moved: another process may be at work there.
    """
    return _readable(RunFolder(folder).config)


def _readable(path: Path) -> dict[str, Any] | None:
    try:
        return read_yaml(path)
    except FileNotFoundError:
        return None
    except SideFileError as error:
        log.warning("%s", error)
        return None


def leave_files(folder: Path, config: Mapping[str, Any], *, composed: DictConfig, hydra: Any) -> None:
    """Put a job's configuration where ``train_folder`` finds it, and Hydra's files where a run of its own has them.

    Args:
        folder: the job's; the caller holds its lock, or knows that no process trains there.
        config: checked, as plain data.
        composed: the same as Hydra composed it.
        hydra: Hydra's own node.
    """
    write_side_file(RunFolder(folder).config, OmegaConf.to_yaml(OmegaConf.create(dict(config))))
    write_hydra_files(folder, composed=composed, hydra=hydra)


def attempt(train: Callable[[], Outcome], folder: Path) -> Outcome:
    """Train, and return how it ends, whatever that is; a signal that asks the process to leave is passed on.

    Args:
        train: trains one job.
        folder: the job's.
    """
    try:
        return train()
    except (ConfigError, InputError) as error:  # an optimizer's choice, for instance, which no check could see before
        print(error, file=sys.stderr)
        outcome = Outcome("refused", message=str(error))
    except Exception as error:  # whatever a job dies of, the others are to have their turn
        log.exception("%s failed", folder)
        outcome = Outcome("failed", message=f"{type(error).__name__}: {error}")
    from lightning.pytorch.utilities import rank_zero_only

    rank_zero_only(note_start)(folder, outcome)
    return outcome


def train_folder(folder: Path) -> Outcome:
    """Train the configuration that lies in a folder, with the log that a job has under Hydra.

    Raises:
        InputError: if there is none.
    """
    config = read_config(folder)
    if config is None:
        raise InputError(f"{RunFolder(folder).config} is missing or damaged")
    from gan_lightning.launch.run import train

    log_to(folder)
    cfg = OmegaConf.merge(OmegaConf.structured(TrainConfig), OmegaConf.create(config))
    assert isinstance(cfg, DictConfig)
    return attempt(lambda: train(cfg), folder)


def log_to(folder: Path) -> None:
    """Set up logging as Hydra would have, from what it left in the folder."""
    from hydra.core.utils import configure_log

    stored = _readable(RunFolder(folder).hydra_settings)
    if stored is not None:
        hydra = OmegaConf.create(stored).hydra
        configure_log(hydra.job_logging, hydra.verbose)
