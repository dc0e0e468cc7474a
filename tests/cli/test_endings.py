"""How runs end: by signals, failures and divergence, alone and on two processes."""

from __future__ import annotations

import json
import os
import signal
import time

import pytest

from gan_lightning.core.checkpoint import read_checkpoint
from gan_lightning.runs.metrics_file import read_metrics
from gan_lightning.runs.results import read_results
from tests.cli.conftest import TINY, UNSCORED, of_kind, read_wandb
from tests.conftest import takes_long

SABOTEURS = "tests.cli.saboteurs"
HERE = [*UNSCORED, "hydra.run.dir=run", "budget.kimg=null"]


def exit_codes(folder):
    return [record.get("exit_code", 0) for record in of_kind(read_wandb(folder), "exit")]


@takes_long  # in this process: test_ways[sigterm]
@pytest.mark.slow
def test_sigterm_saves_and_leaves_with_143(commands, tmp_path):
    process = commands.start("train", *HERE, "budget.images=100000000", cwd=tmp_path)
    metrics = tmp_path / "run" / "metrics.jsonl"
    deadline = time.monotonic() + 240
    while not metrics.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    output = (tmp_path / "output").read_text
    assert process.wait(timeout=120) == 143, output()
    assert "Traceback" not in output()
    assert "SIGTERM" in output()
    results = read_results(tmp_path / "run" / "results.json")
    assert results["status"] == "preempted"
    saved = read_checkpoint(tmp_path / "run" / "checkpoints" / "latest.ckpt")["gan_lightning"]["images_seen"]
    assert saved == results["images_seen"] > 0
    assert read_metrics(metrics)[-1]["images_seen"] <= saved
    assert exit_codes(tmp_path / "run") == [143]


def test_sigint_leaves_with_130(commands, tmp_path):
    stop = [
        "+callbacks.stop._target_=tests.cli.saboteurs.SignalAt",
        "+callbacks.stop.images=160",
        "+callbacks.stop.name=SIGINT",
    ]
    before = signal.getsignal(signal.SIGINT)
    ended = commands("train", *HERE, "budget.images=6400", "logger=none", *stop, cwd=tmp_path)
    assert ended.code == 130, ended.text
    assert signal.getsignal(signal.SIGINT) is before
    results = read_results(tmp_path / "run" / "results.json")
    assert (results["status"], results["images_seen"]) == ("interrupted", 176)


def test_a_failure_is_recorded_everywhere(commands, tmp_path):
    ended = commands("train", *HERE, "budget.images=6400", f"data._target_={SABOTEURS}.BrokenDigits", cwd=tmp_path)
    assert ended.code == 1, ended.text
    assert "the disk is on fire" in ended.err
    results = read_results(tmp_path / "run" / "results.json")
    assert (results["status"], results["images_seen"]) == ("failed", 32)  # a batch is fetched ahead
    assert results["message"] == "RuntimeError: the disk is on fire"
    assert exit_codes(tmp_path / "run") == [1]


def test_divergence_leaves_with_3(commands, tmp_path):
    ended = commands(
        "train", *HERE, "budget.images=3200", "logger=tensorboard", "model.generator_optimizer.lr=1e30", cwd=tmp_path
    )
    assert ended.code == 3, ended.text
    results = read_results(tmp_path / "run" / "results.json")
    assert results["status"] == "diverged"
    assert not (tmp_path / "run" / "checkpoints" / "best.ckpt").exists()
    assert list((tmp_path / "run" / "tensorboard").glob("events*"))
    assert not (tmp_path / "run" / "wandb").exists()


@pytest.mark.slow
def test_two_processes_train_one_run(commands, tmp_path):
    witness = [
        f"+callbacks.witness._target_={SABOTEURS}.Witness",
        f"+callbacks.witness.file={tmp_path}/seen.json",
    ]
    line = [*TINY, "hydra.run.dir=run", "budget.kimg=0.32", "trainer=ddp", "trainer.devices=2", *witness]
    process = commands.start("train", *line, cwd=tmp_path)
    code = process.wait(timeout=400)
    output = (tmp_path / "output").read_text()
    assert code == 0, output
    assert json.loads((tmp_path / "seen.json").read_text()) == {
        "ranks": 2,
        "spread": 0.0,
        "same_batch": False,
        "images_seen": 320,
    }
    assert sorted(path.name for path in tmp_path.iterdir()) == ["output", "run", "seen.json"]
    results = read_results(tmp_path / "run" / "results.json")
    assert (results["status"], results["images_seen"]) == ("finished", 320)
    assert len(list((tmp_path / "run" / "wandb").glob("offline-run-*"))) == 1
    assert exit_codes(tmp_path / "run") == [0]
    losses = [row["images_seen"] for row in read_metrics(tmp_path / "run" / "metrics.jsonl") if "d/loss" in row]
    assert losses == sorted(set(losses))
    assert os.environ.get("LOCAL_RANK") is None
