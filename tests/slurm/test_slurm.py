"""Jobs on a real SLURM that takes their machines away: what they end with is what undisturbed runs end with.

Everything runs at the same time, since the jobs mostly import: a sweep of four jobs, of which one is requeued by hand,
one gets the pre-emption signal and the others lose their node; a sweep with a job that fails and one that is
canceled; a job of two processes that runs into its time limit; and one that submitit started, which is told so often
that its time is up that it gives up, and goes on when the sweep is started again.
"""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from gan_lightning.core.checkpoint import read_checkpoint
from gan_lightning.runs.metrics_file import read_metrics
from gan_lightning.runs.results import read_outcome, read_results
from tests.conftest import compose_train
from tests.contract.variants import assert_same
from tests.slurm.cluster import Cluster, until

ROOT = Path(__file__).parent.parent.parent
BATCH, STEPS, SAVED_EVERY = 20, 800, 20
LIMIT_MIN = int(os.environ.get("GAN_LIGHTNING_TEST_SLURM_LIMIT_MIN", "3"))
ENDS = ("COMPLETED", "FAILED", "TIMEOUT", "CANCELLED")
PATIENCE_S = 600
"""For a machine that does other things too; alone it takes a minute."""
SMALL = [
    "experiment=ring_gan",
    "model/generator=points_unrolled",
    "model/discriminator=points_unrolled",
    "model.generator.widths=[16]",
    "model.discriminator.widths=[16]",
    "evaluator=none",
    f"batch_size={BATCH}",
    f"budget.kimg={STEPS * BATCH / 1000}",
    f"callbacks.checkpoint.every_kimg={SAVED_EVERY * BATCH / 1000}",
    "trainer.accelerator=cpu",
    "trainer.log_every_n_steps=1",
    "+callbacks.diary._target_=hooks.Diary",
    "+callbacks.diary.slow_s=0.25",
]
SEEDS, LOSSES = (0, 1), ("non_saturating", "hinge")
TRAIN = [sys.executable, "-m", "gan_lightning.cli.train"]
SWEEP = ["-m", "cluster=cpu", *SMALL, "logger=none", "hydra.sweep.dir=sweep", "hydra.sweep.subdir=${hydra.job.num}"]
SWEEP += [f"seed={','.join(map(str, SEEDS))}", f"model/loss={','.join(LOSSES)}"]
JOBS = list(itertools.product(SEEDS, LOSSES))
APART = ["hydra.launcher.partition=apart", "hydra.launcher.cpus_per_task=1", "hydra.launcher.timeout_min=9"]
ENDLESS = ["-m", "cluster=cpu", *SMALL, *APART, "logger=none", "callbacks.diary._target_=hooks.Breaks,hooks.Diary"]
ENDLESS += ["hydra.sweep.dir=endless", "hydra.sweep.subdir=${hydra.job.num}"]
TWO = [*SMALL, "trainer=ddp", "trainer.accelerator=cpu", "trainer.devices=2", "logger=wandb"]
MEETING = [*TWO, "callbacks.diary._target_=hooks.DiesEarly", "logger=none"]
LATE = [*TWO, "callbacks.diary._target_=hooks.DiesLate", "logger=none", "+logger.slow._target_=hooks.SlowLogger"]
PAIRED = ["-m", "cluster=cpu", *TWO, *APART, "logger=none", "seed=5", "hydra.sweep.dir=paired"]
PAIRED += ["hydra.sweep.subdir=0", "hydra.launcher.max_num_timeout=1", "+callbacks.diary.restarts=2"]


