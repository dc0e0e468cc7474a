"""What is private in Hydra and OmegaConf exists and does what the package relies on."""

import copy
import subprocess
import sys

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.plugins import Plugins
from hydra.errors import HydraException
from hydra.plugins.sweeper import Sweeper
from hydra.version import VersionBase
from omegaconf import DictConfig, OmegaConf

from gan_lightning.config import conf_dir
from gan_lightning.core.hydra_internals import (
    BASIC_SWEEPER,
    compose_apart,
    share_config_store,
    split_sweep,
    unresolved_node,
    unresolved_value,
)


def test_a_copy_of_the_config_store_is_the_store_and_what_it_loads_is_a_copy(monkeypatch):
    monkeypatch.setattr(ConfigStore, "__deepcopy__", None, raising=False)  # it is taken back after the test
    share_config_store()
    store = ConfigStore.instance()
    assert copy.deepcopy(store) is store
    store.store(name="of_this_test", node={"a": {"b": 1}})
    try:
        loaded = store.load("of_this_test.yaml").node
        loaded.a.b = 2
        assert store.load("of_this_test.yaml").node.a.b == 1
    finally:
        store.repo.pop("of_this_test.yaml")


def test_the_basic_sweeper_is_hydras_default():
    with initialize_config_dir(version_base="1.3", config_dir=str(conf_dir())):
        config = compose("train", return_hydra_config=True)
    assert config.hydra.sweeper._target_ == BASIC_SWEEPER
    assert BASIC_SWEEPER in [f"{kind.__module__}.{kind.__qualname__}" for kind in Plugins.instance().discover(Sweeper)]


def test_a_sweep_is_split_as_hydra_runs_it():
    parsed = OverridesParser.create().parse_overrides(["a=1,2", "b=choice(x,y)", "+c=3", "~d", "e=range(2)"])
    jobs = split_sweep(parsed)
    assert len(jobs) == 8
    assert jobs[0] == ["a=1", "b=x", "+c=3", "~d=null", "e=0"]
    assert jobs[-1] == ["a=2", "b=y", "+c=3", "~d=null", "e=1"]


def test_overrides_are_composed_as_hydra_does_it_and_without_its_state(monkeypatch):
    overrides = ["+model=dcgan", "model/loss=hinge", "+data.resolution=16", "+seed=0", "++model.generator.width=8"]
    with initialize_config_dir(version_base="1.3", config_dir=str(conf_dir())):
        expected = compose(overrides=overrides)
    version = VersionBase.instance()
    for former in (version.version_base, object()):
        monkeypatch.setattr(version, "version_base", former)
        composed = compose_apart(conf_dir(), overrides)
        assert version.version_base is former
        assert {key: composed[key] for key in composed if key != "hydra"} == expected
    monkeypatch.setattr(version, "version_base", None)
    with pytest.raises(HydraException, match="hnge"):
        compose_apart(conf_dir(), ["+model=dcgan", "model/loss=hnge"])
    assert version.version_base is None
    assert not GlobalHydra.instance().is_initialized()


def test_a_value_is_read_without_its_interpolation_being_resolved():
    config = OmegaConf.create({"a": "${nowhere.at.all}", "b": {"c": 1}, "d": "${env:HOME}", "e": "???", "f": None})
    assert unresolved_value(config, "a") == "${nowhere.at.all}"
    assert unresolved_value(config, "d") == "${env:HOME}"
    assert isinstance(unresolved_node(config, "b"), DictConfig)
    assert unresolved_node(config, "b") is config.b
    assert unresolved_node(config, "missing") is None
    with pytest.raises(Exception, match="nowhere"):
        config.a  # noqa: B018


def test_neither_torch_nor_lightning_is_imported():
    code = (
        "import sys, gan_lightning.core.hydra_internals, gan_lightning.core.lightning_internals, "
        "gan_lightning.core.wandb_internals, gan_lightning.core.datasets_internals; "
        "print(sorted({'torch', 'lightning', 'wandb', 'datasets'} & sys.modules.keys()))"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "[]\n"
