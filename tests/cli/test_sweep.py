"""Sweeps in one process: no job ends another, a second start goes on, and a job is what it would be alone."""

from __future__ import annotations

import json
import os
import re

from gan_lightning.launch.command_line import continued_run
from gan_lightning.launch.sweep_report import outcome_of_job, sweep_code
from gan_lightning.runs.results import Outcome, read_results
from tests.cli.conftest import UNSCORED, listing, of_kind, read_wandb
from tests.cli.test_train import same_training
from tests.conftest import takes_long

SHORT = [*UNSCORED, "budget.kimg=null", "budget.images=160"]
SABOTEURS = "tests.cli.saboteurs"
SWEEP = [*SHORT, "hydra.sweep.dir=sweep", "hydra.sweep.subdir=${hydra.job.num}"]


def states(folder):
    found = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    return {path.name: outcome_of_job(path).status for path in found}


def untouched(folder):
    """What a skipped job leaves as it is: everything but its log, which says that it was skipped."""
    return [entry for entry in listing(folder) if not entry.startswith("train.log")]


def exit_codes(folder):
    return [record.get("exit_code", 0) for record in of_kind(read_wandb(folder), "exit")]


def test_no_job_ends_the_sweep_and_the_last_is_what_it_would_be_alone(commands, tmp_path):
    line = [*SWEEP, f"data._target_={SABOTEURS}.BrokenDigits,gan_lightning.data.DigitsDataModule"]
    ended = commands("train", "-m", *line, "model.generator_optimizer.lr=1e30,2e-4", cwd=tmp_path)
    assert ended.code == 1, ended.text
    sweep = tmp_path / "sweep"
    assert "the disk is on fire" in (sweep / "0" / "train.log").read_text()
    assert states(sweep) == {"0": "failed", "1": "failed", "2": "diverged", "3": "finished"}
    for word in ("4 jobs", "sweep/3", "finished", "diverged", "RuntimeError: the disk is on fire"):
        assert word in ended.out
    assert [read_results(sweep / name / "results.json")["status"] for name in "0123"] == list(states(sweep).values())
    assert [exit_codes(sweep / name) for name in "0123"] == [[1], [1], [3], [0]]
    assert len({(sweep / name / "wandb" / "run_id").read_text() for name in "0123"}) == 4

    alone = commands(
        "train", *SHORT, "model.generator_optimizer.lr=2e-4", "hydra.run.dir=alone", "logger=none", cwd=tmp_path
    )
    assert alone.code == 0, alone.text
    same_training(sweep / "3", tmp_path / "alone")


def test_the_same_command_skips_what_is_done_and_resumes_what_is_not(commands, tmp_path):
    stop = [
        f"+callbacks.stop._target_={SABOTEURS}.SignalAt",
        "+callbacks.stop.images=240",
        "+callbacks.stop.name=SIGTERM",
    ]
    line = ["-m", *UNSCORED, "budget.kimg=0.32", "logger=none", "hydra.sweep.dir=sweep", *stop]
    line += ["model.generator_optimizer.lr=1e30,2e-4,1e-4"]
    # the first job has diverged by then; the second gets the signal, and the third is never begun
    ended = commands("train", *line, cwd=tmp_path)
    assert ended.code == 143, ended.text
    assert sorted(states(tmp_path / "sweep").values()) == ["diverged", "preempted"]
    (done,) = (tmp_path / "sweep" / name for name, state in states(tmp_path / "sweep").items() if state == "diverged")
    kept = untouched(done)

    ended = commands("train", *line, cwd=tmp_path)  # the second job has passed that point, the third meets it
    assert ended.code == 143, ended.text
    assert "diverged already" in ended.text
    assert "at 256 images" in ended.text
    ended = commands("train", *line, cwd=tmp_path)
    assert ended.code == 3, ended.text
    assert sorted(states(tmp_path / "sweep").values()) == ["diverged", "finished", "finished"]
    assert untouched(done) == kept


