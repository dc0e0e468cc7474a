"""Small image files of every kind, made when a test needs them."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

RGB = (200, 100, 50)


def noise(seed: int, size: tuple[int, int] = (12, 12), mode: str = "RGB") -> Image.Image:
    """Return a picture that differs from all others."""
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    return Image.fromarray(pixels).convert(mode)


def encoded(image: Image.Image, suffix: str = "png") -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, {"jpg": "JPEG", "tif": "TIFF"}.get(suffix, suffix.upper()))
    return buffer.getvalue()


def write(root: Path, contents: dict[str, bytes]) -> Path:
    """Write files below a folder."""
    for name, content in contents.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


def write_zip(path: Path, contents: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    """Write the same files into an archive."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return path


def classes(counts: dict[str, int], size: tuple[int, int] = (12, 12)) -> dict[str, bytes]:
    """Return PNG files in class folders ("cat/0.png"), each of another picture."""
    names = [f"{folder}/{number}.png" for folder, count in counts.items() for number in range(count)]
    return {name: encoded(noise(seed, size)) for seed, name in enumerate(names)}
