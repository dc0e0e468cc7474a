"""The order of updates of the released codes: three steps beside an independent transcription in float64."""

from __future__ import annotations

import copy
from functools import partial
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from lightning import Trainer
from torch import Tensor, nn
from torch.utils.data import DataLoader

from gan_lightning.core.seeding import generator_for
from gan_lightning.data import Batch
from gan_lightning.losses import LeastSquares, NonSaturating
from gan_lightning.models import DCGAN, AdversarialModule, CycleGAN, InfoGAN, Pix2Pix, UpdateRule
from gan_lightning.models.priors import Normal, Prior
from gan_lightning.networks.base import Discriminator, Generator
from gan_lightning.networks.translator import Translator

BATCH, SIDE, STEPS, RATE_D, RATE_G = 4, 4, 3, 0.3, 0.2


def sgd(rate: float) -> Any:
    return partial(torch.optim.SGD, lr=rate)


class Painter(Translator):
    """Two convolutions."""

    def __init__(self) -> None:
        super().__init__(source_channels=1, channels=1, resolution=SIDE, multiple=1)
        self.body = nn.Sequential(nn.Conv2d(1, 3, 3, padding=1), nn.SiLU(), nn.Conv2d(3, 1, 3, padding=1), nn.Tanh())

    def translate(self, images: Tensor) -> Tensor:
        return self.body(images)


class Patches(Discriminator):
    """Logits of patches."""

    feature_maps = True

    def __init__(self, channels: int = 1) -> None:
        super().__init__(feature_dim=3, sample_shape=(channels, SIDE, SIDE))
        self.body = nn.Sequential(nn.Conv2d(channels, 3, 3), nn.SiLU())
        self.output = nn.Conv2d(3, 1, 1)

    def features(self, samples: Tensor) -> Tensor:
        return self.body(samples)

    def head(self, features: Tensor, condition: Tensor | None = None) -> Tensor:
        return self.output(features)


class Points(Generator):
    """A linear map with a kink that is smooth; with codes, these are joined to the latents."""

    def __init__(self, code_dim: int | None = None) -> None:
        super().__init__(latent_dim=3, sample_shape=(2,))
        self.code_dim = code_dim
        self.body = nn.Sequential(nn.Linear(3 + (code_dim or 0), 5), nn.SiLU(), nn.Linear(5, 2))

    def forward(self, latents: Tensor, condition: Tensor | None = None) -> Tensor:
        return self.body(latents if condition is None else torch.cat([latents, condition], dim=1))


class Judge(Discriminator):
    """A layer and a logit."""

    def __init__(self) -> None:
        super().__init__(feature_dim=4, sample_shape=(2,))
        self.body = nn.Sequential(nn.Linear(2, 4), nn.SiLU())
        self.output = nn.Linear(4, 1)

    def features(self, samples: Tensor) -> Tensor:
        return self.body(samples)

    def head(self, features: Tensor, condition: Tensor | None = None) -> Tensor:
        return self.output(features).squeeze(1)


class Listed(Prior):
    """Hands out latents one after the other, and keeps them."""

    def __init__(self) -> None:
        self.drawn: list[Tensor] = []

    def draw(self, count: int, dim: int, *, device: torch.device) -> Tensor:
        self.drawn.append(torch.randn(count, dim, generator=generator_for(5, len(self.drawn))))
        return self.drawn[-1]


def batch_at(position: int, shape: tuple[int, ...], *, paired: bool) -> Batch:
    random = generator_for(9, position)
    images = torch.rand(BATCH, *shape, generator=random) * 2 - 1
    return Batch(images, None, torch.rand(BATCH, *shape, generator=random) * 2 - 1 if paired else None)


def batches(shape: tuple[int, ...], *, paired: bool) -> list[Batch]:
    return [batch_at(number, shape, paired=paired) for number in range(STEPS)]


def train(model: AdversarialModule, loader: list[Batch]) -> None:
    trainer = Trainer(
        accelerator="cpu",
        max_epochs=1,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        log_every_n_steps=0,
    )
    trainer.fit(model, DataLoader(loader, batch_size=None))


