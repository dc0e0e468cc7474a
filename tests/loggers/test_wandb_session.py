"""W&B's process is killed while a run is recorded: the run goes on, and ``gan-compare sync`` joins what there is."""

import errno
import sys
import time
from types import SimpleNamespace

import pytest

from gan_lightning.cli import sync as command
from gan_lightning.loggers import WandbTracker
from gan_lightning.loggers.wandb_segments import read_segments
from gan_lightning.loggers.wandb_session import FLUSH_INTERVAL_S, RESTARTS, Session
from tests.loggers.wandb_death import kill_wandb

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="finds the process in /proc")


def record(folder, *, deaths, mode):
    tracker = WandbTracker(save_dir=folder, name="demo", mode=mode)
    tracker.set_config({"model": {"lr": 0.5}})
    for images in (8, 16, 24, 32):
        tracker.log_metrics({"d/loss": 1.0, "images_seen": images})
        if images in deaths:
            time.sleep(FLUSH_INTERVAL_S + 0.5)
            kill_wandb()
    tracker.summary({"status": "finished"})
    tracker.close(0)
    return tracker


@linux
def test_an_offline_run_goes_on_in_new_segments_which_sync_joins(server, tmp_path, caplog, capsys):
    tracker = record(tmp_path / "run", deaths=(16, 24), mode="offline")
    assert len(tracker.problems) == len(warned(caplog)) == 2
    assert "W&B's process died at 24 images (" in tracker.problems[0]  # found with the next row
    assert "metrics.jsonl keeps every row" in caplog.text
    assert f"gan-compare sync {tmp_path / 'run'} uploads" in caplog.text
    assert len(read_segments(tmp_path / "run")) == 3
    command.main([str(tmp_path / "run")])
    assert "failed" not in capsys.readouterr().out
    (stored,) = server.runs.values()
    assert [row["images_seen"] for row in stored.rows] == [8, 16, 24, 32]
    assert stored.config["model"]["value"] == {"lr": 0.5}
    assert (stored.exit_code, stored.summary["status"]) == (0, "finished")
    second = record(tmp_path / "second", deaths=(), mode="offline")  # the next job of the same process
    assert second.problems == []


@linux
def test_an_online_run_goes_on_under_its_id(server, tmp_path):
    tracker = record(tmp_path / "run", deaths=(16,), mode="online")
    assert len(tracker.problems) == 1
    (stored,) = server.runs.values()
    assert [row["images_seen"] for row in stored.rows][-2:] == [24, 32]  # those before may have waited to be sent
    assert (stored.exit_code, stored.summary["status"]) == (0, "finished")


def warned(caplog):
    """What we said, and not W&B."""
    return [record.message for record in caplog.records if record.name.startswith("gan_lightning")]


class Dying:
    """Begins runs that die of ``error`` with their first row."""

    def __init__(self, error):
        self.error, self.begun, self.rows = error, 0, 0

    def begin(self):
        self.begun += 1
        return SimpleNamespace(log=self.log, finish=lambda: None)

    def log(self, *row):
        self.rows += 1
        raise self.error


def test_a_process_that_dies_again_and_again_is_left_alone(caplog):
    dying = Dying(ConnectionResetError("lost"))
    session = Session(dying.begin, advice=lambda: "so what")
    for images in range(10):
        session.tell(lambda run: run.log("row"), images_seen=images)
    session.leave()
    assert (dying.begun, dying.rows) == (2, 2)  # the second one dies at once
    assert warned(caplog) == [
        "W&B died at 0 images (ConnectionResetError: lost) and records nothing more of this run. "
        "Training continues; so what"
    ]


def test_a_machine_without_room_for_the_process_gets_no_more_of_them(caplog):
    runs = []

    def begin():
        runs.append(SimpleNamespace(dead=False))
        return runs[-1]

    def log(run):
        if run.dead:
            raise BrokenPipeError

    session = Session(begin, advice=lambda: "")
    for images in range(10):
        session.tell(log, images_seen=images)
        runs[-1].dead = True
    assert len(runs) == 1 + RESTARTS
    assert len(session.problems) == len(warned(caplog)) == RESTARTS + 1
    assert (
        session.problems[-1]
        == f"W&B died at {RESTARTS + 1} images (BrokenPipeError:) and records nothing more of this run"
    )


def test_what_cannot_be_recorded_is_said_once_and_the_rest_is_recorded(caplog):
    full = Dying(OSError(errno.ENOSPC, "no space left"))
    session = Session(full.begin, advice=lambda: "")
    for images in range(5):
        session.tell(lambda run: run.log("picture"), images_seen=images)
    assert (full.begun, full.rows) == (1, 5)
    assert len(session.problems) == len(warned(caplog)) == 1
    assert "from 0 images on, W&B could not record everything (OSError: [Errno 28] no space left)" in caplog.text


def test_what_is_wrong_before_the_training_ends_it():
    def begin():
        raise ConnectionRefusedError("nobody there")

    with pytest.raises(ConnectionRefusedError):
        Session(begin, advice=lambda: "").tell(lambda run: None, images_seen=0)
