"""What is recorded: every model of ``conf/model`` at a small width, and the ways in which it is trained."""

from __future__ import annotations

from dataclasses import dataclass

UPDATES = 12
"""Discriminator updates of a run."""

INTERRUPTED_AFTER = 5
"""Updates after which a run is stopped and resumed."""

BATCH = 8

NARROW = ("model.generator.width=4", "model.discriminator.width=4")
RESIDUAL = ("model.generator.widths=[8,8,8]", "model.discriminator.widths=[8,8,8]")
PAIRS = ("data=photo_edges", "data.images.stride=16", "callbacks=translation")
DOMAINS = ("data=photo_domains", "data.source.stride=16", "data.target.stride=16", "callbacks=translation")

MODELS: dict[str, tuple[str, ...]] = {
    "acgan": NARROW,
    "cgan": (
        *(f"model.generator.{part}_width=16" for part in ("latent", "label", "joint")),
        *(f"model.discriminator.{part}_width=16" for part in ("image", "label", "joint")),
    ),
    "cyclegan": (
        *DOMAINS,
        *(f"model.generator{way}.{small}" for way in ("", "_back") for small in ("width=4", "blocks=1")),
        *(f"model.discriminator{way}.{small}" for way in ("", "_back") for small in ("width=4", "layers=1")),
        "model.pool_size=20",
    ),
    "dcgan": NARROW,
    "dragan": ("model.generator.widths=[16]", "model.discriminator.widths=[16]"),
    "gan": ("model.generator.widths=[16,16]", "model.discriminator.widths=[16,16]"),
    "infogan": (*NARROW, "model.generator.hidden_width=16", "model.discriminator.hidden_width=16"),
    "lsgan": NARROW,
    "pacgan": ("model.generator.width=4", "model.discriminator.discriminator.width=4"),
    "pix2pix": (*PAIRS, "model.generator.width=4", "model.discriminator.width=4"),
    "progan": (
        *("model.generator.fmap_base=64", "model.discriminator.fmap_base=64", "model.generator.latent_dim=16"),
        *("model.generator.fmap_max=16", "model.discriminator.fmap_max=16"),
        *("model.stable_kimg=0.016", "model.fade_kimg=0.016"),
    ),
    "projection": RESIDUAL,
    "sagan": (*RESIDUAL, "model.generator.attention_resolution=8", "model.discriminator.attention_resolution=8"),
    "sngan": RESIDUAL,
    "ssgan": RESIDUAL,
    "unrolled": NARROW,
    "wgan": (*NARROW, "model.warmup_critic_steps=4", "model.warmup_generator_steps=1"),
    "wgan_gp": RESIDUAL,
}
"""What makes each model small; none of it changes the algorithm."""

WAYS: dict[str, tuple[str, ...]] = {
    "plain": (),
    "accumulate": ("model.updates.accumulate=2",),
    "critic": ("model.updates.critic_steps=2",),
    "bf16": ("trainer.precision=bf16-mixed",),
    "two": ("trainer=ddp", "trainer.accelerator=cpu", "trainer.devices=2"),
}
"""Ways to train, and what chooses them."""

ALL = ("plain", "accumulate", "critic")
"""The ways in which every model is trained."""

FURTHER = {
    "dcgan": ("bf16", "two"),
    "wgan_gp": ("two",),
    "infogan": ("two",),
    "cyclegan": ("two",),
}
"""The ways in which some are trained as well; two processes also leave their gradients to each other."""


@dataclass(frozen=True)
class Case:
    """A model, as ``gan-train`` is told of it, and the ways in which it is trained."""

    name: str
    choices: tuple[str, ...]
    ways: tuple[str, ...]

    def words(self, way: str) -> list[str]:
        """Return the arguments of ``gan-train``, but for its folder and the recorder."""
        return [
            *("trainer=cpu", "data=digits", f"batch_size={BATCH}", "budget.kimg=null", "budget.epochs=null"),
            *(f"budget.images={BATCH * UPDATES}", "evaluator=none", "logger=none", "trainer.log_every_n_steps=1"),
            *self.choices,
            *WAYS[way],
        ]


def _experiment(name: str, *overrides: str) -> tuple[str, ...]:
    return (f"experiment={name}", "data=ring", *overrides)


CASES: dict[str, Case] = {
    name: Case(name, (f"model={name}", *overrides), ALL + FURTHER.get(name, ())) for name, overrides in MODELS.items()
} | {
    "points": Case(
        "points",
        _experiment("ring_gan", "model.generator.widths=[16,16]", "model.discriminator.widths=[16,16]"),
        ("plain",),
    ),
    "parts": Case(
        "parts",
        (
            *("model=dcgan", *NARROW, "model.discriminator.batch_norm=false", "model/augment=ada"),
            *("model.augment.initial_p=0.5", "model.augment.interval_steps=1", "model.augment.speed_kimg=0.1"),
            *(
                f"+model/regularizer@model.regularizers.{name}={name}"
                for name in ("consistency", "dragan", "lecam", "r1", "r2", "wgan_gp")
            ),
            "model.regularizers.lecam.start_images=8",
            *(
                f"+model/stabilizer@model.stabilizers.{name}={name}"
                for name in ("feature_matching", "historical_averaging", "orthogonal", "replay", "top_k")
            ),
            *("model.stabilizers.top_k.gamma=0.5", "model.stabilizers.top_k.images_per_epoch=8"),
            "model.stabilizers.replay.capacity=8",
        ),
        ("plain",),
    ),
}
"""Every model, the first one on points, and one with all regularizers, stabilizers and an augmentation."""
