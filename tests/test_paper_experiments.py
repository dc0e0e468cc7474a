"""The experiments that follow a paper have its optimizers, ratio, batch and budget, written down here a second time.

The numbers are those of the papers, of their released code, or of the re-implementation that an experiment's header
names; what none of them says is left out. ``test_points_benchmark`` has those of the two-dimensional benchmark.
"""

from __future__ import annotations

import math
import re
from typing import Any

import pytest
from omegaconf import OmegaConf

from gan_lightning.config import build, locate
from gan_lightning.config.expected import read_expected
from gan_lightning.metrics import Evaluator, InceptionExtractor, Metric, ModeEvaluator, TranslationEvaluator
from gan_lightning.metrics.named import chosen_metrics
from gan_lightning.metrics.scores import format_count
from tests.conftest import CONF, compose_train
from tests.contract.variants import VARIANTS


def adam(rate: float, *betas: float) -> dict[str, Any]:
    return {"_target_": "torch.optim.Adam", "lr": rate, "betas": list(betas)}


RMSPROP = {"_target_": "torch.optim.RMSprop", "lr": 5e-5}
# 250 epochs of the 50,000 images that the released code trains on
RISING = {"_target_": "gan_lightning.core.schedules.Linear", "initial": 0.5, "final": 0.7, "end_kimg": 250 * 50}
SGD = {"_target_": "torch.optim.SGD", "lr": 0.1, "momentum": RISING}
DCGAN = {"generator": adam(2e-4, 0.5, 0.999), "discriminator": adam(2e-4, 0.5, 0.999)}
RESNET = {"generator": adam(2e-4, 0.0, 0.9), "discriminator": adam(2e-4, 0.0, 0.9)}
# rates that fall linearly to zero over the whole budget
TO_ZERO = {"start_kimg": 0.0, "end_kimg": None, "final": 0.0}
WGAN_GP = {
    **RESNET,
    "schedule": TO_ZERO,
    "critic_steps": 5,
    "batch_size": 64,
    "generator_batch": 128,
    "images": 100_000 * 5 * 64,  # 100,000 generator updates
    "model": {"regularizers.gradient_penalty.weight": 10},
}
SNGAN = {
    **RESNET,
    "schedule": TO_ZERO,
    "critic_steps": 5,
    "batch_size": 64,
    "generator_batch": 128,
    "images": 50_000 * 5 * 64,
}
# a re-implementation trains all of its residual GANs like this
MIMICRY = {**SNGAN, "generator_batch": 64, "images": 100_000 * 5 * 64}
TRANSLATION = {
    **DCGAN,
    "critic_steps": 1,
    "batch_size": 1,
    "epochs": 200,
    "schedule": {"constant_epochs": 100, "decay_epochs": 100},
}
PIX2PIX = {**TRANSLATION, "model": {"l1_weight": 100, "discriminator_weight": 0.5}}


def momentum_sgd(divisor: float) -> dict[str, Any]:
    """Momentum SGD whose rate is divided at every batch of 100, to 1e-6, and whose momentum rises from 0.5 to 0.7."""
    return {
        "generator": SGD,
        "discriminator": SGD,
        "critic_steps": 1,
        "batch_size": 100,
        "schedule": {"halflife_kimg": math.log(2) / math.log(divisor) * 100 / 1000, "final": 1e-6 / 0.1},
    }


def r3gan(*, batch: int, millions: int, burn_in: int = 20, gamma: float, halflife: float, p: float) -> dict[str, Any]:
    """Table 9 of the paper: gamma and the rate fall to a tenth and a quarter, all else rises, over the burn-in."""
    end = burn_in * 1000
    adam = {"_target_": "torch.optim.Adam", "lr": 2e-4}
    return {
        "generator": adam,
        "discriminator": adam,
        "critic_steps": 1,
        "batch_size": batch,
        "images": millions * 10**6,
        "schedule": {"initial": 1.0, "final": 0.25, "end_kimg": end},
        "model": {
            **{
                f"regularizers.{name}.weight.{key}": value
                for name in ("r1", "r2")
                for key, value in {"initial": gamma, "final": gamma / 10, "end_kimg": end}.items()
            },
            "updates.ema_halflife_kimg.initial": 0.0,
            "updates.ema_halflife_kimg.final": halflife * 1000,
            "updates.ema_halflife_kimg.end_kimg": end,
            "augment.fixed_p.final": p,
            "augment.fixed_p.end_kimg": end,
            "discriminator_optimizer.betas[1].initial": 0.9,
            "discriminator_optimizer.betas[1].final": 0.99,
            "discriminator_optimizer.betas[1].end_kimg": end,
        },
    }


