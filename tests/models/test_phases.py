"""Loops other than the default one: each toy learns, resumes to the bit, and trains on two processes as on one."""

from __future__ import annotations

import copy
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning import Trainer

from gan_lightning.core.seeding import generator_for
from gan_lightning.data import Batch
from gan_lightning.models import AdversarialModule, Phase, Player, UpdateRule
from gan_lightning.models.players import refuse_shared_parameters, slots_of
from gan_lightning.regularizers import R1, R2
from gan_lightning.regularizers.stabilizer import Stabilizer
from gan_lightning.testing import assert_same, state
from gan_lightning.testing.checks import UpdateWatch
from tests.contract.global_draws import GlobalDraws
from tests.contract.pair import RANKS, together, trainer_arguments
from tests.models.phase_toys import TOYS, relativistic_toy, style_toy, views_toy
from tests.models.toys import AfterBatch, Rows, points

BATCH = 8


class Points:
    """Endless batches of points from the position of the model's loader on; a rank's rows of each."""

    def __init__(self, model: AdversarialModule, rank: int = 0, ranks: int = 1) -> None:
        self.model, self.rank, self.ranks = model, rank, ranks

    def __iter__(self):
        position = self.model.images_loaded
        while True:
            points = torch.randn(BATCH, 2, generator=generator_for(77, position)) + 1
            yield Batch(points.chunk(self.ranks)[self.rank])
            position += BATCH


def toy(name: str) -> AdversarialModule:
    torch.manual_seed(0)
    return TOYS[name]()


def fit(model: AdversarialModule, batches: int, *, budget: int = 1000, rank: int = 0, **arguments: Any) -> Trainer:
    """Train until the loader has given so many batches, or the discriminator seen ``budget`` of them."""
    model.budget_images = budget * BATCH

    def stop(module: AdversarialModule) -> None:
        module.trainer.should_stop = module.trainer.should_stop or module.images_loaded >= batches * BATCH

    given = {
        "accelerator": "cpu",
        "max_epochs": -1,
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "log_every_n_steps": 1,
        "callbacks": [AfterBatch(stop)],
    }
    path = arguments.pop("ckpt_path", None)
    trainer = Trainer(**{**given, **arguments})
    loader = Points(model, rank, arguments.get("devices", 1))
    trainer.fit(model, loader, ckpt_path=path, weights_only=True)
    return trainer


COUNTS = {
    "stylegan2": {"generator": 10, "path_length": 3, "discriminator": 10, "r1": 4},
    "r3gan": {"discriminator": 5, "generator": 5},
    "cut": {"discriminator": 10, "generator": 10},
    "fastgan": {"discriminator": 10, "generator": 10},
    "projected": {"generator": 10, "discriminator": 10},
}
"""Updates of each phase in ten batches, in the order of a round."""

LOGGED = {
    "stylegan2": {"g/path_length", "d/r1"},
    "r3gan": {"d/r1", "d/r2"},
    "cut": {"g/contrast", "f/lr", "f/grad_norm"},
    "fastgan": {"d/reconstruction"},
    "projected": set(),
}
"""What a toy logs besides what all do."""

ALWAYS = {
    *(f"{player}/{name}" for player in "dg" for name in ("loss", "adversarial", "grad_norm", "lr")),
    *("d/real", "d/fake", "d/accuracy", "images_seen"),
}


@pytest.mark.parametrize("name", TOYS)
def test_each_phase_moves_its_players_alone(name):
    model = toy(name)
    watch = UpdateWatch(model)
    fit(model, 10)
    assert not watch.violations
    assert list(model.steps.items()) == list(COUNTS[name].items())


@pytest.mark.parametrize("name", TOYS)
def test_it_logs_under_its_own_keys(name):
    rows = Rows()
    fit(toy(name), 10, logger=rows)
    assert set(rows.rows[0]) == ALWAYS | LOGGED[name]
    assert all(set(row) >= ALWAYS for row in rows.rows)
    assert len(rows.rows) == COUNTS[name]["generator"]