def parts(**given: Any) -> dict[str, Any]:
    return {
        "generator_optimizer": sgd(RATE_G),
        "discriminator_optimizer": sgd(RATE_D),
        "prior": Normal(),
        **given,
    }


def doubles(*modules: nn.Module) -> list[Any]:
    return [copy.deepcopy(module).double() for module in modules]


def step(rate: float, loss: Tensor, *modules: nn.Module) -> None:
    """One step of gradient descent."""
    parameters = [p for module in modules for p in module.parameters()]
    gradients = torch.autograd.grad(loss, parameters, allow_unused=True)
    with torch.no_grad():
        for parameter, gradient in zip(parameters, gradients, strict=True):
            if gradient is not None:
                parameter.sub_(rate * gradient)


def compare(ours: dict[str, nn.Module], theirs: dict[str, nn.Module], before: dict[str, nn.Module]) -> None:
    """Hold what three steps moved to what the transcription moved."""
    for name, module in ours.items():
        start = torch.cat([p.detach().flatten().double() for p in before[name].parameters()])
        mine = torch.cat([p.detach().flatten().double() for p in module.parameters()]) - start
        other = torch.cat([p.detach().flatten() for p in theirs[name].parameters()]) - start
        assert other.norm() > 1e-3, name
        assert (mine - other).norm() <= 1e-5 * other.norm(), (name, float((mine - other).norm() / other.norm()))


def run_cyclegan(updates: UpdateRule) -> tuple[dict[str, nn.Module], dict[str, nn.Module]]:
    torch.manual_seed(0)
    networks = {"generator": Painter(), "generator_back": Painter()}
    networks |= {"discriminator": Patches(), "discriminator_back": Patches()}
    before = dict(zip(networks, doubles(*networks.values()), strict=True))
    model = CycleGAN(**networks, pool_size=0, **parts(loss=LeastSquares(scale=1.0), updates=updates))
    train(model, batches((1, SIDE, SIDE), paired=True))
    return networks, before


def cyclegan_as_released(before: dict[str, nn.Module]) -> dict[str, Any]:
    """Both translators move first; the discriminators learn from the translations of that moment."""
    g, f, d_y, d_x = doubles(*before.values())
    for batch in batches((1, SIDE, SIDE), paired=True):
        x, y = batch.source.double(), batch.images.double()
        fake_y, fake_x = g.translate(x), f.translate(y)
        cycles = (f.translate(fake_y) - x).abs().mean() + (g.translate(fake_x) - y).abs().mean()
        identities = (g.translate(y) - y).abs().mean() + (f.translate(x) - x).abs().mean()
        adversarial = (d_y(fake_y) - 1).square().mean() + (d_x(fake_x) - 1).square().mean()
        step(RATE_G, adversarial + 10 * cycles + 5 * identities, g, f)
        halves = [
            0.5 * ((d(real) - 1).square().mean() + d(fake.detach()).square().mean())
            for d, real, fake in ((d_y, y, fake_y), (d_x, x, fake_x))
        ]
        step(RATE_D, sum(halves), d_y, d_x)
    return dict(zip(before, (g, f, d_y, d_x), strict=True))


def test_cyclegan_moves_both_translators_first_and_reuses_their_translations():
    networks, before = run_cyclegan(UpdateRule(first="generator", fakes="shared", ema_halflife_kimg=None))
    compare(networks, cyclegan_as_released(before), before)


def test_the_order_of_cyclegan_makes_a_difference():
    networks, before = run_cyclegan(UpdateRule(ema_halflife_kimg=None))
    with pytest.raises(AssertionError, match="generator"):
        compare(networks, cyclegan_as_released(before), before)


def run_pix2pix(updates: UpdateRule) -> tuple[dict[str, nn.Module], dict[str, nn.Module]]:
    torch.manual_seed(0)
    networks = {"generator": Painter(), "discriminator": Patches(2)}
    before = dict(zip(networks, doubles(*networks.values()), strict=True))
    train(Pix2Pix(**networks, **parts(loss=NonSaturating(), updates=updates)), batches((1, SIDE, SIDE), paired=True))
    return networks, before