def test_a_folder_with_another_run_is_refused_before_anything_starts(commands, tmp_path):
    line = ["-m", *SWEEP, "logger=none"]
    assert commands("train", *line, "seed=0", "budget.images=16", cwd=tmp_path).code == 0
    before = listing(tmp_path)
    ended = commands("train", *line, "seed=1,2", cwd=tmp_path)
    assert ended.code == 2, ended.text
    for part in ("sweep/0 holds another run", "seed was 0 and is now 1", "in the job", "hydra.sweep.dir"):
        assert part in ended.err
    assert listing(tmp_path) == before


def test_a_job_that_another_process_trains_is_refused_and_the_next_one_runs(commands, tmp_path):
    from gan_lightning.runs.lock import exclusive

    with exclusive(tmp_path / "sweep" / "0"):
        ended = commands("train", "-m", *SWEEP, "logger=none", "seed=0,1", cwd=tmp_path)
        assert ended.code == 2, ended.text
        assert states(tmp_path / "sweep") == {"0": "refused", "1": "finished"}
    assert "another process trains in this folder" in ended.err
    assert not (tmp_path / "sweep" / "0" / "results.json").exists()  # it is the other process's to write


@takes_long
def test_a_job_on_several_devices_gets_processes_of_its_own(commands, tmp_path):
    witness = [
        f"+callbacks.witness._target_={SABOTEURS}.Witness",
        f"+callbacks.witness.file={tmp_path}/seen.json",
    ]
    process = commands.start(
        "train", "-m", *SWEEP, "logger=none", "trainer=ddp", "trainer.devices=2", "seed=3", *witness, cwd=tmp_path
    )
    code = process.wait(timeout=400)
    output = (tmp_path / "output").read_text()
    assert code == 0, output
    assert json.loads((tmp_path / "seen.json").read_text())["ranks"] == 2
    assert states(tmp_path / "sweep") == {"0": "finished"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["output", "seen.json", "sweep"]
    assert read_results(tmp_path / "sweep" / "0" / "results.json")["images_seen"] == 160
    assert (tmp_path / "sweep" / "0" / "train.log").is_file()
    assert os.environ.get("LOCAL_RANK") is None


def test_jobs_of_different_names_share_a_folder_and_say_how_many_are_done(commands, tmp_path):
    line = ["-m", *UNSCORED, "name=first,second", "budget.kimg=0.032", "logger=none", "seed=3"]
    ended = commands("train", *line, cwd=tmp_path)
    assert ended.code == 0, ended.text
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["first+second"]
    jobs = states(tmp_path / "runs" / "first+second" / "sweep")
    assert list(jobs.values()) == ["finished", "finished"]
    assert "0 of 2 jobs done\n" in ended.text
    assert re.search(r"1 of 2 jobs done, about \d+ s left", ended.text)
    assert "more: gan-compare runs=runs/first+second/sweep out=report.html" in ended.text
    again = commands("train", *line, cwd=tmp_path)
    assert again.text.count("finished already") == 2


def test_the_code_of_a_sweep_is_its_gravest():
    def of(*names):
        return sweep_code([Outcome(name) for name in names])

    assert of("finished", "finished") == 0
    assert of("finished", "diverged") == 3
    assert of("preempted", "diverged") == 143
    assert of("interrupted", "preempted") == 130
    assert of("refused", "interrupted") == 2
    assert of("failed", "refused") == 1
    assert of("finished", "stopped") == 0
    assert of("finished", "lost") == 1


def test_a_job_can_be_continued_alone(tmp_path):
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / ".hydra").mkdir()
    (tmp_path / ".hydra" / "overrides.yaml").write_text("[cluster=gpu, +sweep=points_table, experiment=demo, seed=3]")
    assert continued_run([f"resume={tmp_path}", "seed=4"]) == [
        "experiment=demo", "seed=4", f"resume='{tmp_path}'", f"hydra.run.dir='{tmp_path}'",
    ]  # fmt: skip
