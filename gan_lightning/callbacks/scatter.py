"""Scatter plots of a run's samples; see ``sampling.scatter``."""

from __future__ import annotations

from pathlib import Path

from lightning import Trainer

from gan_lightning.callbacks.pictures import Pictures
from gan_lightning.core.atomic import write_atomic
from gan_lightning.core.grids import png
from gan_lightning.data.points import MixtureDataModule
from gan_lightning.models.adversarial import AdversarialModule
from gan_lightning.sampling.scatter import draw_points


class ScatterPlot(Pictures):
    """Draws points at the start, whenever ``every_kimg`` more were seen, and at the end; see ``draw_points``.

    Args:
        every_kimg: thousands of images between two plots; None: at the start and the end only.
        samples: number of points.
        seed: seed of the latent vectors.

    Raises:
        ValueError: for a number that is not positive.
    """

    def __init__(self, *, every_kimg: float | None, samples: int = 2500, seed: int = 0) -> None:
        super().__init__(every_kimg=every_kimg, seed=seed)
        if samples < 1:
            raise ValueError(f"callbacks.samples.samples must be at least 1, got {samples}")
        self.samples = samples

    def save(self, trainer: Trainer, module: AdversarialModule, path: Path) -> None:
        """Draw the points over the mixture of the data module.

        Raises:
            ValueError: if the data are not a mixture.
        """
        data = trainer.datamodule  # type: ignore[attr-defined]
        if not isinstance(data, MixtureDataModule):
            raise ValueError(f"callbacks.samples draws points of a mixture, got {type(data).__name__}")
        picture = draw_points(module.sample(self.samples, seed=self.seed, batch_size=self.samples), data.mixture)
        write_atomic(path, png(picture))
