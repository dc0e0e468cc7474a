"""One tiny run and what comes after it: its files, its tracker, its checkpoint alone, and its continuation."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
import torch
import yaml
from PIL import Image

from gan_lightning.core.checkpoint import read_checkpoint
from gan_lightning.runs.metrics_file import read_metrics
from gan_lightning.runs.results import read_results
from tests.cli.conftest import TINY, UNSCORED, listing, of_kind, read_wandb

HALF, WHOLE = "budget.images=640", "budget.images=1280"
KIMG_OFF = "budget.kimg=null"


@pytest.fixture(scope="module")
def half(commands, tmp_path_factory):
    """A finished run of 640 images; the folder is only read."""
    base = tmp_path_factory.mktemp("half")
    ended = commands("train", *TINY, HALF, KIMG_OFF, "hydra.run.dir=run", cwd=base)
    assert ended.code == 0, ended.text
    return base / "run", ended


@pytest.fixture(scope="module")
def whole(commands, tmp_path_factory):
    """The same run, not interrupted, of 1280 images."""
    base = tmp_path_factory.mktemp("whole")
    ended = commands("train", *TINY, WHOLE, KIMG_OFF, "hydra.run.dir=run", "logger=none", cwd=base)
    assert ended.code == 0, ended.text
    return base / "run"


@pytest.fixture(scope="module")
def resumed(commands, half, tmp_path_factory):
    """The first run, continued in a copy of its folder."""
    base = tmp_path_factory.mktemp("resumed")
    shutil.copytree(half[0], base / "run", symlinks=True)
    ended = commands("train", "resume=run", "budget.kimg=1.28", cwd=base)  # in another unit than before
    assert ended.code == 0, ended.text
    return base / "run", ended


def state(folder: Path) -> dict:
    return read_checkpoint(folder / "checkpoints" / "latest.ckpt")


def assert_equal(first, second, path="checkpoint"):
    """Nested plain data and tensors, to the bit."""
    assert type(first) is type(second), path
    if isinstance(first, dict):
        assert list(first) == list(second), path
        for key in first:
            assert_equal(first[key], second[key], f"{path}.{key}")
    elif isinstance(first, list | tuple):
        assert len(first) == len(second), path
        for index, pair in enumerate(zip(first, second, strict=True)):
            assert_equal(*pair, f"{path}[{index}]")
    elif isinstance(first, torch.Tensor):
        assert torch.equal(first, second), path
    else:
        assert first == second, path


def same_training(first: Path, second: Path) -> None:
    one, two = state(first), state(second)
    for part in ("state_dict", "optimizer_states", "lr_schedulers"):
        assert_equal(one[part], two[part], part)
    assert len(one["optimizer_states"]) == 2


def test_the_files_of_a_run(half):
    folder, _ = half
    names = {
        str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and "wandb" not in path.parts
    }
    assert names == {
        ".hydra/config.yaml",
        ".hydra/hydra.yaml",
        ".hydra/overrides.yaml",
        ".lock",
        "checkpoints/best.ckpt",
        "checkpoints/latest.ckpt",
        "config.yaml",
        "metrics.jsonl",
        "real.png",
        "results.json",
        "samples/000000000.png",
        "samples/000000640.png",
        "train.log",
        "walks/000000000.png",
        "walks/000000640.png",
    }
    config = yaml.safe_load((folder / "config.yaml").read_text())
    assert "${" not in (folder / "config.yaml").read_text()
    assert config["output_dir"] == str(folder)
    assert config["data"]["batch_size"] == 16
    rows = read_metrics(folder / "metrics.jsonl")
    assert rows[-1]["images_seen"] == 640
    assert {"d/loss", "g/loss"} <= set(rows[0])
    results = read_results(folder / "results.json")
    assert (results["status"], results["images_seen"], results["message"]) == ("finished", 640, None)
    final = results["scores"]["final"]
    assert results["real_parts"]["fd100_train_digits"].keys() == {"first", "second", "mean", "std"}
    with Image.open(folder / "real.png") as real, Image.open(folder / "samples" / "000000640.png") as samples:
        assert real.size == samples.size
    assert {"fd100_train_digits", "cs100_digits"} <= set(final)
    for entry in final.values():
        assert entry["protocol"]["weights"] == "ema"
        assert entry["protocol"]["n_generated"] == 100
        assert len(entry["protocol"]["extractor_weights"]) == 64
    assert Image.open(folder / "samples" / "000000640.png").size[0] > 100


def test_the_output_of_a_run_suits_a_file(half):
    folder, ended = half
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", ended.text)
    assert "Warning" not in ended.text
    for part in ("fd100_train_digits", "640", f"{folder.name}/checkpoints/latest.ckpt", "wandb", "000000640.png"):
        assert part in ended.out, part
    assert all(words in ended.out for words in ("real images", "100 against", "1697", "the samples are far from real"))


def test_the_tracker_has_config_history_pictures_and_summary(half):
    records = read_wandb(half[0])
    config: dict = {}
    for record in of_kind(records, "config"):
        config.update(record["update"])
    assert config["model"]["generator"]["width"] == 8
    assert config["model"]["generator_optimizer"]["betas"] == [0.0, 0.99]
    items = [row["item"] for row in of_kind(records, "history")]
    losses = [item["images_seen"] for item in items if "d/loss" in item]
    assert losses == [row["images_seen"] for row in read_metrics(half[0] / "metrics.jsonl") if "d/loss" in row]
    assert any("samples" in str(item) for item in items)
    assert list((half[0] / "wandb").glob("offline-run-*/files/media/images/*.png"))
    summary: dict = {}
    for record in of_kind(records, "summary"):
        for change in record["update"] if isinstance(record["update"], list) else [record["update"]]:
            summary.update(change if "key" not in change else {change["key"]: change.get("value_json")})
    assert "final/fd100_train_digits" in str(summary)
    assert [record.get("exit_code", 0) for record in of_kind(records, "exit")] == [0]


def test_a_checkpoint_is_enough_to_sample_and_to_evaluate(commands, half, tmp_path):
    shutil.copy(half[0] / "checkpoints" / "latest.ckpt", tmp_path / "model.ckpt")
    for out in ("a.png", "b.png"):
        ended = commands("sample", "ckpt=model.ckpt", "n=10", "seed=3", f"out={out}", cwd=tmp_path)
        assert ended.code == 0, ended.text
        assert out in ended.out
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert Image.open(tmp_path / "a.png").size[0] >= 4 * 16  # ten samples in four columns
    ended = commands("sample", "ckpt=model.ckpt", "n=3", "out=files", "weights=raw", cwd=tmp_path)
    assert ended.code == 0, ended.text
    assert [Image.open(path).size for path in sorted((tmp_path / "files").iterdir())] == [(16, 16)] * 3
    ended = commands("sample", "ckpt=model.ckpt", "labels=[3]", cwd=tmp_path)
    assert ended.code == 2
    assert "label" in ended.err

    ended = commands("evaluate", "ckpt=model.ckpt", cwd=tmp_path)
    assert ended.code == 0, ended.text
    written = json.loads((tmp_path / "model.scores.json").read_text())
    final = read_results(half[0] / "results.json")["scores"]["final"]
    assert written["images_seen"] == 640
    assert {score["key"]: score["value"] for score in written["scores"]} == {k: v["value"] for k, v in final.items()}
    ended = commands(
        "evaluate", "ckpt=model.ckpt", "+evaluator.samples=50", "weights=raw", "out=raw.json", cwd=tmp_path
    )
    assert ended.code == 0, ended.text
    (first, *_) = json.loads((tmp_path / "raw.json").read_text())["scores"]
    assert (first["key"], first["protocol"]["weights"]) == ("fd50_train_digits", "raw")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "a.png", "b.png", "files", "model.ckpt", "model.scores.json", "raw.json",
    ]  # fmt: skip


def test_a_continued_run_is_the_uninterrupted_one_to_the_bit(half, whole, resumed):
    folder, ended = resumed
    assert "640 images" in ended.text
    same_training(folder, whole)
    assert state(folder)["gan_lightning"]["images_seen"] == 1280
    before, after = state(half[0])["state_dict"], state(whole)["state_dict"]
    assert all(not torch.equal(before[name], after[name]) for name in before if name.endswith(".weight"))


def test_a_continued_run_has_one_gapless_record(whole, resumed):
    folder, _ = resumed

    def losses(run):
        return [
            (row["images_seen"], row["d/loss"], row["g/loss"])
            for row in read_metrics(run / "metrics.jsonl")
            if "d/loss" in row
        ]

    assert losses(folder) == losses(whole)
    results = read_results(folder / "results.json")
    assert [evaluation["images_seen"] for evaluation in results["evaluations"]] == [640, 1280]
    assert (results["status"], results["images_seen"]) == ("finished", 1280)
    final = read_results(whole / "results.json")["scores"]["final"]
    assert {k: v["value"] for k, v in results["scores"]["final"].items()} == {k: v["value"] for k, v in final.items()}
    assert len(list(folder.glob("wandb/offline-run-*"))) == 2
    assert len({re.sub(r".*-", "", path.name) for path in folder.glob("wandb/offline-run-*")}) == 1


def test_a_damaged_checkpoint_is_passed_over_and_said_so(commands, whole, resumed, tmp_path):
    shutil.copytree(resumed[0], tmp_path / "run", symlinks=True)
    latest = tmp_path / "run" / "checkpoints" / "latest.ckpt"
    latest.write_bytes(latest.read_bytes()[:5000])
    ended = commands("train", "resume=run", "logger=none", cwd=tmp_path)
    assert ended.code == 0, ended.text
    assert "latest.ckpt is damaged" in ended.text
    assert "previous.ckpt instead" in ended.text
    same_training(tmp_path / "run", whole)


def test_another_number_of_processes_is_refused_and_the_run_left_alone(commands, half, tmp_path):
    shutil.copytree(half[0], tmp_path / "run", symlinks=True)
    before = listing(tmp_path)
    ended = commands("train", "resume=run", "trainer=ddp", "trainer.devices=2", cwd=tmp_path)
    assert ended.code == 2, ended.text
    for part in ("resume, trainer.devices", "written by 1 process", "cannot be resumed with 2", "its own noise"):
        assert part in ended.err
    assert listing(tmp_path) == before


def test_another_model_is_refused_and_the_run_left_alone(commands, half, tmp_path):
    shutil.copytree(half[0], tmp_path / "run", symlinks=True)
    before = listing(tmp_path)
    ended = commands("train", "resume=run", "model.generator.width=16", "seed=1", cwd=tmp_path)
    assert ended.code == 2, ended.text
    for part in ("model.generator.width was 8 and is now 16", "seed was 0 and is now 1", "resume = run"):
        assert part in ended.err
    assert listing(tmp_path) == before


def test_resume_auto_begins_and_goes_on(commands, tmp_path):
    line = [*UNSCORED, KIMG_OFF, "hydra.run.dir=run", "resume=auto", "logger=none"]
    for images in (160, 320):
        ended = commands("train", *line, f"budget.images={images}", cwd=tmp_path)
        assert ended.code == 0, ended.text
        assert ("resuming" in ended.text) == (images == 320)
        assert state(tmp_path / "run")["gan_lightning"]["images_seen"] == images
    assert not (tmp_path / "run" / "wandb").exists()


def test_the_comparison_reads_real_runs(commands, half, whole):
    ended = commands("compare", f"runs=[{half[0]},{whole}]", "sort=fd100_train_digits", cwd=half[0].parent)
    assert ended.code == 0, ended.text
    for part in ("images=640", "images=1280", "1 finished", "fd100_train_digits final"):
        assert part in ended.out, part
    ended = commands("compare", f"runs={half[0]}", "sort=fid", cwd=half[0].parent)
    assert ended.code == 2
    assert "fd100_train_digits" in ended.err
