"""Turns, accumulation, clipping, ratio, schedules, averaging and the budget."""

import math
from functools import partial

import pytest
import torch
from lightning import Trainer
from torch import nn

from gan_lightning.core.running_statistics import batch_norm_statistics
from gan_lightning.core.schedules import Cosine, Linear
from gan_lightning.models import UpdateRule
from tests.contract.variants import StopAt, assert_same, build, fit, state
from tests.models.toys import BATCH, AfterBatch, Rows, Stream, points, sgd, train, vector


def test_the_discriminator_moves_first_and_the_other_player_is_frozen():
    model = points(updates=UpdateRule(critic_steps=2))
    updates = []
    open_update, close_update = model.open_update, model.close_update

    def spy_open(names):
        open_update(names)
        frozen = {name: not any(p.requires_grad for p in getattr(model, name).parameters()) for name in before}
        updates.append((model.running, frozen))

    def spy_close(*arguments):
        close_update(*arguments)
        for name in before:
            assert torch.equal(before[name], vector(getattr(model, name))) == (name not in model.running)
            before[name] = vector(getattr(model, name))

    before = {name: vector(getattr(model, name)) for name in ("discriminator", "generator")}
    model.open_update, model.close_update = spy_open, spy_close
    train(model, 4)
    d_update = (("discriminator",), {"discriminator": False, "generator": True})
    g_update = (("generator",), {"discriminator": True, "generator": False})
    assert updates == [d_update, d_update, g_update] * 2


def test_nothing_is_frozen_after_a_fit():
    model = points()
    train(model, 2)
    assert all(p.requires_grad for p in [*model.generator.parameters(), *model.discriminator.parameters()])
    assert not any(p.requires_grad for p in model.generator_ema.parameters())


@pytest.mark.parametrize("player", ["discriminator", "generator"])
def test_a_fit_that_raised_within_a_turn_can_be_repeated(player, monkeypatch):
    def fail(*logits):
        raise RuntimeError("broken")

    model = points()
    monkeypatch.setattr(model.loss, player, fail)
    with pytest.raises(RuntimeError, match="broken"):
        train(model, 2)
    monkeypatch.undo()
    configure, seen = model.configure_optimizers, []

    def spy():  # when it is called, DDP has looked for what takes gradients
        networks = [*model.generator.parameters(), *model.discriminator.parameters()]
        seen.append(([p.requires_grad for p in networks], model._row))
        return configure()

    monkeypatch.setattr(model, "configure_optimizers", spy)
    before = vector(model.discriminator), vector(model.generator)
    train(model, 2)
    assert seen == [([True] * len(seen[0][0]), None)]
    assert not torch.equal(before[0], vector(model.discriminator))
    assert not torch.equal(before[1], vector(model.generator))


@pytest.mark.parametrize("parts", [2, 4, 8])
def test_micro_batches_give_the_step_of_the_whole_batch(parts):
    models, rows = [], []
    for accumulate in (1, parts):
        model, logger = points(updates=UpdateRule(accumulate=accumulate), prior=Stream()), Rows()
        model.generator_optimizer = model.discriminator_optimizer = sgd
        train(model, 3, logger=logger)
        models.append(model)
        rows.append(logger.rows)
    for name in ("discriminator", "generator", "generator_ema"):
        first, second = (vector(getattr(model, name)) for model in models)
        assert torch.allclose(first, second, atol=1e-5), name
    for first, second in zip(*rows, strict=True):
        for key in ("d/loss", "g/loss", "d/real", "d/fake", "d/grad_norm", "g/grad_norm"):
            assert first[key] == pytest.approx(second[key], abs=1e-5), key


def test_a_batch_that_does_not_divide_into_micro_batches_is_refused():
    with pytest.raises(ValueError, match="a batch of 8 does not divide into 3 micro-batches"):
        train(points(updates=UpdateRule(accumulate=3)), 1)


@pytest.mark.parametrize("player", ["discriminator", "generator"])
def test_the_norm_of_one_players_gradient_is_clipped(player):
    other = "generator" if player == "discriminator" else "discriminator"
    steps = {}
    for limit in (None, 0.01):
        model, logger = points(updates=UpdateRule(**{f"{player}_clip_norm": limit})), Rows()
        model.generator_optimizer = model.discriminator_optimizer = sgd
        start = {name: vector(getattr(model, name)) for name in (player, other)}
        train(model, 1, logger=logger)
        steps[limit] = {name: vector(getattr(model, name)) - start[name] for name in (player, other)}
        # the logged norm is the one before clipping, in both
        logged = logger.rows[0][f"{player[0]}/grad_norm"]
        assert logged == pytest.approx(steps[None][player].norm().item(), rel=1e-4)
    whole, clipped = steps[None][player], steps[0.01][player]
    assert whole.norm() > 0.05
    assert clipped.norm().item() == pytest.approx(0.01, rel=1e-3)
    assert nn.functional.cosine_similarity(whole, clipped, dim=0) > 0.9999
    assert steps[0.01][other].norm() > 0.02


