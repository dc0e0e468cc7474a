"""Toys of the loops that are not the default one, each a few lines over the package's step."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Unpack

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan_lightning.augment.base import Augmentation
from gan_lightning.core.process_group import mean_over_ranks
from gan_lightning.core.schedules import Cosine
from gan_lightning.data import Batch
from gan_lightning.losses import Hinge, NonSaturating, RelativisticPairing
from gan_lightning.models import AdversarialModule, Phase, Player, UpdateRule
from gan_lightning.models.adversarial import Parts
from gan_lightning.models.outputs import DiscriminatorOutput, GeneratedBatch
from gan_lightning.models.priors import Normal
from gan_lightning.networks.base import Discriminator, Generator
from gan_lightning.networks.projected_discriminator import FrozenNetwork
from gan_lightning.regularizers import R1, R2
from gan_lightning.regularizers.base import GeneratorTurn, Regularizer

adam = partial(torch.optim.Adam, lr=1e-3, betas=(0.0, 0.9))


def parts(**given: Any) -> dict[str, Any]:
    """Return what a model needs besides its networks."""
    return {
        "loss": NonSaturating(),
        "generator_optimizer": adam,
        "discriminator_optimizer": adam,
        "prior": Normal(),
        "updates": UpdateRule(ema_halflife_kimg=0.01),
        **given,
    }


class Layers(Discriminator):
    """A linear body with a smooth kink, and a linear logit."""

    def __init__(self, dimensions: int = 2) -> None:
        super().__init__(feature_dim=6, sample_shape=(2,))
        self.body = nn.Sequential(nn.Linear(dimensions, 6), nn.SiLU())
        self.output = nn.Linear(6, 1)

    def features(self, samples: Tensor) -> Tensor:
        return self.body(samples)

    def head(self, features: Any, condition: Tensor | None = None) -> Any:
        return self.output(features).squeeze(1)


# StyleGAN2: the generator first, two lazy updates of penalties, styles, noise, truncation in the style space.


class StyleGenerator(Generator):
    """Latents to styles, styles and noise to points."""

    noise_shapes = ((2,),)
    truncation_space = "style"

    def __init__(self) -> None:
        super().__init__(latent_dim=3, sample_shape=(2,))
        self.mapping = nn.Linear(3, 4)
        self.synthesis = nn.Linear(4, 2)
        self.strength = nn.Parameter(torch.tensor(0.1))
        self.register_buffer("w_avg", torch.zeros(4))

    def styles(self, latents: Tensor) -> Tensor:
        w = F.silu(self.mapping(latents))
        if self.training:
            self.w_avg.lerp_(w.detach().mean(dim=0), 0.01)
        return w

    def synthesize(self, w: Tensor, noise: Sequence[Tensor]) -> Tensor:
        return self.synthesis(w) + self.strength * noise[0]

    def forward(
        self,
        latents: Tensor,
        condition: Tensor | None = None,
        *,
        noise: Sequence[Tensor] = (),
        truncation: float | None = None,
    ) -> Tensor:
        w = self.styles(latents)
        if truncation is not None:
            w = torch.lerp(self.w_avg.expand_as(w), w, truncation)
        return self.synthesize(w, noise or (torch.randn(len(latents), 2),))


class PathLength(Regularizer):
    """E[(||J_w^T y|| - a)^2], a the running mean of the norm: a penalty of the generator with a state."""

    player = "generator"
    second_order = True

    def __init__(self, *, weight: float = 2.0, interval: int = 4) -> None:
        super().__init__(weight=weight, interval=interval, own_step=True)
        self.register_buffer("mean", torch.zeros(()))

    def forward(self, turn: GeneratorTurn) -> Tensor:
        assert turn.fake is None
        latents, _ = turn.draw(max(1, len(turn.real) // 2))
        w = turn.generator.styles(latents)
        points = turn.generator.synthesize(w, (torch.randn(len(latents), 2),))
        (jacobian,) = torch.autograd.grad((points * torch.randn_like(points)).sum(), w, create_graph=True)
        lengths = jacobian.norm(dim=1)
        mean = self.mean.lerp(mean_over_ranks(lengths.mean()), 0.01)
        self.mean.copy_(mean.detach())
        return (lengths - mean).square().mean()


def style_toy() -> AdversarialModule:
    return AdversarialModule(
        generator=StyleGenerator(),
        discriminator=Layers(),
        regularizers={"path_length": PathLength(), "r1": R1(weight=0.5, interval=3, own_step=True)},
        **parts(updates=UpdateRule(ema_halflife_kimg=0.01, first="generator", replace_nonfinite=1e5)),
    )


# R3GAN: five schedules, a real batch of its own for each player, penalties that share the adversarial forward.


class PlainGenerator(Generator):
    """A linear map with a smooth kink."""

    def __init__(self) -> None:
        super().__init__(latent_dim=3, sample_shape=(2,))
        self.body = nn.Sequential(nn.Linear(3, 5), nn.SiLU(), nn.Linear(5, 2))

    def forward(self, latents: Tensor, condition: Tensor | None = None) -> Tensor:
        return self.body(latents)


def cosine(initial: float, final: float) -> Cosine:
    return Cosine(initial=initial, final=final, end_kimg=0.1)


class Jitter(Augmentation):
    """Moves a sample with a probability that follows a schedule."""

    def __init__(self, schedule: Cosine) -> None:
        super().__init__()
        self.schedule = schedule
        self.p = 0.0

    def set_progress(self, images_seen: int, horizon_images: int | None) -> None:
        self.p = self.schedule.value(images_seen, horizon_images)

    def forward(self, images: Tensor) -> Tensor:
        return images + (torch.rand(len(images), 1) < self.p) * torch.randn_like(images)


def relativistic_toy(*, shares_forward: bool = True) -> AdversarialModule:
    optimizer = partial(torch.optim.Adam, lr=cosine(2e-3, 5e-4), betas=(0.0, cosine(0.9, 0.99)))
    gamma = cosine(2.0, 0.2)
    return AdversarialModule(
        generator=PlainGenerator(),
        discriminator=Layers(),
        regularizers={
            "r1": R1(weight=gamma, shares_forward=shares_forward),
            "r2": R2(weight=gamma, shares_forward=shares_forward),
        },
        **parts(
            loss=RelativisticPairing(),
            generator_optimizer=optimizer,
            discriminator_optimizer=optimizer,
            updates=UpdateRule(generator_batch="next", ema_halflife_kimg=cosine(0.0, 0.05), ema_rampup=None),
        ),
        augment=Jitter(cosine(0.0, 0.3)),
    )


# CUT: a third player, which reads features of the generator and learns with it.


class FeatureReader(AdversarialModule):
    """A projection of the generator's features that is trained with it, by an optimizer of its own."""

    def __init__(self, *, projection: nn.Module, projection_optimizer: Any, **rest: Unpack[Parts]) -> None:
        super().__init__(**rest)
        self.projection = projection
        self.projection_optimizer = projection_optimizer

    def players(self) -> list[Player]:
        projection = Player(
            name="projection", short="f", modules=(self.projection,), optimizer=self.projection_optimizer
        )
        return [*super().players(), projection]

    def phases(self) -> list[Phase]:
        discriminator, generator = super().phases()
        return [discriminator, self.with_players(generator, "generator", "projection")]

    @staticmethod
    def with_players(phase: Phase, *names: str) -> Phase:
        return Phase(**{**vars(phase), "players": names})

    def generator_terms(self, batch: Batch, fakes: GeneratedBatch, fake: DiscriminatorOutput) -> dict[str, Tensor]:
        terms = super().generator_terms(batch, fakes, fake)
        first = self.generator.body[0](fakes.latents)
        terms["contrast"] = (self.projection(first) - fakes.images).square().mean()
        return terms


