"""Who composes a run on few images, with nothing against learning them by heart, hears of the recipe for it."""

from __future__ import annotations

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.hydra_config import HydraConfig

from gan_lightning.config import build_all, check_config
from gan_lightning.data import DigitsDataModule
from gan_lightning.launch.few_images import FEW, few_images_hint
from tests.conftest import CONF


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
    assert advised == ["recipe=few_images", "model/prior=clusters"]
    helped = composed("model=dcgan", "model/loss=hinge", *advised)
    assert few_images_hint(helped["model"], helped["data"]) is None


@pytest.mark.parametrize(
    "overrides",
    [
        ["experiment=sngan_digits"],
        ["model/augment=diffaugment"],
        ["model=wgan_gp"],
        ["model=wgan"],  # RMSprop
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