@pytest.mark.parametrize(
    ("ratio", "after_each_batch"),
    [(1, [1, 2, 3, 4, 5, 6]), (3, [0, 0, 1, 1, 1, 2]), (0.5, [2, 4, 6, 8, 10, 12]), (1 / 3, [3, 6, 9, 12, 15, 18])],
)
def test_the_ratio_of_updates(ratio, after_each_batch):
    watch = AfterBatch(lambda model: model.steps["generator"])
    model = points(updates=UpdateRule(critic_steps=ratio))
    train(model, 6, callbacks=[watch])
    assert watch.seen == after_each_batch
    assert model.steps["discriminator"] == 6


def test_several_generator_updates_in_a_turn_see_fresh_latents():
    model = points(updates=UpdateRule(critic_steps=0.5))
    drawn = []
    draw = model.prior.draw
    model.prior.draw = lambda *a, **k: drawn.append(draw(*a, **k)) or drawn[-1]
    train(model, 1)
    assert len({tuple(z.flatten().tolist()) for z in drawn}) == len(drawn) == 3


@pytest.mark.parametrize("ratio", [0, -1, 1.5, 0.4, 2 / 3, math.nan, math.inf])
def test_a_ratio_that_is_neither_k_nor_one_over_k_is_refused(ratio):
    with pytest.raises(ValueError, match=r"updates\.critic_steps must be a positive integer k or a fraction 1/k"):
        UpdateRule(critic_steps=ratio)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("accumulate", 0),
        ("generator_clip_norm", 0.0),
        ("discriminator_clip_norm", -1.0),
        ("ema_rampup", 0.0),
        ("ema_halflife_kimg", -1.0),
        ("ema_start_kimg", -1.0),
    ],
)
def test_update_rules_out_of_range_are_refused(key, value):
    with pytest.raises(ValueError, match=rf"updates\.{key} must be .*got {value}"):
        UpdateRule(**{key: value})


def test_schedules_follow_the_images_seen():
    updates = UpdateRule(
        critic_steps=2,
        discriminator_schedule=Linear(final=0.0),
        generator_schedule=Linear(start_kimg=0.032, end_kimg=0.096, final=0.5),
    )
    watch = AfterBatch(lambda model: [o.param_groups[0]["lr"] for o in model.trainer.optimizers])
    train(points(updates=updates), 10, callbacks=[watch])
    d_rates, g_rates = zip(*watch.seen, strict=True)
    assert d_rates == pytest.approx([2e-4 * (1 - k / 10) for k in range(10)])
    # generator's turns are at batches 1, 3, 5, 7, 9, when 8, 24, 40, 56, 72 images were seen before
    factors = [1, 1, 1, 1, 1 - 8 / 128, 1 - 8 / 128, 1 - 24 / 128, 1 - 24 / 128, 1 - 40 / 128]
    assert g_rates[1:] == pytest.approx([2e-4 * factor for factor in factors])


def scheduled(**arguments):
    """Return a model both of whose optimizers are SGD with these arguments."""
    return points(**dict.fromkeys(OPTIMIZERS, partial(torch.optim.SGD, **{"lr": 0.1, **arguments})))


OPTIMIZERS = ("generator_optimizer", "discriminator_optimizer")


def group_values(key):
    """Return a callback that keeps what stands under ``key`` in the discriminator's and the generator's optimizer."""
    return AfterBatch(lambda model: [optimizer.param_groups[0][key] for optimizer in model.trainer.optimizers])


def test_the_momentum_of_an_optimizer_may_be_a_schedule():
    after = group_values("momentum")
    model = scheduled(momentum=Linear(end_kimg=BATCH * 4 / 1000, initial=0.5, final=0.7))
    train(model, 6, callbacks=[after])
    for seen in zip(*after.seen, strict=True):
        assert seen == pytest.approx((0.5, 0.55, 0.6, 0.65, 0.7, 0.7), abs=1e-12)


def test_one_of_adams_betas_may_be_a_schedule_and_the_other_optimizer_keeps_its_own():
    rising = partial(torch.optim.Adam, lr=1e-3, betas=[0.0, Cosine(end_kimg=BATCH * 4 / 1000, initial=0.9, final=0.99)])
    after = group_values("betas")
    train(points(generator_optimizer=rising), 6, callbacks=[after])
    others, own = zip(*after.seen, strict=True)
    assert set(others) == {(0.5, 0.999)}
    assert [beta for beta, _ in own] == [0.0] * 6
    share = [(1 - math.cos(math.pi * k / 4)) / 2 for k in (0, 1, 2, 3, 4, 4)]
    assert [beta for _, beta in own] == pytest.approx([0.9 + 0.09 * done for done in share], abs=1e-12)


