"""A sweep whose jobs run at the same time on this machine: joblib's launcher."""

from __future__ import annotations

import json

from gan_lightning.runs.results import read_outcome
from tests.cli.conftest import UNSCORED
from tests.cli.test_sweep import exit_codes, states
from tests.cli.test_train import same_training
from tests.conftest import LONG_TESTS

SHORT = [*UNSCORED, "budget.kimg=null", "budget.images=160"]
PARALLEL = ["hydra/launcher=joblib", "hydra.launcher.n_jobs=2", "hydra.sweep.dir=sweep"]
PARALLEL += ["hydra.sweep.subdir=${hydra.job.num}", "paths.runs=runs"]
"""Numbers as folders say which job a folder is of."""


def test_jobs_run_together_each_in_its_folder_and_none_ends_another(commands, tmp_path):
    meeting = ["+callbacks.meeting._target_=tests.cli.saboteurs.Meeting", "+callbacks.meeting.processes=2"]
    meeting += [f"+callbacks.meeting.folder={tmp_path}/met"]
    data = "data._target_=tests.cli.saboteurs.BrokenDigits,gan_lightning.data.DigitsDataModule"
    line = [*SHORT, *PARALLEL, *meeting, data, "seed=0,1"]
    ended = commands("train", "-m", *line, cwd=tmp_path)
    assert ended.code == 1, ended.text
    sweep = tmp_path / "sweep"
    assert states(sweep) == {"0": "failed", "1": "failed", "2": "finished", "3": "finished"}
    assert "the disk is on fire" in read_outcome(sweep / "0").message
    assert len(list((tmp_path / "met").iterdir())) == 2  # two processes trained all, and none of them is this one
    assert [exit_codes(sweep / name) for name in "0123"] == [[1], [1], [0], [0]]
    assert len({(sweep / name / "wandb" / "run_id").read_text() for name in "0123"}) == 4
    for name in "0123":
        assert json.loads((sweep / name / "results.json").read_text())["status"] in ended.out
        assert (sweep / name / ".hydra" / "overrides.yaml").is_file()
    said = ["the disk is on fire" in (sweep / name / "train.log").read_text() for name in "0123"]
    assert said == [True, True, False, False]

    alone = commands("train", *SHORT, "seed=1", "hydra.run.dir=alone", "logger=none", cwd=tmp_path)
    assert alone.code == 0, alone.text
    same_training(sweep / "3", tmp_path / "alone")

    if not LONG_TESTS:  # tests/cli/test_sweep.py has a relative, one job after the other
        return
    repeated = commands("train", "-m", *line, cwd=tmp_path)
    assert repeated.code == 1, repeated.text
    assert states(sweep) == {"0": "failed", "1": "failed", "2": "finished", "3": "finished"}
    said = ["finished already" in (sweep / name / "train.log").read_text() for name in "0123"]
    assert said == [False, False, True, True]
