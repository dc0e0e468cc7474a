"""Every way in which a run can end: its record, its exit code, the next start, the sweep and the comparison."""

from __future__ import annotations

import errno
import json
import os
import signal
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from gan_lightning.core.atomic import write_atomic
from gan_lightning.core.checkpoint import read_checkpoint
from gan_lightning.launch import run
from gan_lightning.launch.job import read_config, settled
from gan_lightning.launch.sweep import attempt_apart
from gan_lightning.models import AdversarialModule
from gan_lightning.report import compare, find_runs
from gan_lightning.runs.folder import RunFolder
from gan_lightning.runs.results import read_results
from gan_lightning.runs.status import MEANINGS, WAYS, status_of_signal
from tests.cli import forks
from tests.cli.conftest import ROOT, UNSCORED, listing
from tests.conftest import compose_train

BUDGET = 320
LINE = [*UNSCORED, "logger=none", "hydra.run.dir=run", "budget.kimg=null", f"budget.images={BUDGET}"]
LINE += ["callbacks.checkpoint.every_kimg=0.064"]


EXPLODING = (
    "{_target_: gan_lightning.core.schedules.Linear, start_kimg: 0.1, end_kimg: 0.12, initial: 0.001, final: 1.0e30}"
)


def saboteur(kind: str, **arguments: object) -> list[str]:
    given = [f"+callbacks.saboteur.{key}={value}" for key, value in arguments.items()]
    return [f"+callbacks.saboteur._target_=tests.cli.saboteurs.{kind}", *given]


OFF = ["callbacks.saboteur=null"]


def sent(name: str, times: int = 1) -> list[str]:
    return saboteur("SignalAt", images=160, name=name, times=times)


CASES = {
    "budget": [("budget", [], [])],
    "trainer_limit": [
        ("max_steps", ["+trainer.max_steps=20"], ["+trainer.max_steps=-1"]),
        (
            "max_time",
            ["+trainer.max_time=00:00:00:01", *saboteur("Slow", seconds=0.1)],
            ["+trainer.max_time=null", *OFF],
        ),
        ("fast_dev_run", ["+trainer.fast_dev_run=5"], ["+trainer.fast_dev_run=false"]),
    ],
    "callback": [("callback", saboteur("StopAt", images=160), OFF)],
    "sigint": [("once", sent("SIGINT"), OFF), ("thirty times", sent("SIGINT", 30), OFF)],
    "sigterm": [("SIGTERM", sent("SIGTERM"), OFF)],
    "sighup": [("SIGHUP", sent("SIGHUP"), OFF)],
    "sigquit": [("SIGQUIT", sent("SIGQUIT"), OFF)],
    "sigusr1": [("SIGUSR1", sent("SIGUSR1"), OFF)],
    "sigusr2": [("SIGUSR2", sent("SIGUSR2"), OFF)],
    # after the first checkpoint, which stands: at once there would be no finite state to go on from
    "nan": [("nan", [f"model.generator_optimizer.lr={EXPLODING}"], [])],
    "data": [("data", saboteur("LeaveAt", images=160, how="end"), OFF)],
    "error": [
        ("error", saboteur("RaiseAt", images=160), OFF),
        ("exit", saboteur("LeaveAt", images=160, how="exit"), OFF),
    ],
    "kill": [("kill", sent("SIGKILL"), OFF)],
}
"""Way to its cases: a name, what brings it about, and what takes that back at the next start."""

SEPARATE = {"no_checkpoint", "full_disk", "refused"}
"""Ways with tests of their own below."""


def test_every_way_has_a_test():
    assert {*CASES, *SEPARATE} == set(WAYS)


@pytest.mark.parametrize(
    ("way", "cause", "remedy"),
    [
        pytest.param(way, cause, remedy, id=f"{way}: {name}")
        for way, found in CASES.items()
        for name, cause, remedy in found
    ],
)
def test_a_way_to_end(commands, tmp_path, way, cause, remedy):
    meaning = MEANINGS[WAYS[way].status]
    if WAYS[way].status == "running":
        process = forks.start([*LINE, *cause], cwd=tmp_path, environment=commands.environment)
        code, text = forks.finish(process), (tmp_path / "output").read_text()
        assert code == -9, text
    else:
        ended = commands("train", *LINE, *cause, cwd=tmp_path)
        code, text = ended.code, ended.text
        assert code == meaning.exit_code, text
    folder = RunFolder(tmp_path / "run")
    results = read_results(folder.results)
    assert results["status"] == WAYS[way].status
    assert (results["images_seen"] >= results["budget_images"] == BUDGET) == (results["status"] == "finished")
    if results["status"] == "stopped":
        assert results["message"] in text
    if meaning.exit_code is not None and not meaning.failure and results["status"] != "diverged":
        assert seen_in(folder.latest) == results["images_seen"]  # it saved its last state
    if results["status"] in ("interrupted", "preempted"):
        assert results["images_seen"] == 176
        assert text.count("saving the state and leaving") == 1
        assert results["requeue"] == (way in ("sigusr1", "sigusr2"))

    check_sweep(folder.path, skipped=meaning.settled)
    check_comparison(folder.path, results["status"])
    again = commands("train", "resume=run", *remedy, cwd=tmp_path)
    after = read_results(folder.results)
    if results["status"] == "diverged":
        assert (again.code, after["status"]) == (3, "diverged")
    else:
        assert again.code == 0, again.text
        assert (after["status"], after["images_seen"]) == ("finished", BUDGET)
        begun = [segment["from_images"] for segment in after["segments"]]
        assert begun[0] == 0
        assert meaning.resumable == (results["status"] != "finished") == (begun[-1] < BUDGET)


