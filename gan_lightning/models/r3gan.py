"""R3GAN (Huang 2024, arXiv 2501.05441)."""

from __future__ import annotations

from gan_lightning.models.class_conditional import ClassConditional
from gan_lightning.regularizers import R1, R2


class R3GAN(ClassConditional):
    """A relativistic loss on pairs, and zero-centered gradient penalties on real and on generated samples.

    ``min_G max_D E[f(D(G(z)) - D(x))] + gamma/2 (E||grad D(x)||^2 + E||grad D(G(z))||^2)`` with f(t) = -log(1 + e^-t):
    equation 3 of the paper with R1 and R2. Each player is shown real images of its own, and both penalties
    differentiate the forward pass of the adversarial term. With networks that take labels the model is
    class-conditional.
    """

    classes_optional = True

    def check_parts(self) -> None:
        """Refuse a loss that compares nothing, and a discriminator without both penalties.

        Raises:
            ValueError: naming the part.
        """
        super().check_parts()
        if not self.loss.relativistic:
            raise ValueError(
                f"model.loss: R3GAN compares each generated sample with a real one, which {type(self.loss).__name__} "
                "does not; choose model/loss=relativistic_pairing"
            )
        for kind in (R1, R2):
            if not any(isinstance(penalty, kind) for penalty in self.regularizers.values()):
                raise ValueError(
                    f"model.regularizers must hold a gan_lightning.regularizers.{kind.__name__}: without it the "
                    "relativistic loss does not converge"
                )
