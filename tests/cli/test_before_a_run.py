"""What is wrong with data and evaluator together is said before a run begins, and a run has one folder."""

from __future__ import annotations

import numpy as np
import pytest

from tests.cli.conftest import TINY, UNSCORED

IMAGES = np.random.default_rng(0).integers(0, 256, (12, 16, 16), dtype=np.uint8)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["data=arrays", "data.path=a.npy", "data.resolution=16", "data.channels=1"],
            "data=arrays has no split 'test'",
        ),
        (["data=digits"], "'test'"),
    ],
)
def test_a_split_that_there_is_not_is_refused_before_a_run_begins(commands, tmp_path, words, said):
    np.save(tmp_path / "a.npy", IMAGES)
    ended = commands(
        "train", *TINY, *words, "evaluator.real_split=test", "logger=none", "hydra.run.dir=run", cwd=tmp_path
    )
    assert ended.code == 2, ended.text
    assert said in ended.err
    assert "Traceback" not in ended.text
    assert not (tmp_path / "run").exists()


def test_a_run_without_a_folder_of_its_own_has_one_log_included(commands, tmp_path):
    ended = commands("train", *UNSCORED, "logger=none", "budget.kimg=null", "budget.images=64", cwd=tmp_path)
    assert ended.code == 0, ended.text
    (folder,) = [path for path in (tmp_path / "runs" / "demo").iterdir() if path.is_dir()]
    assert {"train.log", "results.json", "metrics.jsonl", "config.yaml"} <= {path.name for path in folder.iterdir()}