@pytest.mark.parametrize("name", TOYS)
@pytest.mark.parametrize("stop", [3, 4])
def test_it_resumes_to_the_bit_between_any_two_batches(name, stop, tmp_path):
    rows, later = Rows(), Rows()
    whole = toy(name)
    fit(whole, 9, logger=rows)
    first = toy(name)
    trainer = fit(first, stop)
    trainer.save_checkpoint(tmp_path / "half.ckpt")
    torch.rand(3)
    second = toy(name)
    fit(second, 9, ckpt_path=tmp_path / "half.ckpt", logger=later)
    assert second.images_loaded == 9 * BATCH
    assert_same(state(whole), state(second))
    assert later.rows == rows.rows[-len(later.rows) :]


def gradients_of(name: str, rank: int, ranks: int, **arguments: Any) -> dict[str, Any]:
    """Train with the random numbers of the global batch; return each update's gradients, and what was logged last."""
    model = toy(name)
    found: list[torch.Tensor] = []
    before_step = model.on_before_optimizer_step

    def note(optimizer: torch.optim.Optimizer) -> None:
        before_step(optimizer)
        grads = [torch.zeros_like(p) if p.grad is None else p.grad for g in optimizer.param_groups for p in g["params"]]
        found.append(torch.cat([grad.flatten().clone() for grad in grads]))

    model.on_before_optimizer_step = note
    with GlobalDraws(rank, ranks):
        fit(model, 4, rank=rank, **arguments)
    return {"gradients": found, "scalars": model.latest_scalars}


def same_seed_on_all_ranks(patch: pytest.MonkeyPatch) -> None:
    from gan_lightning.models import adversarial

    seed_step = adversarial.seed_step
    patch.setattr(adversarial, "seed_step", lambda seed, rank, *rest, **more: seed_step(seed, 0, *rest, **more))


