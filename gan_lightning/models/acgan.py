"""ACGAN (Odena 2016, arXiv 1610.09585)."""

from __future__ import annotations

from typing import Unpack

import torch.nn.functional as F
from torch import Tensor, nn

from gan_lightning.core.schedules import Scalar
from gan_lightning.data.batch import Batch
from gan_lightning.models.adversarial import Parts
from gan_lightning.models.class_conditional import ClassConditional
from gan_lightning.models.compatibility import check_features, check_weights
from gan_lightning.models.outputs import DiscriminatorOutput, GeneratedBatch


class ACGAN(ClassConditional):
    """The discriminator is not told the class but has to name it, of real and generated samples.

    Equations 2 and 3 of the paper: D maximizes L_S + L_C and G maximizes L_C - L_S, L_C being the log-likelihood
    of the class by a linear head on D's features.

    Args:
        class_weight_discriminator: factor of the cross-entropy in D's loss.
        class_weight_generator: factor of the cross-entropy in G's loss.
        classify_fakes: whether D learns the class of generated samples too, as the paper has it.
        **parts: as in ``AdversarialModule``.

    Raises:
        ValueError: for a negative weight, or parts that do not fit together.
    """

    judges_labels = False

    def __init__(
        self,
        *,
        class_weight_discriminator: Scalar = 1.0,
        class_weight_generator: Scalar = 1.0,
        classify_fakes: bool = True,
        **parts: Unpack[Parts],
    ) -> None:
        check_weights(
            {
                "class_weight_discriminator": class_weight_discriminator,
                "class_weight_generator": class_weight_generator,
            }
        )
        super().__init__(**parts)
        self.class_weight_discriminator = class_weight_discriminator
        self.class_weight_generator = class_weight_generator
        self.classify_fakes = classify_fakes
        assert self.classes is not None
        self.classifier = nn.Linear(self.discriminator.feature_dim, self.classes)

    def check_parts(self) -> None:
        """Refuse a discriminator that the classifier cannot read sample by sample.

        Raises:
            ValueError: naming the discriminator.
        """
        super().check_parts()
        check_features(self.discriminator, reads="ACGAN's class")

    def player_modules(self, player: str) -> tuple[nn.Module, ...]:
        """Train the classifier with the discriminator."""
        return (self.generator,) if player == "generator" else (self.discriminator, self.classifier)

    def discriminator_condition(self, batch: Batch) -> Tensor | None:
        """Return None: the discriminator does not see the label."""
        return None

    def discriminator_terms(
        self, batch: Batch, fakes: GeneratedBatch, real: DiscriminatorOutput, fake: DiscriminatorOutput
    ) -> dict[str, Tensor]:
        """Add the cross-entropy of the classes."""
        terms = super().discriminator_terms(batch, fakes, real, fake)
        labels, weight = self.labels_of(batch), self.scalar(self.class_weight_discriminator)
        terms["class_real"] = weight * F.cross_entropy(self.classifier(real.features).float(), labels)
        if self.classify_fakes:
            terms["class_fake"] = weight * F.cross_entropy(self.classifier(fake.features).float(), labels)
        return terms

    def generator_terms(self, batch: Batch, fakes: GeneratedBatch, fake: DiscriminatorOutput) -> dict[str, Tensor]:
        """Add the cross-entropy of the classes asked for."""
        terms = super().generator_terms(batch, fakes, fake)
        logits = self.classifier(fake.features).float()
        terms["class"] = self.scalar(self.class_weight_generator) * F.cross_entropy(logits, self.labels_of(batch))
        return terms
