"""What makes Hydra quick in tests changes nothing of what it composes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from omegaconf import OmegaConf

from tests import composing
from tests.conftest import CONF, _composed, compose_train

OVERRIDES = ("experiment=demo", "recipe=small_images", "model/loss=hinge", "seed=3")
AS_HYDRA = f"""
import sys
import gan_lightning.config
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
with initialize_config_dir(version_base="1.3", config_dir={str(CONF)!r}):
    print(OmegaConf.to_yaml(compose("train", overrides=["output_dir=unused", "name=test", *sys.argv[1:]])))
"""


def test_a_config_is_what_hydra_composes():
    line = [sys.executable, "-c", AS_HYDRA, *OVERRIDES]
    hydra = subprocess.run(line, check=True, capture_output=True, text=True, cwd=CONF.parent).stdout
    for _ in range(2):  # merged, and as it was kept
        assert _yaml(*OVERRIDES) == hydra.removesuffix("\n")


def test_files_are_read_and_merged_once(monkeypatch: pytest.MonkeyPatch):
    compose_train("experiment=demo", "seed=1")
    monkeypatch.setattr(OmegaConf, "load", lambda file: pytest.fail(f"{file.name} is read again"))
    monkeypatch.setattr(composing, "_choose", lambda *_, **__: pytest.fail("chosen again"))
    monkeypatch.setattr(composing, "_merge", lambda *_: pytest.fail("merged again"))
    assert compose_train("experiment=demo", "seed=2").seed == 2


def test_the_first_files_are_merged_once_for_all_experiments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    plain = _yaml("experiment=gan_digits")
    with composing.sharing(tmp_path / "kept"):
        _yaml("experiment=demo")
        merge, counts = composing._merge, []
        monkeypatch.setattr(
            composing, "_merge", lambda loader, files, repo: counts.append(len(files)) or merge(loader, files, repo)
        )
        assert _yaml("experiment=gan_digits") == plain
    (count,) = counts
    assert count > 10


def _yaml(*overrides: str) -> str:
    _composed.cache_clear()
    return OmegaConf.to_yaml(compose_train(*overrides))


def test_what_changes_is_read_chosen_and_merged_again(tmp_path: Path):
    from hydra import compose, initialize_config_dir

    for value in ("1", "22"):
        (tmp_path / "own.yaml").write_text(f"a: {value}\n")
        with initialize_config_dir(version_base="1.3", config_dir=str(tmp_path)):
            assert compose("own").a == int(value)
    (tmp_path / "own.yaml").write_text("defaults: [part: x]\na: 22\n")
    (tmp_path / "part").mkdir()
    for name in ("x", "y"):
        (tmp_path / "part" / f"{name}.yaml").write_text(f"b: {name}\n")
    with initialize_config_dir(version_base="1.3", config_dir=str(tmp_path)):
        assert [compose("own", overrides).part.b for overrides in ([], ["part=y"], ["part=y", "a=3"])] == [
            "x",
            "y",
            "y",
        ]
        (tmp_path / "part" / "y.yaml").write_text("b: changed\n")
        assert compose("own", ["part=y"]).part.b == "changed"


def test_this_process_composes_so():
    assert ConfigLoaderImpl._compose_config_from_defaults_list is composing._merge_once
