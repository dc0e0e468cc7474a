"""Moving pictures: GIF by Pillow, MP4 by imageio-ffmpeg where that is installed."""

from __future__ import annotations

import contextlib
import importlib.util
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from gan_lightning.core.atomic import whole_file, write_atomic
from gan_lightning.sampling.base import ending

FFMPEG = "imageio_ffmpeg"


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
