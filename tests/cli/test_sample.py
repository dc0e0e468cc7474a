"""``gan-sample`` as a user types it: every mode, and what is wrong with a command line."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import signal
import time

import numpy as np
import pytest
import torch
from PIL import Image

import gan_lightning
from gan_lightning.core.container import write_container
from gan_lightning.core.pixels import to_uint8
from gan_lightning.sampling import samples as samples_module
from tests.cli.conftest import UNSCORED, listing


@pytest.fixture(scope="module")
def runs(commands, tmp_path_factory):
    """Checkpoints of three short runs, by their model's name; the files are only read."""
    base = tmp_path_factory.mktemp("sample")
    tiny = ["model.generator.width=8", "model.discriminator.width=8"]
    common = [w for w in UNSCORED if not w.startswith(("experiment", "model."))] + ["budget.images=160", "logger=none"]
    for name, overrides in {
        "dcgan": ["experiment=demo", "budget.kimg=null", *tiny],
        "acgan": ["experiment=acgan_digits", "budget.kimg=null", *tiny],
        "infogan": ["experiment=infogan_digits", "budget.kimg=null", *tiny, "callbacks.traversals.every_kimg=0.08"],
        "ring": ["experiment=ring_gan", "budget.epochs=null", "budget.kimg=null", "model.generator.widths=[8,8]"],
    }.items():
        extra = [w for w in common if not (name == "ring" and w.startswith("callbacks.samples"))]
        ended = commands("train", *overrides, *extra, f"hydra.run.dir={name}", cwd=base)
        assert ended.code == 0, ended.text
        shutil.copy(base / name / "checkpoints" / "latest.ckpt", base / f"{name}.ckpt")
    return base


def made(commands, runs, cwd, *argv):
    ended = commands("sample", *argv, cwd=cwd)
    assert ended.code == 0, ended.text
    assert ended.err == ""
    assert "written to" in ended.out
    return ended.out


def test_every_mode_writes_what_the_ending_says(commands, runs, tmp_path):
    for name in ("dcgan", "acgan", "infogan"):
        shutil.copy(runs / f"{name}.ckpt", tmp_path)
    before = set(tmp_path.iterdir())
    for argv, outs in [
        (["ckpt=dcgan.ckpt"], "dcgan_samples_seed0.png"),
        (["ckpt=dcgan.ckpt", "n=3", "out=files"], "files"),
        (["ckpt=dcgan.ckpt", "n=3", "out=deep/three.npz", "seed=4", "weights=raw"], "deep"),
        (["ckpt=acgan.ckpt", "labels=all", "out=classes.png"], "classes.png"),
        (["ckpt=acgan.ckpt", "mode=interpolation", "labels=[3,7]", "n=2"], "acgan_interpolation_seed0.png"),
        (["ckpt=dcgan.ckpt", "mode=interpolation", "n=2", "mode.steps=3", "out=walk.gif"], "walk.gif"),
        (["ckpt=infogan.ckpt", "mode=traversal", "seed=2"], "infogan_traversal_seed2.png"),
        (["ckpt=acgan.ckpt", "mode=traversal", "mode.components=[0,1]", "out=two.png"], "two.png"),
        (["ckpt=acgan.ckpt", "mode=export"], "acgan_export.safetensors"),
        (["ckpt=dcgan.ckpt", "mode=export", "out=program.pt2"], "program.pt2"),
    ]:  # fmt: skip
        made(commands, runs, tmp_path, *argv)
        new = set(tmp_path.iterdir()) - before
        assert {path.name for path in new} == {outs}
        before |= new
    generator = gan_lightning.load_generator(tmp_path / "acgan_export.safetensors")
    assert generator.sample(2, labels=torch.tensor([3, 7])).shape == (2, 1, 16, 16)
    with np.load(tmp_path / "deep" / "three.npz") as archive:
        assert archive["arr_0"].shape == (3, 16, 16, 1)


BEGINNINGS = {
    ".PNG": (b"\x89PNG", ["n=3"]),
    ".Npz": (b"PK", ["n=3"]),
    ".GIF": (b"GIF89a", ["mode=interpolation", "n=2", "mode.steps=3"]),
    ".MP4": (b"\x00\x00\x00\x20ftyp", ["mode=interpolation", "n=2", "mode.steps=3"]),
    ".SafeTensors": (b"", ["mode=export"]),
    ".PT2": (b"PK", ["mode=export"]),
    ".ONNX": (b"\x08", ["mode=export"]),
}
NEEDED = {".MP4": "imageio_ffmpeg", ".ONNX": "onnxruntime"}


