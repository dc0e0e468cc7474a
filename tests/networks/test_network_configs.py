"""Every network file in conf has the parameter count of its paper's implementation."""

from functools import cache
from pathlib import Path
from unittest import mock

import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf

from gan_lightning.networks import Discriminator, Generator, spectral

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
    "generator/cgan": (28, 1, 10, 2_413_984),
    "discriminator/cgan": (28, 1, 10, 1_224_351),
    "generator/conditional_dcgan": (64, 3, 10, 3_576_704 + 10 * 512 * 16),
    "discriminator/conditional_dcgan": (64, 3, 10, 2_765_568 + 10 * 512 * 16),
    "generator/wgan_gp_32": (32, 3, 0, 1_204_483),
    "generator/wgan_gp_32_conditional": (32, 3, 10, 1_218_307),
    "discriminator/wgan_gp_32": (32, 3, 0, 1_053_825),
    "generator/sngan_32": (32, 3, 0, 4_276_739),
    "discriminator/sngan_32": (32, 3, 0, 1_053_824),
    "discriminator/ssgan_32": (32, 3, 0, 1_053_825),
    "generator/projection_32": (32, 3, 10, 4_304_387),
    "discriminator/projection_32": (32, 3, 10, 1_055_104),
    "generator/sngan_48": (48, 3, 0, 4_878_083),
    "discriminator/sngan_48": (48, 3, 0, 10_141_441),
    "generator/sngan_64": (64, 3, 0, 12_220_675),
    "discriminator/sngan_64": (64, 3, 0, 10_141_441),
    "generator/sngan_128": (128, 3, 0, 32_150_787),
    "discriminator/sngan_128": (128, 3, 0, 29_017_857),
    "generator/projection_128": (128, 3, 1000, 41_996_931),
    "discriminator/projection_128": (128, 3, 1000, 30_041_857),
    "generator/sagan_32": (32, 3, 10, 4_386_308),
    "discriminator/sagan_32": (32, 3, 10, 1_075_586),
    "generator/sagan_128": (128, 3, 1000, 42_017_412),
    "discriminator/sagan_128": (128, 3, 1000, 39_448_258),
    "generator/infogan": (28, 1, 0, 6_652_481),
    "discriminator/infogan": (28, 1, 0, 6_559_169),
    "generator/unet": (256, 3, 0, 54_413_955),
    "generator/resnet_9blocks": (256, 3, 0, 11_378_179),
    "generator/resnet_6blocks": (128, 3, 0, 7_837_699),
    "discriminator/patchgan_pairs": (256, 3, 0, 2_768_705),
    "discriminator/patchgan": (256, 3, 0, 2_764_737),
    "discriminator/pixel_pairs": (256, 3, 0, 9_024),
    "discriminator/pixel": (256, 3, 0, 8_705),
    "generator/progressive": (1024, 3, 0, 23_079_115),
    "discriminator/progressive": (1024, 3, 0, 23_087_249),
    "generator/r3gan_32": (32, 3, 0, 20_732_160),
    "discriminator/r3gan_32": (32, 3, 0, 20_683_776),
    "generator/r3gan_32_conditional": (32, 3, 10, 20_781_952),
    "discriminator/r3gan_32_conditional": (32, 3, 10, 21_280_512),
    "generator/r3gan_64": (64, 3, 0, 22_429_824),
    "discriminator/r3gan_64": (64, 3, 0, 22_381_440),
    "generator/r3gan_256": (256, 3, 0, 23_057_952),
    "discriminator/r3gan_256": (256, 3, 0, 23_009_568),
    "generator/r3gan_imagenet_32": (32, 3, 1000, 82_914_304),
    "discriminator/r3gan_imagenet_32": (32, 3, 1000, 86_548_992),
    "generator/r3gan_imagenet_64": (64, 3, 1000, 103_570_432),
    "discriminator/r3gan_imagenet_64": (64, 3, 1000, 107_205_120),
    "generator/biggan_32": (32, 3, 10, 4_304_387),
    "discriminator/biggan_32": (32, 3, 10, 4_207_361),
    "generator/biggan_32_hierarchical": (32, 3, 10, 4_373_251),
    "generator/biggan_32_attention": (32, 3, 10, 9_416_196),
    "discriminator/biggan_32_attention": (32, 3, 10, 2_415_170),
    "generator/biggan_64": (64, 3, 1000, 31_969_540),
    "discriminator/biggan_64": (64, 3, 1000, 20_571_842),
    "generator/biggan_128": (128, 3, 1000, 70_433_988),
    "discriminator/biggan_128": (128, 3, 1000, 87_982_370),
    "generator/biggan_128_narrow": (128, 3, 1000, 31_978_628),
    "discriminator/biggan_128_narrow": (128, 3, 1000, 39_448_258),
    "generator/biggan_256": (256, 3, 1000, 82_235_844),
    "discriminator/biggan_256": (256, 3, 1000, 99_225_890),
    "generator/biggan_deep_32": (32, 3, 10, 3_079_299),
    "discriminator/biggan_deep_32": (32, 3, 10, 651_649),
    "generator/biggan_deep_32_attention": (32, 3, 10, 7_762_948),
    "discriminator/biggan_deep_32_attention": (32, 3, 10, 2_908_930),
    "generator/biggan_deep_128": (128, 3, 1000, 50_244_484),
    "discriminator/biggan_deep_128": (128, 3, 1000, 34_590_210),
    "generator/stylegan2_cifar": (32, 3, 0, 19_947_539),
    "discriminator/stylegan2_cifar": (32, 3, 0, 20_720_641),
    "generator/stylegan2_cifar_conditional": (32, 3, 10, 20_215_315),
    "discriminator/stylegan2_cifar_conditional": (32, 3, 10, 23_089_664),
    "generator/stylegan2_auto_256": (256, 3, 0, 23_191_522),
    "discriminator/stylegan2_auto_256": (256, 3, 0, 24_001_089),
    "generator/stylegan2_auto_1024": (1024, 3, 0, 28_794_124),
    "discriminator/stylegan2_auto_1024": (1024, 3, 0, 29_012_513),
    "generator/stylegan2_paper256": (256, 3, 0, 24_767_458),
    "discriminator/stylegan2_paper256": (256, 3, 0, 24_001_089),
    "generator/stylegan2_paper512": (512, 3, 0, 30_276_583),
    "discriminator/stylegan2_paper512": (512, 3, 0, 28_982_849),
    "generator/stylegan2_paper1024": (1024, 3, 0, 30_370_060),
    "discriminator/stylegan2_paper1024": (1024, 3, 0, 29_012_513),
    "generator/stylegan2": (1024, 3, 0, 30_370_060),
    "discriminator/stylegan2": (1024, 3, 0, 29_012_513),
    "generator/fastgan_256": (256, 3, 0, 29_127_846),
    "discriminator/fastgan_256": (256, 3, 0, 11_526_160),
    "generator/fastgan_512": (512, 3, 0, 29_174_392),
    "discriminator/fastgan_512": (512, 3, 0, 11_526_496),
    "generator/fastgan_1024": (1024, 3, 0, 29_176_512),
    "discriminator/fastgan_1024": (1024, 3, 0, 11_528_192),
    "generator/projected_fastgan": (256, 3, 0, 105_684_175),
    "generator/projected_fastgan_lite": (256, 3, 0, 79_354_307),
    "generator/projected_stylegan2": (256, 3, 0, 24_615_586),
}