def stylegan2(*, images: int, gamma: float, halflife: float, rampup: float | None) -> dict[str, Any]:
    """The authors' rate of 0.0025 and betas (0, 0.99), corrected for lazy updates: k / (k + 1), k of 4 and of 16."""
    adam = {
        player: {
            "_target_": "torch.optim.Adam",
            "lr": pytest.approx(0.0025 * k / (k + 1), rel=1e-6),
            "betas": [0.0, pytest.approx(0.99 ** (k / (k + 1)), rel=1e-7)],
        }
        for player, k in (("generator", 4), ("discriminator", 16))
    }
    return {
        **adam,
        "critic_steps": 1,
        "batch_size": 64,
        "images": images,
        "model": {
            "regularizers.r1.weight": gamma,
            "regularizers.r1.interval": 16,
            "updates.ema_halflife_kimg": halflife,
            "updates.ema_rampup": rampup,
            "updates.replace_nonfinite": 1e5,
        },
    }


def projected(*, images: int, rate: float = 2e-4, separable: bool = False) -> dict[str, Any]:
    """The authors' rate and betas, the discriminator's corrected for a lazy update after every 16th."""
    return {
        "generator": adam(rate, 0.0, 0.99),
        "discriminator": {
            "_target_": "torch.optim.Adam",
            "lr": pytest.approx(rate * 16 / 17, rel=1e-6),
            "betas": [0.0, pytest.approx(0.99 ** (16 / 17), rel=1e-7)],
        },
        "critic_steps": 1,
        "batch_size": 64,
        "images": images,
        "model": {
            "updates.first": "generator",
            "updates.ema_halflife_kimg": 20,
            "updates.ema_rampup": 0.05,
            "updates.replace_nonfinite": 1e5,
            "augment.policy": ["color", "translation", "cutout"],
            "augment.cutout_ratio": 0.2,
            "discriminator.backbone._target_": "gan_lightning.models.efficientnet_backbone.EfficientNetLite0",
            "discriminator.backbone.weights": "published",
            "discriminator.backbone.pass_of_zeros": True,
            "discriminator.separable": separable,
        },
    }


