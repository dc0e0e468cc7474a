"""Traversals of the codes during training: what each code changes in the same samples, again and again."""

from __future__ import annotations

from pathlib import Path

from lightning import Trainer

from gan_lightning.callbacks.pictures import Pictures
from gan_lightning.models.adversarial import AdversarialModule
from gan_lightning.runs.folder import PictureKind
from gan_lightning.sampling.traversal import code_rows, save_rows


class CodeTraversals(Pictures):
    """Draws a row for each code at the start, whenever ``every_kimg`` more images were seen, and at the end.

    In a row one code takes its values and all else stays that of the sample; see ``gan_lightning.sampling.Traversal``,
    which draws the same from a checkpoint. The pictures lie in ``<default_root_dir>/traversals``.

    Args:
        every_kimg: thousands of images between two pictures; None: at the start and the end only.
        samples: samples, each with a row of its own under every code.
        steps: images in the row of a continuous code.
        extent: largest absolute value of a continuous code.
        seed: seed of the samples.

    Raises:
        ValueError: for a number out of range.
    """

    kind: PictureKind = "traversals"

    def __init__(
        self, *, every_kimg: float | None, samples: int = 1, steps: int = 10, extent: float = 2.0, seed: int = 0
    ) -> None:
        super().__init__(every_kimg=every_kimg, seed=seed)
        if samples < 1 or steps < 2 or not 0 < extent < float("inf"):
            raise ValueError(
                "callbacks.traversals.samples must be at least 1, steps at least 2 and extent positive, got "
                f"{samples}, {steps} and {extent}"
            )
        self.samples = samples
        self.steps = steps
        self.extent = extent

    def save(self, trainer: Trainer, module: AdversarialModule, path: Path) -> None:
        """Draw the rows.

        Raises:
            ValueError: if the model has no codes.
        """
        inputs = module.inputs(range(self.samples), seed=self.seed)
        rows = code_rows(module, inputs.latents, inputs.condition, steps=self.steps, extent=self.extent)
        if not rows:
            raise ValueError(f"callbacks.traversals: {type(module).__name__} has no codes to vary")
        save_rows(module, rows, path, weights=module.default_weights)