@cache
def build(name: str, resolution: int, channels: int, classes: int, changes: tuple[str, ...] = ()) -> torch.nn.Module:
    facts = {"resolution": resolution, "channels": channels, "classes": classes}
    root = OmegaConf.create({"data": facts, "network": OmegaConf.load(CONF / f"{name}.yaml")})
    root.network.merge_with_dotlist(list(changes))
    # Without values to iterate on, one round of power iteration is as good as fifteen, and quicker.
    with torch.device("meta"), mock.patch.object(spectral, "INITIAL_ITERATIONS", 1):
        return instantiate(root.network)


def test_every_file_is_expected():
    files = [path for kind in ("generator", "discriminator") for path in (CONF / kind).glob("*.yaml")]
    files = [path for path in files if "defaults" not in OmegaConf.load(path)]  # the others wrap one of these
    assert {str(path.relative_to(CONF).with_suffix("")) for path in files} == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_parameter_count(name):
    resolution, channels, classes, expected = EXPECTED[name]
    network = build(name, resolution, channels, classes)
    assert isinstance(network, Generator if name.startswith("generator") else Discriminator)
    assert sum(p.numel() for p in network.parameters() if p.requires_grad) == expected
    if resolution:
        shown = 2 * channels if name.endswith("_pairs") else channels
        assert network.sample_shape == (shown, resolution, resolution)


