"""What the launcher submits, waits for and reports, with stand-ins for SLURM's programs and for submission."""

from __future__ import annotations

import pytest
from hydra import compose, initialize_config_dir

from gan_lightning.core import slurm
from gan_lightning.core.errors import InputError
from gan_lightning.launch import slurm_batch as batch
from gan_lightning.launch.job import read_config
from gan_lightning.launch.plan import PlannedJob, place
from gan_lightning.launch.sweep_report import outcome_of_job
from gan_lightning.runs.lock import exclusive
from gan_lightning.runs.results import blank, write_results
from tests.conftest import CONF


@pytest.fixture
def jobs(tmp_path):
    """Make planned jobs of seeds, optionally on so many devices."""

    def make(*devices_of_seed):
        planned = []
        for seed, devices in enumerate(devices_of_seed):
            overrides = [f"seed={seed}", f"trainer.devices={devices}"]
            with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
                fixed = ["cluster=cpu", "logger=none", "name=test", f"hydra.sweep.dir={tmp_path}"]
                cfg = compose("train", overrides=[*fixed, *overrides], return_hydra_config=True)
            planned.append(PlannedJob(overrides, cfg, place(cfg, seed)))
        return planned

    return make


@pytest.fixture
def submissions(monkeypatch):
    """Record what would be submitted; SLURM knows what ``alive`` holds."""
    record = {"submitted": [], "alive": {}}

    def submit(folders, request, **_):
        first = 100 * (1 + len(record["submitted"]))
        record["submitted"].append((request.tasks_per_node, [folder.name for folder in folders]))
        names = [f"{first}_{i}" for i in range(len(folders))]
        for folder, name in zip(folders, names, strict=True):
            (folder / "slurm_job").write_text(name)
        return names

    monkeypatch.setattr(batch, "submit", submit)
    monkeypatch.setattr(batch.slurm, "alive", lambda jobs: {k: v for k, v in record["alive"].items() if k in jobs})
    monkeypatch.setattr(slurm, "last_state", lambda job: "OUT_OF_MEMORY")
    monkeypatch.setattr(batch, "FIRST_POLL_S", 0.0)
    return record


def run(jobs):
    folder = f"{jobs[0].folder.parent}/.submitit/%j"
    return [job.return_value for job in batch.run_batch(jobs, submitit_folder=folder, max_num_timeout=1)]


def test_jobs_that_ask_for_the_same_share_an_array(jobs, submissions):
    planned = jobs(1, 2, 1)
    assert run(planned) == [1e9] * 3
    names = [job.folder.name for job in planned]
    assert submissions["submitted"] == [(1, [names[0], names[2]]), (2, [names[1]])]
    for number, job in enumerate(planned):
        assert read_config(job.folder)["seed"] == number
        assert read_config(job.folder)["resume"] == "auto"
        assert read_config(job.folder)["output_dir"] == str(job.folder)
        assert (job.folder / ".hydra" / "overrides.yaml").is_file()
        assert outcome_of_job(job.folder).status == "lost"
        assert "OUT_OF_MEMORY" in outcome_of_job(job.folder).message


def test_what_is_done_or_alive_is_not_submitted_again(jobs, submissions):
    planned = jobs(1, 1, 1)
    run(planned)
    done, alive, lost = planned
    write_results(done.folder, {**blank("finished"), "objective": 0.5})
    known = (alive.folder / "slurm_job").read_text()
    submissions["submitted"].clear()
    submissions["alive"][known] = "RUNNING"
    waiting = batch.begin(planned, submitit_folder="unused", max_num_timeout=1)
    assert submissions["submitted"] == [(1, [lost.folder.name])]
    assert waiting == {alive.folder: known, lost.folder: "100_0"}
    submissions["alive"].clear()
    assert run([done]) == [0.5]


def test_a_job_that_slurm_does_not_take_keeps_no_other_from_running(jobs, submissions, monkeypatch):
    take = batch.submit

    def submit(folders, request, **arguments):
        if request.tasks_per_node == 2:
            raise InputError("too much")
        return take(folders, request, **arguments)

    monkeypatch.setattr(batch, "submit", submit)
    planned = jobs(1, 2)
    run(planned)
    assert submissions["submitted"] == [(1, [planned[0].folder.name])]
    with pytest.raises(InputError, match="too much"):
        run(planned[1:])


def test_two_starts_at_once_submit_a_job_once(jobs, submissions, monkeypatch):
    planned = jobs(1)
    folder = planned[0].folder.parent / ".submitit"
    with exclusive(folder):
        monkeypatch.setattr(batch, "SUBMITTING_S", 0.1)
        with pytest.raises(InputError, match="another process submits jobs from there"):
            run(planned)
    assert submissions["submitted"] == []
    run(planned)
    assert len(submissions["submitted"]) == 1


def test_a_queue_that_does_not_answer_for_a_while_ends_nothing(monkeypatch, tmp_path):
    answers = iter([OSError("down"), {"7": "RUNNING"}, OSError("down"), *[{}] * batch.GONE_POLLS])
    asked = []

    def alive(jobs):
        asked.append(jobs)
        answer = next(answers)
        if isinstance(answer, OSError):
            raise answer
        return answer

    monkeypatch.setattr(batch.slurm, "alive", alive)
    monkeypatch.setattr(batch, "FIRST_POLL_S", 0.0)
    batch.wait_for({tmp_path: "7"})
    assert len(asked) == 3 + batch.GONE_POLLS
