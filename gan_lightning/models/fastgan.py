"""FastGAN (Liu 2021, arXiv 2101.04775)."""

from __future__ import annotations

from typing import Unpack

import torch
import torch.nn.functional as F
from torch import Tensor

from gan_lightning.core.schedules import Scalar
from gan_lightning.data.base import RealDataModule
from gan_lightning.data.batch import Batch
from gan_lightning.models.adversarial import AdversarialModule, Parts
from gan_lightning.models.compatibility import check_weights, require_network
from gan_lightning.models.feature_loss import FeatureLoss
from gan_lightning.models.outputs import DiscriminatorOutput, GeneratedBatch
from gan_lightning.networks import FastGANDiscriminator, FastGANGenerator


class FastGAN(AdversarialModule):
    """A discriminator that judges images in two sizes, and must keep of real ones what it takes to decode them.

    To the hinge loss the discriminator adds, for real images x as it saw them, ``sum_k E[d(G_k(f_k(x)), T_k(x))]``
    (equation 4): decoders G_k of three of its feature maps, T_k the image, the image and a random quarter of it, each
    at 128x128, d the feature loss. Generated images are augmented once, in each size on its own, and both players
    learn from them.

    Args:
        feature_loss: d.
        reconstruction_weight: factor of the mean of d over the batch; the authors' sum over batches of 8 is 8.
        **parts: as in ``AdversarialModule``.

    Raises:
        ValueError: for a negative weight, or parts that do not fit together.
    """

    generator: FastGANGenerator
    discriminator: FastGANDiscriminator

    def __init__(
        self, *, feature_loss: FeatureLoss, reconstruction_weight: Scalar = 8.0, **parts: Unpack[Parts]
    ) -> None:
        check_weights({"reconstruction_weight": reconstruction_weight})
        super().__init__(**parts)
        self.feature_loss = feature_loss
        self.reconstruction_weight = reconstruction_weight

    def check_parts(self) -> None:
        """Refuse networks that do not make and judge two sizes.

        Raises:
            ValueError: naming the network.
        """
        require_network("generator", self.generator, FastGANGenerator)
        require_network("discriminator", self.discriminator, FastGANDiscriminator)
        super().check_parts()

    def check_data(self, data: RealDataModule) -> None:
        """Refuse data of another shape, and look for what the feature loss needs.

        Raises:
            ValueError: naming the reason.
        """
        super().check_data(data)
        try:
            self.feature_loss.check()
        except ValueError as error:
            raise ValueError(f"model.feature_loss: {error}") from error

    def on_fit_start(self) -> None:
        """Load what the feature loss needs."""
        super().on_fit_start()
        self.feature_loss.prepare(self.device)

    def make_fakes(self, batch: Batch) -> GeneratedBatch:
        """Generate images and their small views, and augment both."""
        latents, condition = self.draw_inputs(batch)
        images, small = self.generator.views(latents)
        return GeneratedBatch(self.shown(images), latents, condition, (self.shown(small),))

    def discriminate(
        self, images: Tensor, condition: Tensor | None, *, views: tuple[Tensor, ...] = ()
    ) -> DiscriminatorOutput:
        """Show augmented images to the discriminator; those that come with their small view are augmented already."""
        shown = images if views else self.shown(images)
        features = self.discriminator.features(shown, *views)
        return DiscriminatorOutput(self.discriminator.head(features), features, shown)

    def discriminator_terms(
        self, batch: Batch, fakes: GeneratedBatch, real: DiscriminatorOutput, fake: DiscriminatorOutput
    ) -> dict[str, Tensor]:
        """Add the distance of what is decoded of real images."""
        quadrant = int(torch.randint(4, ()))
        decoded = self.discriminator.reconstruct(real.features, quadrant=quadrant)
        height, width = (side // 2 for side in real.shown.shape[-2:])
        row, column = divmod(quadrant, 2)
        quarter = real.shown[..., row * height : (row + 1) * height, column * width : (column + 1) * width]
        pairs = ((decoded.image, real.shown), (decoded.small, real.shown), (decoded.quadrant, quarter))
        distances = [self.feature_loss(made, F.interpolate(of, size=made.shape[-2:])).mean() for made, of in pairs]
        terms = super().discriminator_terms(batch, fakes, real, fake)
        return terms | {"reconstruction": self.scalar(self.reconstruction_weight) * torch.stack(distances).sum()}
