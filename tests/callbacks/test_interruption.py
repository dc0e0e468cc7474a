import os
import signal

import pytest
from lightning import Callback

from gan_lightning.callbacks import Evaluation, Interruption, RunCheckpoint
from gan_lightning.callbacks.interruption import SIGNALS
from gan_lightning.core import signals
from gan_lightning.core.checkpoint import read_checkpoint
from gan_lightning.core.signals import Stopped, early_warning, hold_warnings
from gan_lightning.runs.folder import RunFolder
from tests.contract.variants import assert_same, fit, state


@pytest.fixture(autouse=True)
def handlers():
    """The handlers before the test, which must be the handlers after it."""
    former = current()
    yield former
    for number, handler in former.items():
        signal.signal(number, handler)


def current():
    return {number: signal.getsignal(number) for number in SIGNALS}


def send_at(model, images, *numbers):
    """Send this process signals in the middle of a step: between the two players' updates."""
    run_phase = model.run_phase

    def interrupted(phase, batch, *, logged):
        if phase.name == "generator" and model.images_seen == images:
            for number in numbers:
                os.kill(os.getpid(), number)
        run_phase(phase, batch, logged=logged)

    model.run_phase = interrupted


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_stops_at_the_end_of_the_step_and_the_state_is_saved(build, tmp_path, handlers, number):
    whole, data = build()
    fit(whole, data, images=90)

    first, data = build()
    send_at(first, 30, number)
    interruption = Interruption()
    callbacks = [RunCheckpoint(output_dir=str(tmp_path)), interruption]
    trainer = fit(first, data, images=90, callbacks=callbacks, enable_checkpointing=True)
    assert interruption.stopped is number
    assert interruption.warned == (number in (signal.SIGUSR1, signal.SIGUSR2))
    assert trainer.state.finished
    assert current() == handlers
    assert first.images_seen == first.steps["discriminator"] * 10 == first.steps["generator"] * 10 == 40
    assert read_checkpoint(RunFolder(tmp_path).latest)["gan_lightning"]["images_seen"] == 40

    second, data = build()
    fit(second, data, images=90, callbacks=[Interruption()], ckpt_path=RunFolder(tmp_path).latest)
    assert_same(state(whole), state(second))


def test_a_storm_of_signals_is_one_stop(build, tmp_path, handlers):
    first, data = build()
    send_at(first, 30, *[signal.SIGINT] * 30, *[signal.SIGHUP] * 3)
    interruption, saved = Interruption(), []
    interruption.on_stop.append(lambda trainer: saved.append(first.images_seen))
    checkpoint = RunCheckpoint(output_dir=str(tmp_path))
    fit(first, data, images=90, callbacks=[checkpoint, interruption], enable_checkpointing=True)
    assert interruption.stopped is signal.SIGHUP
    assert (first.images_seen, saved) == (40, [40])
    assert current() == handlers
    assert read_checkpoint(RunFolder(tmp_path).latest)["gan_lightning"]["images_seen"] == 40


def test_an_interrupt_some_seconds_after_the_first_one_does_not_wait(build, handlers, monkeypatch):
    model, data = build()
    send_at(model, 30, signal.SIGINT, signal.SIGINT)
    monkeypatch.setattr(signals, "PATIENCE_S", 0.0)
    with pytest.raises(Stopped) as ending:
        fit(model, data, images=90, callbacks=[Interruption()])
    assert ending.value.code == 130
    assert model.images_seen == 30
    assert current() == handlers


def test_only_a_late_interrupt_is_impatient(monkeypatch):
    now = 50.0
    monkeypatch.setattr(signals.time, "monotonic", lambda: now)
    interruption = Interruption()
    interruption._note(signal.SIGTERM, None)
    now += 100
    interruption._note(signal.SIGTERM, None)
    for _ in range(30):
        interruption._note(signal.SIGINT, None)
    now += 9.9
    interruption._note(signal.SIGINT, None)
    now += 0.1
    interruption._note(signal.SIGTERM, None)
    with pytest.raises(Stopped):
        interruption._note(signal.SIGINT, None)


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGQUIT])
def test_a_signal_that_is_ignored_stays_ignored(build, handlers, number):
    signal.signal(number, signal.SIG_IGN)  # nohup
    model, data = build()
    send_at(model, 30, number)
    interruption = Interruption()
    fit(model, data, images=90, callbacks=[interruption])
    assert (model.images_seen, interruption.received) == (90, None)
    assert signal.getsignal(number) == signal.SIG_IGN


