"""What a config builds: data, model, callbacks, loggers and trainer, held against one another."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from lightning import Callback, LightningDataModule, Trainer, seed_everything
from lightning.fabric.plugins import CheckpointIO
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.loggers import Logger

from gan_lightning.callbacks import Acceleration, Evaluation
from gan_lightning.config import ConfigError, resolve_budget
from gan_lightning.config.builder import build_all
from gan_lightning.core.machine import memory_bytes
from gan_lightning.data import ImageDataModule, RealDataModule
from gan_lightning.launch.cluster_environment import check_places, cluster_plugins, tasks_problem
from gan_lightning.launch.init_from import find_beginning
from gan_lightning.launch.other_data import other_data_problems, training_images
from gan_lightning.launch.process_watchdog import Companions
from gan_lightning.launch.trainer_limits import limit_problems
from gan_lightning.loggers import JSONLLogger, Tracker
from gan_lightning.metrics import DigitsExtractor, Evaluator, SampleEvaluator, TranslationEvaluator
from gan_lightning.models import AdversarialModule
from gan_lightning.models.strategies import strategy_problem
from gan_lightning.runs.checkpoint_io import VerifiedCheckpointIO
from gan_lightning.runs.folder import RunFolder
from gan_lightning.runs.steps import WallClock

GROUPS = ("data", "model", "callbacks", "logger")
"""Root keys whose parts are built, in this order; none of them writes anything when it is built."""

KINDS: Mapping[str, Any] = {
    "data": LightningDataModule,
    "model": AdversarialModule,
    "trainer": Callable[..., Trainer],
    "callbacks.*": Callback,
    "logger.*": Logger,
}
"""What the nodes of a training config make, for ``config.check_config``."""

DEVICE_KEYS = ("accelerator", "devices", "precision")

UNBUILDABLE = (MisconfigurationException, ValueError, TypeError, AttributeError, RuntimeError, ImportError)
"""What the Trainer raises where it is refused its arguments or its devices."""


@dataclass
class Parts:
    """What a config builds."""

    data: LightningDataModule
    model: AdversarialModule
    callbacks: list[Callback]
    loggers: list[Logger]
    trainer: Trainer
    clock: WallClock

    def callback(self, kind: type) -> Any:
        """Return the callback of a kind, or None."""
        return next((c for c in self.callbacks if isinstance(c, kind)), None)

    @property
    def trackers(self) -> list[Tracker]:
        """The loggers that are trackers."""
        return [logger for logger in self.loggers if isinstance(logger, Tracker)]

    def log_hyperparameters(self, config: dict[str, Any]) -> None:
        """Hand the configuration to the loggers that are neither trackers nor our own file of metrics."""
        for logger in self.loggers:
            if not isinstance(logger, Tracker | JSONLLogger):
                logger.log_hyperparams(config)


def build_parts(config: Mapping[str, Any]) -> Parts:
    """Build everything for real; nothing is written yet.

    Args:
        config: checked, as plain data.

    Raises:
        ConfigError: with all that parts refuse, and all in which they do not fit together.
    """
    seed_everything(config["seed"], workers=True, verbose=False)
    problems: list[str] = []
    clock = WallClock()
    built = _built(config, problems, wrong=set(), rehearse=False)
    if other := _of_other_kinds(built):
        raise ConfigError([*problems, *other])
    callbacks = [*_present(built.get("callbacks")), Companions()]
    loggers = [*_present(built.get("logger")), JSONLLogger(output_dir=config["output_dir"], clock=clock)]
    trainer = _checked_trainer(config, problems, callbacks=callbacks, logger=loggers)
    _check_fit(built, problems, config=config, processes=1 if trainer is None else trainer.world_size)
    if problems:
        raise ConfigError(problems)
    data, model = built["data"], built["model"]
    with _as_config_error():
        model.budget_images = resolve_budget(config["budget"], training_images(data, config["budget"]))
        for callback in callbacks:
            if isinstance(callback, Evaluation) and callback.evaluator is not None and isinstance(data, RealDataModule):
                data.check_split(callback.evaluator.real_split)
    model.run_config = dict(config)
    if isinstance(data, RealDataModule):
        model.run_data = {"dataset": data.dataset, "fingerprints": data.fingerprints()}
    assert trainer is not None
    return Parts(data, model, callbacks, loggers, trainer, clock)


def rehearse_parts(
    config: Mapping[str, Any], problems: list[str], *, remote_processes: int | None = None
) -> int | None:
    """Build everything without its memory, and add what is wrong to the problems of the config's check.

    Args:
        config: as plain data; parts that ``problems`` name already are skipped.
        problems: grows.
        remote_processes: processes of a run on another machine; None: it runs here, on this machine's devices.

    Returns:
        The number of processes that would train; None where that cannot be told.
    """
    wrong = {re.split(r"[^\w]", message, maxsplit=1)[0] for message in problems}
    if wrong & {"seed", "batch_size"}:
        wrong |= {"data", "trainer"}  # they get these values, and would say the same again
    built = _built(config, problems, wrong=wrong, rehearse=True)
    processes = remote_processes
    if "trainer" not in wrong and remote_processes is None:
        trainer = _checked_trainer(config, problems, logger=False, enable_checkpointing=False)
        processes = None if trainer is None else trainer.world_size
    _check_fit(built, problems, config=config, processes=processes or 1)
    model = built.get("model")
    if (
        isinstance(model, AdversarialModule)
        and not wrong & {"init_from", "output_dir", "resume"}
        and config["resume"] in (None, "auto")
        and not RunFolder(config["output_dir"]).holds_checkpoint()
    ):
        with collected(problems), _as_config_error():
            find_beginning(config, model, mapped=True)
    return processes


def _built(config: Mapping[str, Any], problems: list[str], *, wrong: set[str], rehearse: bool) -> dict[str, Any]:
    """Build the groups; a part that was set to null stays None, what cannot be built is missing."""
    with collected(problems):
        return build_all({key: config[key] for key in GROUPS if key not in wrong}, trust=True, rehearse=rehearse)
    return {}


def _present(named: Mapping[str, Any] | None) -> list[Any]:
    return [part for part in (named or {}).values() if part is not None]


def _checked_trainer(config: Mapping[str, Any], problems: list[str], **arguments: Any) -> Trainer | None:
    """Build the Trainer, which looks at what devices there are; None if there is something wrong with it."""
    with collected(problems):
        make = build_all({"trainer": config["trainer"]}, trust=True)["trainer"]
        plugins = [*(make.keywords.get("plugins") or []), *cluster_plugins()]
        if not any(isinstance(plugin, CheckpointIO) for plugin in plugins):
            plugins.append(VerifiedCheckpointIO())
        try:
            with warnings.catch_warnings(record=True) as said:
                trainer = make(plugins=plugins, **arguments)
        except UNBUILDABLE as error:
            asked = ", ".join(f"{key}={config['trainer'][key]}" for key in DEVICE_KEYS if key in config["trainer"])
            raise ConfigError([f"trainer ({asked}): {' '.join(str(error).split())}"]) from error
        check_world(trainer, asked=config["trainer"], batch_size=config["batch_size"])
        for warning in said if arguments["logger"] else ():  # not beside a refusal, nor in a rehearsal
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
        return trainer
    return None


def check_world(trainer: Trainer, *, asked: Mapping[str, Any], batch_size: int) -> None:
    """Refuse a precision, a strategy or a number of processes that devices, model or batch do not allow.

    Raises:
        ConfigError: naming the keys.
    """
    precision = asked.get("precision", trainer.precision)
    if trainer.precision != precision and precision == "16-mixed":
        raise ConfigError(["trainer.precision = 16-mixed: this device cannot do it; use bf16-mixed or 32-true"])
    world = trainer.world_size
    if batch_size % world:
        raise ConfigError([f"batch_size = {batch_size}: it is the global size and must divide over {world} devices"])
    if (problem := tasks_problem(trainer) or check_places(trainer)) is not None:
        raise ConfigError([problem])
    if (problem := strategy_problem(trainer)) is not None:
        raise ConfigError([f"trainer.{problem}"])


def _of_other_kinds(built: Mapping[str, Any]) -> list[str]:
    """Name callbacks and loggers that are none: a function may be named as well as a class, and make anything."""
    return [
        f"{group}.{name}: must be a {kind.__name__}, got {type(part).__name__}"
        for group, kind in (("callbacks", Callback), ("logger", Logger))
        for name, part in (built.get(group) or {}).items()
        if part is not None and not isinstance(part, kind)
    ]


def _refuse_huge_batch(data: RealDataModule, batch_size: int) -> None:
    """Refuse a batch that does not fit into the memory of this machine.

    Raises:
        ValueError: naming both sizes.
    """
    needed, there = 4 * batch_size * math.prod(data.sample_shape or ()), memory_bytes()
    if needed > there:
        raise ValueError(
            f"batch_size = {batch_size}: the real samples alone would take {needed / 2**30:.4g} GiB, and there are "
            f"{there / 2**30:.4g}"
        )


def _check_fit(built: Mapping[str, Any], problems: list[str], *, config: Mapping[str, Any], processes: int) -> None:
    """Compare the parts with one another, where they could be built."""
    data, model, callbacks = built.get("data"), built.get("model"), _present(built.get("callbacks"))
    endless = not isinstance(data, LightningDataModule) or isinstance(data, RealDataModule)
    if isinstance(config["trainer"], Mapping):
        problems += limit_problems(config["trainer"], endless=endless)
    if isinstance(data, LightningDataModule):
        problems += other_data_problems(data, config=config, callbacks=callbacks, processes=processes)
    if isinstance(data, ImageDataModule):
        with collected(problems):
            check_evaluators(data, callbacks)
    if not isinstance(model, AdversarialModule):
        return
    with collected(problems), _as_config_error():
        for callback in callbacks:
            if isinstance(callback, Acceleration):
                callback.check(model)
            if isinstance(callback, Evaluation):
                check_told(callback.evaluator, model)
    if isinstance(data, RealDataModule):
        with collected(problems), _as_config_error():
            _refuse_huge_batch(data, data.batch_size)
            model.check_data(data)
            if data.batch_size % processes == 0:  # else it is said where the devices are counted
                model.check_batch(data.batch_size, processes)


def check_evaluators(data: ImageDataModule, callbacks: list[Callback]) -> None:
    """Refuse to judge color images by the classifier of gray digits, the evaluator of configs that choose none.

    Raises:
        ConfigError: naming others.
    """
    for callback in callbacks:
        evaluator = callback.evaluator if isinstance(callback, Evaluation) else None
        if isinstance(evaluator, TranslationEvaluator):
            evaluator = evaluator.evaluator
        if isinstance(evaluator, Evaluator) and isinstance(evaluator.extractor, DigitsExtractor) and data.channels == 3:
            raise ConfigError(
                [
                    "evaluator: the digits classifier cannot judge color images; choose evaluator=none, "
                    "evaluator=inception or, for translations, evaluator=translation"
                ]
            )


def check_told(evaluator: SampleEvaluator | None, model: AdversarialModule) -> None:
    """Refuse metrics of classes or codes where the generator is told none.

    Raises:
        ValueError: naming the metrics.
    """
    if isinstance(evaluator, TranslationEvaluator):
        evaluator = evaluator.evaluator
    metrics = evaluator.metrics if isinstance(evaluator, Evaluator) else ()
    for told, names, what in (
        (model.draws_labels, [m.name for m in metrics if m.needs.labels], "classes"),
        (model.draws_codes, [m.name for m in metrics if m.needs.codes], "categorical code"),
    ):
        if names and not told:
            raise ValueError(
                f"evaluator.metrics has {', '.join(names)}: the generator of {type(model).__name__} is told no {what}"
            )


@contextmanager
def collected(problems: list[str]) -> Iterator[None]:
    """Note what a check complains about, and continue with the next one."""
    try:
        yield
    except ConfigError as error:
        problems += [message.replace("callbacks.evaluation.evaluator", "evaluator") for message in error.messages]


@contextmanager
def _as_config_error() -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise ConfigError([str(error)]) from error