@pytest.mark.parametrize("ending", BEGINNINGS)
def test_the_case_of_an_ending_does_not_matter(commands, runs, tmp_path, ending):
    if ending in NEEDED:
        pytest.importorskip(NEEDED[ending])
    beginning, argv = BEGINNINGS[ending]
    made(commands, runs, tmp_path, f"ckpt={runs}/dcgan.ckpt", *argv, f"out=a{ending}")
    (path,) = tmp_path.iterdir()
    assert path.name == f"a{ending}"
    assert path.read_bytes().startswith(beginning)
    if ending == ".SafeTensors":
        assert gan_lightning.load_generator(path).sample(2).shape == (2, 1, 16, 16)


def test_points_and_walks_as_pictures_whatever_the_case_of_their_ending(commands, runs, tmp_path):
    for ckpt, argv in {"ring": ["n=50"], "dcgan": ["mode=interpolation", "n=2", "mode.steps=3"]}.items():
        made(commands, runs, tmp_path, f"ckpt={runs}/{ckpt}.ckpt", *argv, f"out={ckpt}.PNG")
        assert Image.open(tmp_path / f"{ckpt}.PNG").format == "PNG"
    ended = commands("sample", f"ckpt={runs}/dcgan.ckpt", "n=5000", "out=many.PNG", cwd=tmp_path)
    assert ended.code == 2
    assert "a picture shows at most" in ended.err


def test_points_are_drawn_or_written_as_they_are(commands, runs, tmp_path):
    made(commands, runs, tmp_path, f"ckpt={runs}/ring.ckpt", "n=50", "out=points.png")
    assert Image.open(tmp_path / "points.png").size == (600, 600)
    made(commands, runs, tmp_path, f"ckpt={runs}/ring.ckpt", "n=50", "out=points.npz")
    with np.load(tmp_path / "points.npz") as archive:
        assert archive["arr_0"].shape == (50, 2)
        assert archive["arr_0"].dtype == np.float32


def test_standing_statistics_change_the_samples_and_go_with_an_export(commands, runs, tmp_path):
    chosen = [[], ["statistics=running"], ["statistics=[2,8]"]]
    for number, argv in enumerate(chosen):
        made(commands, runs, tmp_path, f"ckpt={runs}/dcgan.ckpt", "n=3", *argv, f"out={number}.npz")
    plain, running, standing = (np.load(tmp_path / f"{number}.npz")["arr_0"] for number in range(3))
    assert np.array_equal(plain, running)
    assert not np.array_equal(plain, standing)
    made(commands, runs, tmp_path, f"ckpt={runs}/dcgan.ckpt", "mode=export", *chosen[2], "out=g.safetensors")
    samples = to_uint8(gan_lightning.load_generator(tmp_path / "g.safetensors").sample(3))
    assert np.array_equal(samples.permute(0, 2, 3, 1).numpy(), standing)


def test_the_same_seed_gives_the_same_bytes(commands, runs, tmp_path):
    for out in ("a.npz", "b.npz"):
        made(commands, runs, tmp_path, f"ckpt={runs}/dcgan.ckpt", "n=5", f"out={out}")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_training_draws_the_codes_beside_the_samples(runs):
    names = [path.name for path in sorted((runs / "infogan" / "traversals").iterdir())]
    assert names == ["000000000.png", "000000080.png", "000000160.png"]
    assert not (runs / "dcgan" / "traversals").exists()


