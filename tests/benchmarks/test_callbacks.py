"""What the demo's callbacks add to its training, evaluation aside: the share of the CPU time spent in each of them.

All time is that of one training, so that a noisy machine does not matter. Run with ``make bench``.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import torch
from omegaconf import OmegaConf

from gan_lightning.callbacks import TrainingHealth
from gan_lightning.launch.parts import build_parts

LIMIT = 0.03


class Stopwatch:
    """CPU seconds spent within functions, by the names of their callbacks."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()

    def timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            start = time.process_time()
            try:
                return function(*args, **kwargs)
            finally:
                self.seconds[name] += time.process_time() - start

        return call


def measured(config: dict[str, Any]) -> dict[str, float]:
    """Train, and return each callback's share of the CPU time between the first step and the last."""
    parts = build_parts(config)
    watch = Stopwatch()
    for callback in parts.callbacks:
        for hook in [name for name in dir(type(callback)) if name.startswith("on_train_batch")]:
            setattr(callback, hook, watch.timed(type(callback).__name__, getattr(callback, hook)))
        if isinstance(callback, TrainingHealth):  # a method of its own is called with every logged row
            callback.observe = watch.timed("TrainingHealth", callback.observe)
    for logger in parts.loggers:
        logger.log_metrics = watch.timed(type(logger).__name__, logger.log_metrics)
    parts.trainer.fit_loop.run = watch.timed("all", parts.trainer.fit_loop.run)
    parts.trainer.fit(parts.model, datamodule=parts.data)
    total = watch.seconds.pop("all")
    return {name: seconds / total for name, seconds in watch.seconds.items()}


def test_the_callbacks_of_the_demo_cost_little(benchmark, capsys, train_config):
    cfg = train_config("experiment=demo", "budget.kimg=64", "evaluator=none", "logger=none", "trainer=cpu")
    config: dict[str, Any] = OmegaConf.to_container(cfg, resolve=True)  # type: ignore[assignment]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        shares = benchmark.pedantic(lambda: measured(config), rounds=1)
    finally:
        torch.set_num_threads(threads)
    benchmark.extra_info.update(shares)
    with capsys.disabled():
        told = ", ".join(f"{name} {share:.2%}" for name, share in sorted(shares.items(), key=lambda s: -s[1]))
        print(f"\ncallbacks of the demo, share of the CPU time: {sum(shares.values()):.2%} ({told})")
    assert shares["TrainingHealth"] < LIMIT
    assert sum(shares.values()) < 2 * LIMIT
