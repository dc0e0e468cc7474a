"""What every model of conf/model must satisfy."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.contract.variants import VARIANTS, assert_same, build, fit, state

UNBOUNDED = {"progan"}
"""Generators without a tanh; their samples are clamped where they become pictures."""

DETERMINISTIC = {"cyclegan"}
"""Generators without noise: sample i is the translation of source image i."""


def test_the_glob_finds_the_variants():
    assert {"gan", "dcgan", "wgan_gp", "infogan", "progan", "pix2pix", "cyclegan"} <= set(VARIANTS)


class Snapshots:
    """Copies of both networks' parameters before and after each turn."""

    def __init__(self, model):
        self.model = model
        self.violations: list[str] = []
        self.turns = {"discriminator": 0, "generator": 0}
        self._open, self._close = model._open_turn, model._close_turn
        model._open_turn, model._close_turn = self.open, self.close

    def copies(self):
        return {
            player: [p.detach().clone() for m in self.model.player_modules(player) for p in m.parameters()]
            for player in self.turns
        }

    def open(self, player, log):
        self.before = self.copies()
        return self._open(player, log)

    def close(self, optimizer, log):
        active = self.model._active
        passive = "generator" if active == "discriminator" else "discriminator"
        for module in self.model.player_modules(passive):
            if any(p.requires_grad for p in module.parameters()):
                self.violations.append(f"{passive} was not frozen in the {active}'s turn")
        grads = [p.grad for p in self.model._parameters_of[active]]
        if not any(g is not None for g in grads) or not all(g is None or g.isfinite().all() for g in grads):
            self.violations.append(f"{active} has no gradients, or non-finite ones")
        self._close(optimizer, log)
        after = self.copies()
        if not all(torch.equal(a, b) for a, b in zip(self.before[passive], after[passive], strict=True)):
            self.violations.append(f"the {active}'s turn moved the {passive}")
        if all(torch.equal(a, b) for a, b in zip(self.before[active], after[active], strict=True)):
            self.violations.append(f"the {active}'s turn did not move the {active}")
        self.turns[active] += 1


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_turn_moves_one_player_only(variant):
    model, data = build(variant)
    watch = Snapshots(model)
    fit(model, data, images=8 * 12)
    assert watch.violations == []
    assert watch.turns["discriminator"] == model.discriminator_steps == 12
    assert watch.turns["generator"] == model.generator_steps >= 1


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_parameter_learns(variant):
    model, data = build(variant)
    seen: dict[str, torch.Tensor] = {}

    def note(optimizer):
        for name, parameter in model.named_parameters():
            if parameter.grad is not None and parameter.requires_grad:
                seen[name] = seen.get(name, 0) + parameter.grad.abs().sum()

    model.on_before_optimizer_step = note
    fit(model, data, images=8 * 12, log_every_n_steps=0)
    # A constant added to all logits leaves these losses as they are: exactly, or until the hinge bends.
    inert = {"wgan_gp": {"discriminator.output.bias"}, "ssgan": {"discriminator.output.bias"}}.get(variant, set())
    trained = {n for n, _ in model.named_parameters() if not n.startswith("generator_ema.")}
    assert trained - {n for n, total in seen.items() if total > 0} == inert


@pytest.mark.parametrize("variant", VARIANTS)
def test_resume_is_exact(variant, tmp_path: Path):
    whole, data = build(variant)
    fit(whole, data, images=8 * 22)

    first, data = build(variant)
    trainer = fit(first, data, images=8 * 22, stop_at=8 * 9)
    trainer.save_checkpoint(tmp_path / "half.ckpt")
    torch.rand(3)  # the global generator's state must not matter
    second, data = build(variant, "seed=0")
    fit(second, data, images=8 * 22, ckpt_path=tmp_path / "half.ckpt")
    assert second.images_seen == 8 * 22
    assert_same(state(whole), state(second))


@pytest.mark.parametrize("variant", VARIANTS)
def test_bfloat16_runs_and_stays_near(variant):
    losses = {}
    for precision in ("32-true", "bf16-mixed"):
        model, data = build(variant)
        fit(model, data, images=8 * 6, precision=precision, log_every_n_steps=1)
        losses[precision] = model.latest_scalars
        assert all(p.dtype == torch.float32 for p in model.parameters())
    for key in ("d/loss", "g/loss"):
        exact, rounded = losses["32-true"][key], losses["bf16-mixed"][key]
        assert rounded == pytest.approx(exact, rel=0.25, abs=0.25)


@pytest.mark.parametrize("variant", VARIANTS)
def test_samples_have_shape_and_range_and_depend_on_seed_and_index_alone(variant):
    model, _ = build(variant)
    state_before = torch.get_rng_state()
    many = model.sample(6, seed=3)
    assert torch.equal(state_before, torch.get_rng_state())
    assert many.shape == (6, *model.generator.sample_shape)
    assert many.dtype == torch.float32
    assert many.isfinite().all()
    assert many.abs().max() <= 1 or variant in UNBOUNDED
    assert torch.equal(many, model.sample(6, seed=3))
    assert torch.equal(many, model.sample(6, seed=3, batch_size=2))
    assert torch.equal(many, model.sample(6, seed=4)) == (variant in DETERMINISTIC)
    assert all(module.training for module in model.modules())