def bce(logits: Tensor, label: float) -> Tensor:
    return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, label))


def test_pix2pix_shows_both_players_the_same_translation(monkeypatch):
    calls = []
    translate = Painter.translate
    monkeypatch.setattr(Painter, "translate", lambda self, images: calls.append(1) or translate(self, images))
    networks, before = run_pix2pix(UpdateRule(fakes="shared", ema_halflife_kimg=None))
    assert len(calls) == STEPS
    g, d = doubles(*before.values())
    for batch in batches((1, SIDE, SIDE), paired=True):
        source, target = batch.source.double(), batch.images.double()
        fake = g.translate(source)
        real_pair = torch.cat([source, target], dim=1)
        halved = 0.5 * (bce(d(torch.cat([source, fake.detach()], dim=1)), 0) + bce(d(real_pair), 1))
        step(RATE_D, halved, d)
        adversarial = bce(d(torch.cat([source, fake], dim=1)), 1)
        step(RATE_G, adversarial + 100 * (fake - target).abs().mean(), g)
    compare(networks, {"generator": g, "discriminator": d}, before)


def test_dcgan_can_show_both_players_the_same_samples():
    torch.manual_seed(0)
    networks = {"generator": Points(), "discriminator": Judge()}
    before = dict(zip(networks, doubles(*networks.values()), strict=True))
    prior = Listed()
    updates = UpdateRule(fakes="shared", ema_halflife_kimg=None)
    loader = batches((2,), paired=False)
    train(DCGAN(**networks, **parts(loss=NonSaturating(), prior=prior, updates=updates)), loader)
    assert len(prior.drawn) == STEPS
    g, d = doubles(*before.values())
    for batch, latents in zip(loader, prior.drawn, strict=True):
        fake = g(latents.double())
        step(RATE_D, bce(d(batch.images.double()), 1) + bce(d(fake.detach()), 0), d)
        step(RATE_G, bce(d(fake), 1), g)
    compare(networks, {"generator": g, "discriminator": d}, before)


@pytest.mark.parametrize("code_player", ["discriminator", "generator"])
def test_q_of_infogan_learns_with_the_player_that_is_asked_for(code_player, monkeypatch):
    torch.manual_seed(0)
    networks: dict[str, Any] = {"generator": Points(code_dim=3), "discriminator": Judge()}
    prior = Listed()
    model = InfoGAN(
        **networks,
        categories=[2],
        continuous=1,
        code_width=4,
        code_player=code_player,
        **parts(loss=NonSaturating(), prior=prior, updates=UpdateRule(ema_halflife_kimg=None)),
    )
    model.code_head.stack[1] = nn.Identity()  # batch norm would have to be transcribed as well
    networks["code_head"] = model.code_head
    before = dict(zip(networks, doubles(*networks.values()), strict=True))
    codes: list[Tensor] = []
    draw = model.generator_condition
    monkeypatch.setattr(model, "generator_condition", lambda batch: codes.append(draw(batch)) or codes[-1])
    loader = batches((2,), paired=False)
    train(model, loader)
    g, d, q = doubles(*before.values())
    turns = iter(zip(prior.drawn, codes, strict=True))

    def information(fake: Tensor, code: Tensor) -> Tensor:
        outputs = q(d.features(fake))
        category = F.cross_entropy(outputs[:, :2], code[:, :2].argmax(dim=1))
        return category + (code[:, 2] - outputs[:, 2]).square().mean() / 2

    for batch in loader:
        latents, code = (values.double() for values in next(turns))
        fake = g(latents, code).detach()
        loss = bce(d(batch.images.double()), 1) + bce(d(fake), 0) + information(fake, code)
        step(RATE_D, loss, *([d, q] if code_player == "discriminator" else [d]))
        latents, code = (values.double() for values in next(turns))
        fake = g(latents, code)
        loss = bce(d(fake), 1) + information(fake, code)
        step(RATE_G, loss, *([g, q] if code_player == "generator" else [g]))
    compare(networks, {"generator": g, "discriminator": d, "code_head": q}, before)
