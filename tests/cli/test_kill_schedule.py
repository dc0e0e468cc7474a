"""Runs that are signaled again and again, at random moments, end as those that were left alone, to the bit."""

from __future__ import annotations

import logging
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from gan_lightning.runs.results import read_outcome, read_results
from tests.cli import forks
from tests.cli.conftest import ROOT, TINY
from tests.cli.phases import Phases
from tests.cli.test_kills import assert_same_run
from tests.conftest import LONG

log = logging.getLogger(__name__)

STORM = 30
"""Interrupts of somebody who leans on Ctrl-C."""

SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT)

LINE = [
    *("hydra.run.dir=run", "resume=auto", "logger=none", "budget.kimg=null", "trainer.accelerator=cpu"),
    *("callbacks.checkpoint.every_kimg=0.11", "callbacks.samples.every_kimg=0.19", "callbacks.health.every_kimg=0.052"),
    *("callbacks.evaluation.every_kimg=0.27", "trainer.log_every_n_steps=5", "budget.images=1200"),
]
"""Cadences that fall together nowhere."""

NARROW = [f"model.{player}.width=8" for player in ("generator", "discriminator")]
IMAGES = ["callbacks.samples.rows=2", "evaluator.samples=100"]

CASES: dict[str, list[str]] = {
    "accumulated micro-batches, two critic steps": [
        *(*TINY, "batch_size=32", "model.updates.accumulate=2", "model.updates.critic_steps=2"),
    ],
    "three critic steps": [
        *("model=wgan", *NARROW, *IMAGES, "batch_size=16", "model.updates.critic_steps=3", "data.resolution=16"),
        "model.warmup_critic_steps=4",
    ],
    "alternate batches and five schedules": [
        *("experiment=r3gan_digits", *IMAGES, "batch_size=24"),
        *(f"model.{player}.widths=[8,8,8]" for player in ("generator", "discriminator")),
    ],
    "penalties that step on their own": [
        *("experiment=stylegan2_digits", *IMAGES, "batch_size=16", "model.discriminator.group_size=2"),
        *("model/regularizer@model.regularizers.path_length=path_length", "model.generator.style_mixing=0.9"),
        *(f"model.{player}.channel_max=8" for player in ("generator", "discriminator")),
        *(f"model.regularizers.{name}.interval=3" for name in ("r1", "path_length")),
    ],
    "adaptive augmentation": [
        *("model=dcgan", *NARROW, *IMAGES, "batch_size=16", "data.resolution=16"),
        *("model/augment=ada", "model.augment.speed_kimg=0.5"),
    ],
    "growing networks": [
        *("experiment=progan_digits", *IMAGES, "batch_size=16", "model.stable_kimg=0.2", "model.fade_kimg=0.13"),
        *(f"model.{player}.fmap_base=64" for player in ("generator", "discriminator")),
    ],
    "points": ["experiment=ring_gan", "batch_size=20", "evaluator.samples=250"],
    "pairs": [
        *("experiment=pix2pix_photos", "model.generator.width=4", "model.discriminator.width=4"),
        *("data.images.stride=16", "callbacks.samples.rows=1", "batch_size=8"),
    ],
}
KILLS = 12
"""In each case, unless the run is done before."""


def alone(line: Sequence[str], cwd: Path, environment: dict[str, str]) -> float:
    """Run a command that nobody disturbs; return the CPU time that it takes once the caches are filled."""
    for folder, more in ((cwd / "short", ["budget.images=24"]), (cwd, [])):
        folder.mkdir(parents=True, exist_ok=True)
        before = os.times()
        process = forks.start([*line, *more], cwd=folder, environment=environment)
        assert forks.finish(process, timeout_s=900) == 0, (folder / "output").read_text()[-3000:]
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def codes(number: signal.Signals) -> tuple[int, ...]:
    """Return what a command may end with: killed, since it was only beginning; left in order; or done already."""
    return (-number, 130 if number == signal.SIGINT else 143, 0)


def disturb(send: Callable[[int], None], number: signal.Signals) -> None:
    """Send a signal, or a storm of interrupts."""
    for _ in range(STORM if number == signal.SIGINT else 1):
        send(number)
        time.sleep(0.002)


