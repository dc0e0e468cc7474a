"""float16 with gradient scalers, on the CPU, which autocasts to float16 as a GPU does."""

from functools import partial

import pytest
import torch
from lightning.pytorch.plugins.precision import MixedPrecision

from gan_lightning.losses import NonSaturating
from gan_lightning.models import UpdateRule
from tests.contract.variants import assert_same, state
from tests.models.toys import AfterBatch, Rows, points, sgd, train, vector


def half(scale=1024.0, growth_interval=2000):
    """The plugin of precision=16-mixed."""
    scaler = torch.amp.GradScaler("cpu", init_scale=scale, growth_interval=growth_interval)
    return MixedPrecision("16-mixed", "cpu", scaler=scaler)


class Overflows(NonSaturating):
    """In one call of one player the loss is finite, and its scaled gradient is not."""

    def __init__(self, player, call):
        super().__init__()
        self.player, self.calls_left = player, call

    def _overflown(self, player, values):
        self.calls_left -= player == self.player
        return values * 1e36 if self.calls_left == -1 and player == self.player else values

    def discriminator(self, real, fake):
        return self._overflown("discriminator", super().discriminator(real, fake))

    def generator(self, fake, real=None):
        return self._overflown("generator", super().generator(fake, real))


def snapshot(model):
    scales = {player: active.scaler.get_scale() for player, active in model.active.items()}
    return scales, vector(model.discriminator), vector(model.generator)


@pytest.mark.parametrize("replacement", [None, 1e5])
@pytest.mark.parametrize("player", ["discriminator", "generator"])
def test_an_overflow_of_one_player_costs_the_other_nothing(player, replacement):
    other = "generator" if player == "discriminator" else "discriminator"
    watch = AfterBatch(snapshot)
    model = points(loss=Overflows(player, 2), updates=UpdateRule(replace_nonfinite=replacement))
    train(model, 4, callbacks=[watch], plugins=[half()])
    scales = [scales for scales, *_ in watch.seen]
    assert [s[player] for s in scales] == [1024, 1024, 512, 512]
    assert [s[other] for s in scales] == [1024] * 4
    moved = {
        name: [not torch.equal(a[i], b[i]) for a, b in zip(watch.seen, watch.seen[1:], strict=False)]
        for i, name in ((1, "discriminator"), (2, "generator"))
    }
    assert moved[player] == [True, False, True]
    assert moved[other] == [True, True, True]


def test_scales_grow_once_per_update_of_their_own_player():
    watch = AfterBatch(lambda model: tuple(active.scaler.get_scale() for active in model.active.values()))
    train(points(updates=UpdateRule(critic_steps=2)), 8, callbacks=[watch], plugins=[half(1.0, growth_interval=2)])
    assert watch.seen == [(1, 1), (2, 1), (2, 1), (4, 2), (4, 2), (8, 2), (8, 2), (16, 4)]


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("limit", [None, 0.01])
def test_clipping_acts_on_unscaled_gradients(limit, fused):
    runs = {}
    for name, plugins in (("float32", None), ("float16", [half(4096.0)])):
        updates = UpdateRule(discriminator_clip_norm=limit, generator_clip_norm=limit)
        model, logger = points(updates=updates), Rows()
        model.generator_optimizer = model.discriminator_optimizer = partial(sgd, fused=fused)
        start = vector(model.discriminator), vector(model.generator)
        train(model, 1, logger=logger, plugins=plugins)
        steps = [(vector(model.discriminator) - start[0]).norm(), (vector(model.generator) - start[1]).norm()]
        runs[name] = [*(step.item() for step in steps), logger.rows[0]["d/grad_norm"], logger.rows[0]["g/grad_norm"]]
    assert runs["float16"] == pytest.approx(runs["float32"], rel=0.02)
    if limit is not None:
        assert runs["float16"][:2] == pytest.approx([limit, limit], rel=1e-3)


@pytest.mark.parametrize("stop", [3, 4])
def test_both_scalers_are_saved_and_a_resumed_run_is_the_same(tmp_path, stop):
    def run(batches, ckpt_path=None):
        # the generator overflows in its third call, before the stop
        model = points(loss=Overflows("generator", 2 if ckpt_path is None else 10**6))
        plugin = half(1024.0 if ckpt_path is None else 2.0, growth_interval=4)
        return model, train(model, batches, ckpt_path=ckpt_path, plugins=[plugin])

    whole, _ = run(9)
    _, trainer = run(stop)
    trainer.save_checkpoint(tmp_path / "half.ckpt")
    saved = torch.load(tmp_path / "half.ckpt", weights_only=True)["gradient_scalers"]
    assert saved["generator"]["scale"] == 512
    assert saved["discriminator"]["scale"] == (1024 if stop < 4 else 2048)
    second, _ = run(9, tmp_path / "half.ckpt")
    assert_same(state(whole), state(second))
    scalers = [{p: active.scaler.state_dict() for p, active in m.active.items()} for m in (whole, second)]
    assert scalers[0] == scalers[1]


def test_without_a_scaler_none_is_saved(tmp_path):
    train(points(), 1).save_checkpoint(tmp_path / "a.ckpt")
    assert torch.load(tmp_path / "a.ckpt", weights_only=True)["gradient_scalers"] == {}
