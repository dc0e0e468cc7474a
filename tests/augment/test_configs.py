from pathlib import Path

import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf

from gan_lightning.augment import ADA, DiffAugment

FOLDER = Path(__file__).parents[2] / "conf" / "model" / "augment"


@pytest.mark.parametrize(
    ("name", "kind"),
    [("diffaugment", DiffAugment), ("diffaugment_translation_cutout", DiffAugment), ("ada", ADA)],
)
def test_configs_build_and_run(name, kind):
    augment = instantiate(OmegaConf.load(FOLDER / f"{name}.yaml"))
    assert type(augment) is kind
    assert augment(torch.zeros(2, 3, 8, 8)).shape == (2, 3, 8, 8)


def test_ada_config_states_the_defaults():
    configured, default = instantiate(OmegaConf.load(FOLDER / "ada.yaml")), ADA()
    for name in ("target", "interval_steps", "speed_kimg", "adaptive", "strengths"):
        assert getattr(configured, name) == getattr(default, name)