@pytest.mark.parametrize(
    ("name", "shape", "expected"),
    [
        ("generator/dcgan", (64, 1), 3_574_656),
        ("discriminator/dcgan", (64, 1), 2_763_520),
        ("generator/unet", (128, 3), 41_828_995),
        ("generator/progressive", (256, 3), 23_044_309),
        ("discriminator/progressive", (256, 3), 23_052_353),
        ("generator/progressive", (128, 3), 22_933_394),
        ("discriminator/progressive", (128, 3), 22_941_313),
        ("generator/projected_fastgan", (1024, 3), 105_884_483),
        ("generator/projected_fastgan_lite", (512, 3), 79_522_531),
        ("generator/projected_stylegan2", (32, 3), 17_284_371),
        ("generator/stylegan2", (64, 3), 27_032_600),
        ("discriminator/stylegan2", (64, 3), 26_488_833),
        ("generator/stylegan2", (256, 3), 30_034_338),
        ("discriminator/stylegan2", (256, 3), 28_864_129),
        ("generator/stylegan2_auto_256", (32, 3), 19_947_539),
        ("discriminator/stylegan2_auto_256", (32, 3), 21_507_073),
        ("generator/stylegan2_auto_256", (64, 3), 22_243_608),
        ("discriminator/stylegan2_auto_256", (64, 3), 23_407_361),
        ("generator/stylegan2_auto_256", (128, 3), 22_949_277),
        ("discriminator/stylegan2_auto_256", (128, 3), 23_882_369),
        ("generator/stylegan2_auto_1024", (512, 3), 28_700_647),
        ("discriminator/stylegan2_auto_1024", (512, 3), 28_982_849),
    ],
)
def test_parameter_count_on_other_data(name, shape, expected):
    assert sum(p.numel() for p in build(name, *shape, classes=0).parameters()) == expected


@pytest.mark.parametrize(
    ("name", "shape", "changes", "expected"),
    [
        ("generator/mlp", (28, 1), ("widths=[128]",), 114_064),  # DRAGAN's
        ("discriminator/mlp", (28, 1), ("widths=[128]",), 100_609),
        ("generator/dcgan", (64, 3), ("batch_norm=false",), 3_574_784),  # WGAN's ablations
        ("generator/mlp", (64, 3), ("widths=[512,512,512]",), 6_880_768),
        ("discriminator/mlp", (64, 3), ("widths=[512,512,512]", "activation=relu"), 6_817_793),
        ("generator/sngan_64", (64, 3), ("classes=1000",), 17_974_915),
        ("discriminator/sngan_64", (64, 3), ("classes=1000",), 11_165_441),
        ("generator/biggan_32_attention", (32, 3), ("classes=null",), 8_825_092),
        ("discriminator/biggan_32_attention", (32, 3), ("classes=null",), 2_413_250),
        ("generator/projected_fastgan", (256, 3), ("classes=1000",), 110_527_689),
        ("generator/stylegan2", (256, 3), ("classes=10",), 30_302_114),
        ("discriminator/stylegan2", (256, 3), ("classes=10",), 31_233_152),
        ("generator/stylegan2_auto_256", (32, 3), ("classes=10",), 20_215_315),
        ("discriminator/stylegan2_auto_256", (32, 3), ("classes=10",), 23_876_096),
    ],
)
def test_parameter_count_of_published_variations(name, shape, changes, expected):
    assert sum(p.numel() for p in build(name, *shape, classes=0, changes=changes).parameters()) == expected


@pytest.mark.parametrize(
    ("name", "outputs", "expected"),
    [
        ("discriminator/wgan_gp_32", 10, 1_055_115),
        ("discriminator/ssgan_32", 4, 1_054_341),
        ("discriminator/sngan_48", 4, 10_145_541),
        ("discriminator/sngan_128", 4, 29_021_957),
    ],
)
def test_count_with_an_auxiliary_linear_head(name, outputs, expected):
    resolution, channels, classes, _ = EXPECTED[name]
    body = build(name, resolution, channels, classes)
    head = torch.nn.Linear(body.feature_dim, outputs)
    assert sum(p.numel() for part in (body, head) for p in part.parameters()) == expected
