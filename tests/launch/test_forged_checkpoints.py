"""A checkpoint whose digest is right and whose entries are not is refused by all who need them, in one sentence."""

from __future__ import annotations

import copy
import re
import shutil
from dataclasses import asdict

import pytest
import torch
from omegaconf import OmegaConf

from gan_lightning.config.schema import InitFrom
from gan_lightning.core.checkpoint import RECORD, CheckpointError, read_checkpoint
from gan_lightning.core.container import write_container
from gan_lightning.core.trainer_state import ENTRIES, VERSION, first_difference
from gan_lightning.launch.init_from import find_beginning
from gan_lightning.launch.parts import build_parts
from gan_lightning.launch.resume import prepare_resume
from gan_lightning.models import DCGAN
from gan_lightning.models.loading import load_model
from gan_lightning.runs.folder import RunFolder
from tests.cli.conftest import UNSCORED
from tests.conftest import compose_train

SMALL = [*UNSCORED, "budget.kimg=null", "budget.images=64", "logger=none"]
ALL = {"resume", "sample", "load", "init_from"}
RESUME = {"resume"}


@pytest.fixture(scope="module")
def run(commands, tmp_path_factory):
    """A finished run; it is only read."""
    base = tmp_path_factory.mktemp("forged")
    ended = commands("train", *SMALL, "hydra.run.dir=run", cwd=base)
    assert ended.code == 0, ended.text
    return RunFolder(base / "run")


@pytest.fixture(scope="module")
def whole(run):
    return read_checkpoint(run.latest)


@pytest.fixture(scope="module")
def consumers(run):
    """All who read a checkpoint of a run, by name."""
    cfg = compose_train(*SMALL, "budget.images=128", output_dir=run.path)
    config = OmegaConf.to_container(cfg, resolve=True)
    parts = build_parts(config)
    settings = {**asdict(InitFrom()), "optimizers": True, "averages": True}
    return {
        "resume": lambda path: prepare_resume({**config, "resume": str(path)}, run.path, parts),
        "sample": load_model,
        "load": DCGAN.load_from_checkpoint,
        "init_from": lambda path: find_beginning({"init_from": {**settings, "path": str(path)}}, parts.model),
    }


def refusals(consumers, path, content):
    """Write a checkpoint with a digest of its own; return what its consumers say, by name."""
    write_container(path, content)
    said = {}
    for name, consume in consumers.items():
        try:
            consume(path)
        except ValueError as error:
            said[name] = str(error)
    return said


def check(consumers, path, content, *, refused, named):
    said = refusals(consumers, path, content)
    assert said.keys() == refused
    for message in said.values():
        assert str(path) in message
        assert re.search(named, message), message
        assert len(message) < 700, message


def with_entry(whole, key, value):
    return {name: part for name, part in whole.items() if name != key} | ({} if value is None else {key: value})


def test_a_checkpoint_of_a_run_has_every_entry_and_all_take_it(whole, consumers, tmp_path):
    assert whole.keys() == {*ENTRIES, "state_dict", RECORD}
    assert refusals(consumers, tmp_path / "a.ckpt", whole) == {}


DELETED = {
    **dict.fromkeys(ENTRIES, RESUME),
    **dict.fromkeys(["state_dict", RECORD], ALL),
    VERSION: {"resume", "load"},
    "optimizer_states": {"resume", "init_from"},
}
EMPTIED = {
    **{key: set() for key in ("epoch", "global_step", "lr_schedulers", "gradient_scalers")},  # as they may well be
    **dict.fromkeys(["loops", "callbacks"], RESUME),
    **dict.fromkeys(["state_dict", RECORD, VERSION], ALL),
    "optimizer_states": {"resume", "init_from"},
}


NAMED = {
    "optimizer_states": "optimizer",
    "state_dict": f"{RECORD}|is missing|none of its tensors fits",
    RECORD: f"{RECORD}|format None",
}


@pytest.mark.parametrize("key", [*ENTRIES, "state_dict", RECORD])
def test_an_entry_that_is_missing_empty_or_of_another_type(whole, consumers, tmp_path, key):
    path, named = tmp_path / "a.ckpt", NAMED.get(key, key)
    check(consumers, path, with_entry(whole, key, None), refused=DELETED[key], named=named)
    check(consumers, path, with_entry(whole, key, type(whole[key])()), refused=EMPTIED[key], named=named)
    check(consumers, path, with_entry(whole, key, [5]), refused=ALL, named=named)


@pytest.mark.parametrize("key", [*ENTRIES, "state_dict", RECORD])
@pytest.mark.parametrize("value", [None, 5.5, "x", [5], {"x": 5}, True, torch.zeros(2)], ids=str)
def test_an_entry_of_another_type_is_damage(whole, tmp_path, key, value):
    if isinstance(value, dict) and key in ("state_dict", RECORD):
        return
    write_container(tmp_path / "a.ckpt", {**whole, key: value})
    with pytest.raises(CheckpointError, match=f"a.ckpt is .*(its {key}|'{RECORD}')"):
        read_checkpoint(tmp_path / "a.ckpt")


WEIGHT = "generator.stack.0.weight"


def put(*keys_and_value):
    *keys, last, value = keys_and_value

    def change(content):
        for key in keys:
            content = content[key]
        content[last] = value

    return change


def drop(*keys):
    *keys, last = keys

    def change(content):
        for key in keys:
            content = content[key]
        del content[last]

    return change


