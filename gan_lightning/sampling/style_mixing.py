"""Images that take their coarse styles from one sample and their fine ones from another."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from gan_lightning.core.grids import save_grid
from gan_lightning.core.pixels import to_uint8
from gan_lightning.models.adversarial import AdversarialModule
from gan_lightning.models.sampling import GeneratorInputs, Weights
from gan_lightning.networks import StyleGAN2Generator
from gan_lightning.networks.stylegan2_generator import mix_styles
from gan_lightning.sampling.base import SamplingMode
from gan_lightning.sampling.classes import Labels, in_turn
from gan_lightning.sampling.limits import check_tiles


class StyleMixing(SamplingMode):
    """Crosses samples of a StyleGAN2, as figure 3 of Karras 2019 (arXiv 1812.04948).

    The first column and the first row are samples. Every other image takes the styles of the layers below ``cutoff``
    (pose, shape) from the sample at the left of its row, and those of the others (color, texture) from the sample at
    the top of its column. All have the noise of sample 0 of seed 0, so that nothing but styles varies.

    Args:
        rows: samples in the first column, 0 to rows - 1.
        columns: samples in the first row, rows to rows + columns - 1.
        seed: seed of the samples.
        labels: classes of the samples, repeated as needed; None: the model's own rule.
        truncation: psi, which draws styles toward their mean; None: not at all.
        truncation_cutoff: number of layers, from the first, that psi acts on; None: all.
        cutoff: first layer that takes the other sample's styles, between 1 and the number of layers less 1; None: half
            of the layers.

    Raises:
        ValueError: for a number out of range.
    """

    name = "style_mixing"
    suffixes = (".png",)

    def __init__(
        self,
        *,
        rows: int = 4,
        columns: int = 6,
        seed: int = 0,
        labels: Labels = None,
        truncation: float | None = None,
        truncation_cutoff: int | None = None,
        cutoff: int | None = None,
    ) -> None:
        asked = f"mode.rows = {rows}, mode.columns = {columns}"
        if rows < 1 or columns < 1:
            raise ValueError(f"{asked}: must be at least 1")
        check_tiles((rows + 1) * (columns + 1), asked)
        self.rows = rows
        self.columns = columns
        self.seed = seed
        self.labels = labels
        self.truncation = truncation
        self.truncation_cutoff = truncation_cutoff
        self.cutoff = cutoff

    def write(self, model: AdversarialModule, out: Path, *, weights: Weights, trust: bool) -> str:
        """Draw the grid and write it."""
        network = model.network(weights)
        if not isinstance(network, StyleGAN2Generator):
            raise ValueError(
                "mode=style_mixing takes a generator with styles (model=stylegan2), this one is "
                f"{type(network).__name__}"
            )
        cutoff = network.style_count // 2 if self.cutoff is None else self.cutoff
        if not 1 <= cutoff < network.style_count:
            raise ValueError(f"mode.cutoff = {cutoff}: must lie between 1 and {network.style_count - 1}, in layers")
        count = self.rows + self.columns
        inputs = model.inputs(
            range(count),
            seed=self.seed,
            labels=in_turn(model, self.labels, count),
            truncation=self.truncation,
            truncation_cutoff=self.truncation_cutoff,
        )
        images = to_uint8(self.crossed(model, network, inputs, cutoff=cutoff).cpu())
        first, rest = images[: self.columns], images[self.columns :]
        corner = torch.full_like(first[:1], 127)  # the ground of a picture
        save_grid(torch.cat([corner, first, rest]), out, columns=self.columns + 1)
        return f"{self.rows} x {self.columns} crossed samples (seed {self.seed}, {weights} weights)"

    @torch.no_grad()
    def crossed(
        self, model: AdversarialModule, network: StyleGAN2Generator, inputs: GeneratorInputs, *, cutoff: int
    ) -> Tensor:
        """Return the samples of the first row, and each further row led by its own sample.

        Args:
            model: the model that the network belongs to.
            network: averaged or raw generator.
            inputs: inputs of the samples of all rows, then of all columns.
            cutoff: see the class.

        Returns:
            float ``(columns + rows (1 + columns), *sample_shape)``.
        """
        device = next(network.parameters()).device
        condition = None if inputs.condition is None else inputs.condition.to(device)
        noise = [maps.to(device) for maps in model.noise([0], seed=0)]
        with model.as_sampled(network):
            styles = network.map_latents(inputs.latents.to(device), condition)
            if inputs.truncation is not None:
                styles = network.truncate(styles, psi=inputs.truncation, cutoff=inputs.truncation_cutoff)
            left, top = styles[: self.rows], styles[self.rows :]
            lines = [top]
            for style in left:
                lines += [style[None], mix_styles(style.expand_as(top), top, cutoff=cutoff)]
            return torch.cat([network.synthesize(line, noise=noise or None).float() for line in lines])
