"""Sampling from a trained generator: sample i is a function of (seed, i), to the bit, whatever else is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from gan_lightning.core.seeding import mix, sample_generators
from gan_lightning.data.images import EvaluationSet
from gan_lightning.metrics.base import GeneratorSampler, Sampler
from gan_lightning.models.blocks import block_size, in_blocks
from gan_lightning.models.classes import Labels, chosen_classes, class_by_class
from gan_lightning.models.priors import Prior
from gan_lightning.models.statistics import BatchNormStatistics
from gan_lightning.networks.base import Generator

_NOISE_STREAM = 0x6E6F697365  # tells the noise of sample i from its latents
_STATISTICS_SEED = 0x7374616E64696E67  # of what the statistics of batch norm are taken of
_PATH_STREAM = 0x70617468  # tells the latents at the far end of a path from those at its start
Weights = Literal["ema", "raw"]


@dataclass(frozen=True, slots=True)
class GeneratorInputs:
    """What a generator is given for N samples.

    Attributes:
        latents: float32 ``(N, latent_dim)``.
        condition: N rows of whatever the model's generator is conditioned on, or None.
        noise: a float32 tensor ``(N, *shape)`` for each of the generator's ``noise_shapes``; None: that of sample 0 of
            seed 0 for every row, so that nothing but latents and condition varies.
        truncation: to which the latents were truncated already; of a generator that truncates in its style space, psi,
            which it is then given; None: not at all.
        truncation_cutoff: number of layers, from the first, whose styles psi acts on; None: all.
    """

    latents: Tensor
    condition: Tensor | None = None
    noise: tuple[Tensor, ...] | None = None
    truncation: float | None = None
    truncation_cutoff: int | None = None


class Sampling:
    """What a module with a generator, its average and a prior can draw; a part of ``AdversarialModule``."""

    generator: Generator
    generator_ema: Generator | None
    prior: Prior
    classes: int | None = None
    """Number of classes a label can be asked for; None: the model takes no labels."""

    class_names: tuple[str, ...] | None = None
    """What the classes are called, in the order of their indices; None: unknown."""

    statistics: BatchNormStatistics | None = None
    """What batch norm takes when samples are drawn; None: its running statistics, and protocols do not name them."""

    def generate(
        self,
        latents: Tensor,
        condition: Tensor | None,
        *,
        generator: Generator | None = None,
        noise: tuple[Tensor, ...] = (),
        truncation: float | None = None,
        truncation_cutoff: int | None = None,
    ) -> Tensor:
        """Run ``generator`` (None: the one that is trained) on latents ``(N, latent_dim)`` and their condition.

        Args:
            latents: float ``(N, latent_dim)``.
            condition: N rows, or None.
            generator: that is run.
            noise: for a generator with ``noise_shapes``; none: it draws its own.
            truncation: psi, for a generator that truncates in its style space.
            truncation_cutoff: number of layers that psi acts on, or None for all.
        """
        network = generator if generator is not None else self.generator
        if noise or truncation is not None:
            extras: dict[str, Any] = {"noise": noise} if noise else {}
            if truncation is not None:
                extras["truncation"] = truncation
            if truncation_cutoff is not None:
                extras["cutoff"] = truncation_cutoff
            return network(latents, condition, **extras)
        return network(latents) if condition is None else network(latents, condition)

    def chosen_classes(self, labels: Labels) -> list[int] | None:
        """Return the indices of the classes that are asked for; None where none are.

        Args:
            labels: index or name of a class, a list of them, "all", or None.

        Raises:
            ValueError: if the model has no classes, or not these.
        """
        return chosen_classes(labels, classes=self.classes, names=self.class_names, model=type(self).__name__)

    @contextmanager
    def as_sampled(self, network: Generator, *, truncation: float | None = None) -> Iterator[None]:
        """Put a generator into the state that samples are drawn in, and back: evaluation mode, float32, ``statistics``.

        Args:
            network: averaged or raw generator.
            truncation: truncation of the latents.
        """

        def run(numbers: range) -> None:
            inputs = self.inputs(numbers, seed=_STATISTICS_SEED, truncation=truncation)
            self._run(network, inputs, rows=len(numbers))

        device = next(network.parameters()).device
        was_training = network.training
        network.eval()
        try:
            with ExitStack() as state:
                state.enter_context(torch.autocast(device.type, enabled=False))
                if self.statistics is not None:
                    state.enter_context(self.statistics.applied_to(network, run, truncation=truncation))
                yield
        finally:
            network.train(was_training)

    def _run(self, network: Generator, inputs: GeneratorInputs, *, rows: int) -> Tensor:
        """Run a network on the given inputs, always on ``rows`` rows at a time."""
        weight = next(network.parameters())
        noise = inputs.noise
        if noise is None:
            noise = tuple(one.expand(len(inputs.latents), *one.shape[1:]) for one in self.noise([0], seed=0))
        psi = inputs.truncation if network.truncation_space == "style" else None
        tensors = [
            None if t is None else t.to(weight.device, weight.dtype if t.is_floating_point() else None)
            for t in (inputs.latents, inputs.condition, *noise)
        ]
        return in_blocks(
            lambda latents, condition, *noise: self.generate(
                latents,
                condition,
                generator=network,
                noise=noise,
                truncation=psi,
                truncation_cutoff=inputs.truncation_cutoff,
            ).float(),
            *tensors,
            rows=rows,
        )

    def network(self, weights: Weights) -> Generator:
        """Return the averaged or the raw generator.

        Raises:
            ValueError: if ``weights`` is neither, or the model keeps no average.
        """
        if weights == "raw":
            return self.generator
        if weights != "ema":
            raise ValueError(f"weights must be 'ema' or 'raw', got {weights!r}")
        if self.generator_ema is None:
            raise ValueError(
                "this model keeps no averaged generator (updates.ema_halflife_kimg is null): ask for 'raw'"
            )
        return self.generator_ema

    @property
    def default_weights(self) -> Weights:
        """The averaged weights where there are some."""
        return "raw" if self.generator_ema is None else "ema"

    def sample_condition(self, indices: Sequence[int], *, seed: int, labels: Tensor | None) -> Tensor | None:
        """Return the generator's condition for samples ``indices``; ``labels`` are those asked for, or None.

        Raises:
            ValueError: if labels are asked of a model that takes none.
        """
        if labels is not None:
            raise ValueError("this model takes no labels")
        return None

    def traversals(self, condition: Tensor, *, steps: int, extent: float) -> list[Tensor]:
        """Return, for each code that this model's condition has, conditions in which that code alone varies.

        Args:
            condition: condition of one sample, without the dimension of the batch.
            steps: values of a continuous code.
            extent: their largest absolute value.

        Returns:
            for each code ``(K, *condition.shape)``; nothing, unless a variant overrides it.
        """
        return []

    @property
    def draws_labels(self) -> bool:
        """Say whether samples are drawn of classes, which ``sample_labels`` then returns."""
        return False

    @property
    def draws_codes(self) -> bool:
        """Say whether samples are drawn of classes or categorical codes, which ``sample_codes`` then returns."""
        return self.draws_labels

    def sample_labels(self, indices: Sequence[int], *, seed: int) -> Tensor | None:
        """Return the classes that samples ``indices`` are drawn of: int64, or None for a model without labels."""
        return None

    def sample_codes(self, indices: Sequence[int], *, seed: int) -> Tensor | None:
        """Return the classes, or the categorical codes learned without one, that samples are drawn of: int64."""
        return self.sample_labels(indices, seed=seed)

    def inputs(
        self,
        indices: Sequence[int],
        *,
        seed: int,
        labels: Tensor | None = None,
        truncation: float | None = None,
        truncation_cutoff: int | None = None,
    ) -> GeneratorInputs:
        """Draw what the generator is given for samples ``indices``, row by row a function of (seed, index).

        Args:
            indices: which samples.
            seed: with an index, what a row is a function of.
            labels: int64 ``(len(indices),)`` for a label-conditional model; None: its own rule.
            truncation: largest absolute value of a latent component, see ``Prior.truncate``; of a generator that
                truncates in its style space, psi.
            truncation_cutoff: number of layers, from the first, whose styles psi acts on; None: all.

        Returns:
            the inputs, on the CPU.

        Raises:
            ValueError: for labels or a truncation that the model does not have.
        """
        if truncation_cutoff is not None and (truncation is None or self.generator.truncation_space != "style"):
            raise ValueError(
                f"truncation_cutoff = {truncation_cutoff}: it needs a truncation, and a generator that truncates in "
                "its style space (model=stylegan2)"
            )
        latents = self.prior.draw_indexed(indices, self.generator.latent_dim, seed=seed)
        if truncation is not None and self.generator.truncation_space == "latent":
            latents = self.prior.truncate(latents, truncation)
        condition = self.sample_condition(indices, seed=seed, labels=labels)
        return GeneratorInputs(latents, condition, self.noise(indices, seed=seed), truncation, truncation_cutoff)

    def noise(self, indices: Sequence[int], *, seed: int) -> tuple[Tensor, ...]:
        """Draw the generator's noise inputs, N(0, 1), for samples ``indices``: a function of (seed, index) each."""
        shapes = self.generator.noise_shapes
        if not shapes:
            return ()
        random = sample_generators(mix(seed, _NOISE_STREAM), indices)
        rows = [[torch.from_numpy(r.standard_normal(shape, dtype=np.float32)) for shape in shapes] for r in random]
        return tuple(torch.stack(maps) for maps in zip(*rows, strict=True))

    @torch.no_grad()
    def render(self, inputs: GeneratorInputs, *, weights: Weights | None = None) -> Tensor:
        """Generate from given inputs, in evaluation mode and the network's own precision, touching no random state.

        The network always runs on blocks of the same size, so that a sample is the same to the bit whatever it is
        generated with.

        Args:
            inputs: inputs of N samples.
            weights: averaged or raw generator; None: averaged where there is one.

        Returns:
            float32 ``(N, *sample_shape)`` on the generator's device.
        """
        network = self.network(weights or self.default_weights)
        if not len(inputs.latents):
            return torch.empty(0, *network.sample_shape, device=next(network.parameters()).device)
        with self.as_sampled(network, truncation=inputs.truncation):
            return self._run(network, inputs, rows=block_size(network.sample_shape))

    def sample_indices(
        self,
        indices: Sequence[int],
        *,
        seed: int,
        weights: Weights = "ema",
        labels: Tensor | None = None,
        truncation: float | None = None,
    ) -> Tensor:
        """Generate samples ``indices``, as ``render`` does; to the bit the same whatever else is asked for.

        Args:
            indices: which samples.
            seed: with an index, what a sample is a function of.
            weights: averaged or raw generator.
            labels: int64 ``(len(indices),)`` for a label-conditional model; None: its own rule.
            truncation: see ``inputs``.

        Returns:
            float32 ``(len(indices), *sample_shape)`` on the generator's device.
        """
        return self.render(self.inputs(indices, seed=seed, labels=labels, truncation=truncation), weights=weights)

    def sampler(self, real: EvaluationSet, *, seed: int, weights: Weights) -> Sampler:
        """Return what an evaluator calls: indices int64 ``(n,)`` to samples.

        Args:
            real: what the samples will be compared with.
            seed: as in ``sample_indices``.
            weights: likewise.
        """
        return LatentSampler(self, seed, weights)

    def sample(
        self,
        n: int,
        *,
        seed: int = 0,
        weights: Weights | None = None,
        labels: Labels | Tensor = None,
        truncation: float | None = None,
        batch_size: int = 256,
    ) -> Tensor:
        """Generate samples 0 to n-1, as ``sample_indices`` does, in batches; float32 on the CPU.

        Args:
            n: number of samples.
            seed: with an index, what a sample is a function of.
            weights: averaged or raw generator; None: averaged where there is one.
            labels: index or name of a class, a list of them or "all", with equally many samples drawn of each,
                class by class; or int64 ``(n,)``, one for each sample; None: the model's own rule.
            truncation: see ``inputs``.
            batch_size: samples that are on the generator's device at once.

        Raises:
            ValueError: if ``n`` or ``batch_size`` is below 1, or the model does not have these classes.
        """
        if n < 1 or batch_size < 1:
            raise ValueError(f"n and batch_size must be at least 1, got {n} and {batch_size}")
        if not isinstance(labels, Tensor):
            classes = self.chosen_classes(labels)
            labels = None if classes is None else class_by_class(classes, n)
        elif labels.shape != (n,):
            raise ValueError(f"labels must have one entry for each of n = {n} samples, got shape {tuple(labels.shape)}")
        chosen = weights or self.default_weights
        chunks = []
        for start in range(0, n, batch_size):
            indices = range(start, min(start + batch_size, n))
            part = None if labels is None else labels[start : indices.stop]
            chunk = self.sample_indices(indices, seed=seed, weights=chosen, labels=part, truncation=truncation)
            chunks.append(chunk.cpu())
        return torch.cat(chunks)