def test_a_scheduled_rate_is_multiplied_by_the_schedule_of_the_rule():
    rate = Linear(end_kimg=BATCH * 4 / 1000, initial=0.1, final=0.5)
    updates = UpdateRule(generator_schedule=Linear(end_kimg=BATCH * 8 / 1000))
    after = group_values("lr")
    train(points(updates=updates, **dict.fromkeys(OPTIMIZERS, partial(torch.optim.SGD, lr=rate))), 6, callbacks=[after])
    rates = [0.1, 0.2, 0.3, 0.4, 0.5, 0.5]
    d_rates, g_rates = zip(*after.seen, strict=True)
    assert d_rates == pytest.approx(rates)
    assert g_rates == pytest.approx([value * (1 - k / 8) for k, value in enumerate(rates)])


@pytest.mark.parametrize("ratio", [2, 0.5])
def test_scheduled_arguments_are_set_before_every_update(ratio):
    """The first steps of SGD from given gradients are known, so that each must have had the momentum of its moment."""
    momentum = Linear(end_kimg=BATCH * 10 / 1000, initial=0.2, final=0.8)
    model = points(
        updates=UpdateRule(critic_steps=ratio),
        **dict.fromkeys(OPTIMIZERS, partial(torch.optim.SGD, lr=0.01, momentum=momentum)),
    )
    used = {"discriminator": [], "generator": []}
    close_update = model.close_update

    def spy(*arguments):
        (player,) = model.running
        before = vector(getattr(model, player))
        close_update(*arguments)
        gradient = torch.cat([p.grad.flatten() for p in model.active[player].parameters])
        used[player].append((model.images_seen, before - vector(getattr(model, player)), gradient))

    model.close_update = spy
    train(model, 4)
    assert [len(steps) for steps in used.values()] == [4, round(4 / ratio)]
    for steps in used.values():
        buffer = None
        for seen, step, gradient in steps:
            kept = 0.2 + 0.6 * seen / (BATCH * 10)
            buffer = gradient if buffer is None else kept * buffer + gradient
            torch.testing.assert_close(step, 0.01 * buffer, rtol=1e-3, atol=1e-6)


def test_a_schedule_of_an_argument_that_the_optimizer_does_not_have_is_refused_by_name():
    adam = partial(torch.optim.Adam, lr=1e-3, momentum=Linear(end_kimg=1))
    with pytest.raises(TypeError, match="'momentum'"):
        train(points(discriminator_optimizer=adam), 1)


def test_arguments_are_scheduled_from_yaml():
    overrides = (
        "model.generator_optimizer.betas=[0.0,{_target_: gan_lightning.core.schedules.Cosine, "
        "initial: 0.9, final: 0.99, end_kimg: 0.032}]",
        "model.discriminator_optimizer.lr={_target_: gan_lightning.core.schedules.Linear, initial: 0.001, end_kimg: 1}",
    )
    model, data = build("dcgan", "model.generator.width=4", "model.discriminator.width=4", *overrides)
    betas, rates = group_values("betas"), group_values("lr")
    fit(model, data, images=BATCH * 5, callbacks=[betas, rates, StopAt(BATCH * 5)])
    assert [generator for _, generator in betas.seen] == [
        (0.0, pytest.approx(0.9 + 0.09 * (1 - math.cos(math.pi * k / 4)) / 2)) for k in range(5)
    ]
    assert [discriminator for discriminator, _ in betas.seen] == [(0.5, 0.999)] * 5
    assert [rate for rate, _ in rates.seen] == pytest.approx([0.001 * (1 - 0.008 * k) for k in range(5)])
    assert [rate for _, rate in rates.seen] == [2e-4] * 5


def test_a_run_that_stopped_goes_on_with_scheduled_arguments_to_the_bit(tmp_path):
    def run(images, **arguments):
        model = scheduled(momentum=Linear(initial=0.5, final=0.9), lr=Linear(initial=0.05, final=0.01))
        return model, train(model, 8, callbacks=[StopAt(images)], **arguments)

    whole, _ = run(BATCH * 8)
    run(BATCH * 3)[1].save_checkpoint(tmp_path / "three.ckpt")
    second, _ = run(BATCH * 8, ckpt_path=tmp_path / "three.ckpt")
    assert_same(state(whole), state(second))


