"""Projected GAN's networks: the authors' counts, and their formulas written out a second time."""

import copy
import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from gan_lightning.networks import (
    ProjectedDiscriminator,
    ProjectedFastGANGenerator,
    RandomBackbone,
    StyleGAN2Generator,
)
from gan_lightning.networks.backbone import Backbone
from gan_lightning.networks.fastgan_layers import NoiseInjection
from gan_lightning.networks.projected_discriminator import FeatureMixing
from tests.networks.integer_fill import set_singular_vectors, without_values
from tests.networks.test_fastgan import count, stream
from tests.networks.test_network_contract import assert_gradients

SMALL = {"resolution": 16, "channels": 1, "width": 4, "least_size": 32}


class EfficientNetSizes(Backbone):
    """The sizes of EfficientNet-Lite0's maps, without the network."""

    channels = (24, 40, 112, 320)
    stride = 4

    def check(self):
        """Need nothing."""

    def load(self):
        raise AssertionError("not needed to build a discriminator")


def discriminator(**arguments):
    return ProjectedDiscriminator(backbone=RandomBackbone(widths=[4, 6, 8, 8]), **{**SMALL, **arguments})


# The authors' code holds the blocks of 256 at 128 as well, where nothing runs them.
UNUSED = {True: 221_698 + 528_384, False: 147_456 + 256 + 528_384}


@pytest.mark.parametrize(
    ("composed", "resolution", "expected"),
    [
        (True, 128, 105_685_903 - UNUSED[True]),
        (True, 256, 105_684_175),
        (True, 512, 105_870_961),
        (True, 1024, 105_884_483),
        (False, 128, 79_356_035 - UNUSED[False]),
        (False, 256, 79_354_307),
        (False, 512, 79_522_531),
        (False, 1024, 79_531_379),
    ],
)
def test_counts_of_the_references_generators(composed, resolution, expected):
    assert count(without_values(ProjectedFastGANGenerator, composed=composed, resolution=resolution)) == expected


def test_count_of_the_references_conditional_generator():
    assert count(without_values(ProjectedFastGANGenerator, classes=1000)) == 110_527_689


@pytest.mark.parametrize(
    ("resolution", "expected"),
    [
        (32, 17_284_371),
        (64, 22_203_672),
        (128, 24_106_525),
        (256, 24_615_586),
        (512, 24_759_527),
        (1024, 24_803_852),
    ],
)
def test_counts_of_the_references_style_generator(resolution, expected):
    sizes = {"latent_dim": 64, "style_dim": 128, "mapping_layers": 2}
    assert count(without_values(StyleGAN2Generator, resolution=resolution, **sizes)) == expected


@pytest.mark.parametrize(
    ("separable", "classes", "expected"),
    [(False, None, 10_331_328), (False, 1000, 12_940_736), (True, None, 696_512), (True, 1000, 3_305_920)],
)
def test_counts_of_the_references_discriminators(separable, classes, expected):
    built = without_values(ProjectedDiscriminator, backbone=EfficientNetSizes(), separable=separable, classes=classes)
    assert count(built) == expected
    assert sum(buffer.numel() for buffer in built.mixing.buffers()) == 376_768
    parts = [count(body) + count(head) for body, head in zip(built.bodies, built.heads, strict=True)]
    if classes is None:
        each = [190_848, 186_048, 177_024, 142_592] if separable else [2_829_120, 2_763_392, 2_631_936, 2_106_880]
        assert parts == each


