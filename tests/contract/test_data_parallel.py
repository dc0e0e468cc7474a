"""Two processes train as one does on the same global batch, for every variant and for all that looks at a batch."""

from __future__ import annotations

import copy
import dataclasses
import functools
import hashlib
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from gan_lightning.augment import ADA
from gan_lightning.data.base import InMemoryDataModule
from gan_lightning.models import adversarial
from tests.conftest import LONG_TESTS
from tests.contract.global_draws import GlobalDraws, shared_by_all
from tests.contract.pair import RANKS, together, trainer_arguments
from tests.contract.variants import ALIKE, NARROW, SLOW, VARIANTS, assert_same, build, build_unchanged, fit, state

STEPS, LONGER, SHORT = 5, {"penalties": 20, "techniques": 20, "augmented": 20}, 3
BARE = ["model.generator.width=4", "model.discriminator.width=4", "model.discriminator.batch_norm=false"]


def part(group: str, option: str) -> str:
    return f"+model/{group}@model.{group}s.{option}={option}"


QUICK = [variant for variant in VARIANTS if variant not in SLOW and (variant not in ALIKE or LONG_TESTS)]
CASES: dict[str, tuple[str, list[str]]] = {variant: (variant, []) for variant in QUICK} | {
    "stylegan2": ("stylegan2", ["model.generator.style_mixing=0.0"]),  # which draws one number for a whole batch
    "relativistic": ("dcgan", [*NARROW, "model/loss=relativistic_average"]),
    "penalties": (
        "dcgan",
        [
            *BARE,
            *(part("regularizer", name) for name in ("dragan", "r1", "lecam")),
            "model.regularizers.lecam.start_images=8",
        ],
    ),
    "techniques": (
        "dcgan",
        [
            *NARROW,
            *(part("stabilizer", name) for name in ("feature_matching", "replay", "top_k", "historical_averaging")),
            "model.stabilizers.feature_matching.weight=0.001",
            "model.stabilizers.top_k.images_per_epoch=8",
            "model.stabilizers.top_k.gamma=0.8",
            "model.stabilizers.replay.capacity=10",
        ],
    ),
    "augmented": ("dcgan", [*BARE, "model/augment=ada", "model.augment.speed_kimg=0.05", "model.augment.target=0.1"]),
    "minibatch_discrimination": (
        "dcgan",
        [
            "model/discriminator=minibatch_discrimination",
            "model.generator.width=4",
            "model.discriminator.discriminator.width=4",
            "model.discriminator.discriminator.batch_norm=false",
        ],
    ),
    "accumulated": ("dcgan", [*BARE, "model.updates.accumulate=2"]),
}
"""Name to variant and overrides."""

EQUAL = [name for name in CASES if name != "augmented"]
"""Those whose random numbers come one row a sample, so that a process can draw the other's as well."""


@functools.cache
def composed(case: str) -> tuple[Any, Any]:
    variant, overrides = CASES[case]
    model, data = (build_unchanged if case == "minibatch_discrimination" else build)(variant, *overrides)
    if isinstance(data, InMemoryDataModule):
        data._split("train")  # read once, not in every copy
    return model, data


def fresh(case: str) -> tuple[Any, Any]:
    """Return the case's model and data, untouched by other tests."""
    return copy.deepcopy(composed(case))


def gentle(parameters: Any) -> torch.optim.Optimizer:
    """Steps that are proportional to gradients: Adam would turn a rounding error into a step of full size."""
    return torch.optim.SGD(parameters, lr=1e-3)


def as_one(case: str, rank: int, ranks: int, patch: Any, **arguments: Any) -> dict[str, Any]:
    """Train with the random numbers of the global batch; return every gradient, and what was logged last."""
    model, data = fresh(case)
    model.updates = dataclasses.replace(model.updates, critic_steps=1)  # both players' turns in every step
    model.generator_optimizer = model.discriminator_optimizer = gentle
    gradients: list[torch.Tensor] = []
    before_step = model.on_before_optimizer_step

    def note(optimizer: torch.optim.Optimizer) -> None:
        before_step(optimizer)
        (player,) = model.running
        parameters = model.active[player].parameters
        gradients.append(
            torch.cat([torch.zeros_like(p).flatten() if p.grad is None else p.grad.flatten() for p in parameters])
        )

    model.on_before_optimizer_step = note
    seed_step = adversarial.seed_step
    mode = GlobalDraws(rank, ranks)
    shared_by_all(mode, patch)
    patch.setattr(
        adversarial, "seed_step", lambda seed, rank, seen, device, *, slot: seed_step(seed, 0, seen, device, slot=slot)
    )
    with mode:
        fit(model, data, images=8 * SHORT, log_every_n_steps=1, **arguments)
    patch.undo()
    scalars = {name: value for name, value in model.latest_scalars.items() if "accuracy" not in name}
    return {"gradients": gradients, "scalars": scalars}


