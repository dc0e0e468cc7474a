"""Image-to-image translation as a user does it: train on folders, translate a folder, and what is wrong with either."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from tests.data.pictures import encoded, noise, write

SMALL = [
    "batch_size=4",
    "data.resolution=16",
    "data.crop_from=20",
    "callbacks=translation",
    "callbacks.samples.rows=2",
    "evaluator=translation",
    "logger=none",
    "trainer=cpu",
    "budget.kimg=null",
    "budget.images=16",
]
NETWORKS = {
    "pix2pix": ["model.generator.width=4", "model.discriminator.width=4", "model.discriminator.layers=1"],
    "cyclegan": [
        *(f"model.generator{way}.{small}" for way in ("", "_back") for small in ("width=4", "blocks=1")),
        *(f"model.discriminator{way}.{small}" for way in ("", "_back") for small in ("width=4", "layers=1")),
    ],
}


def images(folder, count, size, start=0):
    return {f"{folder}/{number}.png": encoded(noise(start + number, size)) for number in range(count)}


@pytest.fixture(scope="module")
def runs(commands, tmp_path_factory):
    """A run of either model on folders of images, and a folder of photographs to translate."""
    base = tmp_path_factory.mktemp("translation")
    write(base / "pairs", images("train", 6, (48, 24)) | images("test", 3, (48, 24), 50))
    write(base / "domains", images("trainA", 5, (20, 24)) | images("trainB", 7, (24, 24), 9))
    write(base / "domains", images("testA", 3, (20, 24), 30) | images("testB", 3, (24, 24), 40))
    for model, data, path in (("pix2pix", "pairs", "pairs"), ("cyclegan", "unpaired", "domains")):
        words = [f"model={model}", f"data={data}", f"data.path={path}", *SMALL, *NETWORKS[model]]
        ended = commands("train", *words, f"hydra.run.dir={model}", cwd=base)
        assert ended.code == 0, ended.text
    write(
        base / "photos", {"a.jpg": encoded(noise(1, (32, 16)), "jpg"), "deep/b.png": encoded(noise(2, (16, 48), "L"))}
    )
    return base


@pytest.mark.parametrize("model", ["pix2pix", "cyclegan"])
def test_a_run_is_scored_and_shows_what_it_trained_on(runs, model):
    run = runs / model
    results = json.loads((run / "results.json").read_text())
    assert results["status"] == "finished"
    keys = set(results["evaluations"][-1]["scores"])
    pairs = {"mae3_test", "psnr3_test", "ssim3_test"}
    assert keys >= (pairs if model == "pix2pix" else {"fd3_test_texture_back"}) | {"fd3_test_texture"}
    assert keys.isdisjoint(pairs) == (model == "cyclegan")
    assert Image.open(run / "samples" / "000000016.png").size == ((3 if model == "pix2pix" else 6) * 66 + 2, 134)
    report = json.loads((run / "data_source" / "data.json").read_text())
    assert report["train"]["images"] == (6 if model == "pix2pix" else 5)
    assert (run / "data_target" / "data.png").is_file()


@pytest.mark.parametrize(("model", "extra"), [("pix2pix", []), ("cyclegan", []), ("cyclegan", ["mode.back=true"])])
def test_a_folder_is_translated_at_the_size_of_each_image(commands, runs, model, extra, tmp_path):
    words = [f"ckpt={runs}/{model}/checkpoints/latest.ckpt", "mode=translation", f"mode.source={runs}/photos", *extra]
    ended = commands("sample", *words, "out=made", cwd=tmp_path)
    assert ended.code == 0, ended.text
    assert "2 translations" in ended.out
    sizes = {path.relative_to(tmp_path).as_posix(): Image.open(path).size for path in tmp_path.rglob("*.png")}
    assert sizes == {"made/a.png": (32, 16), "made/deep/b.png": (16, 48)}
    first = np.asarray(Image.open(tmp_path / "made" / "a.png"))
    ended = commands("sample", *words, "out=again", "seed=1", cwd=tmp_path)
    assert np.array_equal(first, np.asarray(Image.open(tmp_path / "again" / "a.png"))) == (model == "cyclegan")


def test_a_checkpoint_is_scored_again_by_the_generator_it_has(commands, runs, tmp_path):
    ended = commands("evaluate", "ckpt=pix2pix/checkpoints/latest.ckpt", f"out={tmp_path / 'scores.json'}", cwd=runs)
    assert ended.code == 0, ended.text
    scores = json.loads((tmp_path / "scores.json").read_text())["scores"]
    again = next(score for score in scores if score["key"] == "mae3_test")
    first = json.loads((runs / "pix2pix" / "results.json").read_text())["evaluations"][-1]["scores"]["mae3_test"]
    assert again["value"] == first["value"]
    assert again["protocol"]["weights"] == "raw"


@pytest.mark.parametrize(
    ("model", "words", "parts"),
    [
        ("pix2pix", ["mode=translation"], ["mode.source = ???"]),
        ("pix2pix", ["mode=translation", "mode.source=nowhere"], ["mode.source", "nowhere"]),
        (
            "pix2pix",
            ["mode=translation", "mode.source=odd"],
            ["1 of 2 images", "c.png: height and width", "mode.size=16"],
        ),
        ("pix2pix", ["mode=translation", "mode.source=bad"], ["1 of 1 images", "broken.png"]),
        ("pix2pix", ["mode=translation", "mode.source=photos", "mode.back=true"], ["one direction only"]),
        ("pix2pix", ["mode=translation", "mode.source=photos", "weights=ema"], ["keeps no averaged generator"]),
        ("pix2pix", [], ["mode=translation mode.source=FOLDER"]),
        ("cyclegan", ["mode=translation", "mode.source=twins"], ["a.jpg and a.png differ only in their suffixes"]),
        ("cyclegan", ["mode=translation", "mode.source=photos", "mode.size=6"], ["multiples of 4"]),
    ],
)
def test_what_cannot_be_translated(commands, runs, model, words, parts):
    write(runs / "odd", {"c.png": encoded(noise(1, (17, 16))), "d.png": encoded(noise(1, (16, 16)))})
    write(runs / "bad", {"broken.png": b"nothing"})
    write(runs / "twins", {"a.jpg": encoded(noise(1), "jpg"), "a.png": encoded(noise(1))})
    ended = commands("sample", f"ckpt={model}/checkpoints/latest.ckpt", *words, "out=unmade", cwd=runs)
    assert ended.code == 2, ended.text
    assert "Traceback" not in ended.text
    for part in parts:
        assert part in ended.err
    assert not (runs / "unmade").exists()


@pytest.mark.parametrize(
    ("model", "data", "files", "parts"),
    [
        ("pix2pix", "pairs", images("trainA", 2, (20, 20)), ["train images of domain B are missing"]),
        (
            "pix2pix",
            "pairs",
            images("A", 3, (20, 20)) | images("B", 2, (20, 20)),
            ["3 in A and 2 in B", "A/2.png without a partner in B"],
        ),
        ("pix2pix", "pairs", images("train", 1, (31, 20)), ["train/0.png", "the width must be even"]),
        ("pix2pix", "pairs", {"trainA/0.png": b"x", **images("trainB", 1, (20, 20))}, ["trainA/0.png: not an image"]),
        ("cyclegan", "unpaired", images("photos", 2, (20, 20)), ["lie outside the domains' folders", "trainA/"]),
        ("cyclegan", "unpaired", {"readme.txt": b"x"}, ["there are no images in it"]),
    ],
)
def test_a_layout_that_cannot_be_trained_on(commands, tmp_path, model, data, files, parts):
    write(tmp_path / "set", files)
    words = [f"model={model}", f"data={data}", "data.path=set", *SMALL, *NETWORKS[model]]
    ended = commands("train", *words, "hydra.run.dir=run", cwd=tmp_path)
    assert ended.code == 2, ended.text
    assert "Traceback" not in ended.text
    for part in parts:
        assert part in ended.err
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_a_model_of_pairs_needs_data_of_pairs(commands, tmp_path):
    words = ["model=pix2pix", "data=digits", "data.resolution=16", "data.channels=3", "evaluator=none", "logger=none"]
    ended = commands("train", *words, *NETWORKS["pix2pix"], "budget.kimg=0.1", "trainer=cpu", cwd=tmp_path)
    assert ended.code == 2, ended.text
    assert "data=pairs" in ended.err
