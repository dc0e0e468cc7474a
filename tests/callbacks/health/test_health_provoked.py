"""Real trainings that go wrong in one way each: the right warning appears, and no other; healthy ones give none."""

import logging
import re

import pytest
import torch
from lightning import Trainer

from gan_lightning import losses, regularizers
from gan_lightning.callbacks import Evaluation, TrainingHealth
from gan_lightning.data import DigitsDataModule, RingDataModule
from gan_lightning.data.base import InMemoryDataModule, LabelledImages
from gan_lightning.metrics import ModeEvaluator
from gan_lightning.models import DCGAN, WGANGP, UpdateRule
from gan_lightning.models.priors import Uniform
from gan_lightning.networks import (
    DCGANDiscriminator,
    DCGANGenerator,
    MaxoutDiscriminator,
    MLPGenerator,
    PointDiscriminator,
    PointGenerator,
)
from tests.models.toys import Rows
from tests.parts import parts_with

LR = 0.02
"""A hundredth of which is a usual rate for these networks."""


LOOKS = 7


def adam(lr, betas=(0.5, 0.999)):
    return lambda parameters: torch.optim.Adam(parameters, lr=lr, betas=betas)


def rates(generator, discriminator, betas=(0.5, 0.999)):
    return {"generator_optimizer": adam(generator, betas), "discriminator_optimizer": adam(discriminator, betas)}


def wgan_gp():
    return {
        "loss": losses.Wasserstein(),
        "updates": UpdateRule(critic_steps=5),
        "regularizers": {"gradient_penalty": regularizers.WGANGP(weight=0.1)},
        **rates(1e-3, 1e-3, betas=(0.5, 0.9)),
    }


def points(*, kind=DCGAN, width=32, activation="relu", **parts):
    torch.manual_seed(0)
    layers = {"widths": (width, width), "activation": activation, "initialization": "xavier"}
    generator = PointGenerator(latent_dim=2, batch_norm=False, **layers)
    return kind(**parts_with(generator=generator, discriminator=PointDiscriminator(**layers), **parts))


def ring(**arguments):
    return RingDataModule(batch_size=64, points=2000, **arguments)


class Remembered(InMemoryDataModule):
    """48 images for training and 48 others, all from one generator, so that there is nothing but them to learn."""

    heldout_split = "heldout"

    def __init__(self, generator):
        super().__init__(dataset="few", resolution=8, channels=1, classes=None, batch_size=32, seed=0)
        with torch.no_grad():
            images = generator(torch.randn(96, 16, generator=torch.Generator().manual_seed(1)))
        self.images = ((images + 1) * 127.5).round().to(torch.uint8)

    def load(self, split):
        return LabelledImages(self.images[:48] if split == "train" else self.images[48:], None)


def discriminator_overpowering():
    model = points(prior=Uniform(bound=3.0), loss=losses.Minimax(), **rates(1e-5, 1e-2))
    return model, ring(modes=1, radius=8.0, sigma=1.0), 6.0, 3


def generator_overpowering():
    rule, damping = UpdateRule(critic_steps=0.2), {"r1": regularizers.R1(weight=0.5)}
    model = points(prior=Uniform(bound=3.0), updates=rule, regularizers=damping, **rates(1e-3, 3e-4))
    return model, ring(sigma=0.1), 3.5, 3


def mode_collapse():
    return points(prior=Uniform(bound=0.01), **rates(1e-4, 1e-3)), ring(), 6.0, 5


def discriminator_overfitting():
    torch.manual_seed(0)
    generator = MLPGenerator(resolution=8, latent_dim=16, widths=(64,))
    judge = MaxoutDiscriminator(resolution=8, widths=(64,), pieces=2, input_dropout=0.0, hidden_dropout=0.0)
    model = DCGAN(**parts_with(generator=generator, discriminator=judge, **rates(1e-6, 2e-3)))
    return model, Remembered(generator), 5.0, 5


def divergence():
    parts = {"activation": "leaky_relu", "loss": losses.Wasserstein()}
    return points(**parts, **rates(100 * LR, 100 * LR)), ring(), 6.0, 5


def oscillation():
    model = points(prior=Uniform(bound=3.0), **rates(3e-3, 3e-3, betas=(0.9, 0.999)))
    return model, ring(modes=1, radius=1.0, sigma=0.5), 12.0, 5


def healthy_points():
    model = points(kind=WGANGP, width=64, **wgan_gp())
    return model, ring(sigma=0.05), 25.0, 20


def healthy_demo():
    """The demo's parts at 8x8, shortened."""
    torch.manual_seed(0)
    generator = DCGANGenerator(resolution=8, channels=1, width=16, latent_dim=8)
    judge = DCGANDiscriminator(resolution=8, channels=1, width=16)
    penalty = {"r1": regularizers.R1(weight=0.15, interval=8)}
    model = DCGAN(
        **parts_with(
            generator=generator, discriminator=judge, regularizers=penalty, **rates(4e-3, 2e-3, betas=(0.0, 0.99))
        )
    )
    return model, DigitsDataModule(resolution=8, batch_size=32), 8.0, 10