class Draws:
    """Notes what this process draws in its first discriminator turn."""

    def __init__(self, model: Any) -> None:
        self.seen: dict[str, torch.Tensor] = {}
        make_fakes, objective = model.make_fakes, model.discriminator_objective

        def noting_fakes(batch: Any) -> Any:
            fakes = make_fakes(batch)
            self.note("latents", fakes.latents)
            if fakes.condition is not None:
                self.note("condition", fakes.condition)
            return fakes

        def noting_batch(batch: Any, *args: Any) -> Any:
            self.note("batch", batch.images)
            return objective(batch, *args)

        model.make_fakes, model.discriminator_objective = noting_fakes, noting_batch
        for module in model.modules():
            if isinstance(module, nn.Dropout):
                module.register_forward_hook(self.after_dropout)
            if isinstance(module, ADA):
                module.register_forward_hook(self.after_augmentation)

    def after_dropout(self, module: nn.Dropout, args: Any, output: torch.Tensor) -> None:
        if module.p > 0:
            self.note("dropout", output == 0)

    def after_augmentation(self, module: ADA, args: Any, output: torch.Tensor) -> None:
        if module.p > 0:
            self.note("augmented", output)

    def note(self, name: str, value: torch.Tensor) -> None:
        if name not in self.seen and value.numel():  # translations start from images, not from latents
            self.seen[name] = value.detach().clone()


def digest(value: Any) -> Any:
    """Return nested state with every tensor's bits in a few characters."""
    if isinstance(value, torch.Tensor):
        return f"{tuple(value.shape)} {hashlib.sha256(value.numpy().tobytes()).hexdigest()[:16]}"
    if isinstance(value, dict):
        return {key: digest(item) for key, item in value.items()}
    return [digest(item) for item in value] if isinstance(value, list) else value


def as_trained(case: str, **arguments: Any) -> dict[str, Any]:
    """Train as a user does; return the end state and what was drawn."""
    model, data = fresh(case)
    draws = Draws(model)
    fit(model, data, images=8 * LONGER.get(case, STEPS), log_every_n_steps=1, **arguments)
    found = state(model)
    return {
        "state": digest(found),
        "buffers": {name: value for name, value in found["weights"].items() if value.ndim == 0},
        "draws": digest(draws.seen),
        "scalars": model.latest_scalars,
    }


def work(rank: int, folder: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for case in CASES:
            found = {"trained": as_trained(case, **trainer_arguments())}
            if case in EQUAL:
                found["one"] = as_one(case, rank, RANKS, patch, **trainer_arguments())
            torch.save(found, folder / f"{case}.{rank}.pt")


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """What both processes found, by case."""
    folder = tmp_path_factory.mktemp("pair")
    for case in CASES:
        composed(case)
    together(work, folder)
    return {case: [torch.load(folder / f"{case}.{rank}.pt") for rank in range(RANKS)] for case in CASES}


@pytest.mark.parametrize("case", CASES)
def test_replicas_are_the_same_to_the_bit(pair, case):
    first, second = (found["trained"] for found in pair[case])
    assert first["state"]["counters"]["images_seen"] == 8 * LONGER.get(case, STEPS)
    assert_same(first["state"], second["state"])
    assert {"counters", "optimizers", "weights"} <= set(first["state"])
    assert first["scalars"] == second["scalars"]


@pytest.mark.parametrize("case", CASES)
def test_ranks_draw_differently(pair, case):
    first, second = (found["trained"]["draws"] for found in pair[case])
    assert "batch" in first
    for name, value in first.items():
        assert value != second[name], name


def test_the_draws_that_are_compared(pair):
    drawn = {case: set(pair[case][0]["trained"]["draws"]) for case in CASES}
    assert "latents" in drawn["dcgan"]
    assert "condition" in drawn["infogan"]
    assert "condition" in drawn["acgan"]
    assert "dropout" in drawn["cgan"]
    assert "augmented" in drawn["augmented"]


def test_adaptation_happened(pair):
    """ADA, LeCam and replay, which are compared above, were at work."""
    weights = pair["augmented"][0]["trained"]["buffers"]
    assert weights["augment.p"] > 0
    weights = pair["penalties"][0]["trained"]["buffers"]
    assert weights["regularizers.lecam.real_mean"] != 0
    weights = pair["techniques"][0]["trained"]["buffers"]
    assert weights["stabilizers.replay.stored"] == 10


@pytest.mark.parametrize("case", EQUAL)
def test_gradients_are_those_of_the_global_batch(pair, case):
    with pytest.MonkeyPatch.context() as patch:
        alone = as_one(case, 0, 1, patch)
    first, second = (found["one"] for found in pair[case])
    assert len(alone["gradients"]) == len(first["gradients"]) == len(second["gradients"])
    # wgan trains its critic first; the generator of r3gan would have had the batch after the last; stylegan2 makes an
    # update of each of its two penalties
    other = {"wgan": SHORT, "r3gan": 2 * SHORT - 1, "stylegan2": 2 * SHORT + 2}
    assert len(alone["gradients"]) == other.get(case, 2 * SHORT)
    for turn, gradients in enumerate(zip(alone["gradients"], first["gradients"], second["gradients"], strict=True)):
        expected, mine, other = gradients
        assert torch.equal(mine, other), turn
        assert expected.norm() > 0
        error = (mine - expected).norm() / expected.norm()
        assert error <= 1e-4, f"turn {turn}: {error:.2g}"
    assert first["scalars"] == pytest.approx(alone["scalars"], rel=1e-3, abs=1e-5)
