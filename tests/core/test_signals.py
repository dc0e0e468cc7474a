"""What a cluster's warnings do to a process before it trains and when it is about to leave."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

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
