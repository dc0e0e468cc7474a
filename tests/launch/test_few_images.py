"""Who composes a run on few images, with nothing against learning them by heart, hears of the recipe for it."""

from __future__ import annotations

import json

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.hydra_config import HydraConfig

from gan_lightning.config import build_all, check_config
from gan_lightning.data import DigitsDataModule
from gan_lightning.launch.few_images import FEW, few_images_hint
from gan_lightning.launch.run import train
from tests.conftest import CONF, compose_train
from tests.data.pictures import encoded, noise, write

TYPED = ("recipe=few_images", "data=folder", "data.path=photos")


class ManyDigits(DigitsDataModule):
    images_per_epoch = FEW


def composed(*overrides):
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        cfg = compose("train", overrides=["hydra.run.dir=x", "output_dir=x", *overrides], return_hydra_config=True)
    HydraConfig.instance().set_config(cfg)
    return build_all({key: cfg[key] for key in ("model", "data")})


def test_a_run_that_was_composed_hears_of_the_recipe_and_the_recipe_fits_it():
    built = composed("model=dcgan", "model/loss=hinge")
    hint = few_images_hint(built["model"], built["data"])
    assert "only 1,442 training images" in hint
    advised = [word for word in hint.split() if "=" in word]
    assert advised == ["recipe=small_images", "model/prior=clusters"]
    helped = composed("model=dcgan", "model/loss=hinge", *advised)
    assert few_images_hint(helped["model"], helped["data"]) is None


@pytest.mark.parametrize(
    ("resolution", "optimizer", "recipe"),
    [(32, "adam", "small_images"), (64, "adam", "few_images"), (32, "rmsprop", "few_images")],
)
def test_the_recipe_is_that_of_the_size(resolution, optimizer, recipe):
    optimizers = [f"model/optimizer@model.{player}_optimizer={optimizer}" for player in ("generator", "discriminator")]
    built = composed("model=dcgan", *optimizers)
    hint = few_images_hint(built["model"], DigitsDataModule(resolution=resolution))
    assert f"recipe={recipe} " in hint


@pytest.mark.parametrize(
    "overrides",
    [
        ["experiment=sngan_digits"],
        ["model/augment=diffaugment"],
        ["model=wgan_gp"],
        ["model=wgan"],  # a critic
        ["+model/regularizer@model.regularizers.r1=r1"],
    ],
)
def test_nobody_hears_of_it_who_has_something_or_could_not_use_it(overrides):
    built = composed(*overrides)
    assert few_images_hint(built["model"], built["data"]) is None


def test_with_many_images_or_in_python_there_is_no_hint(monkeypatch):
    built = composed("model=dcgan")
    many = ManyDigits(resolution=16)
    assert few_images_hint(built["model"], many) is None
    monkeypatch.setattr(HydraConfig.instance(), "cfg", None)
    assert few_images_hint(built["model"], built["data"]) is None


@pytest.mark.parametrize("model", ["dcgan", "lsgan", "sngan", "projection", "acgan", "ssgan", "gan", "cgan"])
def test_the_recipe_composes_with_every_model_that_hears_of_it(model, train_config):
    built = composed(f"model={model}")
    if (hint := few_images_hint(built["model"], built["data"])) is not None:
        check_config(train_config(f"model={model}", *(word for word in hint.split() if "=" in word)))


@pytest.mark.parametrize(("resolution", "batch"), [(256, 16), (32, 16), (64, 32), (128, 8), (512, 4)])
def test_the_penalty_follows_resolution_and_batch(resolution, batch):
    cfg = compose_train(*TYPED, f"data.resolution={resolution}", f"batch_size={batch}")
    check_config(cfg)
    assert cfg.model.regularizers.r1.weight == pytest.approx(resolution**2 / (5000 * batch), rel=1e-12)
    assert cfg.model.updates.ema_halflife_kimg == pytest.approx(batch * 0.3125, rel=1e-12)


def test_what_an_engineer_types_is_stylegan2_with_ada_at_256_and_a_tenth_held_out():
    cfg = compose_train(*TYPED)
    assert cfg.model._target_ == "gan_lightning.models.StyleGAN2"
    assert cfg.model.augment._target_ == "gan_lightning.augment.ADA"
    assert cfg.model.augment.fixed_p is None
    assert (cfg.data.resolution, cfg.data.heldout_fraction, cfg.batch_size) == (256, 0.1, 16)


def test_other_data_and_what_is_typed_win():
    own = compose_train(*TYPED, "data.heldout_fraction=0.2", "model=sngan")
    assert (own.data.heldout_fraction, own.model._target_) == (0.2, "gan_lightning.models.SNGAN")
    other = compose_train("recipe=few_images", "data=cifar10", "data.fraction=0.01")
    check_config(other)
    assert other.data.resolution == 32
    assert other.model.regularizers.r1.weight == pytest.approx(0.0128, rel=1e-12)
    assert compose_train("data=folder", "data.path=photos").data.heldout_fraction == 0


def test_a_small_run_holds_a_tenth_out_and_looks_at_it(tmp_path, train_config):
    photos = write(tmp_path / "photos", {f"{number}.png": encoded(noise(number, (16, 16))) for number in range(300)})
    small = ["channel_base=64", "channel_max=8"]
    cfg = train_config(
        *("recipe=few_images", "data=folder", f"data.path={photos}", "data.resolution=16", "evaluator=none"),
        *(f"model.{player}.{value}" for player in ("generator", "discriminator") for value in small),
        *("model.generator.latent_dim=8", "model.generator.style_dim=8", "batch_size=8", "budget.kimg=0.12"),
        *("callbacks.health.every_kimg=0.04", "callbacks.samples.rows=1", "trainer.log_every_n_steps=5"),
        *("trainer=cpu", "logger=none"),
    )
    assert train(cfg).status == "finished"
    assert 15 < json.loads((tmp_path / "run" / "data.json").read_text())["splits"]["heldout"] < 50
    rows = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    looks = [row for row in rows if "health/real_heldout" in row]
    assert looks
    assert all("health/memorised" in row and "health/overfitting" in row for row in looks)