def watch(model, data, *, kimg, every, evaluator=None):
    model.budget_images = round(1000 * kimg)
    health, rows = TrainingHealth(every_kimg=kimg / LOOKS, samples=48), Rows()
    evaluation = Evaluation(evaluator=evaluator, every_kimg=kimg / 3)
    trainer = Trainer(
        accelerator="cpu",
        max_epochs=-1,
        logger=rows,
        callbacks=[health, evaluation],
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        log_every_n_steps=every,
        use_distributed_sampler=False,
    )
    trainer.fit(model, datamodule=data)
    return health, rows.rows


PROVOKED = [
    discriminator_overpowering,
    generator_overpowering,
    mode_collapse,
    discriminator_overfitting,
    divergence,
    oscillation,
]


@pytest.mark.parametrize("provoke", PROVOKED, ids=lambda function: function.__name__)
def test_the_right_warning_appears_and_no_other(provoke, caplog):
    model, data, kimg, every = provoke()
    with caplog.at_level(logging.WARNING, logger="gan_lightning"):
        health, rows = watch(model, data, kimg=kimg, every=every)
    kind = provoke.__name__
    assert list(health.monitor.troubles) == [kind]
    trouble = health.monitor.troubles[kind]
    assert f"[{trouble.config_key}]" in caplog.text
    assert all(key in (f"health/{kind}", *MEASURED) for row in rows for key in row if key.startswith("health/"))
    if kind == "divergence":
        assert model.diverged
        assert model.images_seen < model.budget_images
        assert "/loss is " in trouble.message
    else:
        marked = [row["images_seen"] for row in rows if f"health/{kind}" in row]
        assert marked[0] == trouble.first_images_seen
        assert marked[-1] >= trouble.last_images_seen  # a state seen at a look lasts until the next one
        assert not model.diverged


def test_a_generator_that_cannot_reach_all_modes_is_told_so_wherever_its_samples_are(caplog):
    """Its samples lie on a line, which passes near two of the modes; none of them need be good."""
    torch.manual_seed(0)
    wide, narrow = ({"widths": (width,), "activation": "tanh", "initialization": "xavier"} for width in (32, 1))
    model = WGANGP(
        **parts_with(
            generator=PointGenerator(latent_dim=1, batch_norm=False, **narrow),
            discriminator=PointDiscriminator(**wide),
            **wgan_gp(),
        )
    )
    with caplog.at_level(logging.WARNING, logger="gan_lightning"):
        health, _ = watch(model, ring(), kimg=6.0, every=5, evaluator=ModeEvaluator(samples=480))
    assert list(health.monitor.troubles) == ["mode_collapse"]
    assert re.fullmatch(r"the generator misses [456] of 8 modes", health.monitor.troubles["mode_collapse"].message)
    assert caplog.text.count("Remedy: ") == 1


def test_a_discriminator_that_is_always_right_is_told_though_the_gradient_lives(caplog):
    penalty = {"r1": regularizers.R1(weight=1e-6)}
    model = points(prior=Uniform(bound=3.0), regularizers=penalty, **rates(1e-6, 1e-2))
    data = RingDataModule(batch_size=1024, points=2000, modes=1, radius=8.0, sigma=0.5)
    with caplog.at_level(logging.WARNING, logger="gan_lightning"):
        health, rows = watch(model, data, kimg=70.0, every=4)
    assert list(health.monitor.troubles) == ["discriminator_overpowering"]
    trouble = health.monitor.troubles["discriminator_overpowering"]
    assert "99.5% of the pairs right or more" in trouble.message
    assert 50_000 <= trouble.first_images_seen <= 70_000
    assert rows[-1]["g/grad_norm"] > 0.02 * max(row["g/grad_norm"] for row in rows)
    assert "regularizers.r1.weight" in trouble.remedy  # it has the penalty, and no augmentation
    assert "model/augment=ada" in trouble.remedy
    assert "+model/regularizer" not in trouble.remedy


@pytest.mark.parametrize("build", [healthy_points, healthy_demo], ids=lambda function: function.__name__)
def test_a_healthy_run_gives_no_warning(build, caplog):
    model, data, kimg, every = build()
    evaluator = ModeEvaluator(samples=480) if isinstance(data, RingDataModule) else None
    with caplog.at_level(logging.WARNING, logger="gan_lightning"):
        health, rows = watch(model, data, kimg=kimg, every=every, evaluator=evaluator)
    assert health.monitor.troubles == {}
    assert caplog.text == ""
    assert len(rows) >= 15
    assert sum("health/diversity" in row for row in rows) >= LOOKS - 1


MEASURED = [
    "health/diversity",
    "health/real_train",
    "health/real_heldout",
    "health/overfitting",
    "health/memorised",
]