FIRST = ("optimizer_states", 0)
FORGED = {
    "a tensor is missing": (drop("state_dict", WEIGHT), ALL, WEIGHT),
    "a tensor of its own": (put("state_dict", "more", torch.zeros(1)), ALL - {"init_from"}, "more"),
    "a number for a name": (put("state_dict", 7, torch.zeros(1)), ALL, "state_dict has a int"),
    "another shape": (put("state_dict", WEIGHT, torch.zeros(3)), ALL, rf"{WEIGHT} is \(3,\) there and"),
    "a word for a tensor": (put("state_dict", WEIGHT, "x"), ALL, WEIGHT),
    "no counters": (put("state_dict", "_extra_state", {}), ALL - {"init_from"}, "_extra_state"),
    "other counters": (put("state_dict", "_extra_state", "images_seen", "many"), ALL - {"init_from"}, "_extra_state"),
    "a missing counter": (drop("state_dict", "_extra_state"), ALL - {"init_from"}, "_extra_state is missing"),
    "one optimizer": (drop("optimizer_states", 1), {"resume", "init_from"}, "1 optimizers"),
    "no groups": (drop(*FIRST, "param_groups"), {"resume", "init_from"}, "discriminator"),
    "other groups": (put(*FIRST, "param_groups", [5]), {"resume", "init_from"}, "discriminator"),
    "fewer parameters": (drop(*FIRST, "param_groups", 0, "params", 0), {"resume", "init_from"}, "parameters there"),
    "no betas": (drop(*FIRST, "param_groups", 0, "betas"), {"resume", "init_from"}, "of another kind"),
    "a word for a beta": (put(*FIRST, "param_groups", 0, "betas", ["x", 0.9]), {"resume", "init_from"}, "another kind"),
    "no first rate": (drop(*FIRST, "param_groups", 0, "initial_lr"), {"resume", "init_from"}, "another kind"),
    "no moments": (drop(*FIRST, "state", 0, "exp_avg"), {"resume", "init_from"}, "discriminator.body.0.weight"),
    "other moments": (put(*FIRST, "state", 0, "exp_avg", torch.zeros(1)), {"resume", "init_from"}, "body.0.weight"),
    "a word for a state": (put(*FIRST, "state", 0, "x"), {"resume", "init_from"}, "body.0.weight"),
    "a parameter too many": (put(*FIRST, "state", 99, {}), {"resume", "init_from"}, "99"),
    "a word for a parameter": (put(*FIRST, "state", "x", {}), {"resume", "init_from"}, "'x'"),
    "no loop": (drop("loops", "fit_loop"), RESUME, "fit_loop"),
    "an empty loop": (put("loops", "fit_loop", {}), RESUME, "fit_loop.state_dict"),
    "a word for a count": (
        put("loops", "fit_loop", "epoch_loop.batch_progress", "total", "ready", "x"),
        *(RESUME, "fit_loop.epoch_loop.batch_progress.total.ready"),
    ),
    "no best": (put("callbacks", "Evaluation", {}), RESUME, "Evaluation.best"),
    "other scores": (put("callbacks", "Evaluation", "best", "entries", [5]), RESUME, "Evaluation.best.entries"),
    "no monitor": (put("callbacks", "TrainingHealth", {"asked_at": 0}), RESUME, "TrainingHealth"),
    "another monitor": (put("callbacks", "TrainingHealth", "monitor", {"troubles": [5]}), RESUME, "TrainingHealth"),
    "an empty scaler": (put("gradient_scalers", {"generator": {}}), RESUME, "gradient_scalers"),
    "another program's version": (put(VERSION, "banana"), ALL, "'banana'"),
    "a version before ours": (put(VERSION, "0.9.0"), ALL, "'0.9.0'"),
    "arguments": (put("hyper_parameters", {"generator": 5}), {"load"}, "hyper_parameters"),
    "a name of arguments": (put("hparams_name", "generator"), {"load"}, "hparams_name"),
}


@pytest.mark.parametrize("case", FORGED)
def test_what_lies_in_an_entry_is_of_another_run(whole, consumers, tmp_path, case):
    change, refused, named = FORGED[case]
    content = copy.deepcopy(whole)
    change(content)
    asked = {name: consumers[name] for name in {"resume", "init_from", *refused}}
    check(asked, tmp_path / "a.ckpt", content, refused=refused, named=named)


@pytest.mark.parametrize("case", ["another shape", "an empty loop"])
def test_a_command_ends_with_2_and_leaves_the_run_as_it_was(commands, run, whole, tmp_path, case):
    change, refused, named = FORGED[case]
    shutil.copytree(run.path, tmp_path / "run")
    content = copy.deepcopy(whole)
    change(content)
    write_container(RunFolder(tmp_path / "run").latest, content)
    before = everything(tmp_path)
    file = "run/checkpoints/latest.ckpt"
    lines = {
        "resume": [("train", "resume=run", "budget.images=128")],
        "sample": [("sample", f"ckpt={file}", "out=a.png"), ("evaluate", f"ckpt={file}", "evaluator=digits")],
    }
    for command, *words in (line for name in refused & lines.keys() for line in lines[name]):
        ended = commands(command, *words, cwd=tmp_path)
        assert ended.code == 2, ended.text
        assert file in ended.err
        assert re.search(named, ended.err)
        assert "Traceback" not in ended.text
        assert everything(tmp_path) == before


def everything(folder):
    return {path: path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ({"a": 1, "b": {"c": 1.0}, "d": None}, None),
        ({"a": 1, "b": {"c": 1, "more": 2}, "d": "x"}, None),
        ({"a": True, "b": {"c": 1.0}, "d": None}, "x.a"),
        ({"a": 1.0, "b": {"c": 1.0}, "d": None}, "x.a"),
        ({"a": 1, "b": [], "d": None}, "x.b"),
        ({"a": 1, "b": {}, "d": None}, "x.b.c"),
        (5, "x"),
    ],
)
def test_the_first_place_that_is_made_otherwise(value, place):
    assert first_difference(value, {"a": 3, "b": {"c": 0.5}, "d": None}, "x") == place
