"""BigGAN and BigGAN-deep (Brock 2018, arXiv 1809.11096)."""

from __future__ import annotations

import torch
from torch import Tensor

from gan_lightning.core.running_statistics import batch_norm_layers
from gan_lightning.models.class_conditional import ClassConditional
from gan_lightning.models.outputs import DiscriminatorOutput, GeneratedBatch


class BigGAN(ClassConditional):
    """Large batches and wide networks whose latents and class vectors reach every block of the generator.

    The discriminator judges generated and real samples in one forward pass, as the released code has it, so that
    spectral norm makes one power iteration for each of its updates. What else makes a BigGAN is in its parts: the
    hinge loss, orthogonal initialization and orthogonal regularization of the generator (equation 3), standing
    statistics of batch norm, truncated latents when sampling. With networks that take labels the model is
    class-conditional; samples of an update carry the labels of its real batch, where the authors draw others.
    """

    classes_optional = True

    def check_parts(self) -> None:
        """Refuse a discriminator whose logits depend on what else is in the forward pass.

        Raises:
            ValueError: naming it.
        """
        super().check_parts()
        if self.discriminator.samples_per_logit > 1 or batch_norm_layers(self.discriminator):
            raise ValueError(
                f"model.discriminator: {type(self.discriminator).__name__} judges a sample together with others, by "
                f"batch norm or packs, but {type(self).__name__} shows it generated and real samples in one batch"
            )

    def discriminate_both(
        self, images: Tensor, fakes: GeneratedBatch, condition: Tensor | None
    ) -> tuple[DiscriminatorOutput, DiscriminatorOutput]:
        """Show generated and real samples to the discriminator in one batch."""
        twice = None if condition is None else torch.cat([condition, condition])
        both = self.discriminate(torch.cat([fakes.images, images]), twice)
        logits, features, shown = (half.chunk(2) for half in (both.logits, both.features, both.shown))
        fake, real = map(DiscriminatorOutput, logits, features, shown)
        return real, fake