def reader_toy() -> AdversarialModule:
    return FeatureReader(
        generator=PlainGenerator(),
        discriminator=Layers(),
        projection=nn.Linear(5, 2),
        projection_optimizer=partial(torch.optim.SGD, lr=0.1),
        **parts(),
    )


# FastGAN: two views of a sample, two heads, an auxiliary term on real samples as they were shown.


class TwoViews(PlainGenerator):
    """Points, and a coarse view of them."""

    def views(self, latents: Tensor) -> tuple[Tensor, Tensor]:
        points = self(latents)
        return points, points.mean(dim=1, keepdim=True)


class TwoHeads(Discriminator):
    """One body for each view, one head for each body, and a decoder."""

    def __init__(self) -> None:
        super().__init__(feature_dim=4, sample_shape=(2,))
        self.fine, self.coarse = nn.Linear(2, 4), nn.Linear(1, 4)
        self.heads = nn.ModuleList([nn.Linear(4, 1), nn.Linear(4, 1)])
        self.decoder = nn.Linear(4, 2)

    def features(self, samples: Any) -> Any:
        fine, coarse = samples
        return F.silu(self.fine(fine)), F.silu(self.coarse(coarse))

    def head(self, features: Any, condition: Tensor | None = None) -> Any:
        logits = [head(feature) for head, feature in zip(self.heads, features, strict=True)]
        return torch.stack(logits, dim=-1).unsqueeze(1)


