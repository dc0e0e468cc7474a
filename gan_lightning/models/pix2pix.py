"""pix2pix (Isola 2016, arXiv 1611.07004)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Unpack

import torch
import torch.nn.functional as F
from torch import Tensor

from gan_lightning.core.determinism import undisturbed_rng
from gan_lightning.core.schedules import Scalar
from gan_lightning.core.seeding import mix
from gan_lightning.data.batch import Batch
from gan_lightning.models.adversarial import Parts
from gan_lightning.models.compatibility import check_weights
from gan_lightning.models.image_to_image import ImageToImage
from gan_lightning.models.outputs import DiscriminatorOutput, GeneratedBatch
from gan_lightning.networks.norms import as_in_training
from gan_lightning.networks.translator import Translator
from gan_lightning.regularizers import FeatureMatching, Replay


class Pix2Pix(ImageToImage):
    """A conditional GAN on pairs of images: the discriminator sees source and translation laid over one another.

    ``G* = arg min_G max_D L_cGAN(G, D) + lambda L_L1(G)``, equation 4, with lambda = 100 and D's objective halved
    (section 3.3). Dropout in G is the only noise, in training and when sampling.

    Args:
        l1_weight: lambda, of the mean absolute difference to the target in units of [-1, 1].
        adversarial_weight: factor of the adversarial term in G's loss; 0 is the paper's ablation "L1".
        discriminator_weight: factor of D's loss.
        test_dropout: whether dropout stays on when sampling, as in the paper.
        test_norm: when sampling, batch norm takes the statistics of each single "image", as the paper does after
            training with batches of one; or the "running" ones, for larger batches.
        **parts: as in ``AdversarialModule``; the discriminator and the augmentation are given source and image as one
            stack of channels, and the prior is not used.

    Raises:
        ValueError: for a negative weight, another ``test_norm``, or parts that do not fit together.
    """

    def __init__(
        self,
        *,
        l1_weight: Scalar = 100.0,
        adversarial_weight: Scalar = 1.0,
        discriminator_weight: Scalar = 0.5,
        test_dropout: bool = True,
        test_norm: Literal["image", "running"] = "image",
        **parts: Unpack[Parts],
    ) -> None:
        check_weights(
            {
                "l1_weight": l1_weight,
                "adversarial_weight": adversarial_weight,
                "discriminator_weight": discriminator_weight,
            }
        )
        if test_norm not in ("image", "running"):
            raise ValueError(f"model.test_norm must be 'image' or 'running', got {test_norm!r}")
        super().__init__(**parts)
        self.l1_weight = l1_weight
        self.adversarial_weight = adversarial_weight
        self.discriminator_weight = discriminator_weight
        self.test_dropout = test_dropout
        self.test_norm = test_norm

    def check_parts(self) -> None:
        """Refuse techniques that show the discriminator images without their sources, or with other images' sources.

        Raises:
            ValueError: naming the part and the reason.
        """
        super().check_parts()
        for name, stabilizer in self.stabilizers.items():
            if isinstance(stabilizer, Replay | FeatureMatching):
                raise ValueError(
                    f"model.stabilizers.{name}: {type(stabilizer).__name__} does not fit Pix2Pix, whose discriminator "
                    "judges images together with their sources"
                )

    def shown_shape(self) -> tuple[int, ...]:
        """Return the shape of source and image stacked by channels."""
        assert isinstance(self.generator, Translator)
        channels, *size = self.generator.sample_shape
        return (self.generator.source_shape[0] + channels, *size)

    def discriminator_condition(self, batch: Batch) -> Tensor | None:
        """Return the source images."""
        return self.source_of(batch)

    def discriminate(
        self, images: Tensor, condition: Tensor | None, *, views: tuple[Tensor, ...] = ()
    ) -> DiscriminatorOutput:
        """Show ``images`` to the discriminator, laid over their sources; an augmentation acts on both alike."""
        assert condition is not None
        return super().discriminate(torch.cat([condition.to(images.dtype), images], dim=1), None, views=views)

    def discriminator_terms(
        self, batch: Batch, fakes: GeneratedBatch, real: DiscriminatorOutput, fake: DiscriminatorOutput
    ) -> dict[str, Tensor]:
        """Scale the adversarial term, "which slows down the rate at which D learns relative to G"."""
        terms = super().discriminator_terms(batch, fakes, real, fake)
        return {name: self.scalar(self.discriminator_weight) * term for name, term in terms.items()}

    def generator_terms(self, batch: Batch, fakes: GeneratedBatch, fake: DiscriminatorOutput) -> dict[str, Tensor]:
        """Add the L1 distance to the target."""
        terms = super().generator_terms(batch, fakes, fake)
        terms["adversarial"] = self.scalar(self.adversarial_weight) * terms["adversarial"]
        terms["l1"] = self.scalar(self.l1_weight) * F.l1_loss(fakes.images.float(), batch.images.float())
        return terms

    def run_translator(self, network: Translator, images: Tensor, indices: Sequence[int], seed: int) -> Tensor:
        """Translate image by image where there is noise or batch norm by image, so that no image sees another."""
        alone = self.test_norm == "image"
        if not (alone or self.test_dropout):
            return super().run_translator(network, images, indices, seed)
        results = []
        with undisturbed_rng(images.device), as_in_training(network, dropout=self.test_dropout, image_statistics=alone):
            for image, index in zip(images.split(1), indices, strict=True):
                torch.manual_seed(mix(seed, index))
                results.append(network.translate(image))
        return torch.cat(results)
