"""Projected GAN: three steps beside an independent transcription in float64, its checkpoints, and what it refuses."""

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

from gan_lightning.augment import DiffAugment
from gan_lightning.core.seeding import generator_for, seed_step
from gan_lightning.data import Batch
from gan_lightning.losses import Hinge
from gan_lightning.models import ProjectedGAN, UpdateRule
from gan_lightning.models.efficientnet_backbone import EfficientNetLite0
from gan_lightning.networks import (
    DCGANDiscriminator,
    ProjectedDiscriminator,
    RandomBackbone,
    StyleGAN2Generator,
)
from gan_lightning.networks.backbone import Backbone
from tests.models.by_hand import Adam, Listed, largest_difference
from tests.parts import parts_with

BATCH, STEPS, CLASSES = 4, 3, 3
# Adam with a beta of 0 moves by the signs of gradients; a large eps lets rounding stay small.
ADAM = {"betas": (0.0, 0.99), "eps": 1e-3}
RATES = {"generator": 0.01, "discriminator": 0.01 * 16 / 17}
POLICY = {"policy": ["color", "translation", "cutout"], "cutout_ratio": 0.2}


def networks(*, classes: int | None = None, backbone: Backbone | None = None) -> dict[str, Any]:
    """Return networks for images of 16x16, which the discriminators see at 32x32."""
    torch.manual_seed(0)
    generator = StyleGAN2Generator(
        resolution=16, channels=1, latent_dim=4, style_dim=8, channel_base=64, channel_max=8, classes=classes
    )
    for layer in generator.synthesis.layers:
        layer.noise_strength.data.fill_(0.3)
    discriminator = ProjectedDiscriminator(
        backbone=backbone or RandomBackbone(widths=[4, 4, 4, 4]),
        resolution=16,
        channels=1,
        width=4,
        classes=classes,
        least_size=32 if backbone is None else 128,
    )
    return {"generator": generator, "discriminator": discriminator}


def batches() -> list[Batch]:
    random = [generator_for(9, number) for number in range(STEPS)]
    return [
        Batch(
            torch.rand(BATCH, 1, 16, 16, generator=r, dtype=torch.float64) * 2 - 1,
            torch.randint(CLASSES, (BATCH,), generator=r),
        )
        for r in random
    ]


def trainer() -> Trainer:
    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "log_every_n_steps": 0}
    return Trainer(accelerator="cpu", max_epochs=1, enable_model_summary=False, **quiet)


def trained() -> tuple[ProjectedGAN, dict[str, nn.Module], list[Tensor]]:
    """Train three steps in float64; return the model, the networks before, and the latents."""
    given, prior = networks(classes=CLASSES), Listed()
    before = {key: copy.deepcopy(network).double() for key, network in given.items()}
    model = ProjectedGAN(
        **given,
        loss=Hinge(),
        prior=prior,
        augment=DiffAugment(**POLICY),
        updates=UpdateRule(first="generator", replace_nonfinite=1e5, ema_halflife_kimg=0.02, ema_rampup=0.05),
        **{f"{key}_optimizer": partial(torch.optim.Adam, lr=RATES[key], **ADAM) for key in given},
    )
    trainer().fit(model.double(), DataLoader(batches(), batch_size=None))
    return model, before, prior.drawn


def logits_of(d: Any, images: Tensor, labels: Tensor) -> Tensor:
    """Judge images on four scales: frozen maps, mixed, four bodies, four heads."""
    large = F.interpolate(images.repeat(1, 3, 1, 1), scale_factor=2, mode="bilinear", align_corners=False)
    mixed = d.mixing(d.frozen(large))
    parts = [head(body(maps), labels) for maps, body, head in zip(mixed, d.bodies, d.heads, strict=True)]
    return torch.cat([part.flatten(1) for part in parts], dim=1)