@pytest.mark.parametrize(
    ("argv", "parts"),
    [
        (["ckpt=RUNS/dcgan.ckpt", "labels=3"], ["labels = 3", "DCGAN", "takes no labels"]),
        (["ckpt=RUNS/acgan.ckpt", "labels=[3,10]"], ["labels = [3, 10]", "0 to 9"]),
        (["ckpt=RUNS/acgan.ckpt", "labels=cat"], ["labels = ['cat']", "classes are 0 to 9"]),
        (["ckpt=RUNS/acgan.ckpt", "labels=[0,1]", "n=3"], ["n = 3", "multiple"]),
        (["ckpt=RUNS/dcgan.ckpt", "truncation=-1"], ["truncation must be a positive number", "-1"]),
        (["ckpt=RUNS/dcgan.ckpt", "statistics=16"], ["statistics = 16: must be running, or [n, batch]"]),
        (["ckpt=RUNS/dcgan.ckpt", "statistics=[0,64]"], ["statistics.passes must be at least 1, got 0"]),
        (["ckpt=RUNS/dcgan.ckpt", "out=a.jpg"], ["out = a.jpg", ".png", ".npz", "folder"]),
        (["ckpt=RUNS/dcgan.ckpt", "mode=traversal"], ["DCGAN", "no codes", "mode.components"]),
        (["ckpt=RUNS/ring.ckpt", "mode=interpolation"], ["mode=interpolation draws images", "(2,)"]),
        (["ckpt=RUNS/ring.ckpt", "out=folder"], ["out = folder", "points"]),
        (["ckpt=RUNS/ring.ckpt", "weights=ema"], ["keeps no averaged generator", "'raw'"]),
        (["ckpt=RUNS/dcgan.ckpt", "mode=export", "n=3", "labels=2"], ["n = 3", "labels = 2", "does not use"]),
        (["ckpt=RUNS/dcgan.ckpt", "mode=interpolation", "mode.stepz=3"], ["mode.stepz", "did you mean 'steps'"]),
        (["ckpt=RUNS/dcgan.ckpt", "mode=walk"], ["mode/walk", "interpolation"]),
        (["ckpt=RUNS/dcgan.ckpt", "mode.n=0"], ["mode.n", "at least 1"]),
        (["ckpt=" + __file__], ["not a file of gan-lightning"]),
    ],
)  # fmt: skip
def test_bad_input_is_one_message_and_leaves_nothing(commands, runs, tmp_path, argv, parts):
    ended = commands("sample", *[word.replace("RUNS", str(runs)) for word in argv], cwd=tmp_path)
    assert ended.code == 2, ended.text
    assert ended.out == ""
    assert "Traceback" not in ended.err
    for part in parts:
        assert part in ended.err
    assert list(tmp_path.iterdir()) == []


def test_what_exists_is_not_replaced_unasked(commands, runs, tmp_path):
    ckpt = f"ckpt={runs}/dcgan.ckpt"
    (tmp_path / "a.png").write_text("mine")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    before = listing(tmp_path)
    for out, part in (("a.png", "overwrite=true"), ("full", "there is a folder")):
        ended = commands("sample", ckpt, "n=2", f"out={out}", cwd=tmp_path)
        assert ended.code == 2
        assert f"out = {out}" in ended.err
        assert part in ended.err
        assert listing(tmp_path) == before
    assert commands("sample", ckpt, "n=2", "out=full", "overwrite=true", cwd=tmp_path).code == 2
    made(commands, runs, tmp_path, ckpt, "n=2", "out=a.png", "overwrite=true")
    assert Image.open(tmp_path / "a.png").format == "PNG"


WRITING = [
    ["out=a.png"],
    ["out=folder"],
    ["out=a.npz", "n=64"],
    ["mode=interpolation", "out=a.gif", "n=2", "mode.steps=9"],
    ["mode=interpolation", "out=a.mp4", "n=2", "mode.steps=9"],
    ["mode=traversal", "mode.components=[20]", "out=a.png"],
    ["mode=export", "out=a.safetensors"],
    ["mode=export", "out=a.pt2"],
    ["mode=export", "out=a.onnx"],
]  # fmt: skip


