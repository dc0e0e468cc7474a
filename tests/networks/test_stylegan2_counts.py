"""The networks of StyleGAN2 have the sizes of the published implementation, in all its configurations."""

import pytest
import torch

from gan_lightning.networks.stylegan2_discriminator import StyleGAN2Discriminator
from gan_lightning.networks.stylegan2_generator import StyleGAN2Generator

FULL = 32768
HALF = 16384

# name -> (resolution, channel_base, mapping_layers, classes, styles, parameters)
GENERATORS = {
    "cifar": (32, FULL, 2, None, 8, 19_947_539),
    "cifar, 10 classes": (32, FULL, 2, 10, 8, 20_215_315),
    "auto at 32": (32, HALF, 2, None, 8, 19_947_539),
    "auto at 32, 10 classes": (32, HALF, 2, 10, 8, 20_215_315),
    "auto at 64": (64, HALF, 2, None, 10, 22_243_608),
    "auto at 128": (128, HALF, 2, None, 12, 22_949_277),
    "auto at 256": (256, HALF, 2, None, 14, 23_191_522),
    "auto at 512": (512, FULL, 2, None, 16, 28_700_647),
    "auto at 1024": (1024, FULL, 2, None, 18, 28_794_124),
    "paper256": (256, HALF, 8, None, 14, 24_767_458),
    "paper512": (512, FULL, 8, None, 16, 30_276_583),
    "paper1024": (1024, FULL, 8, None, 18, 30_370_060),
    "full at 64": (64, FULL, 8, None, 10, 27_032_600),
    "full at 256": (256, FULL, 8, None, 14, 30_034_338),
    "full at 256, 10 classes": (256, FULL, 8, 10, 14, 30_302_114),
}

# name -> (resolution, channel_base, classes, architecture, parameters)
DISCRIMINATORS = {
    "cifar": (32, FULL, None, "orig", 20_720_641),
    "cifar, 10 classes": (32, FULL, 10, "orig", 23_089_664),
    "auto at 32": (32, HALF, None, "resnet", 21_507_073),
    "auto at 32, 10 classes": (32, HALF, 10, "resnet", 23_876_096),
    "auto at 64": (64, HALF, None, "resnet", 23_407_361),
    "auto at 128": (128, HALF, None, "resnet", 23_882_369),
    "auto and paper at 256": (256, HALF, None, "resnet", 24_001_089),
    "auto and paper at 512": (512, FULL, None, "resnet", 28_982_849),
    "auto and paper at 1024": (1024, FULL, None, "resnet", 29_012_513),
    "full at 64": (64, FULL, None, "resnet", 26_488_833),
    "full at 256": (256, FULL, None, "resnet", 28_864_129),
    "full at 256, 10 classes": (256, FULL, 10, "resnet", 31_233_152),
}


def count(network):
    return sum(p.numel() for p in network.parameters() if p.requires_grad)


@pytest.mark.parametrize("name", GENERATORS)
def test_generator(name):
    resolution, channel_base, mapping_layers, classes, styles, expected = GENERATORS[name]
    with torch.device("meta"):
        generator = StyleGAN2Generator(
            resolution=resolution, channel_base=channel_base, mapping_layers=mapping_layers, classes=classes
        )
    assert generator.style_count == styles
    assert count(generator) == expected


@pytest.mark.parametrize(
    ("mapping_layers", "classes", "expected"), [(2, None, 525_312), (2, 10, 793_088), (8, None, 2_101_248)]
)
def test_mapping_network(mapping_layers, classes, expected):
    with torch.device("meta"):
        generator = StyleGAN2Generator(resolution=32, mapping_layers=mapping_layers, classes=classes)
    assert count(generator.mapping) == expected
    assert count(generator.synthesis) == 19_422_227


@pytest.mark.parametrize("name", DISCRIMINATORS)
def test_discriminator(name):
    resolution, channel_base, classes, architecture, expected = DISCRIMINATORS[name]
    with torch.device("meta"):
        discriminator = StyleGAN2Discriminator(
            resolution=resolution, channel_base=channel_base, classes=classes, architecture=architecture
        )
    assert count(discriminator) == expected
    if classes is not None:
        assert count(discriminator.mapping) == 2_106_880
