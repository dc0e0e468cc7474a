"""What the callback measures, writes and leaves alone."""

import itertools
import json
import logging

import pytest
import torch
from lightning import Trainer

from gan_lightning.augment.instance_noise import InstanceNoise
from gan_lightning.callbacks import Evaluation, TrainingHealth
from gan_lightning.callbacks.health.probe import look, mean_distance, reference
from gan_lightning.data import DigitsDataModule, RingDataModule
from gan_lightning.metrics import Evaluation as EvaluationResult
from gan_lightning.metrics import Score
from gan_lightning.models import UpdateRule
from gan_lightning.models.outputs import share_ranked_right
from tests.models.toys import Rows, points, train, vector


def fit(model, data, *callbacks, budget, every=1, **arguments):
    model.budget_images = budget
    rows = Rows()
    trainer = Trainer(
        accelerator="cpu",
        max_epochs=-1,
        logger=rows,
        callbacks=list(callbacks),
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        log_every_n_steps=every,
        use_distributed_sampler=False,
    )
    trainer.fit(model, datamodule=data, **arguments)
    return trainer, rows.rows


@pytest.mark.parametrize("shape", [(30, 2), (20, 3, 4, 4)])
def test_the_mean_distance_is_over_pairs(shape):
    samples = torch.randn(shape)
    pairs = itertools.combinations(samples.flatten(1).double(), 2)
    assert mean_distance(samples) == pytest.approx(
        torch.stack([(a - b).norm() for a, b in pairs]).mean().item(), rel=1e-9
    )


def test_large_pictures_are_compared_at_a_smaller_size():
    small = torch.randn(5, 1, 64, 64)
    large = small.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
    assert mean_distance(large) == pytest.approx(mean_distance(small), rel=1e-5)


def test_a_look_measures_what_it_says(build):
    model, data = build(augment=InstanceNoise(sigma=0.2))
    real = reference(data, 100)
    assert len(real.train) == len(real.heldout) == 96
    found = look(model, real, seed=3, batch=32)
    assert found.diversity == pytest.approx(mean_distance(model.sample(96, seed=3)) / mean_distance(real.train.images))
    model.augment = None  # what it draws is its own affair
    model.discriminator.eval()
    found = look(model, real, seed=3, batch=96)
    with torch.no_grad():
        fakes = model.sample(96, seed=3, weights="raw")
        train_, heldout, fake = (
            model.discriminator(images).double() for images in (real.train.images, real.heldout.images, fakes)
        )
    assert found.real_train == pytest.approx(train_.mean().item(), abs=1e-5)
    assert found.real_heldout == pytest.approx(heldout.mean().item(), abs=1e-5)
    gap, margin = train_.mean() - heldout.mean(), train_.mean() - fake.mean()
    assert found.overfitting == pytest.approx((gap / margin).item() if margin > 0 else 0.0, rel=1e-3)
    assert found.memorised == pytest.approx(share_ranked_right(train_, heldout).item(), abs=1e-3)


def test_real_samples_come_from_all_over_a_sorted_set(build):
    _, data = build()
    images = data.evaluation_images("train")
    real = reference(data, 48)
    stride = len(images) // 48
    shown = torch.cat(list(images.batches(10_000)))[: stride * 48 : stride].float() / 127.5 - 1
    assert torch.equal(real.train.images, shown)
    assert torch.equal(real.train.labels, images.labels[: stride * 48 : stride])


def test_points_have_no_held_out_part():
    real = reference(RingDataModule(), 60)
    assert real.heldout is None
    assert real.train.images.shape == (60, 2)


def test_looking_leaves_no_trace_in_the_training(build):
    def run(*callbacks):
        model, data = build(augment=InstanceNoise(sigma=0.2))
        fit(model, data, *callbacks, budget=120)
        return model

    watched, alone = run(TrainingHealth(every_kimg=0.02, samples=24)), run()
    assert torch.equal(vector(watched), vector(alone))
    for mine, other in zip(watched.buffers(), alone.buffers(), strict=True):
        assert torch.equal(mine, other)


def test_rows_hold_throughput_memory_and_in_intervals_what_was_seen(build):
    model, data = build()
    _, rows = fit(model, data, TrainingHealth(every_kimg=0.04, samples=24), budget=120)
    looked = {"health/diversity", "health/real_train", "health/real_heldout", "health/overfitting", "health/memorised"}
    assert all(row["images_per_second"] > 0 and row["peak_memory_mib"] > 50 for row in rows)
    assert [row["images_seen"] for row in rows if looked <= row.keys()] == [40, 80, 120]
    assert all(looked.isdisjoint(row) for row in rows if row["images_seen"] % 40)
    assert model.row_observers == []


