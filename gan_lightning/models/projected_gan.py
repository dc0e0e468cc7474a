"""Projected GAN (Sauer 2021, arXiv 2111.01007)."""

from __future__ import annotations

from gan_lightning.data.base import RealDataModule
from gan_lightning.models.class_conditional import ClassConditional
from gan_lightning.models.compatibility import require_network
from gan_lightning.networks import ProjectedDiscriminator


class ProjectedGAN(ClassConditional):
    """Discriminators that see images through a frozen, pretrained network.

    Each D_l judges a random, fixed mixture P_l of the network's feature maps: ``min_G max_D sum_l E[log D_l(P_l(x))] +
    E[log(1 - D_l(P_l(G(z))))]`` (equation 4), with the hinge in place of the logarithms, and the mean over all
    logits. The generator moves first. Checkpoints hold the mixture but not the frozen network, whose weights
    are loaded when a run begins; sampling from a trained generator needs none.

    With networks that take labels the model is class-conditional; samples of an update carry the labels of its real
    batch, where the authors draw others from the same distribution.
    """

    classes_optional = True
    discriminator: ProjectedDiscriminator

    def check_parts(self) -> None:
        """Refuse a discriminator without a frozen network.

        Raises:
            ValueError: naming it.
        """
        require_network("discriminator", self.discriminator, ProjectedDiscriminator)
        super().check_parts()

    def check_data(self, data: RealDataModule) -> None:
        """Refuse data of another shape, and look for the frozen network.

        Raises:
            ValueError: naming the reason.
        """
        super().check_data(data)
        try:
            self.discriminator.backbone.check()
        except ValueError as error:
            raise ValueError(f"model.discriminator.backbone: {error}") from error

    def on_fit_start(self) -> None:
        """Load the frozen network."""
        super().on_fit_start()
        self.discriminator.frozen.prepare(next(self.discriminator.parameters()))
