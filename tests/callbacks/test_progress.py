import io
import logging
import math
import re
import sys
import timeit
from types import SimpleNamespace

import pytest
import torch
from lightning import LightningModule, Trainer

from gan_lightning.callbacks import Progress
from gan_lightning.callbacks.progress import Throughput, describe_progress, format_seconds

CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")


class Counter(LightningModule):
    """Counts four images per batch."""

    def __init__(self, budget_images=None, fail_at=None):
        super().__init__()
        self.automatic_optimization = False
        self.images_seen = 0
        self.budget_images = budget_images
        self.latest_scalars = {}
        self.fail_at = fail_at

    def training_step(self, batch, batch_idx):
        self.images_seen += 4
        self.latest_scalars = {"d/loss": 0.5, "g/loss": 1.25, "d/lr": 0.001}
        if self.images_seen == self.fail_at:
            raise RuntimeError("no")

    def configure_optimizers(self):
        return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    now = SimpleNamespace(s=100.0)
    monkeypatch.setattr("gan_lightning.callbacks.progress.time", SimpleNamespace(monotonic=lambda: now.s))
    return now


def start(progress, module, *, rank=0):
    progress.on_train_start(SimpleNamespace(is_global_zero=rank == 0), module)


def step(progress, module, images):
    module.images_seen += images
    progress.on_train_batch_end(None, module, None, None, 0)


def fit(module, progress, folder):
    trainer = Trainer(
        accelerator="cpu",
        max_epochs=1,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=[progress],
        default_root_dir=folder,
    )
    trainer.fit(module, torch.utils.data.DataLoader(range(10)))


def test_a_log_file_gets_plain_lines_at_start_end_and_in_between(capsys, clock):
    progress, module = Progress(log_every_seconds=10), Counter(budget_images=128_000)
    start(progress, module)
    for _ in range(100):
        clock.s += 0.25
        module.latest_scalars = {"d/loss": 0.5, "g/loss": 1.25, "d/lr": 0.1, "images_seen": 5}
        step(progress, module, 320)
    progress.on_fit_end(None, module)
    out = capsys.readouterr().out
    assert out.splitlines() == [
        "0.0/128.0 kimg  0.0%",
        "12.8/128.0 kimg  10.0%  1280 images/s  0:01:30 left  d/loss 0.5  g/loss 1.25",
        "25.6/128.0 kimg  20.0%  1280 images/s  0:01:20 left  d/loss 0.5  g/loss 1.25",
        "32.0/128.0 kimg  25.0%  1280 images/s  0:01:15 left  d/loss 0.5  g/loss 1.25",
    ]


def test_scores_get_a_line_at_once_and_stay(capsys, clock):
    progress, module = Progress(), Counter()
    progress.report_scores({"score/fd2k": 1.0})  # before training: kept, not shown
    start(progress, module)
    progress.report_scores({"score/fd2k": 12.345, "score/cs2k": 8.0})
    progress.on_fit_end(None, module)
    assert capsys.readouterr().out.splitlines() == ["0.0 kimg  fd2k 1", "0.0 kimg  fd2k 12.35  cs2k 8"]


def test_a_real_fit_into_a_pipe_has_no_control_characters(capsys, tmp_path):
    fit(Counter(budget_images=40), Progress(log_every_seconds=1e-9), tmp_path)
    out = capsys.readouterr().out
    assert CONTROL.findall(out) == []
    assert out.splitlines()[0].startswith("0.0/0.0 kimg  0.0%")
    assert "100.0%" in out.splitlines()[-1]
    assert "g/loss 1.25" in out.splitlines()[-1]


def test_a_terminal_gets_one_bar_that_redraws(monkeypatch, tmp_path):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    fit(Counter(budget_images=40), Progress(refresh_seconds=1e-9), tmp_path)
    assert sys.stdout is terminal
    out = terminal.getvalue()
    assert out.count("\x1b[?25l") == out.count("\x1b[?25h") == 1  # the cursor is hidden, and shown again
    assert out.count("━") > 30
    assert out.rstrip().count("\n") < out.count("\x1b[2K")  # lines are erased and drawn again
    assert "100.0%" in out


def test_a_dumb_terminal_gets_lines(monkeypatch, tmp_path):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("TERM", "dumb")
    fit(Counter(), Progress(), tmp_path)
    assert CONTROL.findall(terminal.getvalue()) == []


@pytest.mark.parametrize("fail_at", [None, 8])
@pytest.mark.parametrize("owner", ["", "some.library"])
def test_log_messages_appear_above_the_bar_and_streams_are_given_back(monkeypatch, tmp_path, fail_at, owner):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("TERM", "xterm")
    handler = logging.StreamHandler(terminal)
    logging.getLogger(owner).addHandler(handler)
    try:
        module, progress = Counter(fail_at=fail_at), Progress()
        module.on_train_start = lambda: logging.getLogger(owner or "x").warning("hello")
        if fail_at is None:
            fit(module, progress, tmp_path)
        else:
            with pytest.raises(RuntimeError, match="no"):
                fit(module, progress, tmp_path)
        assert handler.stream is terminal
        assert sys.stdout is terminal
    finally:
        logging.getLogger(owner).removeHandler(handler)
    out = terminal.getvalue()
    assert out.count("\x1b[?25l") == out.count("\x1b[?25h") == 1
    before, after = out.split("hello")
    assert before.endswith(("\r", "\x1b[2K"))  # on an erased line of its own
    assert "kimg" in after  # the bar is drawn again below


def test_other_ranks_are_silent(capsys):
    progress, module = Progress(log_every_seconds=1e-9), Counter()
    start(progress, module, rank=1)
    step(progress, module, 4)
    progress.report_scores({"fd": 1.0})
    progress.on_fit_end(None, module)
    assert capsys.readouterr().out == ""


def test_a_step_costs_one_look_at_the_clock(capsys):
    progress, module = Progress(), Counter()
    start(progress, module)
    best_s = min(timeit.repeat(lambda: progress.on_train_batch_end(None, module, None, None, 0), number=2000, repeat=9))
    assert best_s / 2000 < 5e-6


def test_throughput_slides():
    throughput = Throughput(window_seconds=10)
    assert throughput.images_per_second() is None
    throughput.add(0, 0)
    assert throughput.images_per_second() is None
    for second in range(1, 21):
        throughput.add(second, 100 * second)
    for second in range(21, 31):  # three times as fast
        throughput.add(second, 2000 + 300 * (second - 20))
    assert throughput.images_per_second() == pytest.approx(300)
    throughput.add(60, 5000)  # a pause longer than the window counts
    assert throughput.images_per_second() == pytest.approx(0, abs=1e-9)


def test_texts():
    assert format_seconds(3723.4) == "1:02:03"
    assert describe_progress(1500, None, None) == "1.5 kimg"
    assert describe_progress(2000, 1000, 10.0) == "2.0/1.0 kimg  200.0%  10 images/s  0:00:00 left"
    assert describe_progress(0, 1000, 0.0) == "0.0/1.0 kimg  0.0%  0 images/s"


@pytest.mark.parametrize("argument", ["refresh_seconds", "log_every_seconds"])
@pytest.mark.parametrize("value", [0, -1, math.nan])
def test_intervals_must_be_positive(argument, value):
    with pytest.raises(ValueError, match=f"callbacks.progress.{argument}"):
        Progress(**{argument: value})