def test_without_our_data_the_scalars_are_watched():
    model, health = points(), TrainingHealth(every_kimg=0.01)
    train(model, 4, callbacks=[health], logger=(rows := Rows()))
    assert len(rows.rows) == 4
    assert "images_per_second" in rows.rows[0]
    assert not any(key.startswith("health/") for row in rows.rows for key in row)


def test_only_logged_steps_cost_anything(build, monkeypatch):
    model, data = build()
    health, calls = TrainingHealth(every_kimg=0.01, samples=24), []
    observe = health.observe
    monkeypatch.setattr(health, "observe", lambda row: calls.append(row["images_seen"]) or observe(row))
    fit(model, data, health, budget=120, every=5)
    assert calls == [10, 50, 100]
    hooks = {name for name in vars(TrainingHealth) if name.startswith("on_")}
    assert hooks == {"on_train_start", "on_fit_end", "on_exception"}  # none that runs with every step


def scored(**fractions_or_scores):
    return EvaluationResult(scores=fractions_or_scores.pop("scores", []), skipped={}, **fractions_or_scores)


def test_the_evaluation_tells_of_missing_classes_and_modes(build, caplog):
    model, data = build()
    health, told = TrainingHealth(every_kimg=None), []
    health.listeners.append(lambda troubles, lasting: told.append(([t.kind for t in troubles], lasting)))

    class Reports(Evaluation):
        def on_train_batch_end(self, trainer, module, *rest):
            if module.images_seen == 60:
                for listener in self.on_scores:
                    listener(60, scored(class_fractions=[0.5, 0.5] + [0.0] * 8))
            if module.images_seen == 80:
                for listener in self.on_scores:
                    listener(80, scored(class_fractions=[0.1] * 10))

    with caplog.at_level(logging.WARNING, logger="gan_lightning"):
        fit(model, data, health, Reports(evaluator=None), budget=100)
    assert (["mode_collapse"], ["mode_collapse"]) in told
    assert told[-1] == (["mode_collapse"], [])
    assert "60 images: the generator misses 8 of 10 classes: 2, 3, 4, 5, 6, 7, 8, 9. Remedy: " in caplog.text
    protocol = {"metric": "modes"}
    health.evaluated(
        100,
        scored(
            scores=[
                Score("modes", 20.0, None, True, protocol),
                Score("quality", 80.0, None, True, {"metric": "high_quality"}),
            ],
            mode_fractions=[1 / 25] * 25,
        ),
    )
    assert health.monitor.troubles["mode_collapse"].message == "the generator misses 5 of 25 modes"


def test_a_resumed_run_goes_on_watching(build, tmp_path):
    def watched(budget, **arguments):
        model, data = build()
        health = TrainingHealth(every_kimg=0.03, samples=24)
        trainer, rows = fit(model, data, health, budget=budget, **arguments)
        return trainer, health, [{k: v for k, v in row.items() if k.startswith("health/")} for row in rows]

    _, whole, rows = watched(160)
    trainer, _, first = watched(70)
    trainer.save_checkpoint(tmp_path / "half.ckpt")
    _, resumed, second = watched(160, ckpt_path=tmp_path / "half.ckpt", weights_only=True)
    assert resumed.monitor.state_dict() == whole.monitor.state_dict()
    assert first + second == rows
    json.dumps(whole.state_dict())  # a checkpoint holds plain data only
    model, data = build()
    _, again = fit(model, data, whole, budget=20)  # a fresh run with the same callback begins anew
    assert len(whole.monitor.state_dict()["accuracy"]) == len(again) == 2


def test_a_look_that_is_due_at_the_next_row_survives_a_checkpoint_before_it(build, tmp_path):
    """The boundary of 520 images lies between two rows, the later one at 640; the run stops between it and the row."""

    def looks(budget, **arguments):
        model, _ = build(updates=UpdateRule(critic_steps=2))
        data = DigitsDataModule(resolution=8, batch_size=32)
        health = TrainingHealth(every_kimg=0.52, samples=24)
        trainer, rows = fit(model, data, health, budget=budget, every=5, **arguments)
        found = [(row["images_seen"], row["health/diversity"]) for row in rows if "health/diversity" in row]
        return trainer, health, found

    _, whole, expected = looks(1280)
    assert [images for images, _ in expected] == [640, 1152]
    trainer, _, first = looks(576)
    assert first == []
    trainer.save_checkpoint(tmp_path / "576.ckpt")
    _, resumed, second = looks(1280, ckpt_path=tmp_path / "576.ckpt", weights_only=True)
    assert second == expected
    assert resumed.state_dict() == whole.state_dict()


@pytest.mark.parametrize(
    ("bad", "key"), [({"samples": 12}, "samples"), ({"loss_limit": 0.0}, "loss_limit"), ({"every_kimg": 0.0}, "every")]
)
def test_values_out_of_range_are_named(bad, key):
    with pytest.raises(ValueError, match=rf"callbacks\.health\.{key}"):
        TrainingHealth(**bad)