class Lab:
    """A cluster, a folder to work in, and what is started there."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self.cluster, self.folder = cluster, folder
        self.processes: list[subprocess.Popen[str]] = []
        self.environment = {
            **cluster.environment,
            "PATH": f"{Path(sys.executable).parent}:{cluster.environment['PATH']}",
            "PYTHONPATH": f"{ROOT / 'tests' / 'slurm'}:{ROOT}",
            "GAN_LIGHTNING_CACHE": str(folder / "cache"),
            "WANDB_MODE": "offline",
            "OMP_NUM_THREADS": "1",
        }

    def start(self, name: str, *command: str) -> subprocess.Popen[str]:
        with (self.folder / f"{name}.out").open("w") as out:
            process = subprocess.Popen(
                command, cwd=self.folder, env=self.environment, stdout=out, stderr=subprocess.STDOUT, text=True
            )
        self.processes.append(process)
        return process

    def output(self, name: str) -> str:
        return (self.folder / f"{name}.out").read_text()

    def train(self, name: str, *overrides: str) -> subprocess.Popen[str]:
        return self.start(name, *TRAIN, *overrides)


def steps(folder: Path) -> list[int]:
    path = folder / "steps"
    return [int(line) // BATCH for line in path.read_text().split()] if path.is_file() else []


def job_of(folder: Path) -> str:
    return (folder / "slurm_job").read_text().strip()


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    cluster = Cluster(tmp_path_factory.mktemp("slurm"))
    lab = Lab(cluster, tmp_path_factory.mktemp("work"))
    try:
        cluster.start()
        yield disturb(lab)
    finally:
        for process in lab.processes:
            process.kill()
        cluster.close()


def disturb(lab: Lab) -> Lab:
    """Start everything, do to the jobs what clusters do, and wait for their ends."""
    cluster = lab.cluster
    sweep = lab.train("sweep", *SWEEP)
    endless = lab.train("endless", *ENDLESS)
    paired = lab.train("paired", *PAIRED)
    folders = [lab.folder / "sweep" / str(number) for number in range(len(JOBS))]

    def running() -> bool:
        assert sweep.poll() is None, lab.output("sweep")
        return all(len(steps(folder)) > SAVED_EVERY + 5 for folder in folders)

    until(running, PATIENCE_S, "four jobs that train")
    script = ["--parsable", "--partition=apart", "--ntasks-per-node=2", "--cpus-per-task=1"]
    script += [f"--time={LIMIT_MIN}", "--signal=USR1@60"]  # SLURM may warn a minute earlier than that
    limited = lab.start("limited", "sbatch", *script, str(ROOT / "cluster" / "train.sbatch"), *TWO, "seed=5")
    assert limited.wait(timeout=PATIENCE_S) == 0, lab.output("limited")
    lab.limited = lab.output("limited").strip()
    nodes = {folder: cluster.job_field(job_of(folder), "NodeList") for folder in folders}
    first, second = (folder for folder, node in nodes.items() if node == "n1")
    lab.lost_their_node = [folder for folder, node in nodes.items() if node == "n2"]
    cluster.kill_node("n2")
    cluster.call("scontrol", "requeue", job_of(first))
    cluster.call("scancel", "--signal=USR2", job_of(second))
    lab.requeued, lab.warned = first, second

    script = [*script[:-2], "--time=9", str(ROOT / "cluster" / "train.sbatch")]
    met = lab.start("met", "sbatch", *script, *LATE)
    assert met.wait(timeout=PATIENCE_S) == 0, lab.output("met")
    meeting = lab.train("meeting", "-m", "cluster=cpu", *MEETING, *APART, "hydra.sweep.dir=meeting")

    until(lambda: len(steps(lab.folder / "endless" / "1")) > 3, PATIENCE_S, "the job to cancel")
    cluster.call("scancel", job_of(lab.folder / "endless" / "1"))
    undisturbed = lab.train("undisturbed", *TWO, "seed=5", "hydra.run.dir=undisturbed")
    lab.codes = {}
    lab.gave_up = time_is_up_twice(lab, lab.folder / "paired" / "0")
    lab.codes["paired"] = paired.wait(timeout=PATIENCE_S)
    paired_again = lab.train("paired_again", *PAIRED, "callbacks.diary.slow_s=0")
    processes = {
        "endless": endless,
        "meeting": meeting,
        "sweep": sweep,
        "undisturbed": undisturbed,
        "paired_again": paired_again,
    }
    for name, process in processes.items():
        lab.codes[name] = process.wait(timeout=PATIENCE_S)
    (folder,) = (path.parent for path in (lab.folder / "meeting").glob("*/slurm_job"))
    lab.meeting = [lab.output("met").strip(), job_of(folder)]
    for job in (*lab.meeting, lab.limited):
        cluster.wait(job, ENDS, PATIENCE_S)
    return lab


def time_is_up_twice(lab: Lab, folder: Path) -> str:
    """Send a job the signal of its time limit whenever it trains; return the job."""
    until((folder / "slurm_job").is_file, PATIENCE_S, "a job of two processes")
    job = job_of(folder)
    for before in (0, 1):
        further = len(steps(folder)) + 3
        until(lambda: len(steps(folder)) > further, PATIENCE_S, "two processes that train")  # noqa: B023
        assert restarts(lab, job) == before
        lab.cluster.call("scancel", "--signal=USR2", job)
        until(lambda: restarts(lab, job) == 1, PATIENCE_S, "a requeue")
    return job


def state(folder: Path) -> dict:
    saved = read_checkpoint(folder / "checkpoints" / "latest.ckpt")
    return {key: saved[key] for key in ("state_dict", "optimizer_states", "lr_schedulers")}


def undisturbed(folder: Path, seed: int, loss: str) -> dict:
    """What the same run, in this process, ends with."""
    from gan_lightning.launch.run import train

    outcome = train(compose_train(*SMALL, "logger=none", f"seed={seed}", f"model/loss={loss}", output_dir=folder))
    assert outcome.status == "finished"
    return state(folder)


def restarts(lab: Lab, job: str) -> int:
    return int(lab.cluster.job_field(job, "Restarts"))


def test_a_sweep_ends_well_whatever_happened_to_its_jobs(lab):
    assert lab.codes["sweep"] == 0, lab.output("sweep")
    output = lab.output("sweep")
    assert output.count("finished") == 4
    assert "pending" in output
    assert len(lab.lost_their_node) == 2


@pytest.mark.parametrize("number", range(len(JOBS)))
def test_every_job_ends_with_what_it_would_have_alone(lab, number, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "tests" / "slurm")
    folder, (seed, loss) = lab.folder / "sweep" / str(number), JOBS[number]
    assert_same(state(folder), undisturbed(tmp_path / "alone", seed, loss))
    rows = [row["images_seen"] for row in read_metrics(folder / "metrics.jsonl") if "d/loss" in row]
    assert rows == [step * BATCH for step in range(1, STEPS + 1)]


def test_each_disturbance_costs_one_requeue_and_no_step(lab):
    for folder in (lab.requeued, lab.warned):
        assert restarts(lab, job_of(folder)) == 1
        assert steps(folder) == list(range(1, STEPS + 1))
    for folder in lab.lost_their_node:
        assert restarts(lab, job_of(folder)) == 1
        repeated = len(steps(folder)) - STEPS
        assert 0 <= repeated <= SAVED_EVERY
        assert sorted(set(steps(folder))) == list(range(1, STEPS + 1))


def test_a_time_limit_costs_two_processes_one_requeue_and_no_step(lab):
    folder = lab.folder / "runs" / "ring_gan" / f"slurm_{lab.limited}"
    assert {path.name for path in folder.parent.iterdir()} == {folder.name, f"slurm_{lab.meeting[0]}"}
    output = (lab.folder / f"slurm_{lab.limited}.out").read_text()
    assert lab.cluster.state(lab.limited) == "COMPLETED", output
    # once on each rank; a slow machine meets the limit again, perhaps behind the last step, where nobody says so
    assert restarts(lab, lab.limited) >= len(re.findall(r"received SIGUSR1", output)) / 2 >= 1, output
    assert lab.codes["undisturbed"] == 0, lab.output("undisturbed")
    assert_same(state(folder), state(lab.folder / "undisturbed"))
    assert steps(folder) == list(range(1, STEPS + 1))
    assert read_results(folder / "results.json")["status"] == "finished"
    assert len({path.name.rpartition("-")[2] for path in folder.glob("wandb/offline-run-*")}) == 1
    assert len(list(folder.glob("wandb/offline-run-*"))) == 1 + restarts(lab, lab.limited)


def test_a_job_of_two_processes_that_times_out_too_often_says_so_and_goes_on_when_it_is_told_to(lab):
    folder = lab.folder / "paired" / "0"
    assert lab.codes["paired"] == 143, lab.output("paired")
    for words in ("preempted", "hydra.launcher.max_num_timeout is used up", "the same command resumes it"):
        assert words in lab.output("paired")
    assert restarts(lab, lab.gave_up) == 1
    assert lab.cluster.state(lab.gave_up) == "FAILED"
    assert lab.codes["paired_again"] == 0, lab.output("paired_again")
    assert job_of(folder) != lab.gave_up
    assert steps(folder) == list(range(1, STEPS + 1))
    assert_same(state(folder), state(lab.folder / "undisturbed"))


def test_a_process_that_dies_before_it_has_met_the_others_takes_them_along_and_nobody_says_preempted(lab):
    assert lab.codes["meeting"] == 1, lab.output("meeting")
    for job in lab.meeting:
        assert lab.cluster.state(job) == "FAILED"
        assert restarts(lab, job) == 0
        died = float((lab.folder / f"died_{job}").read_text())
        end = datetime.fromisoformat(lab.cluster.job_field(job, "EndTime")).timestamp()
        assert died - 1 < end < died + 60  # SLURM's time is whole seconds
    met, _ = lab.meeting
    outcome = read_outcome(lab.folder / "runs" / "ring_gan" / f"slurm_{met}")
    assert outcome.status == "failed"  # process 0 had a moment to say so
    assert "a process died, or the job was ended" in outcome.message


def test_a_failing_job_is_not_requeued_and_a_canceled_one_saves(lab):
    assert lab.codes["endless"] == 1, lab.output("endless")
    folders = [lab.folder / "endless" / name for name in "01"]
    assert [read_outcome(folder).status for folder in folders] == ["failed", "preempted"]
    assert "broken on purpose" in lab.output("endless")
    assert [restarts(lab, job_of(folder)) for folder in folders] == [0, 0]
    assert lab.cluster.state(job_of(folders[1])) == "CANCELLED"
    saved = read_checkpoint(folders[1] / "checkpoints" / "latest.ckpt")["gan_lightning"]["images_seen"]
    assert saved == BATCH * steps(folders[1])[-1]


def test_the_same_command_has_nothing_left_to_do(lab):
    again = lab.train("again", *SWEEP)
    assert again.wait(timeout=PATIENCE_S) == 0, lab.output("again")
    assert lab.output("again").count("finished already") == 4
    assert "SLURM job" not in lab.output("again")
