"""The README's commands for clusters, which no test of the README can run: each composes, in all its jobs."""

from __future__ import annotations

import re
import shlex

import pytest

from gan_lightning.config import SCHEMAS, root_keys
from gan_lightning.launch.overrides import override_errors
from tests.conftest import CONF

README = (CONF.parent / "README.md").read_text(encoding="utf-8")
LINES = [
    line.split("  #")[0]
    for block in re.findall(r"```sh\n(.*?)```", README, flags=re.DOTALL)
    for line in block.splitlines()
]
SWEEPS = [line for line in LINES if line.startswith("gan-train -m")]


def test_there_are_some():
    assert len(SWEEPS) >= 5
    assert any("cluster=gpu" in line for line in SWEEPS)


@pytest.mark.parametrize("line", SWEEPS)
def test_a_sweep_composes(line):
    assert override_errors("train", shlex.split(line)[1:], root_keys(SCHEMAS["train_schema"])) == []


def test_the_batch_script_is_there_and_takes_what_the_readme_gives_it():
    (line,) = (line for line in LINES if line.startswith("sbatch"))
    words = shlex.split(line)
    script = next(word for word in words if word.endswith(".sbatch"))
    text = (CONF.parent / script).read_text(encoding="utf-8")
    assert 'gan-train resume=auto "$@"' in text
    assert "--signal=USR1@" in text
    overrides = words[words.index(script) + 1 :]
    assert override_errors("train", overrides, root_keys(SCHEMAS["train_schema"])) == []
