"""StyleGAN2 (Karras 2020, arXiv 1912.04958) and StyleGAN2-ADA (Karras 2020, arXiv 2006.06676)."""

from __future__ import annotations

from gan_lightning.models.class_conditional import ClassConditional
from gan_lightning.models.compatibility import require_network
from gan_lightning.networks import StyleGAN2Generator


class StyleGAN2(ClassConditional):
    """Images from styles, one for each layer, that a network makes of the latents.

    The generator moves first. Path length regularization and R1 are updates of their own after every few of the
    generator's and of the discriminator's (section 3.2), so that Adam's rate and betas are corrected for one more
    update in k: ``lr k / (k + 1)`` and ``beta ** (k / (k + 1))``. Truncation acts on styles: psi draws them toward
    their mean. With networks that take labels the model is class-conditional; samples of an update carry the labels
    of its real batch, where the authors draw others from the same distribution.
    """

    classes_optional = True

    def check_parts(self) -> None:
        """Refuse a generator without styles.

        Raises:
            ValueError: naming it.
        """
        super().check_parts()
        require_network("generator", self.generator, StyleGAN2Generator)
