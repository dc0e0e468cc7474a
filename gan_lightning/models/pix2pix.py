"""pix2pix (Isola 2016, arXiv 1611.07004)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from gan_lightning.augment.base import Augmentation
from gan_lightning.core.determinism import undisturbed_rng
from gan_lightning.core.seeding import mix
from gan_lightning.data.batch import Batch
from gan_lightning.losses import NonSaturating
from gan_lightning.losses.base import AdversarialLoss
from gan_lightning.models.priors import Prior
from gan_lightning.models.sources import SourceConditional
from gan_lightning.models.turns import Fakes, Judgement
from gan_lightning.models.two_player import OptimizerFactory
from gan_lightning.models.update_rule import UpdateRule
from gan_lightning.networks import PatchDiscriminator, UNetGenerator
from gan_lightning.networks.base import Discriminator, Generator
from gan_lightning.networks.norms import as_in_training
from gan_lightning.networks.translator import Translator
from gan_lightning.regularizers import FeatureMatching, Replay
from gan_lightning.regularizers.base import Regularizer
from gan_lightning.regularizers.stabilizer import Stabilizer


class Pix2Pix(SourceConditional):
    """A conditional GAN on pairs of images: the discriminator sees source and translation laid over one another.

    ``G* = arg min_G max_D L_cGAN(G, D) + lambda L_L1(G)``, equation 4, with lambda = 100 and D's objective halved
    (section 3.3). Dropout in G is the only noise, in training and when sampling. The defaults are U-Net-256 with
    batch norm (54,413,955 parameters), the 70x70 PatchGAN (2,768,705), Adam with rate 2e-4 and betas (0.5, 0.999),
    and no average; the learning rate's decay, which needs the run's budget, is in ``conf/model/pix2pix.yaml``.

    Args:
        generator: source images to images; see ``AdversarialModule``, as all that follow.
        discriminator: of ``source channels + channels``.
        loss: likewise.
        generator_optimizer: likewise.
        discriminator_optimizer: likewise.
        prior: likewise; there are no latent vectors to draw.
        updates: likewise.
        regularizers: likewise.
        augment: likewise; it is given source and image as one stack of channels.
        stabilizers: likewise.
        l1_weight: lambda, of the mean absolute difference to the target in units of [-1, 1].
        adversarial_weight: factor of the adversarial term in G's loss; 0 is the paper's ablation "L1".
        discriminator_weight: factor of D's loss.
        test_dropout: whether dropout stays on when sampling, as in the paper.
        test_norm: when sampling, batch norm takes the statistics of each single "image", as the paper does after
            training with batches of one; or the "running" ones, for larger batches.

    Raises:
        ValueError: for a negative weight, another ``test_norm``, or parts that do not fit together.
    """

    def __init__(
        self,
        *,
        generator: Generator | None = None,
        discriminator: Discriminator | None = None,
        loss: AdversarialLoss | None = None,
        generator_optimizer: OptimizerFactory | None = None,
        discriminator_optimizer: OptimizerFactory | None = None,
        prior: Prior | None = None,
        updates: UpdateRule | None = None,
        regularizers: Mapping[str, Regularizer] | None = None,
        augment: Augmentation | None = None,
        stabilizers: Mapping[str, Stabilizer] | None = None,
        l1_weight: float = 100.0,
        adversarial_weight: float = 1.0,
        discriminator_weight: float = 0.5,
        test_dropout: bool = True,
        test_norm: Literal["image", "running"] = "image",
    ) -> None:
        weights = {"l1": l1_weight, "adversarial": adversarial_weight, "discriminator": discriminator_weight}
        for key, weight in weights.items():
            if weight < 0:
                raise ValueError(f"model.{key}_weight must be at least 0, got {weight}")
        if test_norm not in ("image", "running"):
            raise ValueError(f"model.test_norm must be 'image' or 'running', got {test_norm!r}")
        super().__init__(
            generator=generator,
            discriminator=discriminator,
            loss=loss,
            generator_optimizer=generator_optimizer,
            discriminator_optimizer=discriminator_optimizer,
            prior=prior,
            updates=updates,
            regularizers=regularizers,
            augment=augment,
            stabilizers=stabilizers,
        )
        self.l1_weight = l1_weight
        self.adversarial_weight = adversarial_weight
        self.discriminator_weight = discriminator_weight
        self.test_dropout = test_dropout
        self.test_norm = test_norm

    def default_generator(self) -> Generator:
        """Return U-Net-256."""
        return UNetGenerator()

    def default_discriminator(self) -> Discriminator:
        """Return the 70x70 PatchGAN on pairs."""
        return PatchDiscriminator(source_channels=3)

    def default_loss(self) -> AdversarialLoss:
        """Return the non-saturating loss."""
        return NonSaturating()

    def default_updates(self) -> UpdateRule:
        """Return simultaneous updates without an average."""
        return UpdateRule(ema_halflife_kimg=None)

    def check_parts(self) -> None:
        """Refuse techniques that show the discriminator images without their sources, or with those of others.

        Raises:
            ValueError: naming the part and the reason.
        """
        super().check_parts()
        for name, stabilizer in self._techniques.items():
            if isinstance(stabilizer, Replay | FeatureMatching):
                raise ValueError(
                    f"model.stabilizers.{name}: {type(stabilizer).__name__} does not fit Pix2Pix, whose discriminator "
                    "judges images together with their sources"
                )

    def shown_shape(self) -> tuple[int, ...]:
        """Shape of source and image laid over one another."""
        assert isinstance(self.generator, Translator)
        channels, *size = self.generator.sample_shape
        return (self.generator.source_shape[0] + channels, *size)

    def discriminator_condition(self, batch: Batch) -> Tensor | None:
        """Return the source images."""
        return self.source_of(batch)

    def judge(self, images: Tensor, condition: Tensor | None) -> Judgement:
        """Show ``images`` to the discriminator, laid over their sources; an augmentation acts on both alike."""
        assert condition is not None
        return super().judge(torch.cat([condition.to(images.dtype), images], dim=1), None)

    def discriminator_terms(self, batch: Batch, fakes: Fakes, real: Judgement, fake: Judgement) -> dict[str, Tensor]:
        """Scale the adversarial term, "which slows down the rate at which D learns relative to G"."""
        terms = super().discriminator_terms(batch, fakes, real, fake)
        return {name: self.discriminator_weight * term for name, term in terms.items()}

    def generator_terms(self, batch: Batch, fakes: Fakes, fake: Judgement) -> dict[str, Tensor]:
        """Add the L1 distance to the target."""
        terms = super().generator_terms(batch, fakes, fake)
        terms["adversarial"] = self.adversarial_weight * terms["adversarial"]
        terms["l1"] = self.l1_weight * F.l1_loss(fakes.images.float(), batch.images.float())
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
