"""A checkpoint of somebody else does not choose where ``gan-evaluate`` writes."""

from __future__ import annotations

import pytest
import torch
from omegaconf import OmegaConf

from gan_lightning.config import build
from gan_lightning.config.schema import EvaluateConfig
from gan_lightning.core.checkpoint import FORMAT, RECORD
from gan_lightning.core.container import write_container
from gan_lightning.launch.evaluation_inputs import open_sides, with_local_paths
from tests.data.pictures import classes, write_zip
from tests.runs.test_checkpoints import MODEL

PATHS = {"cache": "/here/cache", "data": "/here/data"}


@pytest.mark.parametrize(
    ("stored", "local"),
    [
        ({"cache_dir": "/theirs"}, {"cache_dir": "/here/cache"}),
        ({"loading": {"cache_dir": "/theirs", "keep": True}}, {"loading": {"cache_dir": "/here/cache", "keep": True}}),
        ({"parts": [{"cache_dir": "/theirs"}, 3]}, {"parts": [{"cache_dir": "/here/cache"}, 3]}),
        ({"root": "/theirs", "download": True}, {"root": "/here/data", "download": True}),
        ({"download_dir": "/theirs"}, {"download_dir": None}),
        ({"path": "photos", "seed": 1}, {"path": "photos", "seed": 1}),
    ],
)
def test_folders_are_those_of_this_machine(stored, local):
    assert with_local_paths(stored, PATHS) == local


def test_data_that_are_there_are_read_and_nothing_is_downloaded_beside_them(tmp_path):
    stored = {"root": str(tmp_path), "download": True}
    assert with_local_paths(stored, {}) == {"root": str(tmp_path), "download": False}
    assert with_local_paths({"root": str(tmp_path / "no"), "download": True}, {}) == {"root": None, "download": True}
    assert stored["download"] is True


@pytest.mark.parametrize("trust", [False, True])
@pytest.mark.parametrize("key", ["ckpt", "real"])
def test_an_evaluation_writes_where_this_machine_says(tmp_path, monkeypatch, key, trust):
    monkeypatch.setenv("GAN_LIGHTNING_CACHE", str(tmp_path / "mine"))
    data = {
        "_target_": "gan_lightning.data.FolderDataModule",
        "path": str(write_zip(tmp_path / "photos.zip", classes({"a": 3}))),
        "resolution": 8,
        "loading": {"_target_": "gan_lightning.data.Loading", "cache_dir": str(tmp_path / "theirs"), "workers": 0},
    }
    evaluator = {
        "_target_": "gan_lightning.metrics.Evaluator",
        "extractor": {"_target_": "gan_lightning.metrics.texture.TextureExtractor"},
        "metrics": ["frechet"],
        "cache_dir": str(tmp_path / "theirs"),
    }
    config = {"model": MODEL, "data": data, "evaluator": evaluator}
    path = tmp_path / "a.ckpt"
    record = {"format": FORMAT, "images_seen": 0, "config": config}
    torch.manual_seed(0)
    write_container(path, {"state_dict": build(MODEL, key="model").state_dict(), RECORD: record})
    cfg = OmegaConf.structured(EvaluateConfig(ckpt=str(path), trust=trust, device="cpu"))
    if key == "real":
        cfg.real = str(path)
    sides = open_sides(cfg)
    assert len(sides.real) == 3
    assert (tmp_path / "theirs").exists() is trust
    assert (tmp_path / "mine").exists() is not trust
    references = sides.evaluator._references.folder
    assert references.is_relative_to(tmp_path / ("theirs" if trust else "mine"))
