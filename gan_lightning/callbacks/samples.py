"""Sample grids: the same latent vectors through the averaged generator, again and again."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, cast

import torch
from lightning import Callback, LightningModule, Trainer

from gan_lightning.callbacks.cadence import Cadence
from gan_lightning.callbacks.grid import save_grid
from gan_lightning.metrics.images import NonFiniteSamples, to_uint8
from gan_lightning.models.base import AdversarialModule
from gan_lightning.tracking.base import log_samples

log = logging.getLogger(__name__)

FOLDER = "samples"
MAX_CLASS_COLUMNS = 32
"""Up to so many classes get a column each; more would make a picture that nobody can look at."""


def grid_path(output_dir: Path, images_seen: int) -> Path:
    """The grid's file, named so that the order of names is the order of training."""
    return output_dir / FOLDER / f"{images_seen:09d}.png"


class SampleGrid(Callback):
    """Draws a grid at the start, whenever ``every_kimg`` more images were seen, and at the end.

    The grids lie in ``<default_root_dir>/samples``, and the loggers that can show pictures get each of them.
    A label-conditional model has one class per column. Drawing touches no random state of the training.

    Args:
        every_kimg: thousands of images between two grids; None: at the start and the end only.
        rows: rows of a grid.
        columns: columns of a grid, unless the model has up to 32 classes, which then are its columns.
        seed: of the latent vectors.

    Raises:
        ValueError: for a number that is not positive.
    """

    def __init__(self, *, every_kimg: float | None, rows: int = 8, columns: int = 8, seed: int = 0) -> None:
        super().__init__()
        for name, value in (("rows", rows), ("columns", columns)):
            if value < 1:
                raise ValueError(f"callbacks.samples.{name} must be at least 1, got {value}")
        self.cadence = Cadence(every_kimg, key="callbacks.samples")
        self.rows = rows
        self.columns = columns
        self.seed = seed
        self.latest: Path | None = None

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Draw the untrained model; a resumed run has its grid of this moment already."""
        module = cast(AdversarialModule, pl_module)
        self.latest = None
        self.cadence.start(module.images_seen)
        if module.images_seen == 0:
            self.draw(trainer, module)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Draw when it is due."""
        module = cast(AdversarialModule, pl_module)
        if self.cadence.passed(module.images_seen):
            self.draw(trainer, module)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Draw the last state, unless that was just done."""
        module = cast(AdversarialModule, pl_module)
        if self.latest != grid_path(Path(trainer.default_root_dir), module.images_seen):
            self.draw(trainer, module)

    def draw(self, trainer: Trainer, module: AdversarialModule) -> None:
        """Draw now, on rank zero; samples that are not finite give a warning instead of a picture."""
        if not trainer.is_global_zero:
            return
        path = grid_path(Path(trainer.default_root_dir), module.images_seen)
        by_class = module.classes is not None and module.classes <= MAX_CLASS_COLUMNS
        columns = cast(int, module.classes) if by_class else self.columns
        labels = None
        if module.classes is not None:
            labels = torch.arange(self.rows * columns) % columns % module.classes
        samples = module.sample(self.rows * columns, seed=self.seed, labels=labels)
        try:
            save_grid(to_uint8(samples), path, columns=columns)
        except NonFiniteSamples as error:
            log.warning("no sample grid at %d images: %s", module.images_seen, error)
            return
        except OSError as error:
            log.error("could not write a sample grid, training goes on: %s", error)
            return
        self.latest = path
        log_samples(trainer.loggers, FOLDER, path, module.images_seen)
