"""What the environment says of other processes, against what a run asks for."""

from __future__ import annotations

import os
import re

import pytest
from lightning import Trainer
from lightning.pytorch.utilities import rank_zero_only

from gan_lightning.launch.cluster_environment import PLACES, check_places
from gan_lightning.launch.process_watchdog import FIRST
from tests.cli.conftest import UNSCORED

VARIABLES = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT", "TORCHELASTIC_RUN_ID", FIRST)
MEETING = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29500"}


@pytest.fixture
def trainer(monkeypatch):
    """Build a Trainer of so many processes where the environment says nothing."""
    monkeypatch.setattr(rank_zero_only, "rank", 0)
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)

    def build(devices: int) -> Trainer:
        return Trainer(accelerator="cpu", devices=devices, logger=False, enable_checkpointing=False)

    return build


@pytest.mark.parametrize(
    ("devices", "environment", "refused", "said"),
    [
        (1, {}, False, False),
        (1, {"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "1"}, False, False),
        (1, {"LOCAL_RANK": "1"}, False, True),
        (1, {"WORLD_SIZE": "4"}, False, True),
        (2, {"WORLD_SIZE": "2", **MEETING}, False, False),  # without a local rank, Lightning starts the processes
        (2, {"LOCAL_RANK": "0"}, True, False),
        (2, {"LOCAL_RANK": "0", "WORLD_SIZE": "2"}, True, False),
        (2, {"LOCAL_RANK": "0", "WORLD_SIZE": "4", **MEETING}, True, False),
        (2, {"LOCAL_RANK": "0", "WORLD_SIZE": "2", **MEETING}, False, True),
        (2, {"LOCAL_RANK": "1", "WORLD_SIZE": "2", FIRST: str(os.getppid())}, False, False),
        (2, {"LOCAL_RANK": "1", "WORLD_SIZE": "2", FIRST: "1"}, True, False),  # of a run that is over
    ],
)
def test_places_that_were_inherited(trainer, caplog, devices, environment, refused, said):
    asked = trainer(devices)
    caplog.clear()  # what Lightning says of its devices
    problem = check_places(asked, environment)
    assert (problem is not None, bool(caplog.messages)) == (refused, said)
    for text in [*([problem] if problem else []), *caplog.messages]:
        found = {f"{name}={value}" for name, value in environment.items() if name in PLACES}
        assert found <= set(re.split("[ ,:]", text))


def test_torchrun_must_have_started_as_many_as_the_run_needs(trainer, monkeypatch):
    started = {"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "2", "GROUP_RANK": "0", "LOCAL_WORLD_SIZE": "2"}
    alone, two = trainer(1), trainer(2)
    for name, value in {**started, "TORCHELASTIC_RUN_ID": "x", **MEETING}.items():
        monkeypatch.setenv(name, value)
    assert check_places(two) is None
    assert "WORLD_SIZE=2 of torchrun, and trainer.devices=1" in str(check_places(alone))


def test_a_run_alone_is_the_first_whatever_its_shell_says(commands, tmp_path, monkeypatch):
    monkeypatch.setattr(rank_zero_only, "rank", 3)  # as it is when Lightning is imported
    for name, value in {"RANK": "3", "LOCAL_RANK": "3", "WORLD_SIZE": "4"}.items():
        monkeypatch.setenv(name, value)
    line = [*UNSCORED, "logger=none", "hydra.run.dir=run", "budget.kimg=null", "budget.images=32"]
    ended = commands("train", *line, cwd=tmp_path)
    assert ended.code == 0, ended.text
    assert (tmp_path / "run" / "results.json").is_file()
    assert "RANK=3 LOCAL_RANK=3 WORLD_SIZE=4, which is ignored" in ended.text


@pytest.mark.parametrize("value", ["", "x", "1.5"])
@pytest.mark.parametrize("command", ["train", "sample"])
def test_a_place_that_is_no_number_is_refused_before_a_library_trips_over_it(
    commands, tmp_path, monkeypatch, command, value
):
    monkeypatch.setenv("LOCAL_RANK", value)
    ended = commands(command, cwd=tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(f"the environment has LOCAL_RANK={value!r}, which must be a whole number; env -u ")
    assert ended.err.count("\n") == 1
