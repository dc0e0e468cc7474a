"""Command lines that are refused: exit code and message of each, in a folder that has what they speak of."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from tests.record import commands
from tests.record.golden import FOLDER, Renames

FILE = "refusals.json"
TIMEOUT_S = 60
"""What is not refused may train for hours."""

SHORT = ("batch_size=8", "budget.kimg=null", "budget.epochs=null", "budget.images=16", "evaluator=none", "logger=none")
NARROW = ("model.generator.width=4", "model.discriminator.width=4")
RUNS: dict[str, tuple[str, ...]] = {
    "dcgan": ("model=dcgan", "data=digits", *NARROW),
    "acgan": ("model=acgan", "data=digits", *NARROW),
    "ring": ("experiment=ring_gan", "model.generator.widths=[8]", "model.discriminator.widths=[8]"),
    "pix2pix": ("model=pix2pix", "data=photo_edges", "data.images.stride=16", "callbacks=translation", *NARROW),
    "cyclegan": (
        *("model=cyclegan", "data=photo_domains", "callbacks=translation"),
        *(f"data.{domain}.stride=16" for domain in ("source", "target")),
        *(f"model.generator{way}.{small}" for way in ("", "_back") for small in ("width=4", "blocks=1")),
        *(f"model.discriminator{way}.{small}" for way in ("", "_back") for small in ("width=4", "layers=1")),
    ),
}
"""Runs of two updates, in folders of these names; a file of the same name is their last checkpoint."""


@dataclass(frozen=True)
class Refusal:
    """A command line, and how it ends.

    Attributes:
        command: as on the console.
        argv: its arguments, with files of the folder that ``prepare`` makes.
        code: its exit code.
        message: what it writes to stderr, up to the first line that does not only announce the next one.
    """

    command: str
    argv: list[str]
    code: int
    message: list[str]

    @property
    def line(self) -> str:
        """The command line as one writes it."""
        return " ".join([self.command, *self.argv])


def read() -> list[Refusal]:
    """Read the record."""
    return [Refusal(**entry) for entry in json.loads((FOLDER / FILE).read_text())]


def write(refusals: Iterable[Refusal]) -> None:
    """Write the record, an entry a line."""
    lines = [json.dumps(asdict(refusal)) for refusal in refusals]
    (FOLDER / FILE).write_text("[\n" + ",\n".join(lines) + "\n]\n")


def prepare(folder: Path) -> None:
    """Make runs, checkpoints and files for the command lines to name."""
    prepare_runs(folder)
    prepare_files(folder)


def prepare_runs(folder: Path) -> None:
    """Make runs and checkpoints."""
    for name, choices in RUNS.items():
        commands.run("gan-train", *choices, *SHORT, "trainer=cpu", f"hydra.run.dir={name}", cwd=folder)
        shutil.copy(folder / name / "checkpoints" / "latest.ckpt", folder / f"{name}.ckpt")
    sweep = ["-m", *RUNS["dcgan"], *SHORT, "trainer=cpu", "hydra.sweep.dir=sweep", "hydra.sweep.subdir=0", "seed=0"]
    commands.run("gan-train", *sweep, cwd=folder)
    commands.python(_damage_checkpoints, cwd=folder)


def prepare_files(folder: Path) -> None:
    """Make pictures, and files that are none."""
    (folder / "text.txt").write_text("no checkpoint\n")
    (folder / "arrays.npz").write_bytes(b"PK no archive")
    (folder / "empty").mkdir()
    own = folder / "own" / "experiment" / "mine.yaml"
    own.parent.mkdir(parents=True)
    own.write_text("batch_size: 32\n")
    for place, size in {
        **{f"made/{i}": (16, 16) for i in range(4)},
        **{f"real/{i}": (16, 16) for i in range(4)},
        **{f"mixed/{i}": (16 + i // 3, 16) for i in range(4)},
        **{f"odd/{i}": (17, 16) for i in range(2)},
        "one_domain/trainA/0": (20, 20),
        **{f"unequal/A/{i}": (20, 20) for i in range(3)},
        **{f"unequal/B/{i}": (20, 20) for i in range(2)},
        "narrow/train/0": (31, 20),
        "undecided/photos/0": (20, 20),
        "twins/a": (16, 16),
    }.items():
        _picture(folder / f"{place}.png", size)
    _picture(folder / "twins" / "a.jpg", (16, 16))
    _picture(folder / "broken_pairs" / "trainB" / "0.png", (20, 20))
    for place in ("broken_pairs/trainA/0.png", "broken/0.png"):
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_bytes(b"no picture")


def _picture(path: Path, size: tuple[int, int]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    row, column, channel = np.ogrid[0 : size[1], 0 : size[0], 0:3]
    Image.fromarray(((row * 7 + column * 13 + channel * 50 + len(str(path))) % 256).astype(np.uint8)).save(path)


def _damage_checkpoints() -> None:
    """Write a checkpoint of another program, and one of a generator that makes NaN."""
    import torch

    from gan_lightning.core.container import write_container

    torch.save({"state_dict": {}}, "foreign.ckpt")
    checkpoint = torch.load("dcgan.ckpt", weights_only=True)
    for value in checkpoint["state_dict"].values():
        if isinstance(value, torch.Tensor) and value.is_floating_point():
            value.fill_(float("nan"))
    write_container(Path("nan.ckpt"), checkpoint)  # with a digest, or nobody would look at its weights


def end(refusal: Refusal, folder: Path) -> Refusal:
    """Call the command in a prepared folder, and return the same command line with how it ends now."""
    ended = commands.run(refusal.command, *refusal.argv, cwd=folder, code=None, timeout_s=TIMEOUT_S)
    text = (ended.err or ended.out).replace(str(folder.parent / "cache"), "CACHE").replace(str(folder), "FOLDER")
    lines = re.sub(r"0x[0-9a-f]{6,}", "0x...", text).splitlines()  # addresses of objects
    first = next((number for number, line in enumerate(lines) if not line.endswith(":")), len(lines))
    return Refusal(refusal.command, refusal.argv, ended.code, lines[: first + 1])


def differences(expected: Refusal, got: Refusal, renames: Renames) -> list[str]:
    """Describe how a command ends differently."""
    message = [renames.name("messages", line) for line in expected.message]
    if (expected.code, message) == (got.code, got.message):
        return []
    return [f"{expected.line}: code {got.code}, {got.message} instead of code {expected.code}, {message}"]


def end_all(refusals: Iterable[Refusal], folder: Path) -> tuple[list[Refusal], list[str]]:
    """Return how each command line ends now, and what any of them left behind in a prepared folder."""
    ends, texts, before = [], [], _listing(folder)
    for refusal in refusals:
        ends.append(end(refusal, folder))
        after = _listing(folder)
        texts += [f"{refusal.line}: writes or changes {name}" for name in sorted(set(after) - set(before))]
        before = after
    return ends, texts


def _listing(folder: Path) -> list[str]:
    """Return every file of a folder, with its size."""
    return [f"{path.relative_to(folder)} ({path.stat().st_size} bytes)" for path in folder.rglob("*") if path.is_file()]
