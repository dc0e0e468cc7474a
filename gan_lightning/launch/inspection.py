"""Whether a composed config would run: its keys, its parts and the machine's devices, before anything is written."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from gan_lightning.config import ConfigError, build, build_all, inspect_config, resolve_budget

DRY = ("data", "model", "evaluator", "callbacks", "logger")
"""Root keys whose parts are rehearsed; none of them writes anything when it is built."""

DEVICE_KEYS = ("accelerator", "devices", "precision")


def inspect(cfg: DictConfig, *, sweeping: bool, remote_processes: int | None = None) -> None:
    """Check a config in every way that leaves no trace.

    Args:
        cfg: composed, without Hydra's own node.
        sweeping: whether the run is one of several.
        remote_processes: of a run on another machine, whose devices are not those of this one; None: it runs here.

    Raises:
        ConfigError: with all that is wrong.
        InputError: if the checkpoint to resume from cannot be used.
    """
    config, problems = inspect_config(cfg)
    wrong = {re.split(r"[^\w]", message, maxsplit=1)[0] for message in problems}
    if wrong & {"seed", "batch_size"}:
        wrong |= {"data", "trainer"}  # they get these values, and would say the same again
    parts: dict[str, Any] = {}
    with collected(problems):
        parts = build_all({key: config[key] for key in DRY if key not in wrong}, trust=True, rehearse=True)
        check_acceleration(parts)
        check_evaluator(parts)
    processes = None
    if "trainer" not in wrong and remote_processes is None:
        with collected(problems):
            processes = check_devices(cfg)
    with collected(problems):
        check_model(parts, processes=remote_processes or processes or 1)
    if problems:
        raise ConfigError(problems)
    if cfg.resume is not None and not sweeping:
        from gan_lightning.launch.resume import prepare_resume

        source = prepare_resume(OmegaConf.to_container(cfg, resolve=True), Path(cfg.output_dir))  # type: ignore[arg-type]
        if processes is not None:
            source.check_processes(processes)
        if cfg.budget.epochs is None:  # else it takes the data to know how many images that are
            source.check_budget(resolve_budget(cfg.budget, 0), batch_size=cfg.batch_size)


def check_acceleration(parts: Mapping[str, Any]) -> None:
    """Compare what is to be compiled with the model, where both could be rehearsed.

    Raises:
        ConfigError: naming the switch.
    """
    from gan_lightning.callbacks import Acceleration

    callbacks = parts.get("callbacks") or {}
    for callback in callbacks.values() if parts.get("model") is not None else ():
        if isinstance(callback, Acceleration):
            try:
                callback.check(parts["model"])
            except ValueError as error:
                raise ConfigError([str(error)]) from error


def check_model(parts: Mapping[str, Any], *, processes: int) -> None:
    """Compare the model with the data and the number of processes, where both parts could be rehearsed.

    Raises:
        ConfigError: with what the model refuses.
    """
    from gan_lightning.data import RealDataModule
    from gan_lightning.models import AdversarialModule

    model, data = parts.get("model"), parts.get("data")
    if not (isinstance(model, AdversarialModule) and isinstance(data, RealDataModule)):
        return
    try:
        model.check_data(data)
        if data.batch_size % processes == 0:  # else it is said where the devices are counted
            model.check_batch(data.batch_size, processes)
    except ValueError as error:
        raise ConfigError([str(error)]) from error


def check_evaluator(parts: Mapping[str, Any]) -> None:
    """Refuse to judge colour images by the classifier of grey digits, the evaluator of configs that choose none.

    Raises:
        ConfigError: naming others.
    """
    from gan_lightning.data import ImageDataModule
    from gan_lightning.metrics import DigitsExtractor, Evaluator, TranslationEvaluator

    data, evaluator = parts.get("data"), parts.get("evaluator")
    if isinstance(evaluator, TranslationEvaluator):
        evaluator = evaluator.evaluator
    of_digits = isinstance(evaluator, Evaluator) and isinstance(evaluator.extractor, DigitsExtractor)
    if of_digits and isinstance(data, ImageDataModule) and data.channels == 3:
        raise ConfigError(
            [
                "evaluator: the digits classifier knows nothing of colour images; choose evaluator=none, "
                "evaluator=inception or, for translations, evaluator=translation"
            ]
        )


@contextmanager
def collected(problems: list[str]) -> Iterator[None]:
    """Note what a check complains about, and go on with the next one."""
    try:
        yield
    except ConfigError as error:
        problems += error.messages


def check_devices(cfg: DictConfig) -> int:
    """Build the Trainer, which looks at what devices there are, and compare the batch size with their number.

    Returns:
        The number of processes that would train.

    Raises:
        ConfigError: if the Trainer refuses its arguments, or the batch cannot be divided.
    """
    from lightning.fabric.utilities.exceptions import MisconfigurationException

    from gan_lightning.launch.parts import check_world
    from gan_lightning.launch.run import quiet_libraries

    quiet_libraries()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they are shown when it is built for good
            trainer = build(cfg.trainer, trust=True, key="trainer")(logger=False, enable_checkpointing=False)
    except (MisconfigurationException, ValueError, TypeError, RuntimeError, ImportError) as error:
        asked = ", ".join(f"{key}={cfg.trainer[key]}" for key in DEVICE_KEYS if key in cfg.trainer)
        raise ConfigError([f"trainer ({asked}): {' '.join(str(error).split())}"]) from error
    if trainer.precision != cfg.trainer.get("precision", trainer.precision) and cfg.trainer.precision == "16-mixed":
        raise ConfigError(["trainer.precision = 16-mixed: this device cannot do it; use bf16-mixed or 32-true"])
    check_world(trainer, batch_size=cfg.batch_size)
    return trainer.world_size