def test_handlers_are_replaced_while_training_and_restored_after_it(build, handlers):
    seen = []

    class Look(Callback):
        def on_train_batch_end(self, *arguments):
            seen.append(current())

    interruption = Interruption()
    fit(*build(), images=10, callbacks=[interruption, Look()])
    assert seen == [dict.fromkeys(handlers, interruption._note)]
    assert current() == handlers
    assert interruption.stopped is None


def test_handlers_are_restored_after_an_error(build, handlers):
    class Breaks(Callback):
        def on_train_batch_end(self, *arguments):
            raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        fit(*build(), images=20, callbacks=[Interruption(), Breaks()])
    assert current() == handlers


def test_a_new_fit_forgets_the_signal_of_the_last(build):
    interruption = Interruption()
    interruption.received = interruption.stopped = signal.SIGTERM
    model, data = build()
    fit(model, data, images=30, callbacks=[interruption])
    assert model.images_seen == 30
    assert interruption.stopped is None


def test_a_warning_is_not_forgotten_for_the_sigterm_behind_it():
    for order in ((signal.SIGUSR2, signal.SIGTERM), (signal.SIGTERM, signal.SIGUSR2)):
        interruption = Interruption()
        for number in order:
            interruption._note(number, None)
        assert interruption.received is signal.SIGUSR2


def test_a_warning_before_training_ends_it_after_one_step(build, handlers):
    hold_warnings()
    os.kill(os.getpid(), signal.SIGUSR1)
    interruption = Interruption()
    model, data = build()
    fit(model, data, images=90, callbacks=[interruption])
    assert (interruption.stopped, model.images_seen) == (signal.SIGUSR1, 10)
    assert early_warning() is None


def test_the_state_is_saved_before_an_evaluation_that_is_due_and_again_after_it(build, scripted, tmp_path):
    states = []

    class Slow(scripted):
        def evaluate(self, *arguments, **named):
            states.append(read_checkpoint(RunFolder(tmp_path).latest)["gan_lightning"]["images_seen"])
            return super().evaluate(*arguments, **named)

    model, data = build()
    send_at(model, 30, signal.SIGUSR2)
    evaluation = Evaluation(evaluator=Slow([2.0, 1.0]), every_kimg=0.04)
    callbacks = [Interruption(), evaluation, RunCheckpoint(output_dir=str(tmp_path))]
    fit(model, data, images=90, callbacks=callbacks, enable_checkpointing=True)
    assert states == [40]
    kept = read_checkpoint(RunFolder(tmp_path).latest)["callbacks"]["Evaluation"]
    assert [entry["value"] for entry in kept["best"]["entries"].values()] == [2.0]


class SendsAtTheEnd(Callback):
    """Sends this process a warning when the last step is over; it comes behind the interruption."""

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        if pl_module.images_seen == 90:
            os.kill(os.getpid(), signal.SIGUSR2)


def test_a_warning_behind_the_last_step_leaves_the_last_evaluation_to_the_next_job(build, scripted, tmp_path):
    interruption, evaluator = Interruption(), scripted([])
    callbacks = [
        interruption,
        SendsAtTheEnd(),
        Evaluation(evaluator=evaluator),
        RunCheckpoint(output_dir=str(tmp_path)),
    ]
    fit(*build(), images=90, callbacks=callbacks, enable_checkpointing=True)
    assert interruption.warned
    assert evaluator.calls == []
    assert read_checkpoint(RunFolder(tmp_path).latest)["gan_lightning"]["images_seen"] == 90


def test_a_warning_during_the_last_evaluation_comes_too_late_to_stop_anything(build, scripted):
    class Warned(scripted):
        def evaluate(self, *arguments, **named):
            os.kill(os.getpid(), signal.SIGUSR2)
            return super().evaluate(*arguments, **named)

    interruption, evaluation = Interruption(), Evaluation(evaluator=Warned([1.0]))
    fit(*build(), images=90, callbacks=[interruption, evaluation])
    assert evaluation.latest.scores[0].value == 1.0
    assert interruption.received is signal.SIGUSR2
    assert interruption.stopped is None
    assert not interruption.warned
