"""Every file of the config tree composes, and every experiment can be built."""

from __future__ import annotations

import pytest

from gan_lightning.config import ConfigError, build_all, check_config
from tests.conftest import CONF, compose_train

GROUPS = ("data", "model", "trainer", "evaluator", "callbacks", "logger", "debug")


def options(group: str) -> list[str]:
    return sorted(path.stem for path in (CONF / group).glob("*.yaml"))


def complaints(cfg: object) -> list[str]:
    try:
        check_config(cfg)
    except ConfigError as error:
        return error.messages
    return []


@pytest.mark.parametrize("experiment", options("experiment"))
def test_every_experiment_passes_the_checks_and_can_be_built(experiment):
    cfg = compose_train(f"experiment={experiment}")
    found = complaints(cfg)
    assert [message for message in found if "a value must be given" not in message] == []
    if found:  # an experiment on the user's own data leaves its folder open
        return
    # Data sets and the Inception weights are downloads: their absence is said, and is all that may be amiss.
    nodes = ["model"] if "Inception" in str(cfg.evaluator) else ["data", "model", "evaluator", "callbacks"]
    config = check_config(cfg)
    build_all({key: config[key] for key in nodes}, trust=True, rehearse=True)


@pytest.mark.parametrize("experiment", options("experiment"))
def test_every_experiment_names_its_paper(experiment):
    lines = (CONF / "experiment" / f"{experiment}.yaml").read_text().splitlines()
    assert lines[0] == "# @package _global_"
    header = []
    for line in lines[1:]:
        if not line.startswith("#"):
            break
        header.append(line)
    assert "arXiv" in " ".join(header)


@pytest.mark.parametrize(("group", "option"), [(group, option) for group in GROUPS for option in options(group)])
def test_every_option_of_a_group_composes_and_passes_the_check(group, option):
    own = [message for message in complaints(compose_train(f"{group}={option}")) if message.startswith(group)]
    assert [message for message in own if "a value must be given" not in message] == []


def test_no_group_is_empty():
    assert [group for group in GROUPS if not options(group)] == []


@pytest.mark.parametrize("experiment", ["demo", "ring_gan"])
def test_debug_makes_an_experiment_short(experiment):
    cfg = compose_train(f"experiment={experiment}", "debug=fast")
    check_config(cfg)
    assert dict(cfg.budget) == {"images": 160, "kimg": None, "epochs": None}
    assert cfg.logger == {}
    assert cfg.evaluator.samples == 64


@pytest.mark.parametrize("command", ["train", "evaluate", "sample", "compare"])
def test_the_primary_configs_name_their_schema_first(command):
    text = (CONF / f"{command}.yaml").read_text()
    assert text.partition("defaults:\n")[2].splitlines()[:2] == [f"  - {command}_schema", "  - _self_"]