def check_sweep(folder: Path, *, skipped: bool) -> None:
    """A sweep that is started again skips a job, or goes on with it."""
    config = read_config(folder)
    assert config is not None
    assert (settled(folder, config) is not None) == skipped


def check_comparison(folder: Path, status: str) -> None:
    """A comparison counts a run, or names it with its status."""
    content = compare(find_runs([folder]))
    counted = [run for group in content.groups for run in group.counted]
    assert len(counted) == (status == "finished")
    word = "running, or killed" if status == "running" else status
    assert [note.startswith(f"{folder}: {word} at ") for note in content.notes] == [True] * (status != "finished")


def seen_in(path: Path) -> int:
    return read_checkpoint(path)["gan_lightning"]["images_seen"]


def test_a_run_whose_last_state_cannot_be_written_has_failed(commands, tmp_path, monkeypatch):
    def disk_full(*arguments, **keywords):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    folder = RunFolder(tmp_path / "run")
    with monkeypatch.context() as patch:
        patch.setattr("gan_lightning.callbacks.checkpoints.write_checkpoint", disk_full)
        ended = commands("train", *LINE, cwd=tmp_path)
    assert ended.code == MEANINGS[WAYS["no_checkpoint"].status].exit_code == 1, ended.text
    results = read_results(folder.results)
    assert (results["status"], results["images_seen"]) == (WAYS["no_checkpoint"].status, BUDGET)
    assert "the last state could not be saved" in results["message"]
    assert results["message"] in ended.out
    check_sweep(folder.path, skipped=False)
    check_comparison(folder.path, "failed")
    again = commands("train", *LINE, "resume=auto", cwd=tmp_path)
    assert (again.code, seen_in(folder.latest)) == (0, BUDGET), again.text


def test_a_run_is_only_finished_with_a_checkpoint_of_its_last_state(commands, tmp_path):
    folder = RunFolder(tmp_path / "run")
    (folder.latest / "something").mkdir(parents=True)
    ended = commands("train", *LINE, cwd=tmp_path)
    results = read_results(folder.results)
    saved = folder.latest.is_file() and seen_in(folder.latest) == BUDGET
    assert (results["status"], ended.code) == (("finished", 0) if saved else ("failed", 1)), ended.text


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"])
def test_a_signal_before_the_first_step_leaves_a_record_that_says_so(commands, tmp_path, monkeypatch, name):
    def signal_itself(*arguments, **named):
        for _ in range(30):
            os.kill(os.getpid(), signal.Signals[name])

    monkeypatch.setattr(AdversarialModule, "configure_optimizers", signal_itself)
    ended = commands("train", *LINE, cwd=tmp_path)
    status = status_of_signal(signal.Signals[name])
    assert (ended.code, read_results(tmp_path / "run" / "results.json")["status"]) == (
        MEANINGS[status].exit_code,
        status,
    )


def test_a_signal_while_a_run_is_closed_changes_nothing(commands, tmp_path, monkeypatch):
    finish = run.finish

    def disturbed(*arguments):
        os.kill(os.getpid(), signal.SIGTERM)
        finish(*arguments)

    monkeypatch.setattr(run, "finish", disturbed)
    ended = commands("train", *LINE, cwd=tmp_path)
    assert (ended.code, read_results(tmp_path / "run" / "results.json")["status"]) == (0, "finished"), ended.text


def test_a_reference_that_cannot_be_computed_fails_the_run_in_its_record_too(commands, tmp_path, monkeypatch):
    def fail(*arguments):
        assert read_results(tmp_path / "run" / "results.json")["status"] == "running"
        raise RuntimeError("no features")

    monkeypatch.setattr(run, "beside_scores", fail)
    ended = commands("train", *LINE, cwd=tmp_path)
    results = read_results(tmp_path / "run" / "results.json")
    assert (ended.code, results["status"], results["message"]) == (1, "failed", "RuntimeError: no features")


