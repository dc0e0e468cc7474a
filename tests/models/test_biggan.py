"""BigGAN: three rounds beside an independent transcription in float64, and what it refuses."""

from __future__ import annotations

import copy
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from lightning import Trainer
from torch import Tensor, nn
from torch.utils.data import DataLoader

from gan_lightning import create_model
from gan_lightning.core.seeding import generator_for
from gan_lightning.data import Batch
from gan_lightning.losses import Hinge
from gan_lightning.models import BigGAN, ClassConditional, UpdateRule
from gan_lightning.networks import (
    BigGANDeepDiscriminator,
    BigGANDeepGenerator,
    BigGANDiscriminator,
    BigGANGenerator,
    DCGANDiscriminator,
    PackedDiscriminator,
)
from gan_lightning.regularizers import Orthogonal
from tests.models.by_hand import Adam, Listed, largest_difference
from tests.parts import parts_with

BATCH, CRITIC_STEPS, ROUNDS, ACCUMULATE, CLASSES = 4, 2, 3, 2, 3
RATES = {"generator": 0.01, "discriminator": 0.02}
BETAS, EPS, BETA_ORTHOGONAL = (0.1, 0.99), 1e-3, 0.02
HALFLIFE, START = 5.0, 12  # images
SHAPE = {"resolution": 8, "channels": 1, "classes": CLASSES, "attention_resolution": 4, "initialization": "orthogonal"}
NETWORKS = {
    "biggan": lambda: {
        "generator": BigGANGenerator(latent_dim=6, widths=[8, 8, 8], shared_dim=3, **SHAPE),
        "discriminator": BigGANDiscriminator(widths=[8, 8], downsamples=1, **SHAPE),
    },
    "biggan_deep": lambda: {
        "generator": BigGANDeepGenerator(latent_dim=4, widths=[8, 8, 8], shared_dim=3, **SHAPE),
        "discriminator": BigGANDeepDiscriminator(widths=[8, 8, 8], downsamples=1, **SHAPE),
    },
}


def batches() -> list[Batch]:
    found = []
    for number in range(ROUNDS * CRITIC_STEPS):
        random = generator_for(9, number)
        images = torch.rand(BATCH, 1, 8, 8, generator=random, dtype=torch.float64) * 2 - 1
        found.append(Batch(images, torch.randint(CLASSES, (BATCH,), generator=random)))
    return found


def trained(name: str, kind: type[ClassConditional] = BigGAN) -> tuple[ClassConditional, dict[str, nn.Module], Listed]:
    """Train three rounds in float64; return the model, the networks before, and the latents."""
    torch.manual_seed(0)
    networks = NETWORKS[name]()
    before = {key: copy.deepcopy(network).double() for key, network in networks.items()}
    prior = Listed()
    model = kind(
        **networks,
        loss=Hinge(),
        prior=prior,
        stabilizers={"orthogonal": Orthogonal(weight=BETA_ORTHOGONAL)},
        updates=UpdateRule(
            critic_steps=CRITIC_STEPS,
            accumulate=ACCUMULATE,
            ema_halflife_kimg=HALFLIFE / 1000,
            ema_rampup=None,
            ema_start_kimg=START / 1000,
            ema_buffers="averaged",
        ),
        **{f"{key}_optimizer": partial(torch.optim.Adam, lr=RATES[key], betas=BETAS, eps=EPS) for key in RATES},
    )
    trainer = Trainer(
        accelerator="cpu",
        max_epochs=1,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        log_every_n_steps=0,
    )
    trainer.fit(model.double(), DataLoader(batches(), batch_size=None))
    return model, before, prior


def overlaps(generator: nn.Module) -> Tensor:
    """Equation 3, of every weight with at least two axes, also those of batch norm, but the class vectors."""
    total = torch.zeros((), dtype=torch.float64)
    for name, weight in generator.named_parameters():
        if weight.ndim < 2 or name.startswith("class_vectors"):
            continue
        matrix = weight.reshape(len(weight), -1)
        gram = matrix @ matrix.T
        total = total + (gram * (1 - torch.eye(len(gram), dtype=torch.float64))).square().sum()
    return BETA_ORTHOGONAL * total


