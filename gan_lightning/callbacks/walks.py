"""Walks through latent space during training: the same ways between the same samples, again and again."""

from __future__ import annotations

from pathlib import Path

import torch
from lightning import Trainer

from gan_lightning.callbacks.pictures import Pictures
from gan_lightning.models.adversarial import AdversarialModule
from gan_lightning.runs.folder import PictureKind
from gan_lightning.sampling.paths import between
from gan_lightning.sampling.traversal import save_rows


class LatentWalks(Pictures):
    """Draws a row for each way between two samples at the start, every ``every_kimg`` thousand images, and at the end.

    A way is straight or a great circle, as the latents' distribution wants it, and keeps its first sample's label or
    code. The pictures lie in ``<default_root_dir>/walks``.

    Args:
        every_kimg: thousands of images between two pictures; None: at the start and the end only.
        rows: ways.
        steps: images of a way, both ends included.
        seed: seed of the samples.

    Raises:
        ValueError: for a number out of range.
    """

    kind: PictureKind = "walks"

    def __init__(self, *, every_kimg: float | None, rows: int = 4, steps: int = 10, seed: int = 0) -> None:
        super().__init__(every_kimg=every_kimg, seed=seed)
        if rows < 1 or steps < 2:
            raise ValueError(f"callbacks.walks.rows must be at least 1 and steps at least 2, got {rows} and {steps}")
        self.rows = rows
        self.steps = steps

    def save(self, trainer: Trainer, module: AdversarialModule, path: Path) -> None:
        """Draw the ways."""
        inputs = module.inputs(range(2 * self.rows), seed=self.seed)
        latents, condition = inputs.latents, inputs.condition
        shares = torch.linspace(0, 1, self.steps).tolist()
        rows = []
        for start in range(0, 2 * self.rows, 2):
            way = between(latents[start], latents[start + 1], shares, path=module.prior.path)
            kept = None if condition is None else condition[start].expand(self.steps, *condition.shape[1:])
            rows.append((way, kept))
        save_rows(module, rows, path, weights=module.default_weights)
