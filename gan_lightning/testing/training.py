"""Training with nothing but the module, and comparing what came out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from lightning import Callback, LightningDataModule, LightningModule, Trainer

from gan_lightning.models import AdversarialModule


class StopAt(Callback):
    """Stops a run before its budget, as a signal would: schedules that end with the budget do not notice.

    Args:
        images: number of images to train for.
    """

    def __init__(self, images: int) -> None:
        self.images = images

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *args: Any) -> None:
        """Stop when it is time."""
        assert isinstance(pl_module, AdversarialModule)
        trainer.should_stop = pl_module.images_seen >= self.images


def fit(
    model: AdversarialModule,
    data: LightningDataModule,
    images: int,
    *,
    stop_at: int | None = None,
    ckpt_path: Path | None = None,
    **trainer_arguments: Any,
) -> Trainer:
    """Train with nothing but the module until ``images`` were seen, or stop short of them at ``stop_at``.

    Args:
        model: which is trained.
        data: what on.
        images: the budget.
        stop_at: number of images after which to stop as if interrupted.
        ckpt_path: checkpoint to resume from.
        trainer_arguments: arguments of Lightning's Trainer, instead of those here.
    """
    model.budget_images = images
    arguments: dict[str, Any] = {
        "accelerator": "cpu",
        "max_epochs": -1,
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "num_sanity_val_steps": 0,
        "callbacks": [StopAt(stop_at or images)],
        **trainer_arguments,
    }
    trainer = Trainer(**arguments)
    trainer.fit(model, datamodule=data, ckpt_path=ckpt_path, weights_only=True)
    return trainer


def state(model: AdversarialModule) -> dict[str, Any]:
    """Return a copy of all that a resumed run must have in common with an uninterrupted one."""
    optimizers = [optimizer.state_dict() for optimizer in model.trainer.optimizers]
    return {
        "weights": {
            name: value.clone() for name, value in model.state_dict().items() if isinstance(value, torch.Tensor)
        },
        "counters": dict(model.get_extra_state()),
        "optimizers": [
            {
                key: {n: v.clone() if isinstance(v, torch.Tensor) else v for n, v in entry.items()}
                for key, entry in optimizer["state"].items()
            }
            for optimizer in optimizers
        ],
        "rates": [[group["lr"] for group in optimizer["param_groups"]] for optimizer in optimizers],
    }


def assert_same(first: Any, second: Any, where: str = "") -> None:
    """Compare nested states bit for bit.

    Raises:
        AssertionError: naming the first place where they differ.
    """
    if isinstance(first, torch.Tensor):
        if not torch.equal(first, second):
            raise AssertionError(f"{where} differs by {(first.double() - second.double()).abs().max()}")
    elif isinstance(first, dict):
        if first.keys() != second.keys():
            raise AssertionError(f"{where} has {sorted(map(str, first))} and {sorted(map(str, second))}")
        for key in first:
            assert_same(first[key], second[key], f"{where}.{key}" if where else str(key))
    elif isinstance(first, list):
        if len(first) != len(second):
            raise AssertionError(f"{where} has {len(first)} and {len(second)} entries")
        for index, (a, b) in enumerate(zip(first, second, strict=True)):
            assert_same(a, b, f"{where}[{index}]")
    elif first != second:
        raise AssertionError(f"{where}: {first} != {second}")