@dataclass(frozen=True, slots=True)
class LatentSampler(GeneratorSampler):
    """Samples of a model, their classes, and steps in its latent space.

    Attributes:
        model: whose generator is asked.
        seed: with an index, what a sample is a function of.
        weights: averaged or raw generator.
    """

    model: Sampling
    seed: int
    weights: Weights

    def __call__(self, indices: Tensor) -> Tensor:
        """Return ``sample_indices``."""
        return self.model.sample_indices(indices.tolist(), seed=self.seed, weights=self.weights)

    def labels(self, indices: Tensor) -> Tensor | None:
        """Return the classes that samples are drawn of."""
        return self.model.sample_labels(indices.tolist(), seed=self.seed)

    def codes(self, indices: Tensor) -> Tensor | None:
        """Return the classes, or the categorical codes, that samples are drawn of."""
        return self.model.sample_codes(indices.tolist(), seed=self.seed)

    def facts(self) -> dict[str, Any]:
        """Return which statistics batch norm takes, where there is a choice."""
        chosen = self.model.statistics
        return {} if chosen is None else {"batch_norm": chosen.name}

    def path(self, indices: Tensor, *, epsilon: float) -> tuple[Tensor, Tensor]:
        """Return the samples, and those a step toward another draw of latents away; see ``GeneratorSampler``."""
        rows = indices.tolist()
        start = self.model.inputs(rows, seed=self.seed)
        other = self.model.inputs(rows, seed=mix(self.seed, _PATH_STREAM)).latents
        end = replace(start, latents=torch.lerp(start.latents, other, epsilon))
        first, second = (self.model.render(inputs, weights=self.weights) for inputs in (start, end))
        return first, second
