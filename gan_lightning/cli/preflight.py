"""The check of a training config before Hydra writes anything."""

from __future__ import annotations

import copy
import os
import re
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf, flag_override

from gan_lightning.cli.entry import InputError, stop
from gan_lightning.config import COMPOSITION_ERRORS, ConfigError, check_config, dry_build

DRY = ("data", "model", "evaluator", "callbacks", "logger")
"""Root keys whose parts are rehearsed; none of them writes anything when it is built."""

DEVICE_KEYS = ("accelerator", "devices", "precision")

ENUMERABLE = "hydra._internal.core_plugins.basic_sweeper.BasicSweeper"
"""The sweeper whose jobs are known before it begins."""


class Preflight(Callback):
    """Hydra's callback that stops a wrong run, or a sweep with a wrong job, while nothing is written."""

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Stop with exit code 2 and all complaints."""
        with loudly():
            HydraConfig.instance().set_config(copy.deepcopy(config))  # makes its argument read-only
            config = copy.deepcopy(config)
            with flag_override(config, ["struct", "readonly"], False):
                config.hydra.runtime.output_dir = os.path.abspath(config.hydra.run.dir)  # Hydra sets it after this call
                HydraConfig.instance().set_config(copy.deepcopy(config))
                del config["hydra"]
            inspect(config, sweeping=False)

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Compose and check every job of a plain sweep; what is wrong with any of them stops all."""
        with loudly():
            # Hydra needs this for a folder name that looks at ``hydra:runtime.choices``, and does it only in jobs
            HydraConfig.instance().set_config(copy.deepcopy(config))
            if config.hydra.sweeper._target_ != ENUMERABLE:
                return
            from hydra._internal.core_plugins.basic_sweeper import BasicSweeper

            given = [*(f"{key}={value}" for key, value in (config.hydra.sweeper.params or {}).items())]
            parsed = OverridesParser.create().parse_overrides([*given, *config.hydra.overrides.task])
            jobs = [job for batch in BasicSweeper.split_arguments(parsed, None) for job in batch]
            problems: dict[str, list[str]] = {}
            for job in jobs:
                for message in job_problems(config.hydra.job.config_name, job):
                    problems.setdefault(message, []).append(" ".join(job))
            if problems:
                raise ConfigError([f"{message} ({which(found, len(jobs))})" for message, found in problems.items()])


def job_problems(config_name: str, overrides: list[str]) -> list[str]:
    """Return what is wrong with one job of a sweep."""
    try:
        inspect(hydra.compose(config_name, overrides=[*overrides, "output_dir=unwritten"]), sweeping=True)
    except ConfigError as error:
        return error.messages
    except COMPOSITION_ERRORS as error:
        return [str(error)]
    return []


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


def inspect(cfg: DictConfig, *, sweeping: bool) -> None:
    """Check a config in every way that leaves no trace.

    Args:
        cfg: composed, without Hydra's own node.
        sweeping: whether the run is one of several in this process.

    Raises:
        ConfigError: with all that is wrong.
        InputError: if the checkpoint to resume from cannot be used.
    """
    problems: list[str] = []
    with collected(problems):
        check_config(cfg)
    wrong = {re.split(r"[^\w]", message, maxsplit=1)[0] for message in problems}
    if wrong & {"seed", "batch_size"}:
        wrong |= {"data", "trainer"}  # they get these values, and would say the same again
    with collected(problems):
        dry_build(cfg, nodes=[node for node in DRY if node not in wrong])
    if "trainer" not in wrong:
        with collected(problems):
            check_devices(cfg, sweeping=sweeping)
    if problems:
        raise ConfigError(problems)
    if cfg.resume is not None and not sweeping:
        from gan_lightning.cli.resume import prepare_resume

        prepare_resume(OmegaConf.to_container(cfg, resolve=True), Path(cfg.output_dir))  # type: ignore[arg-type]


@contextmanager
def collected(problems: list[str]) -> Iterator[None]:
    """Note what a check complains about, and go on with the next one."""
    try:
        yield
    except ConfigError as error:
        problems += error.messages


def check_devices(cfg: DictConfig, *, sweeping: bool) -> None:
    """Build the Trainer, which looks at what devices there are, and compare the batch size with their number.

    Raises:
        ConfigError: if the Trainer refuses its arguments, or the batch cannot be divided.
    """
    from lightning.fabric.utilities.exceptions import MisconfigurationException

    from gan_lightning.cli.run import check_world, quiet_libraries
    from gan_lightning.instantiate import instantiate

    quiet_libraries()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they are shown when it is built for good
            trainer = instantiate(cfg.trainer, trust=True, key="trainer")(logger=False, enable_checkpointing=False)
    except (MisconfigurationException, ValueError, TypeError, RuntimeError, ImportError) as error:
        asked = ", ".join(f"{key}={cfg.trainer[key]}" for key in DEVICE_KEYS if key in cfg.trainer)
        raise ConfigError([f"trainer ({asked}): {' '.join(str(error).split())}"]) from error
    check_world(trainer, batch_size=cfg.batch_size, sweeping=sweeping)