def biggan(
    *,
    rates: tuple[float, float],
    betas: tuple[float, float],
    batch: int,
    ratio: int,
    steps: int,
    start: int,
    micro: int = 1,
    eps: dict[str, float] | None = None,
    more: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """An average with 0.9999 of the former weights in each of the generator's steps, from ``start`` on."""
    shown = batch * ratio
    return {
        **{name: {**adam(rate, *betas), **(eps or {})} for name, rate in zip(DCGAN, rates, strict=True)},
        "critic_steps": ratio,
        "batch_size": batch,
        "images": steps * shown,
        "model": {
            "updates.ema_halflife_kimg": math.log(0.5) / math.log(0.9999) * shown / 1000,
            "updates.ema_rampup": None,
            "updates.ema_start_kimg": start * shown / 1000,
            "updates.ema_buffers": "averaged",
            "updates.accumulate": micro,
            "stabilizers": {},  # no orthogonal regularization
            **(more or {}),
        },
    }


BIGGAN_CIFAR = {
    "rates": (2e-4, 2e-4),
    "betas": (0.0, 0.999),
    "batch": 50,
    "ratio": 4,
    "steps": 125_000,  # 500 epochs
    "start": 1000,
}

PAPERS: dict[str, dict[str, Any]] = {
    "biggan_cifar10": biggan(**BIGGAN_CIFAR),
    "biggan_cifar10_diffaugment": biggan(**BIGGAN_CIFAR, more={"augment.policy": ["translation", "cutout"]}),
    "biggan_cifar10_lecam": biggan(
        **BIGGAN_CIFAR,
        more={
            "regularizers.lecam.weight": 0.3,
            "regularizers.lecam.decay": 0.9,
            "regularizers.lecam.start_images": 1000 * 50,
        },
    ),
    "biggan_cifar10_cr": biggan(
        **BIGGAN_CIFAR,
        more={
            "regularizers.consistency.weight": 10,
            "regularizers.consistency.fake_ratio": 0,
            "regularizers.consistency.shift_fraction": 1 / 8,
        },
    ),
    "biggan_cifar10_studiogan": biggan(
        rates=(2e-4, 2e-4), betas=(0.5, 0.999), batch=64, ratio=5, steps=100_000, start=1000
    ),
    "biggan_imagenet128": biggan(
        rates=(1e-4, 4e-4),
        betas=(0.0, 0.999),
        batch=2048,
        ratio=1,
        steps=150_000,
        start=20_000,
        micro=8,
        eps={"eps": 1e-6},
    ),
    "stylegan2_ada_cifar10": stylegan2(images=10**8, gamma=0.01, halflife=500, rampup=0.05),
    "stylegan2_ada_cifar10_unconditional": stylegan2(images=10**8, gamma=0.01, halflife=500, rampup=0.05),
    "stylegan2_ada_auto": {
        **stylegan2(images=25 * 10**6, gamma=pytest.approx(0.8192, rel=1e-12), halflife=5, rampup=0.05),
        "batch_size": 16,
    },
    "stylegan2_ffhq256": stylegan2(images=25 * 10**6, gamma=1, halflife=20, rampup=None),
    "r3gan_cifar10": r3gan(batch=512, millions=250, gamma=0.05, halflife=5, p=0.55),
    "r3gan_ffhq64": r3gan(batch=256, millions=100, gamma=2, halflife=0.5, p=0.3),
    "r3gan_ffhq256": r3gan(batch=256, millions=200, gamma=150, halflife=0.5, p=0.3),
    "r3gan_imagenet32": r3gan(batch=4096, millions=1000, burn_in=200, gamma=0.5, halflife=50, p=0.5),
    "r3gan_imagenet64": r3gan(batch=4096, millions=1000, burn_in=200, gamma=1, halflife=50, p=0.4),
    "projected_gan_church256": projected(images=10**7),
    "projected_gan_bedroom256": projected(images=10**7),
    "projected_gan_ffhq256": projected(images=10**7),
    "projected_gan_ffhq256_stylegan2": projected(images=10**7, rate=2e-3, separable=True),
    "projected_gan_pokemon256": projected(images=800_000),
    "fastgan_few_images": {
        **DCGAN,
        "critic_steps": 1,
        "batch_size": 8,
        "images": 50_000 * 8,
        "model": {
            "updates.fakes": "shared",
            "updates.ema_halflife_kimg": math.log(0.5) / math.log(0.999) * 8 / 1000,
            "updates.ema_rampup": None,
            "reconstruction_weight": 8,
            "augment.policy": ["color", "translation"],
            "feature_loss._target_": "gan_lightning.models.feature_loss.PerceptualLoss",
            "feature_loss.net": "vgg",
        },
    },
    "gan_mnist": momentum_sgd(1.000004),
    "cgan_mnist": momentum_sgd(1.00004),
    "dcgan_celeba": {**DCGAN, "critic_steps": 1, "batch_size": 64, "epochs": 25},
    "dcgan_cifar10": {**DCGAN, "batch_size": 64},
    # mmgeneration: 12 million images
    "lsgan_celeba": {
        "generator": adam(1e-3, 0.5, 0.99),
        "discriminator": adam(1e-3, 0.5, 0.99),
        "critic_steps": 1,
        "batch_size": 128,
        "images": 12_000_000,
    },
    "wgan_lsun": {
        "generator": RMSPROP,
        "discriminator": RMSPROP,
        "critic_steps": 5,
        "batch_size": 64,
        "model": {
            "weight_clip": 0.01,
            "warmup_generator_steps": 25,
            "warmup_every": 500,
            "warmup_critic_steps": 100,
        },
    },
    "wgan_gp_cifar10": WGAN_GP,
    "acgan_wgan_gp_cifar10": {
        **WGAN_GP,
        "model": {**WGAN_GP["model"], "class_weight_discriminator": 1.0, "class_weight_generator": 0.1},
    },
    "dragan_mnist": {
        "generator": adam(1e-4, 0.5, 0.9),
        "discriminator": adam(1e-4, 0.5, 0.9),
        "critic_steps": 1,
        "batch_size": 128,
        "images": 200_000 * 128,
        # 10 (|grad| - 1)^2 on pixels in [0, 1], where gradients are twice as long as on ours in [-1, 1]
        "model": {
            "regularizers.dragan.weight": 10 * 2**2,
            "regularizers.dragan.target": 1 / 2,
            "regularizers.dragan.scale": 0.5,
        },
    },
    "infogan_mnist": {
        "generator": adam(1e-3, 0.5, 0.999),
        "discriminator": adam(2e-4, 0.5, 0.999),
        "critic_steps": 1,
        "batch_size": 128,
        "images": 50 * 100 * 128,
        "model": {"info_weight": 1.0},
    },
    "acgan_cifar10": {**DCGAN, "critic_steps": 1, "batch_size": 100},
    "sngan_cifar10": SNGAN,
    "projection_cifar10": SNGAN,
    "sngan_stl10": MIMICRY,
    "ssgan_cifar10": {**MIMICRY, "model": {"rotation_weight_discriminator": 1.0, "rotation_weight_generator": 0.2}},
    "sagan_cifar10": {
        "generator": adam(1e-4, 0.0, 0.9),
        "discriminator": adam(4e-4, 0.0, 0.9),
        "critic_steps": 1,
    },
    "progan_celeba": {
        "generator": adam(1e-3, 0.0, 0.99),
        "discriminator": adam(1e-3, 0.0, 0.99),
        "critic_steps": 1,
        "model": {
            "regularizers.gradient_penalty.weight": 10,
            "drift_weight": 0.001,
            "stable_kimg": 600,
            "fade_kimg": 600,
        },
    },
    "pix2pix_facades": PIX2PIX,
    "pix2pix_cityscapes": PIX2PIX,
    "cyclegan_horse2zebra": {
        **TRANSLATION,
        "model": {"cycle_weight": 10, "identity_weight": 0.5, "discriminator_weight": 0.5, "pool_size": 50},
    },
}

NON_SATURATING = {"_target_": "gan_lightning.losses.NonSaturating", "real_target": 1.0}
HINGE = {"_target_": "gan_lightning.losses.Hinge", "least_margin": 1.0}
WASSERSTEIN = {"_target_": "gan_lightning.losses.Wasserstein"}
SQUARES = {
    "_target_": "gan_lightning.losses.LeastSquares",
    "fake_target": 0.0,
    "real_target": 1.0,
    "generator_target": 1.0,
}
NORMAL = {"_target_": "gan_lightning.models.priors.Normal"}
PENALTY = {"_target_": "gan_lightning.regularizers.WGANGP", "weight": 10.0, "target": 1.0, "interval": 1}


def uniform(bound: float) -> dict[str, Any]:
    return {"_target_": "gan_lightning.models.priors.Uniform", "bound": bound}


# of a model's file: the loss, the latent vectors, the penalties, if there are some
GAMES: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "gan": (NON_SATURATING, uniform(math.sqrt(3)), {}),
    "cgan": (NON_SATURATING, uniform(math.sqrt(3)), {}),
    "dcgan": (NON_SATURATING, NORMAL, {}),
    "pacgan": (NON_SATURATING, NORMAL, {}),
    "unrolled": (NON_SATURATING, NORMAL, {}),
    "lsgan": ({**SQUARES, "scale": 0.5}, NORMAL, {}),
    "wgan": (WASSERSTEIN, NORMAL, {}),
    "wgan_gp": (WASSERSTEIN, NORMAL, {"gradient_penalty": PENALTY}),
    "dragan": (
        NON_SATURATING,
        uniform(1.0),
        {"dragan": {**PENALTY, "_target_": "gan_lightning.regularizers.DRAGAN", "scale": 0.5}},
    ),
    "infogan": (NON_SATURATING, uniform(1.0), {}),
    "acgan": (NON_SATURATING, NORMAL, {}),
    "sngan": (HINGE, NORMAL, {}),
    "projection": (HINGE, NORMAL, {}),
    "ssgan": (HINGE, NORMAL, {}),
    "sagan": (HINGE, NORMAL, {}),
    "biggan": (HINGE, NORMAL, {}),
    "progan": (WASSERSTEIN, NORMAL, {"gradient_penalty": PENALTY}),
    "r3gan": (
        {"_target_": "gan_lightning.losses.RelativisticPairing"},
        NORMAL,
        {
            name: {
                "_target_": f"gan_lightning.regularizers.{name.upper()}",
                "weight": {
                    "_target_": "gan_lightning.core.schedules.Cosine",
                    "initial": 0.05,
                    "final": 0.005,
                    "end_kimg": 20000,
                },
                "interval": 1,
                "own_step": False,
                "shares_forward": True,
            }
            for name in ("r1", "r2")
        },
    ),
    "stylegan2": (
        NON_SATURATING,
        NORMAL,
        {
            "path_length": {
                "_target_": "gan_lightning.regularizers.PathLength",
                "weight": 2.0,
                "interval": 4,
                "decay": 0.01,
                "batch_shrink": 2,
            },
            "r1": {
                "_target_": "gan_lightning.regularizers.R1",
                "weight": 1.0,
                "interval": 16,
                "own_step": True,
                "shares_forward": False,
            },
        },
    ),
    "fastgan": ({**HINGE, "least_margin": 0.8}, NORMAL, {}),
    "projected_gan": (HINGE, NORMAL, {}),
    "pix2pix": (NON_SATURATING, NORMAL, {}),
    "cyclegan": ({**SQUARES, "scale": 1.0}, NORMAL, {}),
}

