"""CycleGAN (Zhu 2017, arXiv 1703.10593)."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan_lightning.augment.base import Augmentation
from gan_lightning.core import ema
from gan_lightning.data.batch import Batch
from gan_lightning.losses import LeastSquares
from gan_lightning.losses.base import AdversarialLoss
from gan_lightning.models.priors import Prior
from gan_lightning.models.sampling import Weights
from gan_lightning.models.sources import SourceConditional
from gan_lightning.models.turns import Fakes, Judgement
from gan_lightning.models.two_player import OptimizerFactory
from gan_lightning.models.update_rule import UpdateRule
from gan_lightning.networks import PatchDiscriminator, ResNetTranslator
from gan_lightning.networks.base import Discriminator, Generator
from gan_lightning.networks.translator import Translator
from gan_lightning.regularizers import Replay
from gan_lightning.regularizers.base import Regularizer
from gan_lightning.regularizers.stabilizer import Stabilizer

POOL = "pool"
"""Name of the target domain's image pool among the stabilizers."""


class CycleGAN(SourceConditional):
    """Two translators between two domains without pairs; there and back again must lead home.

    With G: X -> Y, F: Y -> X and their discriminators D_Y, D_X (equations 1 to 3, section 5.2):
    ``L = L_GAN(G, D_Y) + L_GAN(F, D_X) + lambda (|F(G(x)) - x| + |G(F(y)) - y|) + mu lambda (|G(y) - y| + |F(x) - x|)``
    with the least-squares loss, lambda = 10 and mu = 0.5. Both translators are one player and share an optimizer,
    both discriminators the other; D's loss is halved, and learns from pools of 50 past translations per domain. X is
    the source domain of the data, Y their images; the identity term needs domains of equally many channels.

    The defaults are ResNet-9 with instance norm (11,378,179 parameters) and the 70x70 PatchGAN on single images
    (2,764,737), twice each, Adam with rate 2e-4 and betas (0.5, 0.999), and no average; the learning rate's decay,
    which needs the run's budget, is in ``conf/model/cyclegan.yaml``.

    Args:
        generator: G; see ``AdversarialModule``, as all that follow.
        generator_back: F; None: the default.
        discriminator: D_Y.
        discriminator_back: D_X; None: the default.
        loss: likewise.
        generator_optimizer: likewise.
        discriminator_optimizer: likewise.
        prior: likewise; there are no latent vectors to draw.
        updates: likewise.
        augment: likewise; of what both discriminators see.
        stabilizers: likewise; they act on G and D_Y.
        cycle_weight: lambda.
        identity_weight: mu, relative to lambda; 0 leaves the term out.
        discriminator_weight: factor of D's loss.
        pool_size: past translations that are kept per domain; 0: none.

    Raises:
        ValueError: for a negative weight or pool, or parts that do not fit together.
    """

    goes_back = True

    def __init__(
        self,
        *,
        generator: Generator | None = None,
        generator_back: Translator | None = None,
        discriminator: Discriminator | None = None,
        discriminator_back: Discriminator | None = None,
        loss: AdversarialLoss | None = None,
        generator_optimizer: OptimizerFactory | None = None,
        discriminator_optimizer: OptimizerFactory | None = None,
        prior: Prior | None = None,
        updates: UpdateRule | None = None,
        regularizers: Mapping[str, Regularizer] | None = None,
        augment: Augmentation | None = None,
        stabilizers: Mapping[str, Stabilizer] | None = None,
        cycle_weight: float = 10.0,
        identity_weight: float = 0.5,
        discriminator_weight: float = 0.5,
        pool_size: int = 50,
    ) -> None:
        named = {"cycle_weight": cycle_weight, "identity_weight": identity_weight, "pool_size": pool_size}
        for key, value in {**named, "discriminator_weight": discriminator_weight}.items():
            if value < 0:
                raise ValueError(f"model.{key} must be at least 0, got {value}")
        pool = {POOL: Replay(capacity=pool_size)} if pool_size else {}
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
            stabilizers={**pool, **(stabilizers or {})},
        )
        self.generator_back = generator_back if generator_back is not None else ResNetTranslator()
        self.discriminator_back = (
            discriminator_back if discriminator_back is not None else PatchDiscriminator(norm="instance")
        )
        self.pool_back = Replay(capacity=pool_size) if pool_size else None
        self.cycle_weight = cycle_weight
        self.identity_weight = identity_weight
        self.discriminator_weight = discriminator_weight
        self.generator_back_ema: Translator | None = None
        if self.updates.ema_halflife_kimg is not None:
            self.generator_back_ema = copy.deepcopy(self.generator_back).requires_grad_(False)
        check_way_back(self.generator, self.generator_back, self.discriminator_back, identity=identity_weight > 0)

    def default_generator(self) -> Generator:
        """Return ResNet-9."""
        return ResNetTranslator()

    def default_discriminator(self) -> Discriminator:
        """Return the 70x70 PatchGAN on single images, with instance norm."""
        return PatchDiscriminator(norm="instance")

    def default_loss(self) -> AdversarialLoss:
        """Return the least-squares loss with squares of full weight."""
        return LeastSquares(scale=1.0)

    def default_updates(self) -> UpdateRule:
        """Return simultaneous updates without an average."""
        return UpdateRule(ema_halflife_kimg=None)

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

    def player_modules(self, player: str) -> list[nn.Module]:
        """Two translators against two discriminators."""
        if player == "generator":
            return [self.generator, self.generator_back]
        return [self.discriminator, self.discriminator_back]

    def on_fit_start(self) -> None:
        """Average both translators, if any."""
        super().on_fit_start()
        if self.generator_ema is not None and self.generator_back_ema is not None:
            averages = nn.ModuleList([self.generator_ema, self.generator_back_ema])
            self._average = ema.Averager(averages, nn.ModuleList([self.generator, self.generator_back]))

    def judge_back(self, images: Tensor) -> Tensor:
        """Logits of D_X on augmented images of the source domain."""
        return self.discriminator_back(self.shown(images))

    def discriminator_terms(self, batch: Batch, fakes: Fakes, real: Judgement, fake: Judgement) -> dict[str, Tensor]:
        """Add D_X's term to D_Y's, and halve both."""
        terms = super().discriminator_terms(batch, fakes, real, fake)
        source = self.source_of(batch)
        with torch.no_grad():
            fake_source = self.translate_graph(self.generator_back, batch.images)
            if self.pool_back is not None:
                fake_source = self.pool_back.discriminator_fakes(fake_source)
        values = self.loss.discriminator(self.judge_back(source), self.judge_back(fake_source))
        terms["adversarial_back"] = values.mean()
        return {name: self.discriminator_weight * term for name, term in terms.items()}

    def generator_terms(self, batch: Batch, fakes: Fakes, fake: Judgement) -> dict[str, Tensor]:
        """Add F's adversarial term, the two cycles and the two identities."""
        there, back = self.generator, self.generator_back
        source, target = self.source_of(batch), batch.images
        terms = super().generator_terms(batch, fakes, fake)
        fake_source = self.translate_graph(back, target)
        real_logits = None
        if self.loss.relativistic:
            with torch.no_grad():
                real_logits = self.judge_back(source)
        terms["adversarial_back"] = self.loss.generator(self.judge_back(fake_source), real_logits).mean()
        cycles = {
            "cycle": (self.translate_graph(back, fakes.images), source),
            "cycle_back": (self.translate_graph(there, fake_source), target),
        }
        terms |= {name: self.cycle_weight * l1(*pair) for name, pair in cycles.items()}
        if self.identity_weight > 0:
            weight = self.cycle_weight * self.identity_weight
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
        self.network(weights)  # complains about weights that there are not
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


def check_way_back(there: nn.Module, back: nn.Module, discriminator_back: Discriminator, *, identity: bool) -> None:
    """Refuse networks of the way back that do not fit those of the way there.

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
    """Mean absolute difference in units of [-1, 1], a float32 scalar."""
    return F.l1_loss(images.float(), wanted.float())