def transcribed(before: dict[str, nn.Module], latents: list[Tensor]) -> dict[str, dict[str, Tensor]]:
    """Return the tensors of the generator, the discriminator and the average after three rounds."""
    g, d = copy.deepcopy(before["generator"]), copy.deepcopy(before["discriminator"])
    average = {name: tensor.clone() for name, tensor in g.state_dict().items()}
    adam_g = Adam(g, rate=RATES["generator"], betas=BETAS, eps=EPS)
    adam_d = Adam(d, rate=RATES["discriminator"], betas=BETAS, eps=EPS)
    draws = iter(latents)
    for number, batch in enumerate(batches(), start=1):
        halves = list(zip(batch.images.chunk(ACCUMULATE), batch.labels.chunk(ACCUMULATE), strict=True))
        losses = []
        for images, labels in halves:
            with torch.no_grad():
                fakes = g(next(draws), labels)
            logits = d(torch.cat([fakes, images]), torch.cat([labels, labels]))
            fake, real = logits[: len(fakes)], logits[len(fakes) :]
            losses.append(F.relu(1 - real).mean() + F.relu(1 + fake).mean())
        adam_d.step(sum(losses) / ACCUMULATE)
        if number % CRITIC_STEPS:
            continue
        losses = [-d(g(next(draws), labels), labels).mean() + overlaps(g) for _, labels in halves]
        adam_g.step(sum(losses) / ACCUMULATE)
        decay = 0.5 ** (CRITIC_STEPS * BATCH / HALFLIFE) if number * BATCH >= START else 0.0
        weights = {name for name, _ in g.named_parameters()}
        for name, tensor in g.state_dict().items():
            averaged = name in weights or "running" in name
            average[name] = decay * average[name] + (1 - decay) * tensor if averaged else tensor.clone()
    return {"generator": g.state_dict(), "discriminator": d.state_dict(), "generator_ema": average}


@pytest.mark.parametrize("name", NETWORKS)
def test_three_rounds_are_those_of_the_transcription(name):
    model, before, prior = trained(name)
    assert len(prior.drawn) == ROUNDS * (CRITIC_STEPS + 1) * ACCUMULATE
    for key, start in before.items():
        assert largest_difference(getattr(model, key), start.state_dict()) > 0.01, key
    for key, expected in transcribed(before, prior.drawn).items():
        assert largest_difference(getattr(model, key), expected) <= 1e-6, key


def test_one_forward_pass_for_both_kinds_of_samples_makes_a_difference():
    model, before, prior = trained("biggan", ClassConditional)
    assert largest_difference(model.discriminator, transcribed(before, prior.drawn)["discriminator"]) > 1e-4


def packed() -> PackedDiscriminator:
    inner = BigGANDiscriminator(resolution=16, channels=6, widths=[8, 8], downsamples=1)
    return PackedDiscriminator(discriminator=inner, samples_per_pack=2)


@pytest.mark.parametrize("network", [packed, lambda: DCGANDiscriminator(resolution=16, channels=3)])
def test_a_discriminator_that_mixes_samples_is_refused(network):
    generator = BigGANGenerator(latent_dim=6, widths=[8, 8, 8], resolution=16)
    with pytest.raises(ValueError, match=r"model\.discriminator: \w+ judges a sample together with others"):
        BigGAN(**parts_with(generator=generator, discriminator=network()))


@pytest.mark.parametrize(("chosen", "name"), [(None, "standing(16, 64)"), ("batch", "batch(64)"), ("running",) * 2])
def test_samples_are_drawn_with_standing_statistics_unless_asked_otherwise(chosen, name):
    overrides = ["model.generator.widths=[8,8,8,8]", "model.discriminator.widths=[8,8,8,8]"]
    overrides += [] if chosen is None else [f"model/statistics={chosen}"]
    model = create_model("biggan", resolution=32, channels=1, classes=3, overrides=overrides)
    assert model.sampler(None, seed=0, weights="raw").facts() == {"batch_norm": name}


def test_the_file_has_the_numbers_of_the_paper():
    """Two steps of the discriminator, rates of 2e-4 and 5e-5, betas (0, 0.999), and beta of equation 3."""
    overrides = ["model.generator.widths=[8,8,8,8]", "model.discriminator.widths=[8,8,8,8]"]
    model = create_model("biggan", resolution=32, channels=1, classes=3, overrides=overrides)
    given = {key: getattr(model, f"{key}_optimizer").keywords for key in RATES}
    assert {key: arguments["lr"] for key, arguments in given.items()} == {"generator": 5e-5, "discriminator": 2e-4}
    assert [list(arguments["betas"]) for arguments in given.values()] == [[0.0, 0.999]] * 2
    assert model.updates.critic_steps == 2
    assert (model.stabilizers["orthogonal"].weight, model.stabilizers["orthogonal"].player) == (1e-4, "generator")