def test_another_precision_does_not_rewrite_what_was_computed_before(commands, tmp_path):
    assert commands("train", *LINE, *saboteur("StopAt", images=160), cwd=tmp_path).code == 0
    ended = commands("train", "resume=run", "trainer.precision=bf16-mixed", *OFF, cwd=tmp_path)
    assert ended.code == 0, ended.text
    segments = read_results(tmp_path / "run" / "results.json")["segments"]
    assert [(segment["from_images"], segment["precision"], segment["processes"]) for segment in segments] == [
        (0, "32-true", 1),
        (160, "bf16-mixed", 1),
    ]
    assert [segment["device"] for segment in segments] == ["cpu", "cpu"]
    assert segments[0]["config_hash"] != segments[1]["config_hash"]
    assert "trainer.precision=bf16-mixed" in segments[1]["overrides"]
    (note,) = compare(find_runs([tmp_path / "run"])).notes
    assert note == f"{tmp_path}/run: its precision was 32-true, from 160 images on bf16-mixed"


@pytest.mark.slow
def test_a_job_in_processes_of_its_own_that_is_killed_has_failed(commands, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    overrides = [line for line in LINE if not line.startswith("hydra.")]
    cfg = compose_train(*overrides, *sent("SIGKILL"), output_dir=tmp_path / "job")
    write_atomic(RunFolder(tmp_path / "job").config, OmegaConf.to_yaml(cfg, resolve=True))
    outcome = attempt_apart(tmp_path / "job")
    assert (outcome.status, outcome.message) == ("failed", "the job's process ended with SIGKILL")
    results = read_results(tmp_path / "job" / "results.json")
    assert (results["status"], results["message"]) == (outcome.status, outcome.message)
    assert len(results["segments"]) == 1


def test_a_disk_that_is_full_for_a_while_fails_nothing(commands, tmp_path, monkeypatch):
    from gan_lightning.callbacks import checkpoints

    write, calls = checkpoints.write_checkpoint, []

    def fail_first(*arguments, **named):
        calls.append(1)
        if len(calls) < 3:
            raise OSError(28, "No space left on device")
        write(*arguments, **named)

    monkeypatch.setattr(checkpoints, "write_checkpoint", fail_first)
    ended = commands("train", *LINE, cwd=tmp_path)
    assert ended.code == 0, ended.text
    assert read_results(tmp_path / "run" / "results.json")["status"] == WAYS["full_disk"].status
    check_sweep(tmp_path / "run", skipped=True)
    check_comparison(tmp_path / "run", "finished")
    assert seen_in(tmp_path / "run" / "checkpoints" / "latest.ckpt") == BUDGET
    assert "No space left on device" in ended.text


def test_an_interrupt_that_a_part_raises_is_one(commands, tmp_path):
    ended = commands("train", *LINE, *saboteur("LeaveAt", images=160, how="interrupt"), cwd=tmp_path)
    results = read_results(tmp_path / "run" / "results.json")
    assert (ended.code, results["status"], results["images_seen"]) == (130, "interrupted", 160), ended.text


def test_what_is_refused_changes_nothing(commands, tmp_path):
    meaning = MEANINGS[WAYS["refused"].status]
    ended = commands("train", *LINE, "model.generator.width=wide", cwd=tmp_path)
    assert (ended.code, listing(tmp_path)) == (meaning.exit_code, []), ended.text

    assert commands("train", *LINE, cwd=tmp_path).code == 0
    before = listing(tmp_path)
    ended = commands("train", "resume=run", "budget.images=200", cwd=tmp_path)
    assert ended.code == meaning.exit_code, ended.text
    assert "budget: 200 images, but the run to be resumed has already seen 320" in ended.err
    assert listing(tmp_path) == before


def test_a_sweep_says_what_was_refused_and_keeps_what_was_finished(commands, tmp_path):
    line = ["-m", *LINE[:-2], "hydra.sweep.dir=sweep", "hydra.sweep.subdir=${hydra.job.num}", "seed=0"]
    assert commands("train", *line, f"budget.images={BUDGET}", cwd=tmp_path).code == 0
    ended = commands("train", *line, "budget.images=160", cwd=tmp_path)
    assert ended.code == 2, ended.text
    assert "refused" in ended.out
    assert "budget: 160 images" in ended.out
    content = json.loads((tmp_path / "sweep" / "0" / "results.json").read_text())
    assert (content["status"], content["last_start"]["status"]) == ("finished", "refused")
    check_comparison(tmp_path / "sweep" / "0", "finished")
    config = read_config(tmp_path / "sweep" / "0")
    assert config is not None
    assert config["budget"]["images"] == BUDGET
