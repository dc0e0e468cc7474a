"""Which of Lightning's ways to use devices two players can be trained under, and why not the others."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

from lightning import Trainer
from lightning.pytorch.plugins.precision import DoublePrecision, HalfPrecision
from lightning.pytorch.strategies import (
    DDPStrategy,
    DeepSpeedStrategy,
    FSDPStrategy,
    ModelParallelStrategy,
    ParallelStrategy,
    SingleDeviceStrategy,
    Strategy,
)

from gan_lightning.core.lightning_internals import ddp_settings

ALTERNATIVE = "use trainer=ddp, or trainer=auto for one device"


def strategy_problem(trainer: Trainer) -> str | None:
    """Say why ``trainer`` cannot train two players, or return None."""
    if isinstance(trainer.precision_plugin, HalfPrecision):
        return (
            f"precision={trainer.precision}: the weights themselves would have half precision, in which small steps "
            "of the optimizers and of the averaged generator vanish; use bf16-mixed or 16-mixed"
        )
    if isinstance(trainer.precision_plugin, DoublePrecision):
        return f"precision={trainer.precision}: samples, latents and losses are float32; use 32-true"
    problem = _problem(trainer.strategy)
    return None if problem is None else f"strategy={type(trainer.strategy).__name__}: {problem}; {ALTERNATIVE}"


def _problem(strategy: Strategy) -> str | None:
    if isinstance(strategy, FSDPStrategy | ModelParallelStrategy):
        return (
            "parameters are split over the devices, but two players freeze each other, average a generator and clip, "
            "grow or differentiate whole weights"
        )
    if isinstance(strategy, DeepSpeedStrategy):
        return "DeepSpeed drives one optimizer, and two players have two"
    if isinstance(strategy, DDPStrategy):
        return _ddp_problem(strategy)
    if not isinstance(strategy, SingleDeviceStrategy):
        return "nothing is known of training two players under it"
    return None


def _ddp_problem(strategy: DDPStrategy) -> str | None:
    settings = ddp_settings(strategy)
    if settings.start_method != "popen":
        return f"start_method={settings.start_method!r}: what training changes would stay in the helper processes"
    if not settings.find_unused_parameters:
        return (
            "find_unused_parameters must be true, since each player's backward leaves the other's parameters without "
            "gradient; otherwise the gradients of the processes are not averaged"
        )
    if settings.static_graph:
        return "static_graph must be false, since the players' backwards differ"
    if settings.averaging_period is not None:
        return "model_averaging_period must be null, since the processes would train apart in between"
    return None


def local_gradients(strategy: Strategy) -> AbstractContextManager[None]:
    """Return a context in which each process adds to its own gradients; a later backward averages the sums."""
    return strategy.block_backward_sync() if isinstance(strategy, ParallelStrategy) else nullcontext()
