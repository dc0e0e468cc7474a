"""One thing is wrong in a run's folder: a start goes on from whole state, or ends with 2 and keeps the rest."""

from __future__ import annotations

import itertools
import os
import shutil

import pytest
import torch

from gan_lightning.core.checkpoint import RECORD, read_checkpoint
from gan_lightning.core.container import write_container
from tests.conftest import takes_long

RUN = [
    "experiment=ring_gan",
    "evaluator=none",
    "logger=none",
    "budget.images=1024",
    "batch_size=64",
    "callbacks.checkpoint.every_kimg=0.256",
    "trainer.log_every_n_steps=2",
    "trainer.accelerator=cpu",
]


def halve(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path):
    path.write_bytes(b"")


def zero(path):
    path.write_bytes(bytes(path.stat().st_size))


def replace_by_a_folder(path):
    path.unlink()
    path.mkdir()


def refuse_to_open(path):
    path.unlink()
    path.symlink_to(path.name)


def flip(path):
    content = bytearray(path.read_bytes() or b"x")
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def renew(path):
    """Let a checkpoint be of a newer format, and any other file hold a format of its own."""
    if path.suffix == ".ckpt":
        content = read_checkpoint(path)
        content[RECORD]["format"] += 1
        write_container(path, content)
    else:
        path.write_text('{"format": 99, "status": {}, "scores": [], "rows": null}\n')


FAULTS = [halve, empty, zero, replace_by_a_folder, refuse_to_open, flip, renew]
FILES = [
    *(f"checkpoints/{name}.ckpt" for name in ("latest", "previous")),
    *(".hydra/config.yaml", ".hydra/hydra.yaml", ".hydra/overrides.yaml"),
    *("config.yaml", "metrics.jsonl", "results.json", "train.log"),
]


def contents(folder):
    """Return what each file below a folder holds, and which names are folders or links to nothing."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        found[name] = "folder" if path.is_dir() else path.read_bytes() if path.is_file() else "link"
    return found


@pytest.fixture(scope="module")
def begun(commands, tmp_path_factory):
    """A run of which half is done."""
    cwd = tmp_path_factory.mktemp("begun")
    ended = commands("train", *RUN, "hydra.run.dir=run", cwd=cwd)
    assert ended.code == 0, ended.text
    return cwd / "run"


@pytest.fixture(scope="module")
def undisturbed(commands, begun, tmp_path_factory):
    """The same run when it has gone on to twice the budget."""
    return gone_on(commands, begun, tmp_path_factory.mktemp("undisturbed"))[0] / "checkpoints" / "latest.ckpt"


def gone_on(commands, begun, cwd, sabotage=lambda run: None):
    run = shutil.copytree(begun, cwd / "run")
    sabotage(run)
    before = contents(run)
    ended = commands("train", "resume=run", "budget.images=2048", cwd=cwd)
    return run, before, ended


def check_case(commands, begun, undisturbed, cwd, name, fault):
    run, before, ended = gone_on(commands, begun, cwd, lambda run: fault(run / name))
    after = contents(run)
    assert "Traceback" not in ended.text, ended.text
    whole = before.keys() - {name}
    if ended.code == 2:
        assert os.path.basename(name) in ended.err
        changed = {entry for entry in before if after.get(entry) != before[entry]}
        assert changed <= {"checkpoints"}, "a refused start changed something"
        return "refused"
    assert ended.code == 0, ended.text
    final, expected = (read_checkpoint(path) for path in (run / "checkpoints" / "latest.ckpt", undisturbed))
    assert final[RECORD]["images_seen"] == expected[RECORD]["images_seen"] == 2048
    for key, weights in expected["state_dict"].items():
        if isinstance(weights, torch.Tensor):
            assert torch.equal(final["state_dict"][key], weights), key
    if isinstance(before[name], bytes) and name.startswith("checkpoints/"):
        assert before[name] in after.values(), "what could not be read is lost"
    assert {entry for entry in whole if entry.startswith("samples/")} <= after.keys()
    return "went on"


SHORT = [("checkpoints/latest.ckpt", renew), (".hydra/overrides.yaml", halve)]


@pytest.mark.parametrize(("name", "fault"), SHORT, ids=lambda value: getattr(value, "__name__", value))
def test_a_fault_in_a_runs_folder(commands, begun, undisturbed, tmp_path, name, fault):
    check_case(commands, begun, undisturbed, tmp_path, name, fault)


@takes_long
@pytest.mark.parametrize(("name", "fault"), itertools.product(FILES, FAULTS))
def test_every_fault_in_a_runs_folder(commands, begun, undisturbed, tmp_path, name, fault):
    check_case(commands, begun, undisturbed, tmp_path, name, fault)
