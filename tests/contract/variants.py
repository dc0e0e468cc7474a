"""Every variant of conf/model, found by globbing, as a small model on embedded images."""

from __future__ import annotations

from typing import Any

from gan_lightning.data import InMemoryLoader
from gan_lightning.models import AdversarialModule
from gan_lightning.testing import Variant, assert_same, fit, state
from gan_lightning.testing.training import StopAt
from tests.conftest import CONF

VARIANTS = sorted(path.stem for path in (CONF / "model").glob("*.yaml"))


NARROW = ["model.generator.width=8", "model.discriminator.width=8"]
SMALL = {
    **dict.fromkeys(["acgan", "dcgan", "lsgan"], NARROW),
    "gan": ["model.generator.widths=[32,32]", "model.discriminator.widths=[16,16]"],
    "cgan": [
        *(f"model.generator.{part}_width=16" for part in ("latent", "label", "joint")),
        *(f"model.discriminator.{part}_width=16" for part in ("image", "label", "joint")),
    ],
    "dragan": ["model.generator.widths=[32]", "model.discriminator.widths=[32]"],
    "pacgan": ["model.generator.width=8", "model.discriminator.discriminator.width=8"],
    "unrolled": [*NARROW, "model.unroll_steps=2"],
    "infogan": [*NARROW, *(f"model.{player}.hidden_width=32" for player in ("generator", "discriminator"))],
    "wgan": [*NARROW, "model.warmup_critic_steps=4"],
    "wgan_gp": ["model.generator.widths=[16,16,16]", "model.discriminator.widths=[16,16,16]"],
    "projection": ["model.generator.widths=[16,16,16]", "model.discriminator.widths=[16,16,16]"],
    "sngan": ["model.generator.widths=[16,16,16]", "model.discriminator.widths=[16,16,16]"],
    "ssgan": ["model.generator.widths=[16,16,16]", "model.discriminator.widths=[16,16,16]"],
    "r3gan": [
        *(f"model.{player}.widths=[16,16]" for player in ("generator", "discriminator")),
        *(f"model.{player}.cardinalities=[4,4]" for player in ("generator", "discriminator")),
        *(f"model.{player}.blocks=[1,1]" for player in ("generator", "discriminator")),
        *(f"model.{player}.bfloat16_resolutions=[]" for player in ("generator", "discriminator")),
        "model.updates.generator_schedule.end_kimg=0.08",
    ],
    "sagan": [
        "model.generator.widths=[16,16,16]",
        "model.discriminator.widths=[16,16,16]",
        "model.generator.attention_resolution=8",
        "model.discriminator.attention_resolution=8",
    ],
    "biggan": [
        *("model.generator.widths=[16,16,16]", "model.generator.latent_dim=12", "model.generator.shared_dim=8"),
        "model.discriminator.widths=[16,16,16]",
        *(f"model.{player}.attention_resolution=8" for player in ("generator", "discriminator")),
        *("model.statistics.passes=2", "model.statistics.batch_size=8"),
    ],
    "fastgan": [
        *("data.resolution=256", "model/feature_loss=mse", "model.generator.latent_dim=8"),
        *(f"model.{player}.width=8" for player in ("generator", "discriminator")),
        *("model.discriminator.decoder_channels=[4,4,4,4]", "model.statistics.passes=1"),
    ],
    "projected_gan": [
        *("model/generator=projected_stylegan2", "model/backbone@model.discriminator.backbone=random"),
        *("model.generator.latent_dim=4", "model.generator.style_dim=8", "model.generator.channel_base=64"),
        *("model.generator.channel_max=8", "model.generator.conv_clamp=null"),
        *("model.discriminator.backbone.widths=[4,4,4,4]", "model.discriminator.width=4"),
        "model.discriminator.least_size=32",
    ],
    "progan": [
        *(
            f"model.{player}.{limit}"
            for player in ("generator", "discriminator")
            for limit in ("fmap_base=64", "fmap_max=16")
        ),
        "model.generator.latent_dim=16",
        "model.stable_kimg=0.016",
        "model.fade_kimg=0.016",
    ],
    "stylegan2": [
        *("model.generator.latent_dim=4", "model.generator.style_dim=8", "model.generator.mapping_layers=2"),
        *(f"model.{player}.channel_base=64" for player in ("generator", "discriminator")),
        *(f"model.{player}.channel_max=8" for player in ("generator", "discriminator")),
        *(f"model.{player}.conv_clamp=null" for player in ("generator", "discriminator")),
        *("model.discriminator.group_size=2", "model.regularizers.r1.interval=3", "model.augment=null"),
    ],
    "pix2pix": [
        "data=photo_edges",
        "data.images.stride=16",
        "model.generator.width=4",
        "model.discriminator.width=4",
    ],
    "cyclegan": [
        "data=photo_domains",
        *(f"data.{domain}.stride=16" for domain in ("source", "target")),
        *(f"model.generator{way}.{small}" for way in ("", "_back") for small in ("width=4", "blocks=1")),
        *(f"model.discriminator{way}.{small}" for way in ("", "_back") for small in ("width=4", "layers=1")),
        "model.pool_size=20",
    ],
}
"""What makes the larger ones quick; none of it changes the algorithm."""


INERT = {name: frozenset({"discriminator.output.bias"}) for name in ("wgan_gp", "ssgan")}
"""A constant added to all logits leaves these losses as they are: exactly, or until the hinge bends."""

ALIKE = {"dragan", "gan", "lsgan", "projection", "sagan", "sngan", "wgan_gp"}
"""Those that differ from another one by networks, a loss or a penalty alone, which others have too."""

SLOW = {"fastgan"}
"""Those that are made for no images below 256x256: a check of them takes a minute."""

UNBOUNDED = {"fastgan", "progan", "projected_gan", "r3gan", "stylegan2"}
"""Generators without a tanh; their samples are clamped where they become pictures."""

DETERMINISTIC = {"cyclegan"}
"""Generators without noise: sample i is the translation of source image i."""


def variant_named(name: str) -> Variant:
    """Return a variant with what its checks have to know."""
    return Variant(
        name=name,
        overrides=tuple(SMALL.get(name, ())),
        inert=INERT.get(name, frozenset()),
        bounded=name not in UNBOUNDED,
        noisy=name not in DETERMINISTIC,
    )


def build_unchanged(variant: str, *overrides: str) -> tuple[AdversarialModule, Any]:
    """Return the variant's model and data module with no other changes than these, of its networks for instance."""
    return Variant(name=variant, overrides=overrides).build()


def build(variant: str, *overrides: str) -> tuple[AdversarialModule, Any]:
    """Return the variant's model and data module as its config builds them, with a batch of 8."""
    return variant_named(variant).build(*overrides)


__all__ = [
    "ALIKE",
    "NARROW",
    "SLOW",
    "VARIANTS",
    "InMemoryLoader",
    "StopAt",
    "assert_same",
    "build",
    "build_unchanged",
    "fit",
    "state",
    "variant_named",
]
