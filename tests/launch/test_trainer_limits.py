"""What a run does not take from the Trainer is refused in one sentence, which says what to set instead."""

from __future__ import annotations

import inspect

import pytest
from lightning import Trainer

from gan_lightning.launch.trainer_limits import ELSEWHERE, limit_problems
from tests.cli.test_bad_input import refused

ASKING = {
    "max_epochs": [1, 3],
    "min_epochs": [1],
    "min_steps": [10],
    "limit_train_batches": [1, 0, 10, 0.5],
    "overfit_batches": [1, 0.1],
    "accumulate_grad_batches": [2],
    "gradient_clip_val": [1, 0.5],
    "gradient_clip_algorithm": ["value"],
    "limit_val_batches": [3, 0.5],
    "val_check_interval": [10, 0.25],
    "check_val_every_n_epoch": [2],
    "reload_dataloaders_every_n_epochs": [1],
    "barebones": [True],
    "callbacks": [[]],
    "logger": [False, True],
    "enable_checkpointing": [False],
}


def test_every_argument_that_is_refused_is_one_of_the_trainers():
    assert ASKING.keys() == ELSEWHERE.keys() <= inspect.signature(Trainer).parameters.keys()


@pytest.mark.parametrize("key", ELSEWHERE)
def test_a_value_that_asks_for_something_is_refused_and_the_default_is_not(key):
    for value in ASKING[key]:
        (problem,) = limit_problems({key: value, "max_steps": 5}, endless=True)
        assert problem.startswith(f"trainer.{key} = {value}: ")
    for value in (inspect.signature(Trainer).parameters[key].default, *ELSEWHERE[key].neutral):
        assert limit_problems({key: value}, endless=True) == []


def test_epochs_of_other_data_modules_end():
    asked = {"max_epochs": 1, "limit_train_batches": 3, "gradient_clip_val": 1.0}
    assert [problem.split()[0] for problem in limit_problems(asked, endless=False)] == ["trainer.gradient_clip_val"]


def test_all_that_is_asked_for_in_vain_is_said_at_once(commands, tmp_path):
    keys = ("max_epochs=1", "+trainer.limit_train_batches=3", "+trainer.overfit_batches=1")
    keys += ("+trainer.accumulate_grad_batches=2", "+trainer.gradient_clip_val=1")
    line = [key if key.startswith("+") else f"trainer.{key}" for key in keys]
    text = refused(commands, tmp_path, "train", "experiment=demo", *line)
    assert "5 problems" in text
    for key in keys:
        assert f"trainer.{key.rpartition('.')[2].replace('=', ' = ')}: " in text
