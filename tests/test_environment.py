"""A test leaves the environment of later tests, and of the processes that they start, as it was."""

from __future__ import annotations

import os

import pytest
from lightning.pytorch.plugins.environments import LightningEnvironment


@pytest.mark.parametrize("turn", [0, 1])
def test_what_a_test_sets_in_the_environment_is_gone_in_the_next(turn):
    assert "LOCAL_RANK" not in os.environ
    assert not LightningEnvironment().creates_processes_externally
    os.environ["LOCAL_RANK"] = "0"
    os.environ.pop("PATH")


@pytest.mark.parametrize("turn", [0, 1])
def test_what_a_test_removes_from_the_environment_is_back_in_the_next(turn):
    assert os.environ.pop("PATH")
