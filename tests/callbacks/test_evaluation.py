import math
import signal

import pytest
import torch

from gan_lightning.callbacks import Evaluation, Interruption, RunCheckpoint
from gan_lightning.core.checkpoint import read_checkpoint
from gan_lightning.metrics import DigitsExtractor, Evaluator
from gan_lightning.models import UpdateRule
from gan_lightning.runs.folder import RunFolder
from tests.contract.variants import fit
from tests.models.toys import Rows, points, train


@pytest.fixture(autouse=True)
def _inside_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # pictures go to the present folder where no other is named


def test_it_evaluates_at_multiples_and_at_the_end(build, scripted):
    evaluator = scripted([5.0, 4.0, 3.0, 2.0])
    evaluation, logger, told = Evaluation(evaluator=evaluator, every_kimg=0.03), Rows(), []
    evaluation.on_scores.append(lambda seen, result: told.append((seen, result.scores[0].value)))
    fit(*build(), images=100, callbacks=[evaluation], logger=logger, log_every_n_steps=0)
    expected = [(30, 5.0), (60, 4.0), (90, 3.0), (100, 2.0)]
    assert told == expected
    assert [(row["images_seen"], row["score/fd4_train_toy"]) for row in logger.rows] == expected
    assert evaluation.latest.scores[0].value == 2.0


def test_the_end_is_not_evaluated_twice(build, scripted):
    evaluator = scripted([2.0, 1.0])
    fit(*build(), images=40, callbacks=[Evaluation(evaluator=evaluator, every_kimg=0.02)])
    assert evaluator.values == []


@pytest.mark.parametrize(("halflife", "weights"), [(10.0, "ema"), (None, "raw")])
def test_the_default_weights_are_evaluated(build, scripted, halflife, weights):
    evaluator = scripted([1.0])
    model, data = build(updates=UpdateRule(ema_halflife_kimg=halflife))
    fit(model, data, images=20, callbacks=[Evaluation(evaluator=evaluator)])
    (call,) = evaluator.calls
    assert (call["weights"], call["split"]) == (weights, "train")
    assert torch.equal(call["images"], model.sample(4, seed=0, weights=weights))


def test_the_real_evaluator_agrees_with_one_outside_of_training(build, tmp_path):
    evaluator = Evaluator(
        extractor=DigitsExtractor(), samples=30, batch_size=7, metrics=["frechet"], cache_dir=str(tmp_path)
    )
    model, data = build()
    evaluation = Evaluation(evaluator=evaluator)
    fit(model, data, images=30, callbacks=[evaluation])
    outside = evaluator.evaluate(
        lambda indices: model.sample(30)[indices], data.evaluation_images("train"), weights="ema", device="cpu"
    )
    key = "fd30_train_digits"
    assert evaluation.latest.value(key) == pytest.approx(outside.value(key), rel=1e-4)
    assert evaluation.best.judge == key


def test_training_is_the_same_to_the_bit_with_and_without_evaluations(build, tmp_path):
    evaluator = Evaluator(
        extractor=DigitsExtractor(),
        samples=40,
        metrics=["frechet", "frechet_infinity", "score", "kernel", "recall", "density", "authenticity"],
        kernel_subset_size=10,
        score_splits=2,
        cache_dir=str(tmp_path),
    )
    states = []
    for callbacks in ([], [Evaluation(evaluator=evaluator, every_kimg=0.02)]):
        model, data = build()
        fit(model, data, images=60, callbacks=callbacks)
        states.append({name: value for name, value in model.state_dict().items() if isinstance(value, torch.Tensor)})
    assert callbacks[0].best.judged is not None
    assert states[0].keys() == states[1].keys()
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_a_metric_that_was_skipped_is_reported_with_its_reason(build, scripted, caplog):
    evaluator = scripted([1.0])
    evaluator.skipped = {"kd4_train_toy": "4 samples are fewer than a subset of 1000"}
    model, data = build()
    fit(model, data, images=20, callbacks=[Evaluation(evaluator=evaluator)])
    assert "kd4_train_toy was not computed: 4 samples are fewer than a subset of 1000" in caplog.text


