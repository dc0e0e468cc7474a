"""Pictures are few and small enough, and what cannot be read is said."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from gan_lightning.report import compare, find_runs
from gan_lightning.report.pictures import PLANS, pictures, plan, shrunk, spaced


def png(side: int, value: int = 0) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.full((side, side), value, np.uint8)).save(buffer, format="PNG")
    return buffer.getvalue()


def opened(source: str) -> Image.Image:
    head, content = source.split(",", 1)
    assert head == "data:image/webp;base64"
    return Image.open(io.BytesIO(base64.b64decode(content)))


@pytest.fixture
def groups(tmp_path, make):
    for loss in ("Hinge", "Minimax"):
        for seed in range(3):
            folder = make(f"{loss}/{seed}", loss=loss, seed=seed, fd=1.0)
            (folder / "samples").mkdir()
            for moment in range(0, 3000, 100):
                (folder / "samples" / f"{moment:09d}.png").write_bytes(png(60, moment // 20))
            (folder / "samples" / "walk.png").write_bytes(png(8))
    return compare(find_runs([tmp_path])).groups


def test_a_large_budget_gives_every_seed_many_large_pictures(groups):
    shown, problems = pictures(groups, budget_bytes=20_000_000)
    found = shown.strips
    assert problems == []
    assert [[strip.run.seed for strip in group] for group in found] == [[0, 1, 2]] * 2
    for strip in found[0]:
        assert len(strip.moments) == len(strip.sources) == 24
        assert (strip.moments[0], strip.moments[-1]) == (0, 2900)
    picture = opened(found[0][0].sources[-1])
    assert picture.size == (60, 60)  # not enlarged
    assert abs(picture.convert("L").getpixel((30, 30)) - 145) <= 4


def test_a_small_budget_gives_fewer_and_smaller_ones_and_says_what_is_left_out(groups):
    assert plan(groups, budget_bytes=60 * 400**2 // 4) == PLANS[2]
    shown, _ = pictures(groups, budget_bytes=60 * 400**2 // 4)
    assert [[len(strip.sources) for strip in group] for group in shown.strips] == [[16], [16]]
    assert plan(groups, budget_bytes=0) == PLANS[-1]
    shown, problems = pictures(groups, budget_bytes=1)
    assert [len(group) for group in shown.strips] == [1, 0]
    assert problems == ["the pictures of the last 1 configurations are left out to keep the file small"]


def test_a_damaged_picture_is_named(groups, tmp_path):
    (tmp_path / "Hinge" / "0" / "samples" / "000000000.png").write_bytes(b"torn")
    (tmp_path / "Hinge" / "1" / "samples" / "000000000.png").write_bytes(png(600)[:100])
    shown, problems = pictures(groups, budget_bytes=20_000_000)
    found = shown.strips
    assert found[0][0].moments[0] > 0
    assert len(problems) == 2
    assert str(tmp_path / "Hinge" / "0") in problems[0]
    assert "at 0 images" in problems[0]


def test_spacing_keeps_the_ends():
    assert spaced([3, 5, 7], 4) == [3, 5, 7]
    assert spaced(list(range(101)), 5) == [0, 25, 50, 75, 100]


def test_large_pictures_become_small_ones():
    assert opened(shrunk(png(600), 520)).size == (520, 520)


def test_real_images_are_there_once_for_all_who_were_trained_on_them(groups, tmp_path):
    for path in (tmp_path / "Hinge" / "1", tmp_path / "Hinge" / "2", tmp_path / "Minimax" / "0"):
        (path / "real.png").write_bytes(png(60, 200))
    shown, problems = pictures(groups, budget_bytes=20_000_000)
    assert problems == []
    assert len(shown.real) == 1
    assert abs(opened(shown.real[0]).convert("L").getpixel((30, 30)) - 200) <= 4
    assert shown.real_of == [0, 0]
    (tmp_path / "Minimax" / "0" / "real.png").write_bytes(png(60, 100))
    (tmp_path / "Hinge" / "1" / "real.png").write_bytes(b"torn")
    shown, problems = pictures(groups, budget_bytes=20_000_000)
    assert shown.real_of == [0, 1]
    assert problems == [f"{tmp_path}/Hinge/1: the picture of real images cannot be read: it is not an image"]


def test_runs_without_real_images_have_none(groups):
    shown, _ = pictures(groups)
    assert (shown.real, shown.real_of) == ([], [None, None])
