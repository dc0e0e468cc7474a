"""Samples of a trained run: drawn by ``gan-sample`` from its checkpoint, and from the file that it exports."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from tests.record import commands
from tests.record.cases import Case

COUNT = 8
TRUNCATION = 0.5
SIDE = 16


def draw(case: Case, checkpoint: str, folder: Path) -> dict[str, np.ndarray]:
    """Return samples 0 to 7 of seed 0 by how they were drawn: uint8 ``(8, H, W, C)``, or float32 ``(8, 2)``.

    Args:
        case: what was trained.
        checkpoint: its file, below ``folder``.
        folder: for what is written on the way.
    """
    ckpt = f"ckpt={checkpoint}"
    if case.translates:
        return _translate(case, ckpt, folder)
    for name, words in {"samples": [], "truncated": [f"truncation={TRUNCATION}"]}.items():
        commands.run("gan-sample", ckpt, f"n={COUNT}", "seed=0", *words, f"out={name}.npz", cwd=folder)
    commands.run("gan-sample", ckpt, "mode=export", "out=generator.safetensors", cwd=folder)
    commands.python(_draw_from_exported, cwd=folder)
    made = {}
    for name in ("samples", "truncated", "exported", "exported_truncated"):
        with np.load(folder / f"{name}.npz") as archive:
            made[name] = archive["arr_0"]
    return made


def _draw_from_exported() -> None:
    """Draw from the exported file in Python, and write archives as ``gan-sample`` does."""
    import gan_lightning

    generator = gan_lightning.load_generator("generator.safetensors")
    for name, truncation in {"exported": None, "exported_truncated": TRUNCATION}.items():
        samples = generator.sample(COUNT, seed=0, truncation=truncation).numpy()
        if samples.ndim == 4:
            samples = np.rint((samples.clip(-1, 1) + 1) * 127.5).astype(np.uint8).transpose(0, 2, 3, 1)
        np.savez(f"{name}.npz", arr_0=samples)


def _translate(case: Case, ckpt: str, folder: Path) -> dict[str, np.ndarray]:
    """Translate pictures, in both directions if the case has two."""
    (folder / "pictures").mkdir()
    for number, pixels in enumerate(pictures()):
        Image.fromarray(pixels).save(folder / "pictures" / f"{number}.png")
    made = {}
    for name, words in {"samples": [], "back": ["mode.back=true"]}.items():
        if name == "samples" or case.name == "cyclegan":
            translate = ["mode=translation", "mode.source=pictures", "mode.size=32"]
            commands.run("gan-sample", ckpt, *translate, *words, f"out={name}", cwd=folder)
            made[name] = np.stack([np.asarray(Image.open(folder / name / f"{i}.png")) for i in range(COUNT)])
    return made


def pictures() -> np.ndarray:
    """Return pictures to translate: waves of brightness and color, uint8 ``(8, 32, 32, 3)``."""
    number, row, column, channel = np.ogrid[0:COUNT, 0:32, 0:32, 0:3]
    return ((row * (number + 3) + column * (2 * number + 1) + channel * 40) % 256).astype(np.uint8)