def test_samples_that_are_not_finite_end_the_run_as_diverged(build, tmp_path, caplog):
    model, data = build()
    step = model.training_step

    def spoil(batch, batch_idx):
        step(batch, batch_idx)
        if model.images_seen == 30:
            next(model.generator_ema.parameters()).data.fill_(math.nan)

    model.training_step = spoil
    evaluator = Evaluator(extractor=DigitsExtractor(), samples=10, cache_dir=str(tmp_path))
    evaluation = Evaluation(evaluator=evaluator, every_kimg=0.02)
    fit(model, data, images=100, callbacks=[evaluation])
    assert model.diverged
    assert model.images_seen == 40
    assert evaluation.best.judged["images_seen"] == 20
    assert "at 40 images: the run has diverged" in caplog.text


def test_an_interrupted_run_is_not_evaluated_at_its_end(build, scripted):
    model, data = build()
    interruption, evaluator = Interruption(), scripted([])
    step = model.training_step

    def step_and_interrupt(batch, batch_idx):
        step(batch, batch_idx)
        interruption._note(15, None)

    model.training_step = step_and_interrupt
    fit(model, data, images=100, callbacks=[interruption, Evaluation(evaluator=evaluator)])
    assert model.images_seen == 10
    assert evaluator.calls == []


def test_a_resumed_run_that_is_finished_is_evaluated_and_not_trained(build, scripted, tmp_path):
    model, data = build()
    fit(model, data, images=30).save_checkpoint(tmp_path / "end.ckpt")
    again, data = build()
    evaluation = Evaluation(evaluator=scripted([1.0]), every_kimg=0.01)
    fit(again, data, images=30, callbacks=[evaluation], ckpt_path=tmp_path / "end.ckpt")
    assert again.images_seen == 30
    assert evaluation.latest.scores[0].value == 1.0


def test_another_score_than_before_is_not_compared_with_it(build, scripted):
    evaluation = Evaluation(evaluator=scripted([1.0], key="fd4_train_toy"))
    fit(*build(), images=10, callbacks=[evaluation])
    evaluation.evaluator = scripted([7.0], key="fd8_train_toy")
    fit(*build(), images=20, callbacks=[evaluation])
    assert (evaluation.best.judge, evaluation.best.judged["value"]) == ("fd8_train_toy", 7.0)


def test_a_nan_is_never_the_best(build, scripted):
    """The first score of a run that begins badly would otherwise be the best for ever."""
    evaluation, saved = Evaluation(evaluator=scripted([math.nan, 5.0, 4.0]), every_kimg=0.01), []
    evaluation.on_best.append(lambda trainer: saved.append(trainer.lightning_module.images_seen) or True)
    fit(*build(), images=30, callbacks=[evaluation])
    assert saved == [20, 30]
    assert evaluation.best.objective == 4.0


def test_an_evaluation_that_was_cut_off_is_made_up_for(build, scripted, tmp_path):
    """A signal saves at once; where the process is killed in the evaluation behind it, the next one begins with it."""

    class Killed(Exception):
        pass

    class KilledInside(scripted):
        def evaluate(self, *arguments, **named):
            raise Killed

    checkpoint, latest = RunCheckpoint(output_dir=str(tmp_path)), RunFolder(tmp_path).latest
    model, data = build()
    interruption = Interruption()
    step = model.training_step

    def step_and_signal(batch, batch_idx):
        step(batch, batch_idx)
        if model.images_seen == 40:
            interruption._note(signal.SIGTERM, None)

    model.training_step = step_and_signal
    callbacks = [interruption, Evaluation(evaluator=KilledInside([]), every_kimg=0.04), checkpoint]
    with pytest.raises(Killed):
        fit(model, data, images=90, callbacks=callbacks, enable_checkpointing=True)
    assert read_checkpoint(latest)["gan_lightning"]["images_seen"] == 40

    told = []
    evaluation = Evaluation(evaluator=scripted([5.0, 4.0, 3.0]), every_kimg=0.04)
    evaluation.on_scores.append(lambda seen, result: told.append(seen))
    fit(*build(), images=90, callbacks=[evaluation], ckpt_path=latest)
    assert told == [40, 80, 90]


def test_without_an_evaluator_nothing_is_evaluated(build):
    evaluation = Evaluation(evaluator=None, every_kimg=0.01)
    fit(*build(), images=20, callbacks=[evaluation])
    assert evaluation.latest is None
    assert evaluation.best.state_dict() == {"judge": None, "entries": {}}


def test_a_foreign_data_module_is_refused(scripted):
    with pytest.raises(ValueError, match=r"callbacks\.evaluation needs one of our data modules, got NoneType"):
        train(points(), 1, callbacks=[Evaluation(evaluator=scripted([1.0]))])