# small versions for two CPU cores, set-ups of our own, and the two-dimensional benchmark
OTHERS = ("_digits", "_photos", "_photos_l1", "demo", "pix2pix_cifar10")
POINTS = ("ring_", "grid_")
DEFAULTS = {"start_kimg": 0.0, "end_kimg": None, "final": 0.0}  # of a linear schedule


def found(cfg: Any) -> dict[str, Any]:
    """Return what a composed experiment says of everything that the table may name."""
    model, rule = cfg.model, cfg.model.updates
    schedules = [{**DEFAULTS, **rule[f"{player}_schedule"]} for player in ("generator", "discriminator")]
    assert schedules[0] == schedules[1]
    return {
        **{player: dict(OmegaConf.to_container(model[f"{player}_optimizer"])) for player in DCGAN},
        "schedule": schedules[0],
        "critic_steps": rule.critic_steps,
        "batch_size": cfg.batch_size,
        "generator_batch": cfg.batch_size * rule.generator_batch_factor,
        "images": None if cfg.budget.kimg is None else cfg.budget.kimg * 1000,
        "epochs": cfg.budget.epochs,
    }


def test_every_experiment_that_follows_a_paper_is_in_the_table():
    names = {path.stem for path in (CONF / "experiment").glob("*.yaml")}
    assert {name for name in names if not name.endswith(OTHERS) and not name.startswith(POINTS)} == set(PAPERS)