def transcribed(before: dict[str, Any], latents: list[Tensor]) -> dict[str, nn.Module]:
    """Move the generator first, each player on latents and augmentations of its own."""
    g, d = copy.deepcopy(before["generator"]), copy.deepcopy(before["discriminator"])
    average = copy.deepcopy(g)
    adam_g, adam_d = (Adam(n, rate=RATES[k], **ADAM) for n, k in ((g, "generator"), (d, "discriminator")))
    augment = DiffAugment(**POLICY)
    drawn = iter(latents)

    def generated(labels: Tensor) -> Tensor:
        z = next(drawn)
        noise = [torch.empty(BATCH, *shape, dtype=torch.float64).normal_() for shape in g.noise_shapes]
        return g(z, labels, noise=noise)

    for number, batch in enumerate(batches()):
        seed_step(0, 0, number * BATCH, torch.device("cpu"))
        adam_g.step(-logits_of(d, augment(generated(batch.labels)), batch.labels).mean())
        with torch.no_grad():
            fakes = generated(batch.labels)
        real = logits_of(d, augment(batch.images), batch.labels)
        fake = logits_of(d, augment(fakes), batch.labels)
        assert real.shape == (BATCH, 4)  # one of each network
        adam_d.step(F.relu(1 - real).mean() + F.relu(1 + fake).mean())
        halflife = min(20, 0.05 * (number + 1) * BATCH)
        keep = 0.5 ** (BATCH / halflife)
        with torch.no_grad():
            for ours, theirs in zip(average.parameters(), g.parameters(), strict=True):
                ours.copy_(keep * ours + (1 - keep) * theirs)
            for ours, theirs in zip(average.buffers(), g.buffers(), strict=True):
                ours.copy_(theirs)
    return {"generator": g, "discriminator": d, "generator_ema": average}


def test_three_steps_are_those_of_the_transcription():
    model, before, latents = trained()
    assert len(latents) == 2 * STEPS
    for key, expected in transcribed(before, latents).items():
        start = before[key.removesuffix("_ema")].state_dict()
        assert largest_difference(getattr(model, key), start) > 0.005, key
        assert largest_difference(getattr(model, key), expected.state_dict()) <= 1e-6, key
    for name in ("weight", "bias"):  # of a mixture that is not trained
        old, new = (getattr(d.mixing.across_scales[0], name) for d in (before["discriminator"], model.discriminator))
        assert torch.equal(old, new)


def small(*, backbone: Backbone | None = None, **options: Any) -> ProjectedGAN:
    updates = UpdateRule(ema_halflife_kimg=None, first="generator")
    return ProjectedGAN(**parts_with(updates=updates, **{**networks(backbone=backbone), **options}))


def test_a_checkpoint_has_the_mixture_and_not_the_frozen_network():
    model, other = small(), small()
    torch.nn.init.normal_(other.discriminator.mixing.across_scales[0].weight)
    images = torch.rand(2, 1, 16, 16)
    assert not torch.equal(model.discriminator.eval()(images), other.discriminator.eval()(images))
    state = model.state_dict()
    assert sum("discriminator.mixing" in name for name in state) == 16
    assert not [name for name in state if "frozen" in name]
    other.load_state_dict(state)
    assert torch.equal(model.discriminator(images), other.discriminator(images))


def test_missing_weights_are_named_before_a_run_and_not_needed_to_sample(monkeypatch, tmp_path):
    monkeypatch.setattr("gan_lightning.models.efficientnet_backbone.timm_library", lambda: None)
    model = small(backbone=EfficientNetLite0(weights_path=str(tmp_path / "no.pth")))
    assert model.sample(1).shape == (1, 1, 16, 16)
    data = SimpleNamespace(sample_shape=(1, 16, 16))
    with pytest.raises(
        ValueError, match=r"model\.discriminator\.backbone: weights_path: no file .*no\.pth; the weights"
    ):
        model.check_data(data)
    with pytest.raises(ValueError, match=r"no file .*no\.pth"):  # nor does a fit begin with other weights
        trainer().fit(model, DataLoader([Batch(torch.zeros(2, 1, 16, 16))], batch_size=None))
    small().check_data(data)


def test_other_discriminators_are_refused():
    with pytest.raises(ValueError, match=r"model\.discriminator must be a ProjectedDiscriminator, got DCGANDisc"):
        small(discriminator=DCGANDiscriminator(resolution=16, channels=1))
