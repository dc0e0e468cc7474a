"""What every variant must satisfy, as functions that raise an AssertionError with the reason."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gan_lightning.models import AdversarialModule, Phase
from gan_lightning.testing.training import assert_same, fit, state
from gan_lightning.testing.variant import Variant


class UpdateWatch:
    """Copies all players' parameters before and after each update, and notes what is wrong.

    Args:
        model: which is about to be trained.

    Attributes:
        violations: a sentence each.
        updates: how many of each player there were.
    """

    def __init__(self, model: AdversarialModule) -> None:
        self.model = model
        self.violations: list[str] = []
        self.updates: dict[str, int] = {player.name: 0 for player in model.players()}
        self._before: dict[str, list[Tensor]] = {}
        self._prepare, self._close = model.before_update, model.close_update
        model.before_update, model.close_update = self._begun, self._closed  # type: ignore[method-assign, assignment]

    def _copies(self) -> dict[str, list[Tensor]]:
        return {
            player.name: [p.detach().clone() for module in player.modules for p in module.parameters()]
            for player in self.model.players()
        }

    def _begun(self, phase: Phase) -> None:
        self._before = self._copies()
        self._prepare(phase)

    def _closed(self, *arguments: Any) -> None:
        running = self.model.running
        who = " and ".join(running)
        for player in self.model.players():
            frozen = not any(p.requires_grad for module in player.modules for p in module.parameters())
            if frozen == (player.name in running):
                self.violations.append(f"{player.name} was {'' if frozen else 'not '}frozen in an update of {who}")
        for name in running:
            grads = [p.grad for p in self.model.active[name].parameters]
            if not any(g is not None for g in grads) or not all(g is None or bool(g.isfinite().all()) for g in grads):
                self.violations.append(f"{name} has no gradients, or non-finite ones")
        self._close(*arguments)
        after = self._copies()
        for name, copies in after.items():
            moved = not all(torch.equal(a, b) for a, b in zip(self._before[name], copies, strict=True))
            if moved != (name in running):
                self.violations.append(f"an update of {who} {'moved' if moved else 'did not move'} the {name}")
        for name in running:
            self.updates[name] += 1


BATCH = 8


def require(holds: bool, otherwise: str) -> None:
    """Raise ``AssertionError(otherwise)`` unless a condition holds."""
    if not holds:
        raise AssertionError(otherwise)


def check_updates(variant: Variant) -> None:
    """Check that each update moves its own players, with finite gradients, and no others by a single bit."""
    model, data = variant.build()
    watch = UpdateWatch(model)
    fit(model, data, images=BATCH * 12)
    require(not watch.violations, "; ".join(dict.fromkeys(watch.violations)))
    for player, least in (("discriminator", 12), ("generator", 1)):
        phases = [phase.name for slot in model.slots for phase in slot if player in phase.players]
        counted, watched = sum(model.steps[name] for name in phases), watch.updates[player]
        require(watched == counted >= least, f"12 batches gave {watched} updates of the {player}, {counted} counted")


def check_learning(variant: Variant) -> None:
    """Check that every parameter of both players gets a gradient, except those that are said to be inert."""
    model, data = variant.build()
    seen: dict[str, float] = {}

    def note(optimizer: object) -> None:
        for name, parameter in model.named_parameters():
            if parameter.grad is not None and parameter.requires_grad:
                seen[name] = seen.get(name, 0.0) + float(parameter.grad.abs().sum())

    model.on_before_optimizer_step = note  # type: ignore[method-assign]
    fit(model, data, images=BATCH * 12, log_every_n_steps=0)
    trained = {name for name, _ in model.named_parameters() if not name.startswith("generator_ema.")}
    still = trained - {name for name, total in seen.items() if total > 0}
    require(still == variant.inert, f"without a gradient: {sorted(still)}; expected: {sorted(variant.inert)}")


def check_resume(variant: Variant) -> None:
    """Check that an interrupted run that resumes from its checkpoint equals an uninterrupted one, bit for bit."""
    whole, data = variant.build()
    fit(whole, data, images=BATCH * 18)
    first, data = variant.build()
    trainer = fit(first, data, images=BATCH * 18, stop_at=BATCH * 9)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "half.ckpt"
        trainer.save_checkpoint(path)
        torch.rand(3)  # the global generator's state must not matter
        second, data = variant.build()
        fit(second, data, images=BATCH * 18, ckpt_path=path)
    require(second.images_seen == BATCH * 18, f"the resumed run saw {second.images_seen} images, not {BATCH * 18}")
    assert_same(state(whole), state(second))


def check_bfloat16(variant: Variant) -> None:
    """Check that training under bfloat16 autocast keeps float32 parameters and losses near those of float32."""
    losses = {}
    for precision in ("32-true", "bf16-mixed"):
        model, data = variant.build()
        fit(model, data, images=BATCH * 6, precision=precision, log_every_n_steps=1)
        losses[precision] = model.latest_scalars
        require(all(p.dtype == torch.float32 for p in model.parameters()), "a parameter is not float32 any more")
    for key in ("d/loss", "g/loss"):
        exact, rounded = losses["32-true"][key], losses["bf16-mixed"][key]
        require(
            math.isclose(rounded, exact, rel_tol=0.25, abs_tol=0.25), f"{key} is {exact}, and {rounded} in bfloat16"
        )


def check_samples(variant: Variant) -> None:
    """Check the samples' shape and range, and that sample i is a function of (seed, i) alone, to the bit."""
    model, _ = variant.build()
    before = torch.get_rng_state()
    many = model.sample(6, seed=3)
    require(torch.equal(before, torch.get_rng_state()), "sampling drew from the global random generator")
    shape = (6, *model.generator.sample_shape)
    require(many.shape == shape, f"6 samples have shape {tuple(many.shape)}, expected {shape}")
    require(many.dtype == torch.float32, f"samples are {many.dtype}")
    require(bool(many.isfinite().all()), "a sample is not finite")
    if variant.bounded:
        require(float(many.abs().max()) <= 1, "a sample lies outside [-1, 1]")
    require(torch.equal(many, model.sample(6, seed=3)), "the same seed gave other samples")
    require(torch.equal(many, model.sample(6, seed=3, batch_size=2)), "the batch size changed the samples")
    require(torch.equal(many, model.sample(6, seed=4)) != variant.noisy, "noisy is not what the samples are")
    require(all(module.training for module in model.modules()), "sampling left a module in evaluation mode")
    labels, codes = model.sample_labels([0, 1], seed=3), model.sample_codes([0, 1], seed=3)
    require(model.draws_labels == (labels is not None), "draws_labels is not what sample_labels does")
    require(model.draws_codes == (codes is not None), "draws_codes is not what sample_codes does")


CHECKS: tuple[Callable[[Variant], None], ...] = (
    check_updates,
    check_learning,
    check_resume,
    check_bfloat16,
    check_samples,
)
"""All of them, for ``pytest.mark.parametrize``."""
