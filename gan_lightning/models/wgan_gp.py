"""WGAN-GP (Gulrajani 2017, arXiv 1704.00028)."""

from __future__ import annotations

from gan_lightning import regularizers
from gan_lightning.models.adversarial import AdversarialModule


class WGANGP(AdversarialModule):
    """A critic held to gradients of norm one between real and generated samples: algorithm 1 of the paper.

    The critic may not have batch normalization, under which the gradient at one sample depends on the others: the
    penalty refuses it.
    """

    def check_parts(self) -> None:
        """Refuse a critic without the penalty that the name stands for.

        Raises:
            ValueError: if no gradient penalty is among the regularizers.
        """
        super().check_parts()
        if not any(isinstance(penalty, regularizers.WGANGP) for penalty in self.regularizers.values()):
            raise ValueError(
                "model.regularizers must hold a gan_lightning.regularizers.WGANGP, the penalty that defines WGAN-GP"
            )
