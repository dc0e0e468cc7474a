"""Every file of ``conf/mode`` composes, and builds the mode of its name."""

from __future__ import annotations

import pytest
from hydra import compose, initialize_config_dir

from gan_lightning.config import build, check_config
from gan_lightning.sampling import SamplingMode
from tests.conftest import CONF

MODES = sorted(path.stem for path in (CONF / "mode").glob("*.yaml"))
NEEDED = {"translation": ["mode.source=photos"]}


@pytest.mark.parametrize("name", MODES)
def test_a_mode_composes_and_is_what_it_says(name):
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        cfg = compose("sample", overrides=["ckpt=some.ckpt", f"mode={name}", *NEEDED.get(name, [])])
    check_config(cfg)
    mode = build(cfg.mode, trust=True, key="mode")
    assert isinstance(mode, SamplingMode)
    assert mode.name == name
    assert mode.suffixes


def test_help_names_every_mode():
    text = (CONF / "sample.yaml").read_text(encoding="utf-8")
    assert [name for name in MODES if f"\n        {name} " not in text] == []
