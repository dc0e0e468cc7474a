"""FastGAN: three steps beside an independent transcription in float64, its feature losses, and what it refuses."""

from __future__ import annotations

import copy
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from lightning import Trainer
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torchvision.models import squeezenet1_1

from gan_lightning.augment import DiffAugment
from gan_lightning.core.seeding import generator_for, seed_step
from gan_lightning.data import Batch
from gan_lightning.losses import Hinge
from gan_lightning.metrics.lpips import LPIPS
from gan_lightning.models import FastGAN, UpdateRule
from gan_lightning.models.feature_loss import PerceptualLoss, PixelLoss
from gan_lightning.networks import DCGANDiscriminator, DCGANGenerator, FastGANDiscriminator, FastGANGenerator
from tests.models.by_hand import Adam, Listed, largest_difference
from tests.parts import parts_with

BATCH, STEPS, WEIGHT = 2, 3, 3.0
ADAM = {"betas": (0.5, 0.99), "eps": 1e-3}


def networks() -> dict[str, Any]:
    torch.manual_seed(0)
    return {
        "generator": FastGANGenerator(width=8, channels=1, latent_dim=4),
        "discriminator": FastGANDiscriminator(width=8, channels=1, decoder_channels=[4, 4, 4, 4]),
    }


def batches() -> list[Batch]:
    random = [generator_for(9, number) for number in range(STEPS)]
    return [Batch(torch.rand(BATCH, 1, 256, 256, generator=r, dtype=torch.float64) * 2 - 1) for r in random]


def trained() -> tuple[FastGAN, dict[str, nn.Module], list[Tensor]]:
    """Train three steps in float64; return the model, the networks before, and the latents."""
    given, prior = networks(), Listed()
    before = {key: copy.deepcopy(network).double() for key, network in given.items()}
    model = FastGAN(
        **given,
        loss=Hinge(least_margin=0.8),
        prior=prior,
        augment=DiffAugment(policy=["color", "translation"]),
        updates=UpdateRule(fakes="shared", ema_halflife_kimg=None),
        feature_loss=PixelLoss(),
        reconstruction_weight=WEIGHT,
        **{f"{key}_optimizer": partial(torch.optim.Adam, lr=0.01, **ADAM) for key in given},
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
    return model, before, prior.drawn


def transcribed(before: dict[str, Any], latents: list[Tensor]) -> dict[str, nn.Module]:
    """Draw one batch for both players, and augment it and the real images once."""
    g, d = copy.deepcopy(before["generator"]), copy.deepcopy(before["discriminator"])
    adam_g, adam_d = (Adam(network, rate=0.01, **ADAM) for network in (g, d))
    augment = DiffAugment(policy=["color", "translation"])
    for number, (batch, z) in enumerate(zip(batches(), latents, strict=True)):
        seed_step(0, 0, number * BATCH, torch.device("cpu"))
        noise = [torch.empty(BATCH, *shape, dtype=torch.float64).normal_() for shape in g.noise_shapes]
        fakes = [augment(view) for view in g.views(z, noise=noise)]
        x = augment(batch.images)
        features = d.features(x)
        real, fake = d.head(features), d.head(d.features(*(view.detach() for view in fakes)))
        quadrant = int(torch.randint(4, ()))
        decoded = d.reconstruct(features, quadrant=quadrant)
        margins = [torch.empty_like(logits).uniform_(0.8, 1) for logits in (real, fake)]
        adversarial = F.relu(margins[0] - real).mean() + F.relu(margins[1] + fake).mean()
        small = x[:, :, ::2, ::2]  # the nearest pixels
        top, left = 128 * (quadrant // 2), 128 * (quadrant % 2)
        quarter = x[:, :, top : top + 128, left : left + 128]
        pairs = ((decoded.image, small), (decoded.small, small), (decoded.quadrant, quarter))
        adam_d.step(adversarial + WEIGHT * sum(((made - of) ** 2).mean() for made, of in pairs))
        adam_g.step(-d.head(d.features(*fakes)).mean())
    return {"generator": g, "discriminator": d}


def test_three_steps_are_those_of_the_transcription():
    model, before, latents = trained()
    assert len(latents) == STEPS
    for key, expected in transcribed(before, latents).items():
        assert largest_difference(getattr(model, key), before[key].state_dict()) > 0.01, key
        assert largest_difference(getattr(model, key), expected.state_dict()) <= 1e-6, key


def small(**options: Any) -> FastGAN:
    given = {"feature_loss": PixelLoss(), **networks(), **options}
    return FastGAN(**parts_with(updates=UpdateRule(ema_halflife_kimg=None), **given))


def test_a_sample_is_a_function_of_seed_and_index_its_noise_too():
    model = small()
    for name, parameter in model.generator.named_parameters():
        if name.endswith("strength"):
            parameter.data.fill_(1.0)
    many = model.sample(3, seed=3)
    assert torch.equal(many, model.sample(3, seed=3, batch_size=1))
    assert not torch.equal(many[0], model.sample(1, seed=4)[0])


@pytest.fixture(scope="module")
def squeezenet(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "squeeze.pth"
    torch.manual_seed(0)
    torch.save(squeezenet1_1(weights=None).state_dict(), path)
    return str(path)


def test_the_perceptual_loss_is_lpips_and_has_a_gradient(squeezenet):
    loss = PerceptualLoss(net="squeeze", weights_path=squeezenet)
    loss.check()
    loss.prepare(torch.device("cpu"))
    first, second = torch.rand(2, 3, 1, 64, 64) * 2 - 1
    first.requires_grad_(True)
    found = loss(first, second)
    expected = LPIPS(net="squeeze", weights_path=squeezenet, resize=None)(first.detach(), second)
    torch.testing.assert_close(found.detach(), expected, rtol=1e-5, atol=1e-7)
    found.sum().backward()
    assert first.grad.abs().sum() > 0


def test_missing_weights_are_named_before_a_run_and_not_needed_to_sample(tmp_path):
    model = small(feature_loss=PerceptualLoss(weights_path=str(tmp_path / "no.pth")))
    assert model.sample(1).shape == (1, 1, 256, 256)
    data = SimpleNamespace(sample_shape=(1, 256, 256))
    with pytest.raises(ValueError, match=r"model\.feature_loss: weights_path: no file .*no\.pth; the weights"):
        model.check_data(data)
    small().check_data(data)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"generator": DCGANGenerator(resolution=16)}, r"model\.generator must be a FastGANGenerator, got DCGAN"),
        ({"discriminator": DCGANDiscriminator(resolution=16)}, r"model\.discriminator must be a FastGANDiscriminator"),
        ({"reconstruction_weight": -1.0}, r"model\.reconstruction_weight must be at least 0, got -1\.0"),
    ],
)
def test_other_parts_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        small(**options)