@contextlib.contextmanager
def room(count):
    """Let no file grow beyond so many bytes, as on a disk that is nearly full."""
    former = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (count, former[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, former)


@pytest.mark.parametrize("argv", WRITING, ids=" ".join)
def test_a_full_disk(commands, runs, tmp_path, argv):
    with room(200):
        ended = commands("sample", f"ckpt={runs}/dcgan.ckpt", *argv, cwd=tmp_path)
    assert ended.code == 2, ended.text
    assert ended.err.startswith("out = ")
    assert "cannot be written: File too large\n" in ended.err or "ffmpeg" in ended.err or "a.pt2" in ended.err
    assert "Traceback" not in ended.err
    assert ended.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "words",
    [
        ["out=a.png"],
        ["out=folder"],
        ["out=a.npz"],
        ["mode=interpolation", "out=a.gif"],
        ["mode=traversal", "mode.components=[20]"],
        ["mode=export"],
    ],
    ids=" ".join,
)
def test_a_generator_that_makes_nan_is_named(commands, runs, tmp_path, words):
    checkpoint = torch.load(runs / "dcgan.ckpt", weights_only=True)
    weights = [value for key, value in checkpoint["state_dict"].items() if key.startswith("generator_ema.")]
    next(value for value in weights if value.ndim > 1).fill_(float("nan"))
    write_container(tmp_path / "nan.ckpt", checkpoint)
    ended = commands("sample", "ckpt=nan.ckpt", *words, cwd=tmp_path)
    assert ended.code == 2, ended.text
    assert ended.err.startswith("ckpt = nan.ckpt: its generator is broken; nothing was written: ")
    assert "NaN or infinite" in ended.err
    assert [path.name for path in tmp_path.iterdir()] == ["nan.ckpt"]


@pytest.mark.parametrize("out", ["folder", "a.npz"])
def test_sigterm_leaves_nothing_half_written(commands, runs, tmp_path, monkeypatch, out):
    def terminated(*arguments):
        assert next(path.name for path in tmp_path.iterdir()).startswith(".")
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(5)  # the signal ends it

    former = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(samples_module, "to_uint8", terminated)
    ended = commands("sample", f"ckpt={runs}/dcgan.ckpt", "n=4", f"out={out}", cwd=tmp_path)
    assert (ended.code, ended.text) == (143, "")
    assert list(tmp_path.iterdir()) == []
    assert signal.getsignal(signal.SIGTERM) is former


def test_help_and_completion_know_modes_and_options(commands, tmp_path, monkeypatch):
    ended = commands("sample", "--help", cwd=tmp_path)
    assert ended.code == 0
    for word in ("labels", "truncation", "overwrite", "interpolation", "traversal", "export", "samples", ".onnx"):
        assert word in ended.out
    for line, words in {
        "gan-sample mode=": ["mode=export", "mode=interpolation", "mode=samples", "mode=traversal"],
        "gan-sample trunc": ["truncation="],
        "gan-sample mode=interpolation mode.s": ["mode.seed=", "mode.steps="],
    }.items():
        monkeypatch.setenv("COMP_LINE", line)
        monkeypatch.setenv("COMP_POINT", str(len(line)))
        found = commands("sample", "-sc", "query=bash", cwd=tmp_path)
        assert set(words) <= set(found.out.split()), found.text


def test_classes_are_asked_for_by_the_names_of_their_folders(commands, tmp_path):
    random = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (tmp_path / "animals" / name).mkdir(parents=True)
        for index in range(4):
            pixels = random.integers(0, 256, (16, 16), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "animals" / name / f"{index}.png")
    words = ["experiment=acgan_digits", "data=folder", "data.path=animals", "data.resolution=16", "data.channels=1"]
    words += ["data.classes=2", "evaluator=none", "logger=none", "budget.kimg=null", "budget.images=32", "batch_size=8"]
    words += ["model.generator.width=4", "model.discriminator.width=4", "trainer.accelerator=cpu", "hydra.run.dir=run"]
    ended = commands("train", *words, cwd=tmp_path)
    assert ended.code == 0, ended.text
    made(commands, None, tmp_path, "ckpt=run", "labels=dog", "n=3", "out=named.npz")
    made(commands, None, tmp_path, "ckpt=run", "labels=1", "n=3", "out=numbered.npz")
    with np.load(tmp_path / "named.npz") as named, np.load(tmp_path / "numbered.npz") as numbered:
        assert named["arr_1"].tolist() == [1, 1, 1]
        assert np.array_equal(named["arr_0"], numbered["arr_0"])
    made(commands, None, tmp_path, "ckpt=run", "mode=export", "out=dogs.safetensors")
    generator = gan_lightning.load_generator(tmp_path / "dogs.safetensors")
    assert generator.class_names == ("cat", "dog")
    assert torch.equal(generator.sample(3, labels="dog"), generator.sample(3, labels=1))
