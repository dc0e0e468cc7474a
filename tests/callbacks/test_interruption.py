import os
import signal

import pytest
from lightning import Callback

from gan_lightning.callbacks import Interruption, RunCheckpoint
from gan_lightning.checkpoint import read_checkpoint
from tests.contract.variants import assert_same, fit, state


@pytest.fixture(autouse=True)
def handlers():
    """The handlers before the test, which must be the handlers after it."""
    former = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield former
    for number, handler in former.items():
        signal.signal(number, handler)


def current():
    return {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}


def send_at(model, images, *numbers):
    """Send this process signals in the middle of a step: between the two players' updates."""
    turn = model._generator_turn

    def interrupted_turn(batch, log):
        if model.images_seen == images:
            for number in numbers:
                os.kill(os.getpid(), number)
        turn(batch, log)

    model._generator_turn = interrupted_turn


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_at_the_end_of_the_step_and_the_state_is_saved(build, tmp_path, handlers, number):
    whole, data = build()
    fit(whole, data, images=90)

    first, data = build()
    send_at(first, 30, number)
    interruption = Interruption()
    callbacks = [RunCheckpoint(folder=str(tmp_path)), interruption]
    trainer = fit(first, data, images=90, callbacks=callbacks, enable_checkpointing=True)
    assert interruption.received is number
    assert trainer.state.finished
    assert current() == handlers
    assert first.images_seen == first.discriminator_steps * 10 == first.generator_steps * 10 == 40
    assert read_checkpoint(tmp_path / "latest.ckpt")["gan_lightning"]["images_seen"] == 40

    second, data = build()
    fit(second, data, images=90, callbacks=[Interruption()], ckpt_path=tmp_path / "latest.ckpt")
    assert_same(state(whole), state(second))


def test_a_second_interrupt_does_not_wait(build, handlers):
    model, data = build()
    send_at(model, 30, signal.SIGINT, signal.SIGINT)
    with pytest.raises(SystemExit):  # Lightning turns a KeyboardInterrupt into an exit
        fit(model, data, images=90, callbacks=[Interruption()])
    assert model.images_seen == 30
    assert current() == handlers


def test_the_second_interrupt_is_a_keyboard_interrupt_and_a_second_sigterm_is_not():
    interruption = Interruption()
    interruption._note(signal.SIGTERM, None)
    interruption._note(signal.SIGTERM, None)
    interruption._note(signal.SIGINT, None)
    with pytest.raises(KeyboardInterrupt):
        interruption._note(signal.SIGINT, None)


def test_handlers_are_replaced_while_training_and_restored_after_it(build, handlers):
    seen = []

    class Look(Callback):
        def on_train_batch_end(self, *arguments):
            seen.append(current())

    interruption = Interruption()
    fit(*build(), images=10, callbacks=[interruption, Look()])
    assert seen == [dict.fromkeys(handlers, interruption._note)]
    assert current() == handlers
    assert interruption.received is None


def test_handlers_are_restored_after_an_error(build, handlers):
    class Breaks(Callback):
        def on_train_batch_end(self, *arguments):
            raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        fit(*build(), images=20, callbacks=[Interruption(), Breaks()])
    assert current() == handlers


def test_a_new_fit_forgets_the_signal_of_the_last(build):
    interruption = Interruption()
    interruption.received = signal.SIGTERM
    model, data = build()
    fit(model, data, images=30, callbacks=[interruption])
    assert model.images_seen == 30
    assert interruption.received is None
