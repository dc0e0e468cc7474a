"""The script that makes the picture of README out of runs."""

from __future__ import annotations

import importlib.util
import shlex
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from PIL import Image

from gan_lightning.core.grids import as_picture, make_grid
from tests.documentation import ROOT, lines


@pytest.fixture(scope="module")
def gallery() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_gallery", ROOT / "docs" / "gallery.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_last_grids_stand_side_by_side_under_their_captions(gallery: ModuleType, tmp_path: Path):
    for name, width, colors in (("a", 30, [(0, 0, 255), (255, 0, 0)]), ("b", 50, [(0, 255, 0)])):
        (tmp_path / name / "samples").mkdir(parents=True)
        for index, color in enumerate(colors):
            Image.new("RGB", (width, 40), color).save(tmp_path / name / "samples" / f"{index:09d}.png")
    gallery.main(str(tmp_path / "out.png"), f"first={tmp_path}/a", f"second={tmp_path}/b")
    pixels = np.asarray(Image.open(tmp_path / "out.png"))
    top, left = gallery.CAPTION_PX, 30 + gallery.GAP_PX
    assert pixels.shape == (top + 40, left + 50, 4)
    assert (pixels[top:, :30] == (255, 0, 0, 255)).all()
    assert (pixels[top:, left:] == (0, 255, 0, 255)).all()
    assert (pixels[top:, 30:left, 3] == 0).all()
    assert (pixels[:top, :30, 3] > 0).any()


def test_a_high_grid_is_folded_and_columns_are_left_out(gallery: ModuleType):
    tiles = torch.arange(17 * 3, dtype=torch.uint8).view(-1, 1, 1, 1).repeat(1, 3, 32, 32)
    grid = as_picture(make_grid(tiles, columns=3)).convert("RGBA")
    shown = np.asarray(gallery.folded(grid, 2))[..., 0]
    middle = gallery.PITCH_PX // 2
    assert shown.shape == (8 * 66 + 2, 3 * (2 * 66 + 2) + 2 * 2)
    columns = [middle + piece * (2 * 66 + 4) + column * 66 for piece in range(3) for column in range(2)]
    rows = [middle + row * 66 for row in range(8)]
    found = shown[np.ix_(rows, columns)]
    assert found[:, 0].tolist() == [3 * row for row in range(8)]
    assert found[:, 3].tolist() == [24 + 3 * row + 1 for row in range(8)]
    assert found[:, 4].tolist() == [48, *[0] * 7]


def test_a_folder_without_grids_is_named(gallery: ModuleType, tmp_path: Path):
    with pytest.raises(FileNotFoundError, match=f"{tmp_path} has no sample grids"):
        gallery.main(str(tmp_path / "out.png"), f"caption={tmp_path}")


def test_the_page_draws_the_runs_that_it_trains():
    (line,) = (line for line in lines("console") if "docs/gallery.py" in line)
    trained = {word.partition("=")[2] for found in lines("sh") for word in found.split() if "hydra.run.dir=" in word}
    shown = [word.partition("=")[2].partition(":")[0] for word in shlex.split(line)[3:]]
    assert len(shown) >= 3
    assert set(shown) <= trained
