"""When and what the training step logs, and how it notices that it has diverged."""

import math

import pytest
import torch

from gan_lightning.losses import NonSaturating
from gan_lightning.models import UpdateRule
from tests.models.toys import BATCH, Rows, points, train

KEYS = {
    *("d/loss", "d/adversarial", "d/real", "d/fake", "d/accuracy", "d/grad_norm", "d/lr"),
    *("g/loss", "g/adversarial", "g/grad_norm", "g/lr", "images_seen"),
}


def logged_batches(rows):
    return [row["images_seen"] // BATCH for row in rows]


@pytest.mark.parametrize(
    ("critic_steps", "every", "batches"),
    [
        (1, 1, list(range(1, 46))),
        (1, 10, [1, 10, 20, 30, 40]),
        # the first generator's turn, and the first at or after each multiple of 7: 7, 14, 21, 28, 35, 42
        (5, 7, [5, 10, 15, 25, 30, 35, 45]),
        (0.5, 20, [1, 20, 40]),
        (1, 0, []),
    ],
)
def test_rows_come_at_multiples_and_hold_both_players(critic_steps, every, batches):
    logger = Rows()
    train(points(updates=UpdateRule(critic_steps=critic_steps)), 45, logger=logger, log_every_n_steps=every)
    assert logged_batches(logger.rows) == batches
    for row in logger.rows:
        assert row.keys() == KEYS
        assert all(map(math.isfinite, row.values()))
        assert 0 <= row["d/accuracy"] <= 1


def test_steps_that_do_not_log_read_nothing_back_from_the_device(monkeypatch):
    reads = []
    tolist = torch.Tensor.tolist
    monkeypatch.setattr(torch.Tensor, "tolist", lambda tensor: reads.append(1) or tolist(tensor))
    for name in ("item", "__float__", "__bool__"):
        method = getattr(torch.Tensor, name)
        monkeypatch.setattr(torch.Tensor, name, lambda tensor, method=method: reads.append(1) or method(tensor))
    model, counts = points(updates=UpdateRule(ema_halflife_kimg=None)), []
    model.generator_optimizer = model.discriminator_optimizer = lambda p: torch.optim.SGD(p, lr=0.1)
    step = model.training_step

    def counted(batch, batch_idx):
        before = len(reads)
        step(batch, batch_idx)
        counts.append(len(reads) - before)

    model.training_step = counted
    train(model, 8, logger=Rows(), log_every_n_steps=5)
    assert [count > 0 for count in counts] == [True, False, False, False, True, False, False, False]


@pytest.mark.parametrize("stop", [3, 9, 12])
def test_a_resumed_run_logs_the_same_rows(stop, tmp_path):
    def run(batches, **arguments):
        model, logger = points(updates=UpdateRule(critic_steps=5)), Rows()
        trainer = train(model, batches, logger=logger, log_every_n_steps=7, **arguments)
        return trainer, logger.rows

    _, whole = run(40)
    trainer, first = run(stop)
    trainer.save_checkpoint(tmp_path / "half.ckpt")
    _, second = run(40, ckpt_path=tmp_path / "half.ckpt")
    assert first + second == whole


def test_losses_are_those_of_the_step():
    model, logger = points(), Rows()
    seen = {}
    for name in ("discriminator", "generator"):
        method = getattr(model.loss, name)

        def spy(*logits, name=name, method=method):
            values = method(*logits)
            seen[name] = values.mean().item()
            if name == "discriminator":
                seen["d/real"], seen["d/fake"] = (logit.mean().item() for logit in logits)
            return values

        setattr(model.loss, name, spy)
    train(model, 1, logger=logger)
    (row,) = logger.rows
    assert row["d/loss"] == row["d/adversarial"] == pytest.approx(seen["discriminator"], rel=1e-6)
    assert row["g/loss"] == row["g/adversarial"] == pytest.approx(seen["generator"], rel=1e-6)
    assert row["d/real"] == pytest.approx(seen["d/real"], abs=1e-6)
    assert row["d/fake"] == pytest.approx(seen["d/fake"], abs=1e-6)
    assert row["d/lr"] == 2e-4


def test_several_generator_updates_in_a_turn_log_one_loss_not_their_sum():
    losses = {}
    for ratio in (1, 0.25):
        logger = Rows()
        train(points(updates=UpdateRule(critic_steps=ratio)), 1, logger=logger)
        losses[ratio] = logger.rows[0]["g/loss"]
    assert losses[0.25] == pytest.approx(losses[1], rel=0.5)


def test_lightnings_own_callbacks_find_the_scalars():
    model = points()
    trainer = train(model, 3)
    assert trainer.callback_metrics["g/loss"].item() == pytest.approx(model.latest_scalars["g/loss"])
    assert trainer.callback_metrics.keys() == KEYS


class BreaksAt(NonSaturating):
    """Returns NaN from a given call on, for one player."""

    def __init__(self, player, call):
        super().__init__()
        self.player, self.calls_left = player, call

    def _broken(self, player, values):
        self.calls_left -= player == self.player
        return values * math.nan if self.calls_left < 0 else values

    def discriminator(self, real, fake):
        return self._broken("discriminator", super().discriminator(real, fake))

    def generator(self, fake, real=None):
        return self._broken("generator", super().generator(fake, real))


@pytest.mark.parametrize("player", ["discriminator", "generator"])
@pytest.mark.parametrize(("every", "stops_at"), [(1, 4), (5, 5)])
def test_a_loss_that_is_not_finite_stops_the_run_at_the_next_logged_step(player, every, stops_at):
    model = points(loss=BreaksAt(player, 3))
    train(model, 50, log_every_n_steps=every)
    assert model.diverged
    assert model.images_seen == stops_at * BATCH


def test_finite_losses_do_not_count_as_diverged():
    model = points()
    model.diverged = True
    train(model, 3)
    assert not model.diverged


def test_all_ranks_stop_if_one_has_diverged(monkeypatch):
    model = points()
    trainer = train(model, 1)
    asked = []
    monkeypatch.setattr(
        trainer.strategy, "reduce_boolean_decision", lambda mine, all: asked.append((mine, all)) or True
    )
    trainer.should_stop = False
    model._row = {"d/loss": torch.tensor(1.0), "g/loss": torch.tensor(1.0)}
    model.write_row()
    assert asked == [(False, False)]
    assert model.diverged
    assert trainer.should_stop


def test_an_observer_sees_each_row_and_adds_to_it():
    model, logger, seen = points(), Rows(), []
    model.row_observers.append(lambda row: seen.append(dict(row)) or {"extra": 2.0 * row["images_seen"]})
    train(model, 12, logger=logger, log_every_n_steps=5)
    assert [row["images_seen"] for row in seen] == [row["images_seen"] for row in logger.rows] == [8, 40, 80]
    assert [row["extra"] for row in logger.rows] == [16.0, 80.0, 160.0]
    assert seen[0].keys() == KEYS
    assert model.latest_scalars["extra"] == 160.0


def test_a_loss_that_reaches_the_limit_is_a_divergence():
    model = points()
    model.loss_limit = 0.1
    train(model, 5)
    assert (model.diverged, model.images_seen) == (True, BATCH)
