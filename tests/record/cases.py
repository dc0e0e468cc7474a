"""What is recorded: every model of ``conf/model`` at a small width, and the ways in which it is trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

UPDATES = 12
"""Discriminator updates of a run."""

INTERRUPTED_AFTER = 5
"""Updates after which a run is stopped and resumed."""

BATCH = 8

AVERAGED = "model.updates.ema_halflife_kimg=0.05"
"""An average that moves within twelve updates."""

FAST = (AVERAGED, "model.generator_optimizer.lr=0.02")
"""A generator that leaves its initial gray within twelve updates, so that samples tell something."""

NARROW = ("model.generator.width=4", "model.discriminator.width=4", *FAST)
RESIDUAL = (AVERAGED, "model.generator.widths=[8,8,8]", "model.discriminator.widths=[8,8,8]")
PAIRS = ("data=photo_edges", "data.images.stride=16", "callbacks=translation")
DOMAINS = ("data=photo_domains", "data.source.stride=16", "data.target.stride=16", "callbacks=translation")

MODELS: dict[str, tuple[str, ...]] = {
    "acgan": NARROW,
    "cgan": (
        AVERAGED,
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
    "dragan": (AVERAGED, "model.generator.widths=[16]", "model.discriminator.widths=[16]"),
    "gan": (AVERAGED, "model.generator.widths=[16,16]", "model.discriminator.widths=[16,16]"),
    "infogan": (*NARROW, "model.generator.hidden_width=16", "model.discriminator.hidden_width=16"),
    "lsgan": NARROW,
    "pacgan": (*FAST, "model.generator.width=4", "model.discriminator.discriminator.width=4"),
    "pix2pix": (*PAIRS, "model.generator.width=4", "model.discriminator.width=4"),
    "progan": (
        AVERAGED,
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

TRANSLATORS = ("cyclegan", "pix2pix")

METRICS = "frechet,kernel,score,frechet_infinity,precision,recall,density,coverage,authenticity"
DIGITS = ("evaluator=digits", "evaluator.samples=256")
LPIPS = (
    "evaluator/similarity=lpips",
    "evaluator.similarity.net=squeeze",
    "evaluator.similarity.weights_path=squeeze.pth",
)
TRANSLATION = {"translation": ("ckpt=CHECKPOINT", "evaluator=translation", "evaluator.samples=256")}
EVALUATIONS: dict[str, dict[str, tuple[str, ...]]] = {
    "acgan": {
        "classes": (
            *("ckpt=CHECKPOINT", "evaluator=digits_classes", "evaluator.samples=256"),
            "evaluator.metrics=[frechet,class_accuracy,intra_frechet]",
        ),
    },
    "dcgan": {
        "digits": ("ckpt=CHECKPOINT", *DIGITS, f"evaluator.metrics=[{METRICS}]"),
        "files": (
            *("generated=digits.npz", "real=CHECKPOINT", *DIGITS),
            f"evaluator.metrics=[{METRICS},class_accuracy,intra_frechet]",
        ),
        "lpips": (
            "ckpt=CHECKPOINT",
            *DIGITS,
            *LPIPS,
            "+evaluator.path_samples=256",
            "evaluator.metrics=[path_length,lpips_diversity]",
        ),
    },
    "infogan": {
        "codes": (
            *("ckpt=CHECKPOINT", "evaluator=digits_codes", "evaluator.samples=256"),
            "evaluator.metrics=[frechet,code_purity]",
        ),
    },
    **dict.fromkeys(TRANSLATORS, TRANSLATION),
}
"""What scores are asked for, by model; ``digits.npz`` and ``squeeze.pth`` are made for them."""


@dataclass(frozen=True)
class Case:
    """A model, as ``gan-train`` is told of it, the ways in which it is trained, and what it is asked for then.

    Attributes:
        name: of the case and its files.
        choices: arguments of ``gan-train``.
        ways: keys of ``WAYS``.
        evaluations: arguments of ``gan-evaluate`` by a name; CHECKPOINT stands for the file.
        translates: its samples are translations of images.
    """

    name: str
    choices: tuple[str, ...]
    ways: tuple[str, ...]
    evaluations: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    translates: bool = False

    def words(self, way: str) -> list[str]:
        """Return the arguments of ``gan-train``, but for its folder and the recorder."""
        return [
            *("trainer=cpu", "data=digits", f"batch_size={BATCH}", "budget.kimg=null", "budget.epochs=null"),
            *(f"budget.images={BATCH * UPDATES}", "evaluator=none", "logger=none", "trainer.log_every_n_steps=1"),
            *self.choices,
            *WAYS[way],
        ]


CASES: dict[str, Case] = {
    name: Case(
        name,
        (f"model={name}", *overrides),
        ALL + FURTHER.get(name, ()),
        EVALUATIONS.get(name, {}),
        translates=name in TRANSLATORS,
    )
    for name, overrides in MODELS.items()
} | {
    "points": Case(
        "points",
        (
            *("experiment=ring_gan", "data=ring", "model.generator.initialization=xavier"),
            *("model.generator.widths=[16,16]", "model.discriminator.widths=[16,16]"),
        ),
        ("plain",),
        {"modes": ("ckpt=CHECKPOINT", "evaluator=modes", "evaluator.samples=256", "evaluator.radius_sigmas=30")},
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
