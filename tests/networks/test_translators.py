"""The networks of image-to-image translation: counts, receptive fields, sizes, noise."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from gan_lightning.networks import PatchDiscriminator, PixelDiscriminator, ResNetTranslator, UNetGenerator
from gan_lightning.networks.norms import as_in_training
from gan_lightning.networks.patchgan import patch_convolutions, receptive_field

# The parameter counts of the published implementation, junyanz/pytorch-CycleGAN-and-pix2pix.
COUNTS = {
    "unet256": (lambda norm: UNetGenerator(resolution=256, norm=norm), 54_413_955, 54_409_603),
    "unet128": (lambda norm: UNetGenerator(resolution=128, norm=norm), 41_828_995, 41_825_667),
    "resnet9": (lambda norm: ResNetTranslator(blocks=9, norm=norm), 11_383_427, 11_378_179),
    "resnet6": (lambda norm: ResNetTranslator(blocks=6, norm=norm), 7_841_411, 7_837_699),
    "patch_pairs": (lambda norm: PatchDiscriminator(source_channels=3, norm=norm), 2_768_705, 2_767_809),
    "patch": (lambda norm: PatchDiscriminator(norm=norm), 2_765_633, 2_764_737),
    "patch_1": (lambda norm: PatchDiscriminator(source_channels=3, layers=1, norm=norm), 139_585, 139_457),
    "patch_5": (lambda norm: PatchDiscriminator(source_channels=3, layers=5, norm=norm), 11_159_361, 11_157_441),
    "pixel_pairs": (lambda norm: PixelDiscriminator(source_channels=3, norm=norm), 9_024, 8_897),
    "pixel": (lambda norm: PixelDiscriminator(norm=norm), 8_832, 8_705),
}

TRANSLATORS = {
    "unet32": lambda: UNetGenerator(resolution=32, source_channels=1, width=4),
    "unet64": lambda: UNetGenerator(resolution=64, width=2, norm="instance"),
    "unet_shallow": lambda: UNetGenerator(resolution=24, depth=3, width=4, norm="none", dropout=0.0),
    "resnet": lambda: ResNetTranslator(resolution=16, source_channels=1, width=4, blocks=2),
    "resnet_batch": lambda: ResNetTranslator(resolution=12, width=4, blocks=1, norm="batch", dropout=0.5),
}

DISCRIMINATORS = {
    "patch": lambda: PatchDiscriminator(resolution=32, source_channels=1, width=4),
    "patch_1": lambda: PatchDiscriminator(resolution=16, width=4, layers=1, norm="instance"),
    "patch_plain": lambda: PatchDiscriminator(resolution=16, channels=1, width=4, layers=2, norm="none"),
    "pixel": lambda: PixelDiscriminator(resolution=8, source_channels=3, width=4),
}


@pytest.mark.parametrize("name", COUNTS)
def test_parameter_counts(name):
    build, batch, instance = COUNTS[name]
    with torch.device("meta"):
        counts = [sum(p.numel() for p in build(norm).parameters()) for norm in ("batch", "instance")]
    assert counts == [batch, instance]


@pytest.mark.parametrize(("layers", "pixels"), [(1, 16), (2, 34), (3, 70), (4, 142), (5, 286)])
def test_a_logit_sees_as_many_pixels_as_the_paper_says(layers, pixels):
    assert receptive_field(patch_convolutions(layers)) == pixels


def test_a_logit_of_the_70x70_network_depends_on_exactly_its_patch():
    network = PatchDiscriminator(resolution=128, channels=1, width=2, norm="none").double()
    for parameter in network.parameters():  # positive everywhere: no contribution can cancel
        nn.init.constant_(parameter, 0.1)
    image = torch.ones(1, 1, 128, 128, dtype=torch.float64, requires_grad=True)
    logits = network(image)
    assert logits.shape == (1, 1, 14, 14)
    (gradient,) = torch.autograd.grad(logits[0, 0, 7, 7], image)
    seen = gradient[0, 0].nonzero()
    assert (seen.max(0).values - seen.min(0).values + 1).tolist() == [70, 70]


@pytest.mark.parametrize(("resolution", "side"), [(256, 30), (128, 14), (32, 2)])
def test_the_map_of_logits_has_the_side_of_the_paper(resolution, side):
    network = PatchDiscriminator(resolution=resolution, width=1)
    assert network(torch.zeros(1, 3, resolution, resolution)).shape == (1, 1, side, side)


def test_the_pixel_network_judges_every_pixel_alone(seeded):
    network = PixelDiscriminator(resolution=8, width=4, norm="none")
    images = torch.randn(2, 3, 8, 8)
    changed = images.clone()
    changed[:, :, 3, 5] += 1
    difference = (network(images) - network(changed)).abs()[:, 0]
    assert (difference[:, 3, 5] > 0).all()
    difference[:, 3, 5] = 0
    assert difference.max() < 1e-6


@pytest.mark.parametrize("name", TRANSLATORS)
def test_a_translation_has_its_size_and_range(name, seeded):
    network = TRANSLATORS[name]()
    _, height, width = network.source_shape
    for size in ((height, width), (2 * height, width)):  # also one that it was not trained at
        images = network(torch.empty(2, 0), torch.randn(2, network.source_shape[0], *size))
        assert images.shape == (2, network.sample_shape[0], *size)
        assert images.abs().max() <= 1
    with pytest.raises(ValueError, match="condition must be the source images"):
        network(torch.empty(2, 0))


@pytest.mark.parametrize("name", TRANSLATORS)
def test_sizes_that_a_translator_cannot_take_are_refused(name):
    network = TRANSLATORS[name]()
    channels, height, _ = network.source_shape
    network.check_images(torch.empty(1, channels, height, 2 * height))
    for shape in ((1, channels, height, height + 1), (1, channels, 0, height), (1, channels + 1, height, height)):
        with pytest.raises(ValueError, match=r"multiples of|source images must be"):
            network.check_images(torch.empty(*shape))


@pytest.mark.parametrize("name", [*TRANSLATORS, *DISCRIMINATORS])
def test_every_parameter_learns_and_starts_as_the_paper_says(name, seeded):
    network = (TRANSLATORS | DISCRIMINATORS)[name]()
    if name in TRANSLATORS:
        values = network.translate(torch.randn(4, *network.source_shape))
    else:
        values = network(torch.randn(4, *network.sample_shape))
        assert values.ndim == 4
    (values * torch.randn_like(values)).sum().backward()
    dead = [key for key, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert dead == []
    weights = torch.cat([p.flatten() for key, p in network.named_parameters() if p.ndim == 4])
    assert weights.std().item() == pytest.approx(0.02, rel=0.25)
    assert all(not p.any() for key, p in network.named_parameters() if key.endswith("bias"))


def test_the_unet_has_noise_in_its_first_three_decoder_layers_and_skips_between_equal_sizes(seeded):
    network = UNetGenerator(resolution=64, width=2)
    drops = [i for i, layer in enumerate(network.up) for part in layer.modules() if isinstance(part, nn.Dropout)]
    assert drops == [0, 1, 2]
    sizes = []
    for layer in network.up:
        layer.register_forward_hook(lambda _, inputs, output: sizes.append((inputs[0].shape[1:], output.shape[1:])))
    network.translate(torch.randn(1, 3, 64, 64))
    assert [tuple(entry) for _, entry in sizes] == [
        (16, 2, 2), (16, 4, 4), (8, 8, 8), (4, 16, 16), (2, 32, 32), (3, 64, 64)
    ]  # fmt: skip
    assert [given[0] for given, _ in sizes] == [16, 32, 32, 16, 8, 4]
    assert isinstance(network.down[0], nn.Conv2d)
    assert not any(isinstance(part, nn.BatchNorm2d) for part in network.down[-1])


def test_noise_and_image_statistics_can_be_had_without_a_trace(seeded):
    network = UNetGenerator(resolution=32, width=4).eval()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    image = torch.randn(1, 3, 32, 32)
    with torch.no_grad():
        plain = network.translate(image)
        with as_in_training(network, dropout=True, image_statistics=False):
            noisy = [network.translate(image) for _ in range(2)]
        with as_in_training(network, dropout=False, image_statistics=True):
            first, second = network.translate(image), network.translate(image)
        reference = UNetGenerator(resolution=32, width=4, dropout=0.0).train()
        reference.load_state_dict(network.state_dict())
        assert torch.equal(network.translate(image), plain)
        torch.testing.assert_close(first, reference.translate(image))
    assert torch.equal(first, second)
    assert not torch.equal(noisy[0], noisy[1])
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())
    assert not any(module.training for module in network.modules())


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: UNetGenerator(resolution=48), "power of two"),
        (lambda: UNetGenerator(resolution=48, depth=5), "multiple of 32"),
        (lambda: UNetGenerator(resolution=32, depth=2), "depth must be at least 3"),
        (lambda: UNetGenerator(norm="layer"), "batch, instance, none"),
        (lambda: UNetGenerator(dropout=1.0), "dropout"),
        (lambda: ResNetTranslator(resolution=30), "multiple of 4"),
        (lambda: ResNetTranslator(resolution=4), "at least 8"),
        (lambda: ResNetTranslator(blocks=0), "blocks"),
        (lambda: PatchDiscriminator(resolution=16), "layers = 3"),
        (lambda: PatchDiscriminator(norm="layer"), "batch, instance, none"),
    ],
)
def test_bad_arguments_are_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()
