"""Small models on points, where a step takes milliseconds, and what it takes to look into one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from lightning import Callback, Trainer
from lightning.pytorch.loggers.logger import Logger
from torch import Tensor, nn

from gan_lightning.core.seeding import generator_for
from gan_lightning.data import Batch
from gan_lightning.models import DCGAN, AdversarialModule, UpdateRule
from gan_lightning.models.priors import Prior
from gan_lightning.networks import PointDiscriminator, PointGenerator
from tests.parts import parts_with

BATCH = 8


def sgd(parameters, *, fused=False):
    """Plain gradient descent with rate 1: a step is the gradient itself."""
    return torch.optim.SGD(parameters, lr=1.0, fused=fused)


def point_networks(*, batch_norm: bool = False) -> dict[str, Any]:
    """Return both networks for points in the plane, always with the same initial weights."""
    torch.manual_seed(0)
    return {
        "generator": PointGenerator(latent_dim=2, widths=(8,), batch_norm=batch_norm, initialization="xavier"),
        "discriminator": PointDiscriminator(widths=(8,)),
    }


def points(*, updates: UpdateRule | None = None, batch_norm: bool = False, **parts: Any) -> AdversarialModule:
    """Return a model of points in the plane, always with the same initial weights."""
    return DCGAN(**parts_with(**point_networks(batch_norm=batch_norm), updates=updates or UpdateRule(), **parts))


class PointStream:
    """Endless batches of points, from where the model stands; batch by batch a function of the position."""

    def __init__(self, model: AdversarialModule) -> None:
        self.model = model

    def __iter__(self):
        position = self.model.images_seen
        while True:
            yield Batch(torch.randn(BATCH, 2, generator=generator_for(77, position)) + 1)
            position += BATCH


class Images:
    """Endless batches of noise of a model's shape, labeled if it has classes; a function of the position."""

    def __init__(self, model: AdversarialModule) -> None:
        self.model = model

    def at(self, position: int) -> Batch:
        """Return the batch that is due when ``position`` images were seen."""
        random = generator_for(78, position)
        images = torch.rand(BATCH, *self.model.generator.sample_shape, generator=random) * 2 - 1
        classes = self.model.generator.classes
        return Batch(images, None if classes is None else torch.randint(classes, (BATCH,), generator=random))

    def __iter__(self):
        position = self.model.images_seen
        while True:
            yield self.at(position)
            position += BATCH


@dataclass(frozen=True)
class Call:
    """One call of a recorded method: whose turn it was, and copies of what it was given and returned."""

    player: str
    given: tuple[Tensor, ...]
    returned: Tensor


def recorded(model: AdversarialModule, part: nn.Module, method: str = "forward") -> list[Call]:
    """Return the list to which every call of a method of one of the model's parts will be added."""
    calls: list[Call] = []
    original = getattr(part, method)

    def copied(tensor: Tensor) -> Tensor:
        return tensor.detach().clone()

    def record(*given: Tensor) -> Tensor:
        returned = original(*given)
        (player,) = model.running
        calls.append(Call(player, tuple(copied(t) for t in given if t is not None), copied(returned)))
        return returned

    setattr(part, method, record)
    return calls


def of(player: str, calls: list[Call]) -> list[Call]:
    """Those of one player's turns."""
    return [call for call in calls if call.player == player]


def cross_entropy(logits: Tensor, labels: Any) -> float:
    """Mean of minus the log-probability of the labels, in float64 and by hand."""
    values = logits.double().numpy()
    values = values - values.max(axis=1, keepdims=True)
    log_probabilities = values - np.log(np.exp(values).sum(axis=1, keepdims=True))
    return float(-np.mean([row[int(label)] for row, label in zip(log_probabilities, labels, strict=True)]))


def trained(model: AdversarialModule, player: str) -> set[str]:
    """Names of the parameters that the player's optimizer holds, once a fit has begun."""
    held = {id(p) for group in model.active[player].optimizer.param_groups for p in group["params"]}
    return {name for name, p in model.named_parameters() if id(p) in held}


class Rows(Logger):
    """Keeps what is logged."""

    name = "rows"
    version = 0

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[dict[str, float]] = []

    def log_metrics(self, metrics, step=None):
        assert step == metrics["images_seen"]
        self.rows.append(dict(metrics))

    def log_hyperparams(self, *args, **kwargs):
        """Nothing."""


class AfterBatch(Callback):
    """Calls a function with the model after each batch and keeps what it returns."""

    def __init__(self, function) -> None:
        self.function = function
        self.seen: list[Any] = []

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        self.seen.append(self.function(pl_module))


class Stream(Prior):
    """Hands out one fixed sequence of latents, however it is cut."""

    def __init__(self) -> None:
        self.values = torch.randn(10_000, 2, generator=torch.Generator().manual_seed(3))
        self.position = 0

    def draw(self, count: int, dim: int, *, device: torch.device) -> Tensor:
        self.position += count
        return self.values[self.position - count : self.position]


def train(model: AdversarialModule, batches: int, *, ckpt_path=None, data=None, **trainer_arguments: Any) -> Trainer:
    """Train until so many batches were seen since the beginning."""
    model.budget_images = batches * BATCH
    arguments = {
        "accelerator": "cpu",
        "max_epochs": -1,
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "log_every_n_steps": 1,
    }
    trainer = Trainer(**{**arguments, **trainer_arguments})
    trainer.fit(model, PointStream(model) if data is None else data, ckpt_path=ckpt_path, weights_only=True)
    return trainer


def vector(module: torch.nn.Module) -> Tensor:
    """All parameters in one vector, copied."""
    return torch.cat([p.detach().flatten() for p in module.parameters()])