def test_without_a_budget_schedules_end_where_the_trainers_limits_do():
    """Six batches an epoch for two epochs: 96 images."""
    batches = [torch.randn(BATCH, 2, generator=torch.Generator().manual_seed(k)) for k in range(6)]
    updates = UpdateRule(discriminator_schedule=Linear())
    model = points(updates=updates, generator_optimizer=partial(torch.optim.SGD, lr=Linear(initial=0.2, final=0.8)))
    after = group_values("lr")
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    trainer = Trainer(accelerator="cpu", max_epochs=2, enable_checkpointing=False, callbacks=[after], **quiet)
    trainer.fit(model, torch.utils.data.DataLoader(batches, batch_size=None))
    d_rates, g_rates = zip(*after.seen, strict=True)
    assert d_rates == pytest.approx([2e-4 * (1 - k / 12) for k in range(12)])
    assert g_rates == pytest.approx([0.2 + 0.6 * k / 12 for k in range(12)])


def test_generator_updates_may_see_a_multiple_of_the_batch():
    prior = Stream()
    taken = []
    model = points(updates=UpdateRule(generator_batch_factor=3, accumulate=2), prior=prior)
    draw = prior.draw
    prior.draw = lambda count, *args, **kwargs: (taken.append(count), draw(count, *args, **kwargs))[1]
    train(model, 1)
    assert taken == [BATCH // 2] * 2 + [3 * BATCH // 2] * 2
    assert (model.images_seen, model.steps["generator"]) == (BATCH, 1)


def test_the_average_moves_at_every_generator_update_by_the_images_since_the_last():
    model = points(updates=UpdateRule(critic_steps=5, ema_halflife_kimg=0.04, ema_rampup=None), batch_norm=True)
    expected = [vector(model.generator_ema)]

    def compare(model):
        if model.steps["generator"] > len(expected) - 1:
            # 5 batches of 8 are one half-life of 40 images
            expected.append((expected[-1] + vector(model.generator)) / 2)
        assert torch.allclose(vector(model.generator_ema), expected[-1], atol=1e-6)
        return [t.clone() for t in model.generator_ema.buffers()]

    watch = AfterBatch(compare)
    train(model, 20, callbacks=[watch])
    assert len(expected) == 5
    assert not torch.equal(expected[0], expected[-1])
    for buffer, source in zip(model.generator_ema.buffers(), model.generator.buffers(), strict=True):
        assert torch.equal(buffer, source)
    assert any(not torch.equal(a, b) for a, b in zip(watch.seen[0], watch.seen[-1], strict=True))


def test_the_average_s_statistics_of_batch_norm_may_be_averages_too():
    updates = UpdateRule(ema_halflife_kimg=0.008, ema_rampup=None, ema_buffers="averaged")
    model = points(updates=updates, batch_norm=True)
    expected = [batch_norm_statistics(model.generator_ema)]
    expected[0] = [tensor.clone() for tensor in expected[0]]

    def compare(model):
        newest = batch_norm_statistics(model.generator)
        expected.append([(before + now) / 2 for before, now in zip(expected[-1], newest, strict=True)])
        for found, wanted in zip(batch_norm_statistics(model.generator_ema), expected[-1], strict=True):
            torch.testing.assert_close(found, wanted)
            assert len(found) > 0

    train(model, 5, callbacks=[AfterBatch(compare)])
    assert any(not torch.allclose(a, b) for a, b in zip(expected[0], expected[-1], strict=True))


def test_until_its_start_the_average_is_a_copy():
    model = points(updates=UpdateRule(ema_halflife_kimg=1, ema_rampup=None, ema_start_kimg=0.032))
    watch = AfterBatch(lambda model: torch.equal(vector(model.generator), vector(model.generator_ema)))
    train(model, 6, callbacks=[watch])
    assert watch.seen == [True, True, True, False, False, False]


def test_without_a_halflife_there_is_no_average():
    model = points(updates=UpdateRule(ema_halflife_kimg=None))
    train(model, 1)
    assert model.generator_ema is None
    assert model.default_weights == "raw"


@pytest.mark.parametrize("ratio", [1, 5, 0.5])
def test_the_budget_is_in_images_whatever_the_number_of_optimizer_steps(ratio):
    model = points(updates=UpdateRule(critic_steps=ratio))
    trainer = train(model, 10)
    assert model.images_seen == 10 * BATCH
    assert trainer.global_step == model.steps["discriminator"] + model.steps["generator"] == 10 + round(10 / ratio)


def test_a_resumed_run_that_is_finished_takes_no_further_step(tmp_path):
    model = points()
    train(model, 4).save_checkpoint(tmp_path / "end.ckpt")
    again, watch = points(), AfterBatch(lambda model: model.images_seen)
    train(again, 4, ckpt_path=tmp_path / "end.ckpt", callbacks=[watch])
    assert (again.images_seen, again.steps["discriminator"], watch.seen) == (4 * BATCH, 4, [])
    assert torch.equal(vector(model.generator), vector(again.generator))
