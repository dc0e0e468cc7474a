"""A variant that hands on ``**parts`` shows its base's arguments, with types that hold wherever it stands."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Unpack, get_args

import pytest

from gan_lightning.config import ConfigError, check_config
from gan_lightning.losses.base import AdversarialLoss
from gan_lightning.models import SSGAN, AdversarialModule, UnrolledGAN
from gan_lightning.models.adversarial import Parts
from gan_lightning.models.players import PlayersModule
from gan_lightning.networks.base import Discriminator
from tests.conftest import compose_train

if TYPE_CHECKING:
    from nowhere import Nothing


class Deeper(UnrolledGAN):
    def __init__(self, *, unroll_steps: int = 7, depth: Nothing | None = None, **parts: Unpack[Parts]) -> None:
        super().__init__(unroll_steps=unroll_steps, **parts)
        self.depth = depth


def parameters(kind):
    return inspect.signature(kind).parameters


def test_the_arguments_of_the_base_come_first_and_those_of_a_variant_replace_its_own():
    base = list(parameters(AdversarialModule))
    assert list(parameters(UnrolledGAN)) == [*base, "unroll_steps", "objective"]
    assert list(parameters(Deeper)) == [*base, "objective", "unroll_steps", "depth"]
    assert parameters(Deeper)["unroll_steps"].default == 7
    for kind in (UnrolledGAN, Deeper):
        assert all(parameter.kind is inspect.Parameter.KEYWORD_ONLY for parameter in parameters(kind).values())
        assert [name for name in base if parameters(kind)[name].default is inspect.Parameter.empty] == base[:7]


def test_no_version_of_python_takes_the_arguments_of_new_for_those_of_a_class():
    class Own(PlayersModule):
        def __init__(self, *, width: int) -> None:
            super().__init__()

    for kind in (AdversarialModule, Own):
        assert vars(kind)["__signature__"].parameters.keys() == parameters(kind).keys()
    assert list(parameters(Own)) == ["width"]


@pytest.mark.parametrize("kind", [UnrolledGAN, SSGAN, Deeper])
def test_the_types_of_the_base_are_known_in_a_module_that_does_not_import_them(kind):
    assert parameters(kind)["discriminator"].annotation is Discriminator
    assert parameters(kind)["loss"].annotation is AdversarialLoss
    assert type(None) in get_args(parameters(kind)["augment"].annotation)


@pytest.mark.parametrize("model", ["dcgan", "unrolled", "acgan", "cyclegan"])
@pytest.mark.parametrize("wrong", ["null", "{a: 1}", "{_target_: gan_lightning.losses.Hinge}"])
def test_a_discriminator_of_another_kind_is_refused_by_name(model, wrong):
    config = compose_train(f"model={model}", "~model.discriminator", f"+model.discriminator={wrong}")
    with pytest.raises(ConfigError, match=r"model\.discriminator = .*expects Discriminator"):
        check_config(config)
