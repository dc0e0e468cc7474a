"""The commands of README and docs that no test can run, for clusters for instance: each composes, in all its jobs."""

from __future__ import annotations

import shlex

import pytest
from hydra import compose, initialize_config_dir

from gan_lightning.config import SCHEMAS, root_keys
from gan_lightning.launch.overrides import override_errors
from tests.conftest import CONF
from tests.documentation import at_row_ends, in_sentences, lines

SWEEPS = [line for line in lines("sh") if line.startswith("gan-train -m")]
SINGLE = [
    line
    for line in [*lines("sh"), *(line for line in in_sentences() if "=" in line and line not in at_row_ends())]
    if line.startswith("gan-") and " -m " not in line and not line.startswith("gan-prefetch ")
]


def test_there_are_some():
    assert len(SWEEPS) >= 5
    assert any("cluster=gpu" in line for line in SWEEPS)
    assert len(SINGLE) >= 5


@pytest.mark.parametrize("line", SWEEPS)
def test_a_sweep_composes(line):
    assert override_errors("train", shlex.split(line)[1:], root_keys(SCHEMAS["train_schema"])) == []


@pytest.mark.parametrize("line", SINGLE)
def test_a_command_composes(line):
    program, *words = shlex.split(line)
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        compose(program.removeprefix("gan-"), words)


def test_the_batch_script_is_there_and_takes_what_the_page_gives_it():
    (line,) = (line for line in lines("sh") if line.startswith("sbatch"))
    words = shlex.split(line)
    script = next(word for word in words if word.endswith(".sbatch"))
    text = (CONF.parent / script).read_text(encoding="utf-8")
    assert 'gan-train resume=auto "$@"' in text
    assert "--signal=USR1@" in text
    overrides = words[words.index(script) + 1 :]
    assert override_errors("train", overrides, root_keys(SCHEMAS["train_schema"])) == []