class SelfSupervised(AdversarialModule):
    """The discriminator's features of real samples must hold what it was shown of them."""

    generator: TwoViews
    discriminator: TwoHeads

    def make_fakes(self, batch: Batch) -> GeneratedBatch:
        latents, condition = self.draw_inputs(batch)
        points, coarse = self.generator.views(latents)
        return GeneratedBatch(points, latents, condition, (coarse,))

    def real_views(self, images: Tensor) -> tuple[Tensor, ...]:
        return (images.mean(dim=1, keepdim=True),)

    def discriminator_terms(
        self, batch: Batch, fakes: GeneratedBatch, real: DiscriminatorOutput, fake: DiscriminatorOutput
    ) -> dict[str, Tensor]:
        terms = super().discriminator_terms(batch, fakes, real, fake)
        terms["reconstruction"] = (self.discriminator.decoder(real.features[0]) - real.shown[0]).square().mean()
        return terms


def views_toy(**further: Any) -> AdversarialModule:
    return SelfSupervised(
        generator=TwoViews(),
        discriminator=TwoHeads(),
        **parts(loss=Hinge(), updates=UpdateRule(ema_halflife_kimg=0.01, fakes="shared"), **further),
    )


# Projected GAN: frozen features, always in evaluation mode, outside of gradients, checkpoints and processes' exchange.


class Pretrained(nn.Module):
    """Features with batch norm, whose statistics must not move."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.SiLU())

    def forward(self, samples: Tensor) -> Tensor:
        return self.layers(samples)


def pretrained() -> nn.Module:
    """Return the features, whose weights come from elsewhere: always the same."""
    network = Pretrained()
    with torch.no_grad():
        for number, parameter in enumerate(network.parameters()):
            values = torch.arange(parameter.numel(), dtype=torch.float32).reshape(parameter.shape)
            parameter.copy_(torch.sin(1 + values + number))
    return network


class Projected(Discriminator):
    """A trained head on frozen features."""

    def __init__(self) -> None:
        super().__init__(feature_dim=8, sample_shape=(2,))
        self.frozen = FrozenNetwork(pretrained)
        self.output = nn.Linear(8, 1)

    def features(self, samples: Tensor) -> Tensor:
        return self.frozen(samples)

    def head(self, features: Any, condition: Tensor | None = None) -> Any:
        return self.output(features).squeeze(1)


def projected_toy() -> AdversarialModule:
    return AdversarialModule(
        generator=PlainGenerator(),
        discriminator=Projected(),
        **parts(loss=Hinge(), updates=UpdateRule(ema_halflife_kimg=0.01, first="generator")),
    )


TOYS = {
    "stylegan2": style_toy,
    "r3gan": relativistic_toy,
    "cut": reader_toy,
    "fastgan": views_toy,
    "projected": projected_toy,
}