def work(rank: int, folder: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        same_seed_on_all_ranks(patch)
        for name in TOYS:
            torch.save(gradients_of(name, rank, RANKS, **trainer_arguments()), folder / f"{name}.{rank}.pt")


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pair")
    together(work, folder, timeout_s=120)
    return {name: [torch.load(folder / f"{name}.{rank}.pt") for rank in range(RANKS)] for name in TOYS}


@pytest.mark.parametrize("name", TOYS)
def test_two_processes_train_as_one_on_the_global_batch(pair, name, monkeypatch):
    same_seed_on_all_ranks(monkeypatch)
    alone = gradients_of(name, 0, 1)
    first, second = pair[name]
    assert len(alone["gradients"]) == len(first["gradients"]) >= 4
    for update, (expected, mine, other) in enumerate(
        zip(alone["gradients"], first["gradients"], second["gradients"], strict=True)
    ):
        assert torch.equal(mine, other), update
        assert expected.norm() > 0
        assert (mine - expected).norm() <= 1e-4 * expected.norm(), update
    kept = [key for key in alone["scalars"] if "accuracy" not in key]
    assert {key: first["scalars"][key] for key in kept} == pytest.approx(
        {key: alone["scalars"][key] for key in kept}, rel=1e-3, abs=1e-5
    )


def test_a_real_batch_of_its_own_is_seen_by_the_generator_only():
    model = relativistic_toy()
    shown: list[tuple[str, torch.Tensor]] = []
    for name in ("discriminator_objective", "generator_objective"):
        objective = getattr(model, name)

        def note(batch: Batch, name: str = name, objective: Any = objective) -> Any:
            shown.append((name, batch.images))
            return objective(batch)

        setattr(model, name, note)
    fit(model, 6)
    assert [name.split("_")[0] for name, _ in shown] == ["discriminator", "generator"] * 3
    for number, (_, images) in enumerate(shown):
        assert torch.equal(images, torch.randn(BATCH, 2, generator=generator_for(77, number * BATCH)) + 1)
    assert (model.images_seen, model.images_loaded) == (3 * BATCH, 6 * BATCH)


def test_a_budget_ends_after_the_round_in_which_it_is_reached():
    model = relativistic_toy()
    fit(model, 100, budget=3)
    assert (model.images_seen, model.images_loaded) == (3 * BATCH, 6 * BATCH)


def test_five_values_follow_their_schedules():
    model = relativistic_toy()
    seen: list[dict[str, float]] = []

    def look(module: AdversarialModule) -> None:
        for player in ("discriminator", "generator"):
            (group,) = module.active[player].optimizer.param_groups
            entry = {"at": module.images_seen, "lr": group["lr"], "beta2": group["betas"][1]}
            entry |= {"gamma": module.scalar(module.regularizers["r1"].weight), "p": module.augment.p}
            seen.append(entry)

    fit(model, 20, callbacks=[AfterBatch(look)], max_steps=20)
    for entry in seen[::4]:  # the discriminator's update, of the images before it
        wave = (1 + torch.cos(torch.tensor((entry["at"] - BATCH) / 100 * torch.pi, dtype=torch.float64))) / 2
        wave = float(wave) if entry["at"] - BATCH < 100 else 0.0
        assert entry["lr"] == pytest.approx(5e-4 + 1.5e-3 * wave, rel=1e-9)
        assert entry["beta2"] == pytest.approx(0.99 - 0.09 * wave, rel=1e-9)
        assert entry["p"] == pytest.approx(0.3 - 0.3 * wave, rel=1e-9)
    assert seen[0]["lr"] != seen[-4]["lr"]


def test_the_weight_of_a_penalty_and_the_half_life_of_an_average_follow_their_schedules():
    rows = Rows()
    model = relativistic_toy()
    decays: list[tuple[int, float]] = []
    penalties: list[tuple[int, float]] = []
    penalty = model.regularizers["r1"]
    forward = penalty.forward

    def note(turn: Any) -> torch.Tensor:
        value = forward(turn)
        penalties.append((turn.images_seen, float(value)))
        return value

    penalty.forward = note
    fit(model, 10, logger=rows, callbacks=[AfterBatch(lambda m: None)], max_steps=10)
    for row, (images, value) in zip(rows.rows, penalties, strict=True):
        gamma = 0.2 + 1.8 * (1 + math.cos(math.pi * images / 100)) / 2
        assert row["d/r1"] == pytest.approx(gamma * value, rel=1e-5)
    averager = model.averagers[0]
    update = averager.update
    averager.update = lambda decay: decays.append((model.images_seen, decay)) or update(decay)
    model.images_seen = 0
    for images in (8, 40, 80, 200):
        model.images_seen, model.images_since_generator, model.generator_moved = images, BATCH, True
        model.end_round()
    for images, decay in decays:
        halflife = 50 * (1 - (1 + math.cos(math.pi * min(images - BATCH, 100) / 100)) / 2)
        assert decay == pytest.approx(0.5 ** (BATCH / max(halflife, 1e-8)), rel=1e-9)


def test_a_shared_forward_pass_has_the_gradient_of_a_pass_of_its_own():
    found = []
    for shares in (True, False):
        torch.manual_seed(0)
        model = relativistic_toy(shares_forward=shares).double()
        passes = 0
        features = model.discriminator.features

        def count(samples: torch.Tensor, features: Any = features) -> torch.Tensor:
            nonlocal passes
            passes += 1
            return features(samples)

        model.discriminator.features = count
        model.steps = dict.fromkeys(("discriminator", "generator"), 0)
        torch.manual_seed(1)
        fakes = torch.randn(BATCH, 2, dtype=torch.float64)
        model.augment = None
        model.generate = lambda latents, condition, fakes=fakes: fakes
        terms = model.discriminator_objective(Batch(torch.randn(BATCH, 2, dtype=torch.float64)))
        gradient = torch.autograd.grad(sum(terms.values()), list(model.discriminator.parameters()), allow_unused=True)
        found.append((passes, terms, [g for g in gradient if g is not None]))
    (few, terms, gradient), (many, other_terms, other_gradient) = found
    assert (few, many) == (2, 4)
    for name, term in terms.items():
        assert term.item() == pytest.approx(other_terms[name].item(), rel=1e-6)
    for mine, other in zip(gradient, other_gradient, strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-5, atol=1e-8)


def test_shared_fakes_are_generated_once_and_serve_both():
    model = views_toy()
    made: list[torch.Tensor] = []
    views = model.generator.views

    def note(latents: torch.Tensor) -> Any:
        result = views(latents)
        made.append(result[0])
        return result

    model.generator.views = note
    fit(model, 3)
    assert len(made) == 3


def test_styles_are_truncated_toward_their_mean_and_noise_is_of_the_sample():
    model = style_toy()
    fit(model, 10)
    generator = model.generator
    assert generator.w_avg.norm() > 0
    plain, again = (model.sample(5, seed=1, weights="raw", batch_size=size) for size in (5, 2))
    assert torch.equal(plain, again)
    inputs = model.inputs(range(5), seed=1)
    assert inputs.noise[0].shape == (5, 2)
    assert len(inputs.noise[0].unique()) == 10
    generator.eval()
    with torch.no_grad():
        mean = generator.synthesize(generator.w_avg.expand(5, 4), inputs.noise)
        half = generator.synthesize(
            generator.w_avg + 0.5 * (generator.styles(inputs.latents) - generator.w_avg), inputs.noise
        )
    torch.testing.assert_close(model.sample(5, seed=1, weights="raw", truncation=0.0), mean)
    torch.testing.assert_close(model.sample(5, seed=1, weights="raw", truncation=0.5), half)
    assert not torch.equal(model.sample(5, seed=1, weights="raw", truncation=1.0), mean)


def test_frozen_features_stay_as_they_are_and_outside_of_the_checkpoint(tmp_path):
    model = toy("projected")
    frozen = model.discriminator.frozen
    assert frozen.network is None
    before = copy.deepcopy(frozen.prepare(torch.zeros(1, 2)).state_dict())
    trainer = fit(model, 5)
    assert_same(dict(before), dict(frozen.network.state_dict()))
    assert not frozen.network.training
    assert all(p.grad is None and not p.requires_grad for p in frozen.network.parameters())
    trainer.save_checkpoint(tmp_path / "toy.ckpt")
    saved = torch.load(tmp_path / "toy.ckpt", weights_only=True)["state_dict"]
    assert not [name for name in saved if "frozen" in name]
    assert not [name for name, _ in model.named_parameters() if "frozen" in name]
    assert copy.deepcopy(model).discriminator.frozen.network is frozen.network


def test_frozen_features_follow_the_module_and_let_gradients_through():
    model = toy("projected")
    model.double()
    points = torch.randn(4, 2, dtype=torch.float64, requires_grad=True)
    model.discriminator(points).sum().backward()
    assert points.grad.abs().sum() > 0
    assert next(model.discriminator.frozen.network.parameters()).dtype == torch.float64
    model.float()
    assert next(model.discriminator.frozen.network.parameters()).dtype == torch.float32
    model.train()
    assert not model.discriminator.frozen.network.training


def test_frozen_features_that_were_first_needed_for_an_evaluation_can_be_differentiated():
    model = toy("projected")
    before = torch.get_rng_state()
    with torch.inference_mode():
        model.discriminator(torch.zeros(1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    points = torch.randn(4, 2, requires_grad=True)
    model.discriminator(points).sum().backward()
    assert points.grad.abs().sum() > 0


def test_an_infinite_gradient_is_replaced_where_that_is_asked_for():
    model = style_toy()
    hook = model.discriminator.output.weight.register_hook(lambda grad: grad * torch.inf)
    fit(model, 1)
    hook.remove()
    assert all(p.isfinite().all() for p in model.parameters())


def phase(name: str, **arguments: Any) -> Phase:
    return Phase(name=name, players=("discriminator",), terms=lambda batch: {}, **arguments)


@pytest.mark.parametrize(
    ("phases", "reason"),
    [
        ([phase("a"), phase("a")], "different names"),
        ([phase("a"), phase("b", follows="c")], "'b' follows 'c', which is not one of"),
        ([phase("a"), phase("b", follows="a", real="next")], "'b' follows 'a', whose batch it must see"),
        ([phase("a"), phase("b", real="next"), phase("c", follows="a")], "'c' follows 'a', which must come before it"),
        ([phase("b", follows="a"), phase("a")], "'b' follows 'a', which must come before it on its batch"),
    ],
)
def test_phases_that_cannot_be_in_this_order_are_refused(phases, reason):
    with pytest.raises(ValueError, match=reason):
        slots_of(phases)


@pytest.mark.parametrize(("critic_steps", "batches", "steps"), [(1, 2.0, 1.0), (4, 1.25, 1.0), (0.5, 2.0, 1.5)])
def test_batches_that_the_generator_takes_for_itself_are_counted(critic_steps, batches, steps):
    model = points(updates=UpdateRule(critic_steps=critic_steps, generator_batch="next"))
    model.slots = slots_of(model.phases())
    assert model.batches_per_shown_batch() == pytest.approx(batches)
    assert model.optimizer_steps_per_batch() == pytest.approx(steps)


@pytest.mark.parametrize(("critic_steps", "expected"), [(1, 2.0), (5, 1.2), (0.5, 3.0)])
def test_the_steps_of_all_optimizers_are_counted(critic_steps, expected):
    model = points(updates=UpdateRule(critic_steps=critic_steps))
    model.slots = slots_of(model.phases())
    assert model.optimizer_steps_per_batch() == pytest.approx(expected)
    model.slots = slots_of([*model.phases(), phase("third", repeats=3), phase("lazy", follows="third", every=4)])
    assert model.optimizer_steps_per_batch() == pytest.approx(expected + 3 + 3 / 4)


class Late(Stabilizer):
    """A term of the discriminator."""

    def discriminator_terms(self, discriminator: Any) -> dict[str, torch.Tensor]:
        return {"term": torch.zeros(())}


class Replacing(Stabilizer):
    """Generated samples of its own."""

    def discriminator_fakes(self, images: torch.Tensor) -> torch.Tensor:
        return images.clone()


@pytest.mark.parametrize(
    "parts",
    [{"regularizers": {"late_term": R1(weight=1.0)}, "stabilizers": {"late": Late()}}],
)
def test_no_term_takes_the_place_of_another(parts):
    with pytest.raises(ValueError, match="is a term of the model; rename it"):
        fit(points(**parts), 1)


@pytest.mark.parametrize("name", ["adversarial", "loss", "real", "lr"])
@pytest.mark.parametrize("own_step", [False, True])
def test_no_penalty_is_logged_under_a_key_that_every_row_has(name, own_step):
    with pytest.raises(ValueError, match=rf"model\.regularizers\.{name}: logged rows already have a key of this name"):
        points(regularizers={name: R1(weight=1.0, own_step=own_step)})


def test_samples_do_not_part_from_their_other_views():
    with pytest.raises(ValueError, match=r"stabilizers: one replaces generated samples, but not the other views"):
        fit(views_toy(stabilizers={"replay": Replacing()}), 1)
    with pytest.raises(ValueError, match=r"shares_forward = true differentiates by the generated samples"):
        fit(views_toy(regularizers={"r2": R2(weight=1.0, shares_forward=True)}), 1)
    fit(views_toy(regularizers={"r1": R1(weight=1.0, shares_forward=True), "r2": R2(weight=1.0)}), 1)


def test_a_penalty_of_its_own_step_leaves_the_samples_that_are_kept_alone():
    class Counting(Replacing):
        calls = 0

        def discriminator_fakes(self, images: torch.Tensor) -> torch.Tensor:
            self.calls += 1
            return images

    counting = Counting()
    fit(points(regularizers={"r2": R2(weight=1.0, own_step=True)}, stabilizers={"counting": counting}), 3)
    assert counting.calls == 3


@pytest.mark.parametrize("every", [1, 0])
def test_logging_an_infinite_gradient_changes_no_other(every):
    model = points(updates=UpdateRule(ema_halflife_kimg=None))
    layers = [p for p in model.generator.parameters() if p.ndim == 2]
    layers[0].register_hook(lambda grad: grad * torch.inf)
    fit(model, 1, logger=Rows(), log_every_n_steps=every)
    assert not layers[0].isfinite().all()
    assert all(p.isfinite().all() for p in layers[1:])


def test_a_parameter_belongs_to_one_player():
    shared = torch.nn.Linear(2, 2)
    players = [Player(name=n, short=n, modules=(shared,), optimizer=torch.optim.SGD) for n in ("first", "second")]
    refuse_shared_parameters(players[:1])
    with pytest.raises(ValueError, match="players 'first' and 'second' train the same parameter"):
        refuse_shared_parameters(players)
