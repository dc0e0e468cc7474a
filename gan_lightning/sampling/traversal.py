"""What one code, or one latent component, changes in a sample."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from gan_lightning.core.grids import save_grid
from gan_lightning.core.pixels import to_uint8
from gan_lightning.models.adversarial import AdversarialModule
from gan_lightning.models.priors import Clusters, Prior
from gan_lightning.models.sampling import GeneratorInputs, Sampling, Weights
from gan_lightning.sampling.base import SamplingMode
from gan_lightning.sampling.classes import Labels, check_count, in_rows, in_turn
from gan_lightning.sampling.limits import check_tiles

CODES_EXTENT = 2.0


def code_rows(
    model: Sampling, latents: Tensor, condition: Tensor | None, *, steps: int, extent: float
) -> list[tuple[Tensor, Tensor]]:
    """Return, code by code and sample by sample, inputs in which that code alone varies.

    Args:
        model: which says what its codes are.
        latents: float32 ``(N, latent_dim)``.
        condition: their N conditions.
        steps: values of a continuous code.
        extent: largest absolute value of a continuous code.

    Returns:
        for each row latents ``(K, latent_dim)`` and conditions ``(K, ...)``; nothing if the model has no codes.
    """
    if condition is None:
        return []
    varied = [model.traversals(sample, steps=steps, extent=extent) for sample in condition]
    return [
        (latents[sample].expand(len(codes[number]), -1), codes[number])
        for number in range(len(varied[0]))
        for sample, codes in enumerate(varied)
    ]


def latent_rows(
    latents: Tensor,
    condition: Tensor | None,
    *,
    components: Sequence[int],
    steps: int,
    prior: Prior,
    extent: float | None,
) -> list[tuple[Tensor, Tensor | None]]:
    """Return, component by component and sample by sample, inputs in which that latent component alone varies.

    Args:
        latents: float32 ``(N, latent_dim)``.
        condition: their N conditions, or None.
        components: indices of latent components.
        steps: values of a component.
        prior: prior of the latents.
        extent: its largest absolute value; None: what the prior says.

    Raises:
        ValueError: for a component that does not exist, or is not a quantity.
    """
    dim = latents.shape[1]
    wrong = [component for component in components if not 0 <= component < dim]
    if wrong:
        raise ValueError(f"mode.components = {wrong}: the latent vectors have components 0 to {dim - 1}")
    rows: list[tuple[Tensor, Tensor | None]] = []
    for component in components:
        try:
            reach = prior.reach(component)
        except ValueError as error:
            raise ValueError(f"mode.components: {error}") from error
        reach = reach if extent is None else extent
        for sample in range(len(latents)):
            varied = latents[sample].repeat(steps, 1)
            varied[:, component] = torch.linspace(-reach, reach, steps)
            same = None if condition is None else condition[sample].expand(steps, *condition.shape[1:])
            rows.append((varied, same))
    return rows


def save_rows(
    model: Sampling,
    rows: Sequence[tuple[Tensor, Tensor | None]],
    path: Path,
    *,
    weights: Weights,
    truncation: float | None = None,
) -> None:
    """Draw rows of inputs into a PNG file.

    Args:
        model: a model of images.
        rows: latents ``(K, latent_dim)`` and K conditions, or None in every row.
        path: the file.
        weights: averaged or raw generator.
        truncation: psi of a generator that truncates in its style space, or None.
    """
    sizes = [len(latents) for latents, _ in rows]
    conditions = [condition for _, condition in rows if condition is not None]
    latents = torch.cat([latents for latents, _ in rows])
    inputs = GeneratorInputs(latents, torch.cat(conditions) if conditions else None, truncation=truncation)
    images = to_uint8(model.render(inputs, weights=weights).cpu())
    save_grid(in_rows(images, rows=sizes, columns=max(sizes)), path, columns=max(sizes))


class Traversal(SamplingMode):
    """Varies one thing at a time: a row for each code of a model that has codes (InfoGAN), as figure 2 of its paper.

    A categorical code takes all its values, a continuous one values evenly from -extent to extent; everything else
    stays that of the sample. For any model ``components`` asks for a row for each of these latent components instead.

    Args:
        n: samples, each with a row of its own under every code; None: 1.
        seed: seed of the samples.
        labels: classes of the samples, repeated as needed; None: the model's own rule.
        truncation: largest absolute value of a latent component of the samples; see ``Prior.truncate``.
        components: latent components to vary; None: the model's codes.
        steps: images in a row of continuous values, at least 2.
        extent: largest absolute value; None: 2 for codes, which were trained up to 1 and which the paper shows up to 2,
            and for latent components what their prior says.

    Raises:
        ValueError: for a number out of range.
    """

    name = "traversal"
    suffixes = (".png",)

    def __init__(
        self,
        *,
        n: int | None = None,
        seed: int = 0,
        labels: Labels = None,
        truncation: float | None = None,
        components: Sequence[int] | None = None,
        steps: int = 10,
        extent: float | None = None,
    ) -> None:
        if steps < 2 or (extent is not None and not 0 < extent < float("inf")):
            raise ValueError(
                f"mode.steps must be at least 2 and mode.extent a positive number, got {steps} and {extent}"
            )
        if components is not None and len(components) == 0:
            raise ValueError("mode.components is empty: name a latent component, or leave it null")
        self.samples = 1 if n is None else check_count(n)
        self.seed = seed
        self.labels = labels
        self.truncation = truncation
        self.components = components
        self.steps = steps
        self.extent = extent

    def write(self, model: AdversarialModule, out: Path, *, weights: Weights, trust: bool) -> str:
        """Draw the rows and write them."""
        shape = model.generator.sample_shape
        if len(shape) != 3:
            raise ValueError(f"mode=traversal draws images, this model makes samples of shape {tuple(shape)}")
        varied = 1 if self.components is None else len(self.components)
        check_tiles(self.samples * varied * self.steps, f"n = {self.samples}, mode.steps = {self.steps}")
        labels = in_turn(model, self.labels, self.samples)
        inputs = model.inputs(range(self.samples), seed=self.seed, labels=labels, truncation=self.truncation)
        rows = self._rows(model, inputs.latents, inputs.condition)
        if not rows:
            first = model.prior.clusters if isinstance(model.prior, Clusters) else 0
            raise ValueError(
                f"mode=traversal: this model ({type(model).__name__}) has no codes; name latent components to vary, "
                f"mode.components=[{first},{first + 1},{first + 2}]"
            )
        save_rows(model, rows, out, weights=weights, truncation=inputs.truncation)
        return f"{len(rows)} rows (seed {self.seed}, {weights} weights)"

    def _rows(
        self, model: AdversarialModule, latents: Tensor, condition: Tensor | None
    ) -> Sequence[tuple[Tensor, Tensor | None]]:
        if self.components is None:
            extent = CODES_EXTENT if self.extent is None else self.extent
            return code_rows(model, latents, condition, steps=self.steps, extent=extent)
        return latent_rows(
            latents,
            condition,
            components=self.components,
            steps=self.steps,
            prior=model.prior,
            extent=self.extent,
        )
