"""Every variant of conf/model, found by globbing, as a small model on embedded images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from lightning import Callback, Trainer
from omegaconf import OmegaConf

from gan_lightning.data import InMemoryLoader
from gan_lightning.instantiate import instantiate
from gan_lightning.models import AdversarialModule, SourceConditional
from tests.conftest import CONF, compose_train

VARIANTS = sorted(path.stem for path in (CONF / "model").glob("*.yaml"))


SMALL = {
    "wgan": ["model.warmup_critic_steps=4"],
    "wgan_gp": ["model.generator.widths=[16,16,16]", "model.discriminator.widths=[16,16,16]"],
    "projection": ["model.generator.widths=[16,16,16]", "model.discriminator.widths=[16,16,16]"],
    "sngan": ["model.generator.widths=[16,16,16]", "model.discriminator.widths=[16,16,16]"],
    "ssgan": ["model.generator.widths=[16,16,16]", "model.discriminator.widths=[16,16,16]"],
    "sagan": [
        "model.generator.widths=[16,16,16]",
        "model.discriminator.widths=[16,16,16]",
        "model.generator.attention_resolution=8",
        "model.discriminator.attention_resolution=8",
    ],
    "progan": [
        "model.generator.fmap_base=64",
        "model.discriminator.fmap_base=64",
        "model.generator.latent_dim=16",
        "model.stable_kimg=0.016",
        "model.fade_kimg=0.016",
    ],
    "pix2pix": [
        "data=photo_edges",
        "data.images.stride=16",
        "model.generator.width=4",
        "model.discriminator.width=4",
    ],
    "cyclegan": [
        "data=photo_domains",
        *(f"data.{domain}.stride=16" for domain in ("source", "target")),
        *(f"model.generator{way}.{small}" for way in ("", "_back") for small in ("width=4", "blocks=1")),
        *(f"model.discriminator{way}.{small}" for way in ("", "_back") for small in ("width=4", "layers=1")),
        "model.pool_size=20",
    ],
}
"""What makes the larger ones quick; none of it changes the algorithm."""


def build(variant: str, *overrides: str) -> tuple[AdversarialModule, Any]:
    """Return the variant's model and data module as its config builds them, with a batch of 8."""
    config: Any = OmegaConf.to_container(
        compose_train(f"model={variant}", "batch_size=8", "logger=none", *SMALL.get(variant, []), *overrides),
        resolve=True,
    )
    torch.manual_seed(0)
    model = instantiate(config["model"], trust=True, key="model")
    model.run_config = config
    data = instantiate(config["data"], trust=True, key="data")
    if isinstance(model, SourceConditional):
        model.sources = data.evaluation_images(data.heldout_split).sources
    return model, data


class StopAt(Callback):
    """Stops a run before its budget, as a signal would: schedules that end with the budget do not notice."""

    def __init__(self, images: int) -> None:
        self.images = images

    def on_train_batch_end(self, trainer: Any, pl_module: Any, *args: Any) -> None:
        trainer.should_stop = pl_module.images_seen >= self.images


def fit(
    model: AdversarialModule,
    data: Any,
    images: int,
    *,
    stop_at: int | None = None,
    ckpt_path: Path | None = None,
    **trainer_arguments: Any,
) -> Trainer:
    """Train with nothing but the module until ``images`` were seen, or stop short of them at ``stop_at``."""
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
    """Compare nested states to the bit."""
    if isinstance(first, torch.Tensor):
        assert torch.equal(first, second), f"{where} differs by {(first.double() - second.double()).abs().max()}"
    elif isinstance(first, dict):
        assert first.keys() == second.keys(), where
        for key in first:
            assert_same(first[key], second[key], f"{where}.{key}")
    elif isinstance(first, list):
        assert len(first) == len(second), where
        for index, (a, b) in enumerate(zip(first, second, strict=True)):
            assert_same(a, b, f"{where}[{index}]")
    else:
        assert first == second, f"{where}: {first} != {second}"


__all__ = ["VARIANTS", "InMemoryLoader", "assert_same", "build", "fit", "state"]
