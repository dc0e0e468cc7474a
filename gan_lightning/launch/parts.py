"""What a config builds: data, model, callbacks, loggers and trainer, which fit together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lightning import Callback, Trainer, seed_everything
from lightning.fabric.plugins import CheckpointIO
from lightning.pytorch.loggers import Logger

from gan_lightning.callbacks import Acceleration
from gan_lightning.config import ConfigError, resolve_budget
from gan_lightning.config.builder import instantiate
from gan_lightning.data import RealDataModule
from gan_lightning.launch.cluster_environment import cluster_plugins, tasks_problem
from gan_lightning.launch.process_watchdog import Companions
from gan_lightning.loggers import JSONLLogger, Tracker
from gan_lightning.models import AdversarialModule
from gan_lightning.models.strategies import strategy_problem
from gan_lightning.runs.checkpoint_io import VerifiedCheckpointIO
from gan_lightning.runs.steps import WallClock


@dataclass
class Parts:
    """What a config builds."""

    data: RealDataModule
    model: AdversarialModule
    callbacks: list[Callback]
    loggers: list[Logger]
    trainer: Trainer

    def callback(self, kind: type) -> Any:
        """Return the callback of a kind, or None."""
        return next((c for c in self.callbacks if isinstance(c, kind)), None)

    @property
    def trackers(self) -> list[Tracker]:
        """The loggers that are trackers."""
        return [logger for logger in self.loggers if isinstance(logger, Tracker)]


def make_each(config: dict[str, Any], group: str) -> list[Any]:
    """Build the named parts of a group; one that was set to null is left out."""
    named = config[group].items()
    return [instantiate(node, trust=True, key=f"{group}.{name}") for name, node in named if node is not None]


def build(config: dict[str, Any], clock: WallClock) -> Parts:
    """Build everything; nothing is written yet.

    Raises:
        ConfigError: if parts refuse their arguments or do not fit together.
    """
    seed_everything(config["seed"], workers=True, verbose=False)
    data = instantiate(config["data"], trust=True, key="data")
    model = instantiate(config["model"], trust=True, key="model")
    try:
        model.check_data(data)
        model.budget_images = resolve_budget(config["budget"], data.images_per_epoch)
    except ValueError as error:
        raise ConfigError([str(error)]) from error
    model.run_config = config
    callbacks = make_each(config, "callbacks")
    loggers = make_each(config, "logger")
    loggers.append(JSONLLogger(output_dir=config["output_dir"], clock=clock))
    for callback in callbacks:
        if isinstance(callback, Acceleration):
            try:
                callback.check(model)
            except ValueError as error:
                raise ConfigError([str(error)]) from error
    companions = Companions()
    make_trainer = instantiate(config["trainer"], trust=True, key="trainer")
    plugins = [*(make_trainer.keywords.get("plugins") or []), *cluster_plugins()]
    if not any(isinstance(plugin, CheckpointIO) for plugin in plugins):
        plugins.append(VerifiedCheckpointIO())
    trainer = make_trainer(callbacks=[*callbacks, companions], logger=loggers, plugins=plugins)
    check_world(trainer, batch_size=config["batch_size"])
    try:
        model.check_batch(data.batch_size, trainer.world_size)
    except ValueError as error:
        raise ConfigError([str(error)]) from error
    companions.begin(trainer)
    return Parts(data, model, [*callbacks, companions], loggers, trainer)


def check_world(trainer: Trainer, *, batch_size: int) -> None:
    """Refuse a strategy, or a number of processes, that the model, the batch or the way of starting does not allow.

    Raises:
        ConfigError: naming the keys.
    """
    world = trainer.world_size
    if batch_size % world:
        raise ConfigError([f"batch_size = {batch_size}: it is the global size and must divide over {world} devices"])
    if (problem := tasks_problem(trainer)) is not None:
        raise ConfigError([problem])
    if (problem := strategy_problem(trainer)) is not None:
        raise ConfigError([f"trainer.{problem}"])
