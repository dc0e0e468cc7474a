"""The documented sweep of W&B: ``wandb sweep`` registers it, ``wandb agent`` trains its trials."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.conftest import CONF, LONG
from tests.loggers.conftest import server

__all__ = ["server"]

pytestmark = LONG
"""``test_searches.py`` composes what an agent runs, and ``loggers/test_wandb_run.py`` reads what a run writes."""

WANDB = (sys.executable, "-m", "wandb")


def test_an_agent_trains_a_trial_of_the_documented_sweep(server, tmp_path):
    sweep = yaml.safe_load((CONF.parent / "docs" / "wandb_sweep.yaml").read_text(encoding="utf-8"))
    short = {"budget.kimg=32": ["budget.kimg=1", "trainer=cpu"]}
    sweep["command"] = [word for given in sweep["command"] for word in short.get(given, [given])]
    (tmp_path / "sweep.yaml").write_text(yaml.safe_dump(sweep))
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "OMP_NUM_THREADS": "1"}

    def run(*command: str) -> str:
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    (name,) = re.findall(r"wandb agent (\S+)", run(*WANDB, "sweep", "sweep.yaml"))
    chosen = {key: space["min"] for key, space in sweep["parameters"].items()}
    server.trials = {"trial1": chosen}
    run(*WANDB, "agent", "--count", "1", name)
    assert server.unknown == []
    assert server.trials == {}
    (trial,) = server.runs.values()
    assert list(server.runs) == ["trial1"]
    assert (trial.project, trial.exit_code) == (sweep["project"], 0)
    assert trial.config["model"]["value"]["regularizers"]["r1"]["weight"] == chosen["model.regularizers.r1.weight"]
    results = json.loads((tmp_path / "runs" / "wandb_sweep" / "trial1" / "results.json").read_text())
    assert results["status"] == "finished"
    (files,) = server.artifacts.values()
    assert json.loads(files["evaluations.table.json"])["data"][0][0] == results["images_seen"]
    assert trial.summary[sweep["metric"]["name"]] == pytest.approx(results["objective"], rel=1e-6)
