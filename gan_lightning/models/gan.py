"""The first GAN (Goodfellow 2014, arXiv 1406.2661)."""

from __future__ import annotations

from gan_lightning.models.adversarial import AdversarialModule


class GAN(AdversarialModule):
    """Fully connected networks, a maxout discriminator with dropout, momentum SGD.

    The generator maximizes log D(G(z)), which section 3 of the paper recommends over the minimax form; choose
    ``Minimax`` for equation 1 itself.
    """