def test_every_model_is_in_the_table_of_games():
    assert set(GAMES) == set(VARIANTS)


@pytest.mark.parametrize("model", GAMES)
def test_a_model_plays_the_game_of_its_paper(model):
    config = compose_train(f"model={model}").model
    assert (config.loss, config.prior, config.regularizers) == GAMES[model]


@pytest.mark.parametrize("experiment", PAPERS)
def test_an_experiment_has_the_numbers_of_its_paper(experiment):
    expected, cfg = dict(PAPERS[experiment]), compose_train(f"experiment={experiment}")
    for path, value in expected.pop("model", {}).items():
        assert OmegaConf.select(cfg.model, path) == pytest.approx(value), path
    actual = found(cfg)
    for key, value in expected.items():
        if key in DCGAN:
            given = {name: actual[key].get(name) for name in value}
            assert given == value, key
        elif key == "schedule":
            for name, number in value.items():
                assert actual[key][name] == (number if number is None else pytest.approx(number, rel=1e-4)), name
        else:
            assert actual[key] == value, key
    if "schedule" not in expected:
        assert actual["schedule"]["_target_"] == "gan_lightning.core.schedules.Constant"


def producible(cfg: Any) -> tuple[str, ...]:
    """Return patterns of the score keys that a config's evaluator writes; how many translations there are is open."""
    node, data = cfg.evaluator, locate(cfg.data._target_)
    kind = locate(node._target_)
    if kind is ModeEvaluator:
        mixture = build(OmegaConf.to_container(cfg.data, resolve=True), key="data").evaluation_set("true")
        return tuple(f"{metric}{format_count(node.samples)}_{mixture.name}" for metric in node.metrics)
    if kind is TranslationEvaluator:
        assert (node.samples, node.real_split) == (None, "heldout")
        pairs = list(node.metrics) if cfg.data.get("paired", True) else []
        whole = [metric.inception_key for metric in chosen_metrics(node.evaluator.metrics, Metric)]
        back = ("", "_back") if locate(cfg.model._target_).goes_back else ("",)
        patterns = [rf"{name}\d+k?_(test|val|heldout)" for name in (*pairs, *whole)]
        return tuple(pattern + end for pattern in patterns for end in back)
    assert kind is Evaluator
    assert node.real_split == "train" or node.real_split in data.splits  # which folders of one's own do not declare
    extractor = locate(node.extractor._target_)
    return tuple(
        metric.score_key(
            samples=metric.samples(node.samples),
            split=node.real_split,
            extractor=extractor.__name__,
            standard=extractor is InceptionExtractor,
            protocol=node.get("protocol"),
        )
        for metric in chosen_metrics(node.metrics, Metric)
    )


