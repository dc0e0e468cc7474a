"""Runs on images of the test's own making, from config to record."""

import itertools
import json

import pytest
import torch
from omegaconf import OmegaConf

from gan_lightning.config import ConfigError, build
from gan_lightning.config.signature import node_problems
from gan_lightning.launch.run import train
from tests.conftest import CONF, compose_train
from tests.contract.variants import assert_same, fit, state
from tests.data.pictures import classes, encoded, noise, write, write_zip
from tests.data.test_torchvision_sets import mnist_files

CONFIGS = sorted(path.stem for path in (CONF / "data").glob("*.yaml"))
SMALL = ["batch_size=8", "model.generator.width=8", "model.discriminator.width=8", "trainer=cpu", "logger=none"]
FEW = [*SMALL, "budget.kimg=null", "budget.images=32", "evaluator=none", "callbacks.samples.rows=1"]


@pytest.fixture(autouse=True)
def _in_its_own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def layouts(tmp_path):
    images = classes({"cat": 9, "dog": 7}, size=(20, 14))
    mnist_files(tmp_path / "published")
    return {
        "folder": ["data=folder", f"data.path={write(tmp_path / 'pets', images)}"],
        "zip": ["data=folder", f"data.path={write_zip(tmp_path / 'pets.zip', images)}", "data.classes=2"],
        "stream": [
            "data=folder",
            f"data.path={tmp_path / 'pets'}",
            "data.loading.memory_fraction=0",
            "data.loading.workers=1",
            "data.crop_from=20",
        ],
        "mnist": ["data=mnist", f"paths.data={tmp_path / 'published'}"],
    }


@pytest.mark.parametrize("layout", ["folder", "zip", "stream", "mnist"])
def test_every_layout_trains(layout, tmp_path, train_config):
    outcome = train(train_config(*FEW, *layouts(tmp_path)[layout], "data.resolution=16"))
    assert outcome.status == "finished"
    report = json.loads((tmp_path / "run" / "data.json").read_text())
    assert report["path"] == ("stream" if layout == "stream" else "memory")
    assert report["train"]["images"] == (30 if layout == "mnist" else 16)
    assert (tmp_path / "run" / "data.png").is_file()
    assert (tmp_path / "run" / "samples" / "000000032.png").is_file()


@pytest.mark.parametrize("layout", ["zip", "stream"])
def test_resume_is_exact(layout, tmp_path):
    overrides = [*SMALL, *layouts(tmp_path)[layout], "data.resolution=16", "data.flip=true"]

    def build_parts():
        config = OmegaConf.to_container(compose_train(*overrides), resolve=True)
        torch.manual_seed(0)
        model = build(config["model"], trust=True, key="model")
        model.run_config = config
        return model, build(config["data"], trust=True, key="data")

    whole, data = build_parts()
    fit(whole, data, images=8 * 9)
    first, data = build_parts()
    fit(first, data, images=8 * 4).save_checkpoint(tmp_path / "half.ckpt")
    second, data = build_parts()
    fit(second, data, images=8 * 9, ckpt_path=tmp_path / "half.ckpt")
    assert_same(state(whole), state(second))


def test_bad_images_stop_a_run_before_it_begins(tmp_path, train_config):
    path = write(tmp_path / "pets", classes({"cat": 3}) | {"cat/1.png": b"", "cat/2.png": b"text"})
    overrides = ["data=folder", f"data.path={path}", "data.resolution=16"]
    with pytest.raises(ConfigError, match=r"2 of 3 images cannot be used:(.|\n)*cat/1\.png: empty(.|\n)*cat/2\.png"):
        train(train_config(*FEW, *overrides))
    assert not (tmp_path / "run" / "checkpoints").exists()


@pytest.mark.parametrize("name", CONFIGS)
def test_every_data_config_fits_its_class(name, tmp_path):
    images = write(tmp_path / "pets", classes({"cat": 1}))
    pairs = write(tmp_path / "pairs", {f"{side}/1.png": encoded(noise(0)) for side in "AB"})
    overrides = {
        "folder": [f"data.path={images}"],
        "arrays": [f"data.path={tmp_path / 'pets.npz'}"],
        "huggingface": [f"data.path={images}"],
        "huggingface_stream": [f"data.path={images}"],
        "idx": [f"data.path={images}"],
        "pairs": [f"data.path={pairs}"],
        "unpaired": [f"data.path={pairs}"],
        "derived": ["data@data.images=digits", "data.channels=1"],
        "domains": ["data@data.source=digits", "data@data.target=digits", "data.channels=1", "data.source_channels=1"],
    }.get(name, [])
    node = OmegaConf.to_container(compose_train(f"data={name}", *overrides).data, resolve=True)
    assert node_problems(node, "data") == []
    data = build(node, trust=False, key="data")
    assert data.batch_size == 64
    if "resolution" in node:
        for key in {"resolution", "channels", "classes", "source_channels"} & set(node):
            assert node[key] == getattr(data, key), key


@pytest.mark.parametrize(("balance", "counts", "share"), [(False, [12, 4], 0.75), (True, [1, 1], 0.5)])
def test_classes_are_drawn_as_often_as_training_shows_them(tmp_path, balance, counts, share):
    path = write(tmp_path / "pets", classes({"cat": 12, "dog": 4}))
    overrides = ["data=folder", f"data.path={path}", "data.classes=2", f"data.balance={balance}", "data.resolution=16"]
    small = ["model=cgan", "batch_size=4", "model.generator.joint_width=16", "model.generator.label_width=16"]
    config = OmegaConf.to_container(compose_train(*small, *overrides), resolve=True)
    data = build(config["data"], trust=True, key="data")
    assert data.label_counts().tolist() == counts
    model = build(config["model"], trust=True, key="model")
    model.run_config = config
    fit(model, data, images=8)
    drawn = model.sample_labels(range(2000), seed=0)
    assert (drawn == 0).float().mean().item() == pytest.approx(share, abs=0.04)


def test_the_configs_are_found():
    assert {"folder", "mnist", "cifar10", "celeba", "lsun", "huggingface"} <= set(CONFIGS)


def test_an_evaluation_between_two_batches_does_not_move_the_stream(tmp_path):
    config = OmegaConf.to_container(compose_train(*layouts(tmp_path)["zip"], "data.resolution=16"), resolve=True)
    data = build(config["data"], trust=True, key="data")
    undisturbed = list(itertools.islice(data.train_dataloader(), 4))
    disturbed = []
    for batch in itertools.islice(data.train_dataloader(), 4):
        disturbed.append(batch)
        list(data.evaluation_images("train").batches(3))
        torch.rand(1)
    assert all(torch.equal(a.images, b.images) for a, b in zip(undisturbed, disturbed, strict=True))
