"""What sources of pictures inherit, in Python and in their configs."""

import inspect
from typing import NotRequired, get_origin, get_type_hints

import pytest
import yaml

from gan_lightning.config.locate import locate
from gan_lightning.data.pictures import Pictures, PicturesDataModule
from tests.conftest import CONF

BASE = CONF / "data" / "base"


def read(path):
    return yaml.safe_load(path.read_text())


def sources():
    """Return the configs whose class is a source of pictures."""
    configs = {path.stem: read(path)["_target_"] for path in (CONF / "data").glob("*.yaml") if "_target_" in read(path)}
    found = {name: locate(target, trust=True) for name, target in configs.items()}
    return {name: cls for name, cls in found.items() if issubclass(cls, PicturesDataModule)}


def test_what_is_handed_on_is_what_the_base_takes():
    parameters = {name: p for name, p in inspect.signature(PicturesDataModule).parameters.items() if name != "dataset"}
    assert set(Pictures.__annotations__) == set(parameters)
    required = {name for name, p in parameters.items() if p.default is inspect.Parameter.empty}
    hints = get_type_hints(Pictures, include_extras=True)
    assert {name for name, hint in hints.items() if get_origin(hint) is not NotRequired} == required


def test_the_base_config_says_what_the_constructor_says():
    said = {**read(BASE / "images.yaml"), **read(BASE / "pictures.yaml")}
    del said["defaults"]
    assert set(said) == set(Pictures.__annotations__)
    parameters = inspect.signature(PicturesDataModule).parameters
    interpolated = {"batch_size", "seed", "loading", "resolution"}
    assert {k: v for k, v in said.items() if k not in interpolated} == {
        name: p.default for name, p in parameters.items() if name not in interpolated | {"dataset"}
    }


@pytest.mark.parametrize("name", sources())
def test_a_source_takes_them_all_and_nobody_else_s_name(name):
    parameters = inspect.signature(sources()[name]).parameters
    assert set(Pictures.__annotations__) <= set(parameters)
    assert "dataset" not in parameters
    text = (CONF / "data" / f"{name}.yaml").read_text()
    assert "- base/" in text