def maps_of_streams(channels, side, samples=3):
    """Streams in the place of feature maps."""
    return [stream(100 + k, samples, c, side // 2**k, side // 2**k) for k, c in enumerate(channels)]


def test_mixing_equals_its_formula(seeded):
    channels, mixing = (3, 5, 6, 7), FeatureMixing((3, 5, 6, 7), width=4).double()
    maps = maps_of_streams(channels, 16)
    across_channels, across_scales = mixing.across_channels, mixing.across_scales
    coming, expected = None, []
    for k in reversed(range(4)):
        h = torch.einsum("nchw,oc->nohw", maps[k], across_channels[k].weight[:, :, 0, 0])
        h = h + across_channels[k].bias[:, None, None]
        h = h if coming is None else h + coming
        h = nn.UpsamplingBilinear2d(scale_factor=2)(h)  # its corners are aligned
        coming = torch.einsum("nchw,oc->nohw", h, across_scales[k].weight[:, :, 0, 0])
        coming = coming + across_scales[k].bias[:, None, None]
        expected.insert(0, coming)
    found = mixing(maps)
    assert [tuple(m.shape) for m in found] == [(3, 4, 32, 32), (3, 4, 16, 16), (3, 8, 8, 8), (3, 16, 4, 4)]
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_mixing_starts_as_torchs_convolutions_do_and_is_saved_but_not_trained(seeded):
    mixing = FeatureMixing((24, 40, 112, 320), width=64)
    assert not list(mixing.parameters())
    assert len(mixing.state_dict()) == 16
    for projection, inputs in zip(mixing.across_channels, (24, 40, 112, 320), strict=True):
        bound = inputs**-0.5
        for values in (projection.weight, projection.bias):
            assert 0.9 * bound < values.abs().max() <= bound
            assert values.std().item() == pytest.approx(bound / 3**0.5, rel=0.2)


def exact(layer):
    """A layer's weight over its largest singular value, whatever the power iteration has reached."""
    weight = layer.parametrizations.weight.original
    return weight / torch.linalg.matrix_norm(weight.flatten(1), ord=2)


@pytest.mark.parametrize("separable", [False, True])
@pytest.mark.parametrize("classes", [None, 5])
def test_logits_equal_their_formula_on_streams_for_features(separable, classes, seeded):
    network = discriminator(separable=separable, classes=classes).double()
    labels = torch.tensor([4, 0, 3])
    mixed = network.mixing(maps_of_streams((4, 6, 8, 8), 32))
    with torch.no_grad():
        for module in network.modules():
            if nn.utils.parametrize.is_parametrized(module):
                set_singular_vectors(
                    module.parametrizations.weight[0], module.parametrizations.weight.original.flatten(1)
                )
    expected = []
    for scale, (body, head, h) in enumerate(zip(network.bodies, network.heads, mixed, strict=True)):
        assert len(body) == 4 - scale
        for block in body:
            if separable:
                depthwise, pointwise, norm = block[0], block[1], block[2]
                h = F.conv2d(h, exact(depthwise), padding=1, groups=h.shape[1])
                h = torch.einsum("nchw,oc->nohw", h, exact(pointwise)[:, :, 0, 0])
            else:
                convolution, norm = block[0], block[1]
                h = F.conv2d(h, exact(convolution), convolution.bias, stride=2, padding=1)
            variance, mean = torch.var_mean(h, dim=(0, 2, 3), correction=0, keepdim=True)
            h = (h - mean) / (variance + 1e-5).sqrt()
            h = h * norm.weight[:, None, None] + norm.bias[:, None, None]
            h = torch.where(h > 0, h, 0.2 * h)
            if separable:
                h = h.unflatten(2, (-1, 2)).unflatten(4, (-1, 2)).mean(dim=(3, 5))
        h = torch.einsum("nchw,ochw->no", h, exact(head.output))
        if classes is not None:
            embedding, linear, _ = head.class_vectors
            vectors = embedding.weight[labels] @ linear.weight.T + linear.bias
            h = (h * torch.where(vectors > 0, vectors, 0.2 * vectors)).sum(dim=1, keepdim=True) / math.sqrt(64)
        expected.append(h)
    features = torch.cat([body(maps) for body, maps in zip(network.bodies, mixed, strict=True)], dim=1)
    logits = network.head(features, None if classes is None else labels)
    assert logits.shape == (3, 1, 4, 1)
    torch.testing.assert_close(logits[:, 0, :, 0], torch.cat(expected, dim=1), rtol=1e-7, atol=1e-9)


def test_sizes_of_the_reference():
    class Maps(nn.Module):
        def forward(self, images):
            sides.append(images.shape[-1])
            return [
                images.new_zeros(len(images), c, images.shape[-1] // 4 // 2**k, images.shape[-1] // 4 // 2**k)
                for k, c in enumerate((24, 40, 112, 320))
            ]

    sides, backbone = [], EfficientNetSizes()
    backbone.load = Maps
    for resolution, side, shape in ((32, 224, (4 * 4, 4)), (256, 256, (4 * 5, 5))):
        network = ProjectedDiscriminator(backbone=backbone, resolution=resolution, width=8).eval()
        with torch.no_grad():
            assert network(torch.zeros(2, 3, resolution, resolution)).shape == (2, 1, *shape)
        assert sides.pop() == side


def test_small_images_are_enlarged_bilinearly_and_gray_ones_repeated(seeded):
    network = discriminator().eval()
    images = torch.rand(2, 1, 16, 16) * 2 - 1
    large = F.interpolate(images, scale_factor=2, mode="bilinear", align_corners=False).repeat(1, 3, 1, 1)
    other = discriminator(resolution=32, channels=3).eval()
    other.load_state_dict(network.state_dict())
    with torch.no_grad():
        torch.testing.assert_close(network(images), other(large))


def test_every_parameter_learns_and_the_backbone_stays(seeded):
    network = discriminator(classes=10)
    images = torch.randn(10, 1, 16, 16, requires_grad=True)
    logits = network(images, torch.arange(10))
    before = copy.deepcopy(network.frozen.network.state_dict())
    (logits * torch.randn_like(logits)).sum().backward()
    assert_gradients(network)
    assert images.grad.abs().sum() > 0
    network.train()
    assert not network.frozen.network.training
    assert all(
        torch.equal(a, b) for a, b in zip(before.values(), network.frozen.network.state_dict().values(), strict=True)
    )


def test_the_random_backbone_is_a_function_of_its_seed():
    first, second, third = (RandomBackbone(widths=[4, 6, 8, 8], seed=seed).load() for seed in (3, 3, 4))
    images = torch.rand(1, 3, 16, 16)
    with torch.no_grad():
        maps = first(images)
        assert [tuple(m.shape[1:]) for m in maps] == [(4, 16, 16), (6, 8, 8), (8, 4, 4), (8, 2, 2)]
        assert all(torch.equal(a, b) for a, b in zip(maps, second(images), strict=True))
        assert not torch.equal(maps[0], third(images)[0])


@pytest.mark.parametrize("composed", [True, False])
@pytest.mark.parametrize("classes", [None, 4])
def test_generator_equals_its_formula(composed, classes, seeded):
    generator = ProjectedFastGANGenerator(
        resolution=128, channels=1, latent_dim=6, width=8, composed=composed, classes=classes
    )
    generator = generator.double().eval()
    for module in generator.modules():
        if isinstance(module, NoiseInjection):
            nn.init.normal_(module.strength)
    z, labels = torch.randn(2, 6).double(), torch.tensor([3, 1])
    noise = [torch.randn(2, *shape).double() for shape in generator.noise_shapes]
    assert len(noise) == (10 if composed else 0)
    remaining = iter(noise)
    vectors = None if classes is None else generator.class_vectors.weight[labels]

    def normalized(h, norm):
        if vectors is None:
            return F.batch_norm(h, norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=1e-5)
        scale, shift = (
            F.linear(vectors, part.weight, part.bias)[:, :, None, None] for part in (norm.scale, norm.shift)
        )
        return (1 + scale) * h / math.sqrt(1 + 1e-5) + shift  # fresh statistics: 0 and 1

    def gated(h):
        half = h.shape[1] // 2
        return h[:, :half] * torch.sigmoid(h[:, half:])

    def convolutions(block):
        """The layers of a block: convolution, strength of its noise, norm."""
        if classes is not None:
            strength = None if block.noise is None else block.noise.strength
            return [(c, strength, n) for c, n in zip(block.convolutions, block.norms, strict=True)]
        if composed:
            return [
                (block.conv1, block.noise1.strength, block.norm1),
                (block.conv2, block.noise2.strength, block.norm2),
            ]
        return [(block[0], None, block[1])]

    h = z / z.square().mean(dim=1, keepdim=True).sqrt()
    h = torch.einsum("ni,iohw->nohw", h, generator.stem[0].weight)
    norm = generator.stem[1]
    h = gated(F.batch_norm(h, norm.running_mean, norm.running_var, norm.weight, norm.bias))
    maps = {4: h}
    for size in (8, 16, 32, 64, 128):
        h = h.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
        for convolution, strength, norm in convolutions(generator.blocks[str(size)]):
            h = F.conv2d(h, convolution.weight, padding=1)
            h = h if strength is None else h + strength * next(remaining)
            h = gated(normalized(h, norm))
        if size >= 64:
            h = h * generator.gates[str(size)](maps[size // 16])
        maps[size] = h
    expected = F.conv2d(h, generator.to_image.weight, generator.to_image.bias, padding=1)
    assert not list(remaining)
    found = generator(z, None if classes is None else labels, noise=noise)
    torch.testing.assert_close(found, expected, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("classes", [None, 4])
def test_every_parameter_of_the_generator_learns_and_all_weights_are_normalized(classes, seeded):
    generator = ProjectedFastGANGenerator(resolution=128, channels=1, latent_dim=6, width=8, classes=classes)
    images = generator(torch.randn(4, 6), None if classes is None else torch.arange(4))
    (images * torch.randn_like(images)).sum().backward()
    assert_gradients(generator)
    for layer in generator.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            assert nn.utils.parametrize.is_parametrized(layer, "weight")
        elif isinstance(layer, NoiseInjection):
            assert layer.strength == 0


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: ProjectedFastGANGenerator(resolution=64),
            r"resolution must be one of \[128, 256, 512, 1024\], got 64",
        ),
        (lambda: ProjectedFastGANGenerator(width=12), "width must be a positive multiple of 8, got 12"),
        (lambda: ProjectedFastGANGenerator(classes=0), "classes must be a positive integer, got 0"),
        (lambda: discriminator(channels=2), "channels must be 1 or 3, got 2"),
        (lambda: discriminator(width=0), "width must be a positive integer, got 0"),
        (lambda: discriminator(least_size=24), "least_size must be a multiple of 8, and at least 32, .*; got 24"),
        (lambda: discriminator(resolution=36), "resolution must be a multiple of 8, and at least 32, .*; got 36"),
        (lambda: RandomBackbone(widths=[4, 4, 4]), r"widths must be 4 numbers, got \[4, 4, 4\]"),
        (lambda: RandomBackbone(widths=[4, 4, 4, 0]), "widths must be"),
    ],
)
def test_refusals_name_argument_and_value(build, message):
    with pytest.raises(ValueError, match=message):
        build()
