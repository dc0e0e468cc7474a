"""Whatever a checkpoint holds in any place, evaluation and sampling refuse it in a sentence, at once, or use it."""

from __future__ import annotations

import copy
import random
import time

import pytest
import torch
from omegaconf import OmegaConf

from gan_lightning.config import build
from gan_lightning.config.schema import EvaluateConfig
from gan_lightning.core.checkpoint import FORMAT, RECORD
from gan_lightning.core.container import ContainerError, write_container
from gan_lightning.launch.evaluation_inputs import open_sides
from tests.conftest import takes_long
from tests.data.pictures import classes, write_zip
from tests.report.test_foreign_runs import places, with_value
from tests.runs.test_checkpoints import MODEL

VALUES = [
    *(None, True, -1, 0, 0.5, 2**62, -(2**62), 1e308, float("nan"), float("inf")),
    *("", "x", "auto", "\x1b[31m", "../../x", "/proc/self/environ", "a" * 10_000),
    *([], {}, [[]], [1, "a", None], {"a": {"b": [1]}}, {"_target_": 5}, {"_target_": ["os.system"]}, {1: 2}),
    *({"_target_": "os.system", "_args_": ["touch hacked"]}, {"_target_": "torch.nn.ReLU"}, {"_args_": 3}),
    *({"_target_": "gan_lightning.losses.Hinge"}, {"_target_": "gan_lightning.losses.Hinge", "_partial_": "yes"}),
    *(torch.zeros(2), torch.tensor(float("nan")), torch.zeros(3, dtype=torch.int64), torch.zeros(0)),
]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    data = {
        "_target_": "gan_lightning.data.FolderDataModule",
        "path": str(write_zip(folder / "photos.zip", classes({"a": 3}))),
        "resolution": 8,
        "classes": None,
        "loading": {"_target_": "gan_lightning.data.Loading", "workers": 0, "cache_dir": None},
    }
    evaluator = {
        "_target_": "gan_lightning.metrics.Evaluator",
        "extractor": {"_target_": "gan_lightning.metrics.texture.TextureExtractor"},
        "metrics": ["frechet"],
        "samples": 10,
        "seed": 0,
        "cache_dir": None,
    }
    expected = [{"key": "fd2k", "value": 3.0, "source": "a paper", "preset": None, "kimg": 3}]
    config = {
        **{"name": "x", "seed": 0, "budget": {"images": 640, "kimg": None, "epochs": None}, "expected": expected},
        **{"model": MODEL, "data": data, "evaluator": evaluator},
    }
    torch.manual_seed(0)
    state = build(MODEL, key="model").state_dict()
    record = {"format": FORMAT, "images_seen": 640, "processes": 1, "by_hand": [], "config": config}
    return {"state_dict": dict(state), "epoch": 0, RECORD: record}


def opened(path, content):
    """Write a checkpoint and open it as an evaluation does; return None, or the sentence that refuses it."""
    try:
        write_container(path, content)
    except ContainerError as error:  # what could not be loaded is not even written
        return str(error)
    try:
        sides = open_sides(OmegaConf.structured(EvaluateConfig(ckpt=str(path), device="cpu")))
        sides.sample(torch.arange(2))
    except ValueError as error:
        return str(error)
    return None


def check(whole, folder, cases):
    path = folder / "a.ckpt"
    assert opened(path, whole) is None
    for place, value in cases:
        started = time.process_time()
        refusal = opened(path, with_value(whole, place, copy.deepcopy(value)))
        assert refusal is None or refusal.strip(), (place, value)
        assert time.process_time() - started < 5, (place, value)
    assert not (folder / "hacked").exists()
    assert {entry.name for entry in folder.iterdir()} <= {"a.ckpt"}


def every(whole):
    return [(place, value) for place in places(whole) if place for value in VALUES]


def test_a_value_of_another_kind_in_some_places(whole, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    check(whole, tmp_path, random.Random(0).sample(every(whole), 25))


def test_less_than_no_images_seen_is_damage(whole, tmp_path):
    refusal = opened(tmp_path / "a.ckpt", with_value(whole, (RECORD, "images_seen"), -7))
    assert refusal is not None
    assert "its gan_lightning.images_seen is -7" in refusal


def test_a_tensor_in_every_field_of_the_record(whole, tmp_path, monkeypatch):
    """Whoever compares one with something gets a tensor, which is neither true nor false."""
    monkeypatch.chdir(tmp_path)
    check(whole, tmp_path, [((RECORD, field), torch.zeros(2)) for field in whole[RECORD]])


@takes_long
def test_a_value_of_another_kind_in_every_place(whole, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    check(whole, tmp_path, every(whole))
