"""CycleGAN (Zhu 2017, arXiv 1703.10593)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self, Unpack

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan_lightning.core.schedules import Scalar
from gan_lightning.data.batch import Batch
from gan_lightning.models.adversarial import Parts
from gan_lightning.models.compatibility import check_weights
from gan_lightning.models.image_to_image import ImageToImage
from gan_lightning.models.outputs import DiscriminatorOutput, GeneratedBatch
from gan_lightning.models.players import Player
from gan_lightning.models.sampling import Weights
from gan_lightning.networks.base import Discriminator, Generator
from gan_lightning.networks.translator import Translator
from gan_lightning.regularizers import Replay

POOL = "pool"
"""Name of the target domain's image pool among the stabilizers."""


@dataclass(frozen=True, slots=True)
class Translations(GeneratedBatch):
    """Generated samples of both directions.

    Attributes:
        back: translations of the target domain's images into the source domain, ``(N, C', H, W)``.
    """

    back: Tensor | None = None

    def detached(self) -> Self:
        """Return the same samples without their graph."""
        assert self.back is not None
        return replace(self, images=self.images.detach(), back=self.back.detach())


class CycleGAN(ImageToImage):
    """Two translators between two domains without pairs; there and back again must lead home.

    With G: X -> Y, F: Y -> X and their discriminators D_Y, D_X (equations 1 to 3, section 5.2):
    ``L = L_GAN(G, D_Y) + L_GAN(F, D_X) + lambda (|F(G(x)) - x| + |G(F(y)) - y|) + mu lambda (|G(y) - y| + |F(x) - x|)``
    with the least-squares loss, lambda = 10 and mu = 0.5. Both translators are one player and share an optimizer,
    both discriminators the other; D's loss is halved, and learns from pools of 50 past translations per domain. X is
    the source domain of the data, Y their images; the identity term needs domains of equally many channels.

    Args:
        generator_back: F; ``generator`` is G.
        discriminator_back: D_X; ``discriminator`` is D_Y.
        cycle_weight: lambda.
        identity_weight: mu, relative to lambda; 0 leaves the term out.
        discriminator_weight: factor of D's loss.
        pool_size: past translations that are kept per domain; 0: none.
        **parts: as in ``AdversarialModule``; the augmentation is of what both discriminators see, stabilizers act on G
            and D_Y, and the prior is not used.

    Raises:
        ValueError: for a negative weight or pool, or parts that do not fit together.
    """

    goes_back = True

    def __init__(
        self,
        *,
        generator_back: Translator,
        discriminator_back: Discriminator,
        cycle_weight: Scalar = 10.0,
        identity_weight: Scalar = 0.5,
        discriminator_weight: Scalar = 0.5,
        pool_size: int = 50,
        **parts: Unpack[Parts],
    ) -> None:
        check_weights(
            {
                "cycle_weight": cycle_weight,
                "identity_weight": identity_weight,
                "pool_size": pool_size,
                "discriminator_weight": discriminator_weight,
            }
        )
        pool = {POOL: Replay(capacity=pool_size)} if pool_size else {}
        parts["stabilizers"] = {**pool, **(parts.get("stabilizers") or {})}
        super().__init__(**parts)
        self.generator_back = generator_back
        self.discriminator_back = discriminator_back
        self.pool_back = Replay(capacity=pool_size) if pool_size else None
        self.cycle_weight = cycle_weight
        self.identity_weight = identity_weight
        self.discriminator_weight = discriminator_weight
        self.generator_back_ema: Translator | None = self.average_of(generator_back)
        identity = not isinstance(identity_weight, float | int) or identity_weight > 0
        check_way_back(self.generator, generator_back, discriminator_back, identity=identity)
        self.players()  # refuses to freeze more blocks than the networks of the way back have

    def check_parts(self) -> None:
        """Refuse penalties, which would reach one of the two discriminators only.

        Raises:
            ValueError: naming the part and the reason.
        """
        super().check_parts()
        if self.regularizers:
            raise ValueError(
                f"model.regularizers: {', '.join(self.regularizers)} would act on one of CycleGAN's two discriminators "
                "only; leave them out"
            )

    def players(self) -> list[Player]:
        """Average both translators, if any."""
        discriminator, generator = super().players()
        if self.generator_ema is not None and self.generator_back_ema is not None:
            generator = replace(generator, averages=(self.generator_ema, self.generator_back_ema))
        return [discriminator, generator]

    def player_modules(self, player: str) -> tuple[nn.Module, ...]:
        """Return two translators against two discriminators."""
        if player == "generator":
            return (self.generator, self.generator_back)
        return (self.discriminator, self.discriminator_back)

    def make_fakes(self, batch: Batch) -> Translations:
        """Translate the batch in both directions."""
        fakes = super().make_fakes(batch)
        back = self.translate_graph(self.generator_back, batch.images)
        return Translations(fakes.images, fakes.latents, fakes.condition, back=back)

    def discriminate_back(self, images: Tensor) -> Tensor:
        """Return logits of D_X on augmented images of the source domain."""
        return self.discriminator_back(self.shown(images))

    def discriminator_terms(
        self, batch: Batch, fakes: GeneratedBatch, real: DiscriminatorOutput, fake: DiscriminatorOutput
    ) -> dict[str, Tensor]:
        """Add D_X's term to D_Y's, and halve both."""
        terms = super().discriminator_terms(batch, fakes, real, fake)
        source, fake_source = self.source_of(batch), translated_back(fakes)
        if self.pool_back is not None:
            fake_source = self.pool_back.discriminator_fakes(fake_source)
        values = self.loss.discriminator(self.discriminate_back(source), self.discriminate_back(fake_source))
        terms["adversarial_back"] = values.mean()
        return {name: self.scalar(self.discriminator_weight) * term for name, term in terms.items()}

    def generator_terms(self, batch: Batch, fakes: GeneratedBatch, fake: DiscriminatorOutput) -> dict[str, Tensor]:
        """Add F's adversarial term, the two cycles and the two identities."""
        there, back = self.generator, self.generator_back
        source, target = self.source_of(batch), batch.images
        terms = super().generator_terms(batch, fakes, fake)
        fake_source = translated_back(fakes)
        real_logits = None
        if self.loss.relativistic:
            with torch.no_grad():
                real_logits = self.discriminate_back(source)
        terms["adversarial_back"] = self.loss.generator(self.discriminate_back(fake_source), real_logits).mean()
        cycles = {
            "cycle": (self.translate_graph(back, fakes.images), source),
            "cycle_back": (self.translate_graph(there, fake_source), target),
        }
        cycle_weight, identity_weight = self.scalar(self.cycle_weight), self.scalar(self.identity_weight)
        terms |= {name: cycle_weight * l1(*pair) for name, pair in cycles.items()}
        if identity_weight > 0:
            weight = cycle_weight * identity_weight
            terms["identity"] = weight * l1(self.translate_graph(there, target), target)
            terms["identity_back"] = weight * l1(self.translate_graph(back, source), source)
        return terms

    def translate_graph(self, network: Generator, images: Tensor) -> Tensor:
        """Run a translator as it stands, with its graph."""
        return self.generate(images.new_empty(len(images), 0), images, generator=network)

    def translator(self, weights: Weights, *, back: bool = False) -> Translator:
        """Return G, or F for the way ``back``."""
        if not back:
            return super().translator(weights)
        self.network(weights)  # complains about weights that do not exist
        network = self.generator_back_ema if weights == "ema" else self.generator_back
        assert network is not None
        return network

    def showcase(self, source: Tensor, target: Tensor, *, weights: Weights, seed: int) -> list[Tensor]:
        """Return input, translated and cycled images, from either domain."""
        there = self.translate(source, weights=weights)
        back = self.translate(target, weights=weights, back=True)
        return [
            source,
            there,
            self.translate(there, weights=weights, back=True),
            target,
            back,
            self.translate(back, weights=weights),
        ]


def translated_back(fakes: GeneratedBatch) -> Tensor:
    """Return the translations into the source domain."""
    assert isinstance(fakes, Translations)
    assert fakes.back is not None
    return fakes.back


def check_way_back(there: nn.Module, back: nn.Module, discriminator_back: Discriminator, *, identity: bool) -> None:
    """Refuse backward networks that do not fit the forward ones.

    Raises:
        ValueError: naming the part and the reason.
    """
    assert isinstance(there, Translator)
    source, target = there.source_shape, there.sample_shape
    if not isinstance(back, Translator) or (back.source_shape, back.sample_shape) != (target, source):
        raise ValueError(f"model.generator_back must translate {target} into {source}, the way back of model.generator")
    if discriminator_back.sample_shape != source:
        raise ValueError(
            f"model.discriminator_back judges samples of shape {discriminator_back.sample_shape}, "
            f"the source domain has {source}"
        )
    if identity and source != target:
        raise ValueError(
            f"model.identity_weight must be 0: there is no identity between domains of shapes {source} and {target}"
        )


def l1(images: Tensor, wanted: Tensor) -> Tensor:
    """Return the mean absolute difference in units of [-1, 1], a float32 scalar."""
    return F.l1_loss(images.float(), wanted.float())
