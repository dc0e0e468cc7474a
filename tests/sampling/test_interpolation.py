import builtins
import importlib.util

import numpy as np
import pytest
import torch
from PIL import Image, ImageSequence

from gan_lightning.core.pixels import to_uint8
from gan_lightning.models.sampling import GeneratorInputs
from gan_lightning.sampling import Interpolation
from gan_lightning.sampling.paths import slerp


def write(mode, model, out):
    return mode.write(model, out, weights="ema", trust=False)


def tiles(path, rows, columns, side=8, tile=64):
    """Read the tiles of a picture back, at the size of the images."""
    pixels = np.asarray(Image.open(path))
    assert pixels.shape[:2] == (rows * (tile + 2) + 2, columns * (tile + 2) + 2)
    step = tile // side
    return [
        [
            pixels[2 + r * (tile + 2) :: step, 2 + c * (tile + 2) :: step][:side, :side]
            for c in range(columns)
        ]
        for r in range(rows)
    ]  # fmt: skip


def test_rows_of_a_picture_go_from_sample_to_sample(plain, tmp_path):
    write(Interpolation(n=3, seed=2, steps=5), plain, tmp_path / "a.png")
    found = tiles(tmp_path / "a.png", 3, 5)
    samples = to_uint8(plain.sample(3, seed=2)).squeeze(1).numpy()
    for row in range(3):
        assert np.array_equal(found[row][0], samples[row])
        assert np.array_equal(found[row][4], samples[(row + 1) % 3])
    latents = plain.inputs(range(3), seed=2).latents
    middle = to_uint8(plain.render(GeneratorInputs(slerp(latents[0], latents[1], 0.5)[None])))
    assert np.array_equal(found[0][2], middle.squeeze().numpy())
    write(Interpolation(n=3, seed=2, steps=5, path="lerp", loop=False), plain, tmp_path / "b.png")
    straight = tiles(tmp_path / "b.png", 2, 5)
    middle = to_uint8(plain.render(GeneratorInputs(latents[:2].mean(0, keepdim=True))))
    assert np.abs(straight[0][2].astype(int) - middle.squeeze().numpy()).max() <= 1


def test_a_walk_keeps_the_class_that_it_was_given(labeled, tmp_path):
    write(Interpolation(n=2, labels="all", steps=3, loop=False), labeled, tmp_path / "a.png")
    found = tiles(tmp_path / "a.png", 3, 3)
    for label in range(3):
        latents = labeled.inputs(range(label * 2, label * 2 + 2), seed=0).latents
        end = to_uint8(labeled.render(GeneratorInputs(latents[1:], torch.tensor([label]))))
        assert np.array_equal(found[label][2], end.squeeze(0).permute(1, 2, 0).numpy())


def test_codes_are_walked_straight(coded, tmp_path):
    write(Interpolation(n=2, steps=3, loop=False), coded, tmp_path / "a.png")
    given = coded.inputs(range(2), seed=0)
    middle = GeneratorInputs(given.latents.mean(0, keepdim=True), given.condition.mean(0, keepdim=True))
    middle = coded.render(middle)  # straight: a uniform prior
    found = tiles(tmp_path / "a.png", 1, 3)
    assert np.abs(found[0][1].astype(int) - to_uint8(middle).squeeze().numpy()).max() <= 1


@pytest.mark.parametrize(("loop", "frames"), [(True, 12), (False, 9)])
def test_a_gif_has_a_tile_for_each_walk_and_moves(plain, tmp_path, loop, frames):
    write(Interpolation(n=3, walks=4, steps=4, loop=loop, fps=20), plain, tmp_path / "a.gif")
    with Image.open(tmp_path / "a.gif") as image:
        assert image.size == (2 * 130 + 2, 2 * 130 + 2)
        assert image.info["loop"] == 0
        assert image.info["duration"] == 50
        read = [np.asarray(frame.convert("L")) for frame in ImageSequence.Iterator(image)]
    assert len(read) == frames
    samples = to_uint8(plain.sample(12)).squeeze(1).numpy()
    for walk in range(4):
        top, left = 2 + walk // 2 * 130, 2 + walk % 2 * 130
        first = read[0][top : top + 128 : 16, left : left + 128 : 16]
        assert np.array_equal(first, samples[walk * 3])
        key = read[4][top : top + 128 : 16, left : left + 128 : 16]
        assert np.array_equal(key, samples[walk * 3 + 1])


@pytest.mark.skipif(importlib.util.find_spec("imageio_ffmpeg") is None, reason="imageio-ffmpeg is not installed")
def test_a_video_can_be_read_back(labeled, tmp_path):
    import imageio_ffmpeg

    write(Interpolation(n=2, steps=4, fps=10), labeled, tmp_path / "a.mp4")
    frames = imageio_ffmpeg.read_frames(str(tmp_path / "a.mp4"))
    about = next(frames)
    assert about["fps"] == 10
    assert about["size"] == (260, 260)  # 256 and two borders: even
    read = [np.frombuffer(frame, np.uint8).reshape(260, 260, 3) for frame in frames]
    assert len(read) == 8
    image = to_uint8(labeled.render(labeled.inputs(range(1), seed=0)))[0].permute(1, 2, 0).numpy()
    assert np.abs(read[0][18:258:32, 18:258:32].astype(int) - image).mean() < 12  # compressed
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


def test_a_video_without_the_package_is_refused_before_anything_is_drawn(plain, tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(plain, "render", lambda *a, **k: builtins.exit())
    with pytest.raises(ValueError, match=r"needs the package imageio-ffmpeg .*\[video\]"):
        write(Interpolation(), plain, tmp_path / "a.mp4")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n": 1}, "n = 1: a walk has at least 2"),
        ({"steps": 1}, "mode.steps must be at least 2"),
        ({"walks": 0}, "mode.walks at least 1"),
        ({"fps": 0.0}, "mode.fps above 0"),
        ({"path": "zigzag"}, "mode.path must be lerp, slerp or null, got 'zigzag'"),
    ],
)
def test_numbers_out_of_range(arguments, message):
    with pytest.raises(ValueError, match=message):
        Interpolation(**arguments)