def disturbed(
    line: Sequence[str], cwd: Path, environment: dict[str, str], *, kills: int, life_s: float, moments: random.Random
) -> Counter[str]:
    """Run a command again and again until it is done, the first times with a signal; return what was hit how often."""
    hit: Counter[str] = Counter()
    for _ in range(kills):
        number = moments.choice(SIGNALS)
        phases = Phases()
        process = forks.start(list(line), cwd=cwd, environment=environment, sabotage=phases)
        phase = phases.wait(process, after_cpu_s=moments.uniform(0, life_s))
        if process.pid is not None and process.is_alive():
            pid = process.pid
            disturb(lambda number, pid=pid: os.kill(pid, number), number)
        code = forks.finish(process, timeout_s=300)
        ended = (cwd / "output").read_text()[-3000:]
        assert code in codes(number), f"{number.name} ended it with {code}: {ended}"
        assert "Traceback" not in ended, ended
        if code:
            hit[f"{number.name} in {phase}"] += 1
        else:
            break
    process = forks.start(list(line), cwd=cwd, environment=environment)
    assert forks.finish(process, timeout_s=900) == 0, (cwd / "output").read_text()[-3000:]
    return hit


def assert_nothing_differs(first: Path, second: Path) -> None:
    """Compare two runs: states, rows, records, what the monitor of health has seen, and every pixel that was drawn."""
    assert_same_run(first, second)
    health = [read_results(run / "results.json")["health"] for run in (first, second)]
    assert health[0] == health[1]
    for picture in sorted((second / "samples").glob("*.png")):
        assert (first / "samples" / picture.name).read_bytes() == picture.read_bytes(), picture


def test_a_run_that_is_signaled_at_three_random_moments(commands, tmp_path):
    line = [*CASES["accumulated micro-batches, two critic steps"], *LINE, "budget.images=640"]
    life_s = alone(line, tmp_path / "whole", commands.environment)
    hit = disturbed(
        line, tmp_path, commands.environment, kills=3, life_s=0.6 * life_s, moments=random.Random(os.getpid())
    )
    log.info("hit: %s", hit)
    assert_nothing_differs(tmp_path / "run", tmp_path / "whole" / "run")


@pytest.mark.parametrize("case", [pytest.param(case, marks=LONG) for case in CASES])
def test_a_run_that_is_killed_at_many_random_moments(case, commands, tmp_path):
    line = [*CASES[case], *LINE]
    life_s = alone(line, tmp_path / "whole", commands.environment)
    moments = random.Random(case)
    share = 0.1 if case == "pairs" else 0.3  # else it is done before it was killed three times
    hit = disturbed(line, tmp_path, commands.environment, kills=KILLS, life_s=share * life_s, moments=moments)
    log.info(f"{case}: {hit.total()} kills: {dict(hit)}")  # --log-cli-level=INFO shows it
    assert hit.total() >= 3
    assert_nothing_differs(tmp_path / "run", tmp_path / "whole" / "run")


@pytest.mark.parametrize("kills", [pytest.param(KILLS, marks=LONG)])
def test_a_sweep_that_is_killed_at_many_random_moments(kills, commands, tmp_path):
    sweep = ["-m", *TINY, *LINE, "budget.images=640", "seed=1,0", "hydra.sweep.dir=sweep"]
    sweep += ["hydra.sweep.subdir=${hydra.job.num}"]
    line = [word for word in sweep if word not in ("hydra.run.dir=run", "resume=auto")]
    life_s = alone(line, tmp_path / "whole", commands.environment)
    hit = disturbed(line, tmp_path, commands.environment, kills=kills, life_s=0.4 * life_s, moments=random.Random(0))
    log.info(f"sweep: {hit.total()} kills: {dict(hit)}")
    for job in "01":
        found, expected = (folder / "sweep" / job for folder in (tmp_path, tmp_path / "whole"))
        assert read_outcome(found).status == "finished"
        assert_nothing_differs(found, expected)


@pytest.mark.parametrize("kills", [pytest.param(16, marks=LONG)])
def test_processes_of_their_own_that_are_killed_at_many_random_moments(kills, commands, tmp_path):
    line = [*TINY, *LINE, "budget.images=9600"]
    command = [sys.executable, "-m", "gan_lightning", "train", *line]
    environment = {**os.environ, **commands.environment, "PYTHONPATH": str(ROOT)}

    def undisturbed(cwd: Path) -> None:
        ended = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)
        assert ended.returncode == 0, ended.stderr

    (tmp_path / "whole").mkdir()
    begun = time.monotonic()
    undisturbed(tmp_path / "whole")
    life_s = time.monotonic() - begun
    moments, hit = random.Random(1), Counter()
    for _ in range(kills):
        number = moments.choice(SIGNALS)
        with subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True) as process:
            time.sleep(moments.uniform(0, 0.3 * life_s))
            disturb(process.send_signal, number)
            _, complaints = process.communicate()
        assert process.returncode in codes(number), complaints
        if process.returncode == 0:
            break
        hit[number.name] += 1
    log.info(f"processes: {dict(hit)}")
    assert hit.total() >= 10
    undisturbed(tmp_path)
    assert_nothing_differs(tmp_path / "run", tmp_path / "whole" / "run")
