"""Every path in a run folder; no other file spells one."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Literal, get_args

from gan_lightning.core.run_mark import LOCK

PictureKind = Literal["samples", "walks", "traversals", "nearest"]
"""What pictures show; their folder in a run, and the key under which loggers get them."""

SAMPLES: PictureKind = "samples"

LATEST, PREVIOUS, BEST = "latest.ckpt", "previous.ckpt", "best.ckpt"

_MOMENT = re.compile("[0-9]{1,15}")


class RunFolder:
    """The files of one run; nothing is read or written here.

    Args:
        path: the run folder, ``output_dir`` of its config.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        # what the run is
        self.config = self.path / "config.yaml"
        self.hydra = self.path / ".hydra"
        self.hydra_config = self.hydra / "config.yaml"
        self.hydra_settings = self.hydra / "hydra.yaml"
        self.hydra_overrides = self.hydra / "overrides.yaml"
        # what became of it
        self.results = self.path / "results.json"
        self.metrics = self.path / "metrics.jsonl"
        self.log = self.path / "train.log"
        self.real = self.path / "real.png"
        # its states
        self.checkpoints = self.path / "checkpoints"
        self.latest = self.checkpoints / LATEST
        self.previous = self.checkpoints / PREVIOUS
        self.best = self.checkpoints / BEST
        # the trackers' files
        self.wandb = self.path / "wandb"
        self.wandb_run_id = self.wandb / "run_id"
        self.wandb_segments = self.wandb / "segments.json"
        self.tensorboard = self.path / "tensorboard"
        # who works in it
        self.lock = self.path / LOCK
        self.slurm_job = self.path / "slurm_job"

    def pictures(self, kind: PictureKind) -> Path:
        """Return the folder of one kind of pictures."""
        return self.path / kind

    def picture(self, kind: PictureKind, images_seen: int) -> Path:
        """Return a picture's file; the order of names is the order of training."""
        return self.pictures(kind) / f"{images_seen:09d}.png"

    def pictures_by_images(self, kind: PictureKind) -> dict[int, Path]:
        """Return the pictures of a kind that exist, by images seen, ascending."""
        found = (path for path in self.pictures(kind).glob("*.png") if _MOMENT.fullmatch(path.stem))
        return dict(sorted((int(path.stem), path) for path in found))

    def holds_run(self) -> bool:
        """Return whether a run, or Hydra for one, has written here."""
        return os.path.lexists(self.results) or self.hydra.is_dir()

    def holds_checkpoint(self) -> bool:
        """Return whether a state to resume from was saved here, intact or damaged."""
        return any(os.path.lexists(path) and not path.is_dir() for path in (self.latest, self.previous))

    def remains(self) -> list[Path]:
        """Return what is left of a run without a record, and a new one would replace or take for its own."""
        if os.path.lexists(self.results):
            return []
        left = [path for path in (self.metrics, self.best) if path.is_file()]
        return [*left, self.pictures(SAMPLES)] if self.pictures_by_images(SAMPLES) else left

    def own_subfolders(self) -> list[Path]:
        """Return every folder of a run that belongs to it alone."""
        return [self.checkpoints, self.hydra, self.wandb, self.tensorboard, *map(self.pictures, get_args(PictureKind))]

    def files(self) -> list[Path]:
        """Return what is a file in every run that has begun."""
        return [self.config, self.results, self.metrics, self.log]

    def subfolders(self) -> list[Path]:
        """Return the folders of a run in which no other run lies; they may be large."""
        return [self.checkpoints, self.wandb, self.tensorboard, self.pictures(SAMPLES)]
