"""What an image-to-image model adds to the base class: a source image in the generator, and translating pictures."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from gan_lightning.data.base import RealDataModule
from gan_lightning.data.batch import Batch, as_batch
from gan_lightning.data.domains import TranslationImages, TranslationModule, images_at
from gan_lightning.data.images import EvaluationImages, EvaluationSet
from gan_lightning.metrics.translation import TranslationSampler
from gan_lightning.models.adversarial import AdversarialModule
from gan_lightning.models.blocks import block_size, in_blocks
from gan_lightning.models.sampling import Weights
from gan_lightning.networks.translator import Translator

NO_SOURCES = (
    "{} translates images, and the data have no source images: choose data of pairs or of two domains (data=pairs, "
    "data=unpaired, data=photo_edges, ...)"
)


class ImageToImage(AdversarialModule):
    """A model whose generator is given a source image instead of latent vectors.

    Sample i is the translation of source image i of ``sources``, again from the first when they run out.

    Attributes:
        sources: source images to sample from; a fit sets it to those of the data module's held-out part, or of the
            training part where nothing is held out.
        goes_back: whether the model also translates from the target domain to the source domain.
    """

    sources: EvaluationImages | None = None
    goes_back: bool = False

    def check_parts(self) -> None:
        """Refuse a generator that takes no images.

        Raises:
            ValueError: naming the part and the reason.
        """
        if not isinstance(self.generator, Translator):
            raise ValueError(
                f"{type(self).__name__} needs a generator that translates images (UNetGenerator, ResNetTranslator), "
                f"model.generator is a {type(self.generator).__name__}"
            )
        if self.statistics is not None:
            raise ValueError(
                f"model.statistics = {self.statistics.name}: they apply to generators of latent vectors, but "
                f"{type(self).__name__} translates images"
            )
        super().check_parts()

    def check_data(self, data: RealDataModule) -> None:
        """Refuse data without source images, or of other shapes.

        Raises:
            ValueError: naming data that have some.
        """
        if not isinstance(data, TranslationModule):
            raise ValueError(f"data: {NO_SOURCES.format(type(self).__name__)}")
        super().check_data(data)

    def on_fit_start(self) -> None:
        """Take over the source images to sample from."""
        super().on_fit_start()
        data = self.trainer.datamodule  # type: ignore[attr-defined]
        if isinstance(data, TranslationModule):
            self.sources = data.evaluation_images(data.heldout_split or "train").sources

    def source_of(self, batch: Batch) -> Tensor:
        """Return the source images of ``batch``.

        Raises:
            ValueError: if it has none.
        """
        if batch.source is None:
            raise ValueError(NO_SOURCES.format(type(self).__name__))
        return batch.source

    def generator_condition(self, batch: Batch) -> Tensor | None:
        """Return the source images."""
        return self.source_of(batch)

    def forward(self, source: Tensor) -> Tensor:  # type: ignore[override]  # what is given to a translator
        """Translate images with the averaged generator, where there is one, in its present mode.

        Args:
            source: float ``(N, C', H, W)`` in [-1, 1].

        Returns:
            ``(N, C, H, W)`` in [-1, 1].
        """
        network = self.translator(self.default_weights)
        return network.translate(source)

    def predict_step(self, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> Tensor:
        """Translate the images of a loader, for ``Trainer.predict``, in evaluation mode.

        Args:
            batch: anything ``as_batch`` accepts; what is translated is its ``source``, or its images where it has none:
                float32 ``(N, C', H, W)`` in [-1, 1].
            batch_idx: Lightning's; not used.
            dataloader_idx: likewise.

        Returns:
            float32 ``(N, C, H, W)`` in [-1, 1].
        """
        batch = as_batch(batch)
        return self.translate(batch.images if batch.source is None else batch.source, seed=self.updates.seed)

    # Sampling. -------------------------------------------------------------------------------------------

    def translator(self, weights: Weights, *, back: bool = False) -> Translator:
        """Return the network that translates sources, or, if the model has one, the way ``back``.

        Raises:
            ValueError: if there is no such network, or the model keeps no average.
        """
        if back:
            raise ValueError(f"{type(self).__name__} translates in one direction only")
        network = self.network(weights)
        assert isinstance(network, Translator)
        return network

    def run_translator(self, network: Translator, images: Tensor, indices: Sequence[int], seed: int) -> Tensor:
        """Translate images with a network in evaluation mode; ``seed`` and ``indices`` say what noise they get.

        A translation is the same to the bit whatever it is computed with; see ``in_blocks``.
        """
        return in_blocks(network.translate, images, rows=block_size(images.shape[1:]))

    @torch.no_grad()
    def translate(
        self,
        images: Tensor,
        *,
        weights: Weights | None = None,
        back: bool = False,
        seed: int = 0,
        indices: Sequence[int] | None = None,
    ) -> Tensor:
        """Translate images in evaluation mode, in float32, touching no random state.

        Args:
            images: float ``(N, C', H, W)`` in [-1, 1], of any size that the network takes.
            weights: averaged or raw generator; None: averaged where there is one.
            back: from the target domain to the source domain.
            seed: with an index, what the noise of an image is a function of.
            indices: indices of the images; None: 0 to N - 1.

        Returns:
            float32 ``(N, C, H, W)`` in [-1, 1] on the generator's device.

        Raises:
            ValueError: for images that the network does not take.
        """
        network = self.translator(weights or self.default_weights, back=back)
        network.check_images(images)
        device = next(network.parameters()).device
        was_training = network.training
        network.eval()
        try:
            with torch.autocast(device.type, enabled=False):
                chosen = range(len(images)) if indices is None else indices
                return self.run_translator(network, images.to(device).float(), chosen, seed).float()
        finally:
            network.train(was_training)

    def sample_condition(self, indices: Sequence[int], *, seed: int, labels: Tensor | None) -> Tensor | None:
        """Return the source images of samples ``indices``.

        Raises:
            ValueError: without ``sources``, or if labels are asked for.
        """
        super().sample_condition(indices, seed=seed, labels=labels)
        if self.sources is None:
            raise ValueError(
                "this model translates images: gan-sample mode=translation mode.source=FOLDER does, or in Python "
                "`translate`; `sample` needs its `sources` set"
            )
        return images_at(self.sources, indices)

    @torch.no_grad()
    def sample_indices(
        self,
        indices: Sequence[int],
        *,
        seed: int,
        weights: Weights = "ema",
        labels: Tensor | None = None,
        truncation: float | None = None,
    ) -> Tensor:
        """Translate source images ``indices`` of ``sources``; see ``Sampling.sample_indices``."""
        images = self.sample_condition(indices, seed=seed, labels=labels)
        assert images is not None
        return self.translate(images, weights=weights, seed=seed, indices=indices)

    def sampler(self, real: EvaluationSet, *, seed: int, weights: Weights) -> TranslationSampler:
        """Return what an evaluator calls: the translations of the sources that belong to ``real``.

        Raises:
            ValueError: if ``real`` has no source images.
        """
        if not isinstance(real, TranslationImages):
            raise ValueError(
                f"{type(self).__name__} translates, and the images of {real.name} come without sources to translate: "
                "score it on the data it was trained on, or give the translations of a folder "
                "(gan-sample mode=translation) as generated=<folder>"
            )

        def translated(images: EvaluationImages, indices: Tensor, *, back: bool) -> Tensor:
            rows = indices.tolist()
            return self.translate(images_at(images, rows), weights=weights, back=back, seed=seed, indices=rows)

        return TranslationSampler(
            forth=partial(translated, real.sources, back=False),
            back=partial(translated, real.targets, back=True) if self.goes_back else None,
        )

    def showcase(self, source: Tensor, target: Tensor, *, weights: Weights, seed: int) -> list[Tensor]:
        """Return what a row of the sample picture shows: input, output and target, each float ``(N, C, H, W)``.

        Args:
            source: float32 ``(N, C', H, W)`` in [-1, 1].
            target: float32 ``(N, C, H, W)`` in [-1, 1]; of a pair, or any image of the domain.
            weights: averaged or raw generator.
            seed: seed of the noise.
        """
        return [source, self.translate(source, weights=weights, seed=seed), target]
