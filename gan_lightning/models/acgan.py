"""ACGAN (Odena 2016, arXiv 1610.09585)."""

from __future__ import annotations

from collections.abc import Mapping

import torch.nn.functional as F
from torch import Tensor, nn

from gan_lightning.augment.base import Augmentation
from gan_lightning.data.batch import Batch
from gan_lightning.losses import NonSaturating
from gan_lightning.losses.base import AdversarialLoss
from gan_lightning.models.heads import check_features
from gan_lightning.models.labels import LabelConditional
from gan_lightning.models.priors import Prior
from gan_lightning.models.turns import Fakes, Judgement
from gan_lightning.models.two_player import OptimizerFactory
from gan_lightning.models.update_rule import UpdateRule
from gan_lightning.networks import ConditionalDCGANGenerator, DCGANDiscriminator
from gan_lightning.networks.base import Discriminator, Generator
from gan_lightning.regularizers.base import Regularizer
from gan_lightning.regularizers.stabilizer import Stabilizer


class ACGAN(LabelConditional):
    """The discriminator is not told the class but has to name it, of real and generated samples.

    Equations 2 and 3 of the paper: D maximises L_S + L_C and G maximises L_C - L_S, L_C being the log-likelihood
    of the class by a linear head on D's features.

    Args:
        generator: as in ``AdversarialModule``, and so on to ``stabilizers``.
        discriminator: likewise.
        loss: likewise.
        generator_optimizer: likewise.
        discriminator_optimizer: likewise.
        prior: likewise.
        updates: likewise.
        regularizers: likewise.
        augment: likewise.
        stabilizers: likewise.
        class_weight_discriminator: factor of the cross-entropy in D's loss.
        class_weight_generator: factor of the cross-entropy in G's loss.
        classify_fakes: whether D learns the class of generated samples too, as the paper has it.

    Raises:
        ValueError: for a negative weight, or parts that do not fit together.
    """

    judges_labels = False

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
        class_weight_discriminator: float = 1.0,
        class_weight_generator: float = 1.0,
        classify_fakes: bool = True,
    ) -> None:
        for key, weight in (("discriminator", class_weight_discriminator), ("generator", class_weight_generator)):
            if weight < 0:
                raise ValueError(f"model.class_weight_{key} must be at least 0, got {weight}")
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
        self.class_weight_discriminator = class_weight_discriminator
        self.class_weight_generator = class_weight_generator
        self.classify_fakes = classify_fakes
        assert self.classes is not None
        self.classifier = nn.Linear(self.discriminator.feature_dim, self.classes)

    def default_generator(self) -> Generator:
        """Return DCGAN's generator with a label, for 64x64 RGB images."""
        return ConditionalDCGANGenerator()

    def default_discriminator(self) -> Discriminator:
        """Return DCGAN's discriminator for 64x64 RGB images."""
        return DCGANDiscriminator()

    def default_loss(self) -> AdversarialLoss:
        """Return the non-saturating loss."""
        return NonSaturating()

    def check_parts(self) -> None:
        """Refuse a discriminator that the classifier cannot read sample by sample.

        Raises:
            ValueError: naming the discriminator.
        """
        super().check_parts()
        check_features(self.discriminator, reads="ACGAN's class")

    def player_modules(self, player: str) -> list[nn.Module]:
        """Train the classifier with the discriminator."""
        return [self.generator] if player == "generator" else [self.discriminator, self.classifier]

    def discriminator_condition(self, batch: Batch) -> Tensor | None:
        """Return None: the discriminator does not see the label."""
        return None

    def discriminator_terms(self, batch: Batch, fakes: Fakes, real: Judgement, fake: Judgement) -> dict[str, Tensor]:
        """Add the cross-entropy of the classes."""
        terms = super().discriminator_terms(batch, fakes, real, fake)
        labels, weight = self.labels_of(batch), self.class_weight_discriminator
        terms["class_real"] = weight * F.cross_entropy(self.classifier(real.features).float(), labels)
        if self.classify_fakes:
            terms["class_fake"] = weight * F.cross_entropy(self.classifier(fake.features).float(), labels)
        return terms

    def generator_terms(self, batch: Batch, fakes: Fakes, fake: Judgement) -> dict[str, Tensor]:
        """Add the cross-entropy of the classes asked for."""
        terms = super().generator_terms(batch, fakes, fake)
        logits = self.classifier(fake.features).float()
        terms["class"] = self.class_weight_generator * F.cross_entropy(logits, self.labels_of(batch))
        return terms