def test_the_published_protocols_are_what_the_evaluators_write():
    assert "fid50k_train" in producible(compose_train("experiment=sngan_cifar10"))
    assert producible(compose_train("experiment=sngan_cifar10", "evaluator=sngan")) == ("fid5k_test_sngan",)
    assert "modes2500_grid" in producible(compose_train("experiment=grid_r3"))


@pytest.mark.parametrize("experiment", sorted(path.stem for path in (CONF / "experiment").glob("*.yaml")))
def test_what_an_experiment_expects_can_be_measured(experiment):
    cfg = compose_train(f"experiment={experiment}")
    for entry in read_expected(OmegaConf.to_container(OmegaConf.masked_copy(cfg, ["expected", "data"]))):
        chosen = [] if entry.preset is None else [f"evaluator={entry.preset}"]
        patterns = producible(compose_train(f"experiment={experiment}", *chosen) if chosen else cfg)
        assert any(re.fullmatch(pattern, entry.key) for pattern in patterns), (entry.key, patterns)
        assert entry.kimg == cfg.budget.kimg or (entry.kimg and cfg.budget.kimg is None), "published for another length"
        assert entry.data, "of which data it is published"
        assert entry.other_data is None, "published for other data"


@pytest.mark.parametrize("change", ["data=cifar100", "data.resolution=64"])
@pytest.mark.parametrize("experiment", ["acgan_cifar10", "sngan_cifar10", "r3gan_cifar10", "stylegan2_ada_cifar10"])
def test_what_is_published_of_cifar10_is_not_expected_of_other_data(experiment, change):
    cfg = compose_train(f"experiment={experiment}", change)
    found = read_expected(OmegaConf.to_container(OmegaConf.masked_copy(cfg, ["expected", "data"])))
    assert found
    assert all(entry.other_data for entry in found)


@pytest.mark.parametrize("experiment", ["ring_r3", "grid_r3", "sagan_cifar10", "demo"])
def test_what_is_published_for_another_recipe_is_not_expected(experiment):
    assert compose_train(f"experiment={experiment}").expected == []


@pytest.mark.parametrize(
    ("resolution", "batch", "gamma", "halflife"),
    [
        (32, 32, 0.0064, 10),
        (32, 64, 0.0032, 20),
        (64, 32, 0.0256, 10),
        (64, 64, 0.0128, 20),
        (128, 32, 0.1024, 10),
        (128, 64, 0.0512, 20),
        (256, 16, 0.8192, 5),
        (256, 64, 0.2048, 20),
        (512, 8, 6.5536, 2.5),
        (512, 64, 0.8192, 20),
        (1024, 4, 52.4288, 1.25),
        (1024, 32, 6.5536, 10),
    ],
)
def test_stylegan2s_auto_follows_resolution_and_batch_as_the_authors_code_does(resolution, batch, gamma, halflife):
    cfg = compose_train(
        "experiment=stylegan2_ada_auto", "data.path=photos", f"data.resolution={resolution}", f"batch_size={batch}"
    )
    assert cfg.model.regularizers.r1.weight == pytest.approx(gamma, rel=1e-12)
    assert cfg.model.updates.ema_halflife_kimg == pytest.approx(halflife, rel=1e-12)
