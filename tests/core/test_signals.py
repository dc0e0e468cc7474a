"""What signals do to a process before it trains, and when it is about to leave."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from gan_lightning.core import signals

LEAVING = """
import os, signal, sys
from gan_lightning.core import signals

class Late:
    def __del__(self, kill=os.kill, pid=os.getpid(), number=signal.SIGUSR1):
        kill(pid, number)

signals.hold_warnings()
os.kill(os.getpid(), signal.SIGUSR1)
assert signals.early_warning() == signal.SIGUSR1
{ignore}
late = Late()
"""


@pytest.fixture
def handlers():
    """Put the present handlers back."""
    former = {number: signal.getsignal(number) for number in signals.WARNINGS}
    yield
    for number, handler in former.items():
        signal.signal(number, handler)


def test_a_warning_before_training_is_kept_once(handlers):
    signals.hold_warnings()
    os.kill(os.getpid(), signal.SIGUSR2)
    assert signals.early_warning() == signal.SIGUSR2
    assert signals.early_warning() is None


@pytest.mark.parametrize(("ignore", "code"), [("", -signal.SIGUSR1), ("signals.ignore_warnings()", 0)])
def test_a_warning_while_python_leaves_ends_only_a_process_that_does_not_ignore_it(ignore, code):
    done = subprocess.run([sys.executable, "-c", LEAVING.format(ignore=ignore)], check=False)
    assert done.returncode == code


def test_the_command_ignores_warnings_when_it_leaves_a_job(handlers, monkeypatch):
    from gan_lightning.cli import train

    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.setattr(sys, "argv", ["gan-train", "seed=oops"])
    with pytest.raises(SystemExit):
        train.main()
    assert {signal.getsignal(number) for number in signals.WARNINGS} == {signal.SIG_IGN}


@pytest.fixture
def stop_handlers():
    former = {number: signal.getsignal(number) for number in signals.STOPS}
    yield former
    for number, handler in former.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", signals.STOPS)
def test_the_first_of_many_signals_unwinds_a_block_and_the_others_do_not_disturb_its_end(stop_handlers, number):
    done = []

    @signals.stops_raised()
    def work():
        try:
            os.kill(os.getpid(), number)
            done.append("not reached")
        finally:
            for _ in range(30):
                os.kill(os.getpid(), number)
            done.append("put in order")

    with pytest.raises(signals.Stopped) as ending:
        work()
    assert done == ["put in order"]
    assert (ending.value.number, ending.value.code) == (number, 128 + number)
    assert {each: signal.getsignal(each) for each in signals.STOPS} == stop_handlers


def test_a_block_that_leaves_anyhow_is_not_disturbed(stop_handlers):
    with signals.stops_raised() as leave:
        leave()
        for number in signals.STOPS:
            os.kill(os.getpid(), number)


def test_an_interrupt_some_seconds_after_the_first_one_ends_a_block_that_hangs(stop_handlers, monkeypatch):
    monkeypatch.setattr(signals, "PATIENCE_S", 0.1)

    def hang():
        with signals.stops_raised() as leave:
            leave()
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.15)
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(signals.Stopped):
        hang()


def test_nohup_is_respected(stop_handlers):
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with signals.stops_raised():
        os.kill(os.getpid(), signal.SIGHUP)
    assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN


def test_another_thread_can_do_without(stop_handlers):
    entered = []

    def work():
        with signals.stops_raised() as leave:
            leave()
            entered.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert entered == [True]
