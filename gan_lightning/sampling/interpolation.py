"""Walks through latent space, as a grid or as a moving picture."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from gan_lightning.core.atomic import whole_file, write_atomic
from gan_lightning.core.grids import MIN_TILE_PX, make_grid, save_grid
from gan_lightning.core.pixels import to_uint8
from gan_lightning.models.adversarial import AdversarialModule
from gan_lightning.models.sampling import GeneratorInputs, Weights
from gan_lightning.sampling import paths
from gan_lightning.sampling.base import SamplingMode, ending
from gan_lightning.sampling.classes import Labels
from gan_lightning.sampling.limits import check_tiles
from gan_lightning.sampling.progress import progress

FFMPEG = "imageio_ffmpeg"
FRAME_PX = 256
"""Least height of a frame."""


class Interpolation(SamplingMode):
    """Goes from key sample to key sample; walk w has the key samples w n to w n + n - 1.

    A ``.png`` file has a row for each way from one key to the next, both ends included; a frame of a ``.gif`` or
    ``.mp4`` file has one tile for each walk. A walk keeps its first key's label, since there is nothing between two
    classes; codes go straight from key to key.

    Args:
        n: key samples of a walk, at least 2; None: 5.
        seed: seed of the key samples.
        labels: a class for each walk, repeated as needed; "all": at least a walk for each.
        truncation: largest absolute value of a latent component of a key; see ``Prior.truncate``.
        walks: how many walks; None: one, or one for each class.
        steps: images on the way from a key to the next, at least 2.
        path: "lerp", straight, or "slerp", along great circles; None: as the latents' distribution wants it.
        loop: whether a walk returns to its first key.
        fps: frames a second.

    Raises:
        ValueError: for a number out of range.
    """

    name = "interpolation"
    suffixes = (".png", ".gif", ".mp4")

    def __init__(
        self,
        *,
        n: int | None = None,
        seed: int = 0,
        labels: Labels = None,
        truncation: float | None = None,
        walks: int | None = None,
        steps: int = 10,
        path: paths.PathKind | None = None,
        loop: bool = True,
        fps: float = 10.0,
    ) -> None:
        self.keys = 5 if n is None else n
        if self.keys < 2:
            raise ValueError(f"n = {n}: a walk has at least 2 key samples")
        if steps < 2 or (walks is not None and walks < 1) or not 0 < fps <= 100:
            raise ValueError(
                "mode.steps must be at least 2, mode.walks at least 1 and mode.fps above 0 and at most 100, got "
                f"{steps}, {walks} and {fps}"
            )
        if path not in (None, "lerp", "slerp"):
            raise ValueError(f"mode.path must be lerp, slerp or null, got {path!r}")
        self.seed = seed
        self.labels = labels
        self.truncation = truncation
        self.walks = walks
        self.steps = steps
        self.path = path
        self.loop = loop
        self.fps = fps

    def write(self, model: AdversarialModule, out: Path, *, weights: Weights, trust: bool) -> str:
        """Draw the walks and write them."""
        check_animation(out)
        classes = model.chosen_classes(self.labels)
        walks = self.walks or len(classes or [0])
        shape = model.generator.sample_shape
        if len(shape) != 3:
            raise ValueError(f"mode=interpolation draws images, this model makes samples of shape {tuple(shape)}")
        segment_count = self.keys if self.loop else self.keys - 1
        asked = f"n = {self.keys}, mode.walks = {walks}, mode.steps = {self.steps}"
        check_tiles(walks * segment_count * self.steps, asked)
        if ending(out) == ".png":
            shares = torch.linspace(0, 1, self.steps).tolist()
        else:
            shares = [step / self.steps for step in range(self.steps)]
        rows = []
        with progress(walks * segment_count * self.steps, "images") as report:
            for walk in range(walks):
                label = None if classes is None else classes[walk % len(classes)]
                images = self._walk(model, walk, label, shares, weights)
                rows.append(images)
                report(len(images))
        if ending(out) == ".png":
            save_grid(torch.cat(rows), out, columns=self.steps)
        else:
            self._animate(torch.stack(rows), out)
        what = "1 walk" if walks == 1 else f"{walks} walks"
        return f"{what} between {self.keys} samples (seed {self.seed}, {weights} weights)"

    def _walk(
        self, model: AdversarialModule, walk: int, label: int | None, shares: list[float], weights: Weights
    ) -> Tensor:
        """Draw one walk, uint8 ``(segments * steps, C, H, W)``, and the last key's image if it is nowhere else."""
        indices = range(walk * self.keys, (walk + 1) * self.keys)
        labels = None if label is None else torch.full((self.keys,), label)
        inputs = model.inputs(indices, seed=self.seed, labels=labels, truncation=self.truncation)
        keys, condition = inputs.latents, inputs.condition
        path = self.path or model.prior.path
        latents = self._steps(keys, shares, path)
        if condition is not None and condition.is_floating_point():
            condition = self._steps(condition, shares, "lerp")
        elif condition is not None:
            condition = condition[:1].expand(len(latents))
        return to_uint8(
            model.render(GeneratorInputs(latents, condition, truncation=inputs.truncation), weights=weights).cpu()
        )

    def _steps(self, keys: Tensor, shares: list[float], path: paths.PathKind) -> Tensor:
        steps = paths.segments(keys, shares, path=path, loop=self.loop).flatten(0, 1)
        return torch.cat([steps, keys[-1:]]) if shares[-1] < 1 and not self.loop else steps

    def _animate(self, walks: Tensor, out: Path) -> None:
        """Write frames of uint8 ``(walks, frames, C, H, W)``."""
        columns = math.ceil(math.sqrt(len(walks)))
        tile_px = max(MIN_TILE_PX, FRAME_PX // columns)
        frames = [make_grid(frame, columns=columns, min_tile_px=tile_px).numpy() for frame in walks.unbind(1)]
        save_animation(frames, out, fps=self.fps)


def check_animation(path: Path) -> None:
    """Refuse a video before anything is drawn if it cannot be written here.

    Raises:
        ValueError: if the package for it is not installed.
    """
    if ending(path) == ".mp4" and importlib.util.find_spec(FFMPEG) is None:
        raise ValueError(
            f"out = {path}: writing .mp4 needs the package imageio-ffmpeg (pip install 'gan-lightning[video]'); "
            ".gif needs nothing"
        )


def save_animation(frames: Sequence[np.ndarray], path: Path, *, fps: float) -> None:
    """Write frames, over and over again in a GIF.

    Args:
        frames: uint8 ``(H, W, 1 or 3)``, all of one size, at least one.
        path: a ``.gif`` or ``.mp4`` file.
        fps: frames a second.

    Raises:
        OSError: if the file cannot be written.
    """
    if ending(path) == ".mp4":
        _save_mp4(frames, path, fps=fps)
        return
    first, *rest = [Image.fromarray(frame.squeeze(2) if frame.shape[2] == 1 else frame) for frame in frames]
    buffer = io.BytesIO()
    first.save(buffer, format="GIF", save_all=True, append_images=rest, duration=round(1000 / fps), loop=0)
    write_atomic(path, buffer.getvalue())


def _save_mp4(frames: Sequence[np.ndarray], path: Path, *, fps: float) -> None:
    from imageio_ffmpeg import write_frames

    height, width, _ = frames[0].shape
    odd = ((0, height % 2), (0, width % 2), (0, 0))  # the usual pixel format has half the resolution in color
    size = (width + width % 2, height + height % 2)
    with whole_file(path) as temporary:
        writer = write_frames(str(temporary), size, fps=fps, quality=8, macro_block_size=2, ffmpeg_log_level="quiet")
        writer.send(None)
        with contextlib.suppress(OSError):  # ffmpeg has ended; what it wrote tells whether too early
            for frame in frames:
                rgb = frame if frame.shape[2] == 3 else frame.repeat(3, axis=2)
                writer.send(np.ascontiguousarray(np.pad(rgb, odd, mode="edge")))
        writer.close()
        written = _frames_in(temporary)
        if written != len(frames):
            raise OSError(f"ffmpeg wrote {written} of {len(frames)} frames; is the disk full?")


def _frames_in(path: Path) -> int:
    """Count the frames that ffmpeg can read; its writer does not tell whether it failed."""
    from imageio_ffmpeg import count_frames_and_secs

    try:
        return int(count_frames_and_secs(str(path))[0])
    except RuntimeError:
        return 0
