"""A path that one command prints can be pasted into another; data are known by their content."""

from __future__ import annotations

import shutil
import string
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from gan_lightning.core.checkpoint import read_checkpoint
from gan_lightning.launch.command_line import for_hydra
from gan_lightning.runs.folder import RunFolder
from gan_lightning.runs.results import read_results
from tests.cli.conftest import UNSCORED
from tests.launch.test_command_line import as_read

SMALL = [*UNSCORED, "budget.kimg=null", "budget.images=32", "logger=none"]
KEYS = [
    "ckpt",
    "data.path",
    "data.images.path",
    "data.source.root",
    "evaluator.extractor.weights_path",
    "hydra.run.dir",
]
KEYS += ["mode.source", "out", "paths.runs", "real", "resume", "runs", "generated"]
NAMES = ["budget.kimg=8,seed=0 (1) ü", '-it\'s "5"; {x} $HOME #~ [0]']
LETTERS = string.ascii_letters + "0123456789 .,;:=+-_~!?&|<>()[]{}'\"`$#%^*@\\äß漢"


@pytest.fixture(scope="module")
def finished(commands, tmp_path_factory) -> Path:
    """A finished run; the folder is only copied."""
    base = tmp_path_factory.mktemp("finished")
    assert commands("train", *SMALL, "hydra.run.dir=run", cwd=base).code == 0
    return base / "run"


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.text(alphabet=LETTERS, min_size=1, max_size=20), key=st.sampled_from(KEYS))
def test_what_exists_is_taken_as_it_is_typed(tmp_path, monkeypatch, name, key):
    if name in (".", "..", "~", "null"):
        return
    monkeypatch.chdir(tmp_path)
    Path(name).mkdir(exist_ok=True)
    for path in (name, f"{name}/", str(tmp_path / name)):
        once = for_hydra([f"{key}={path}"])
        assert as_read(once[0]) == path
        assert for_hydra(once) == once


@pytest.mark.parametrize("name", NAMES)
def test_a_run_of_any_name_is_sampled_compared_and_resumed(commands, finished, tmp_path, name):
    shutil.copytree(finished, tmp_path / name)
    latest = f"{name}/checkpoints/latest.ckpt"
    for path in (name, f"{name}/checkpoints", latest):
        out = f"{name}/{path.count('/')}.png"
        ended = commands("sample", f"ckpt={path}", "n=4", f"out={out}", cwd=tmp_path)
        assert ended.code == 0, ended.text
        assert (tmp_path / out).is_file()
        assert (f"ckpt = {path}: taking {latest}" in ended.out) == (path != latest)
    ended = commands("compare", f"runs={latest}", f"out={name}/table.md", cwd=tmp_path)
    assert ended.code == 0, ended.text
    assert name in ended.out
    ended = commands("train", f"resume={name}", "budget.images=48", cwd=tmp_path)
    assert ended.code == 0, ended.text
    assert read_results(RunFolder(tmp_path / name).results)["images_seen"] == 48
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_an_interpolation_in_the_name_of_a_runs_folder_is_refused(commands, tmp_path):
    ended = commands("train", *SMALL, "hydra.run.dir='a\\${x}'", cwd=tmp_path)
    assert ended.code == 2
    assert "hydra.run.dir = a${x}: " in ended.err
    assert list(tmp_path.iterdir()) == []


def photos(folder: Path, count: int, *, shade: int = 0) -> None:
    folder.mkdir(parents=True)
    row, column = np.ogrid[0:16, 0:16]
    for number in range(count):
        grey = (row * 7 + column * 13 + 5 * number + shade) % 256
        Image.fromarray(grey.astype(np.uint8)).save(folder / f"{number}.png")


DATA = ["model=gan", "data=folder", "data.resolution=16", "data.channels=1", "batch_size=8", "evaluator=none"]
DATA += ["logger=none", "budget.kimg=null", "budget.images=16", "model.generator.widths=[8]"]


def test_data_that_were_moved_are_found_by_their_content_and_others_under_the_old_path_are_refused(commands, tmp_path):
    photos(tmp_path / "photos", 20)
    line = [*DATA, "data.path=photos", "hydra.run.dir=run", "trainer.accelerator=cpu"]
    assert commands("train", *line, cwd=tmp_path).code == 0
    (stored,) = {tuple(read_checkpoint(RunFolder(tmp_path / "run").latest)["gan_lightning"]["data"]["fingerprints"])}
    assert len(set(stored)) == 2

    (tmp_path / "new disk (1)").mkdir()
    shutil.move(tmp_path / "photos", tmp_path / "new disk (1)" / "photos")
    resume = ["resume=run", "data.path=new disk (1)/photos"]
    ended = commands("train", *resume, "budget.images=32", cwd=tmp_path)
    assert ended.code == 0, ended.text

    photos(tmp_path / "copy", 20)  # the same pixels, in files of another time, under another name
    ended = commands("train", "resume=run", "data.path=copy", "budget.images=48", cwd=tmp_path)
    assert ended.code == 2
    assert "its scores are of 'photos', and these images are called 'copy'; data.name=..." in ended.err
    ended = commands("train", "resume=run", "data.path=copy", "data.name=photos", "budget.images=48", cwd=tmp_path)
    assert ended.code == 0, ended.text

    (tmp_path / "copy" / "3.png").unlink()
    before = {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()}
    ended = commands("train", "resume=run", "budget.images=64", cwd=tmp_path)
    assert ended.code == 2
    assert "data: the training images are not those that it has seen" in ended.err
    assert {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()} == before


def test_a_run_inside_of_its_data_is_not_trained_on(commands, tmp_path):
    photos(tmp_path / "cats", 20)
    line = [*DATA, "data.path=.", "trainer.accelerator=cpu"]
    assert commands("train", *line, "hydra.run.dir=runs/first", cwd=tmp_path).code == 0
    assert list((tmp_path / "runs" / "first" / "samples").glob("*.png"))
    ended = commands("train", "resume=runs/first", "budget.images=32", cwd=tmp_path)
    assert ended.code == 0, ended.text
    assert "20 training images" in ended.out
