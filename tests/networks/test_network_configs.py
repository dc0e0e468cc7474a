"""Every network file in conf has the parameter count of its paper's implementation."""

from pathlib import Path

import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf

from gan_lightning.networks import Discriminator, Generator

CONF = Path(__file__).parents[2] / "conf" / "model"

# file -> (resolution, channels, classes, parameters); the counts are those of the reference implementations.
EXPECTED = {
    "generator/dcgan": (64, 3, 0, 3_576_704),
    "discriminator/dcgan": (64, 3, 0, 2_765_568),
    "generator/mlp": (28, 1, 0, 2_503_984),
    "discriminator/maxout": (28, 1, 0, 1_231_441),
    "discriminator/mlp": (28, 1, 0, 784 * 512 + 512 + 512 * 256 + 256 + 256 + 1),
    "generator/points_pacgan": (0, 0, 0, 484_802),
    "discriminator/points_pacgan": (0, 0, 0, 405_201),
    "generator/points_wgan_gp": (0, 0, 0, 527_874),
    "discriminator/points_wgan_gp": (0, 0, 0, 527_361),
    "generator/points_unrolled": (0, 0, 0, 49_666),
    "discriminator/points_unrolled": (0, 0, 0, 17_025),
}


def build(name: str, resolution: int, channels: int, classes: int) -> torch.nn.Module:
    facts = {"resolution": resolution, "channels": channels, "classes": classes}
    root = OmegaConf.create({"data": facts, "network": OmegaConf.load(CONF / f"{name}.yaml")})
    with torch.device("meta"):
        return instantiate(root.network)


def test_every_file_is_expected():
    files = [path for kind in ("generator", "discriminator") for path in (CONF / kind).glob("*.yaml")]
    assert {str(path.relative_to(CONF).with_suffix("")) for path in files} == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_parameter_count(name):
    resolution, channels, classes, expected = EXPECTED[name]
    network = build(name, resolution, channels, classes)
    assert isinstance(network, Generator if name.startswith("generator") else Discriminator)
    assert sum(p.numel() for p in network.parameters() if p.requires_grad) == expected
    if resolution:
        assert network.sample_shape == (channels, resolution, resolution)
