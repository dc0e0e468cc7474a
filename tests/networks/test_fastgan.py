"""FastGAN against its authors' code (a fork of February 2021): counts, and outputs from equal parameters and inputs."""

from unittest import mock

import pytest
import torch
from torch import nn

from gan_lightning.networks import spectral
from gan_lightning.networks.fastgan import FastGANDiscriminator, FastGANFeatures, FastGANGenerator
from gan_lightning.networks.fastgan_layers import ComposedBlock, Excitation, NoiseInjection, TransposedSpectralNorm
from tests.networks.test_network_contract import assert_gradients

RESOLUTIONS = (256, 512, 1024)
SMALL_NETWORK = {"width": 8}
PRIME = 2_147_483_647


def without_values(build, **arguments):
    with torch.device("meta"), mock.patch.object(spectral, "INITIAL_ITERATIONS", 1):
        return build(**arguments)


def count(network):
    return sum(p.numel() for p in network.parameters())


@pytest.mark.parametrize(
    ("resolution", "generator", "discriminator"),
    [(256, 29_127_846, 11_526_160), (512, 29_174_392, 11_526_496), (1024, 29_176_512, 11_528_192)],
)
def test_counts_of_the_reference(resolution, generator, discriminator):
    assert count(without_values(FastGANGenerator, resolution=resolution)) == generator
    assert count(without_values(FastGANDiscriminator, resolution=resolution)) == discriminator


def test_counts_of_the_decoders():
    discriminator = without_values(FastGANDiscriminator)
    decoders = (discriminator.image_decoder, discriminator.quadrant_decoder, discriminator.small_decoder)
    assert [count(part) for part in decoders] == [1_439_712, 849_888, 849_888]


# The goldens: parameter i of the reference's order takes values of stream i, whose elements are exact integers.


def stream(index, *shape):
    """Values in [-1, 1): ``2 y / P - 1``, ``y = ((j^2 mod P) 1327217885 + (i + 1) 1103515245) mod P``."""
    j = torch.arange(torch.Size(shape).numel())
    y = (j * j % PRIME * 1_327_217_885 + (index + 1) * 1_103_515_245) % PRIME
    return (2 * y.double() / PRIME - 1).view(shape)


def test_the_stream_is_the_references():
    expected = [0.027728660, -0.736203362, 0.972000573, -0.847659536, -0.195183687]
    assert stream(0, 5).tolist() == pytest.approx(expected, rel=0, abs=1e-9)
    assert stream(1000, 1_000_001)[[0, 1, 100, 1_000_000]].tolist() == pytest.approx(
        [-0.243611761, 0.992456217, 0.436171334, -0.744522011], rel=0, abs=1e-9
    )


def weighted(*roots):
    """The layers with parameters below some modules, in their order."""
    kinds = (nn.Conv2d, nn.ConvTranspose2d, nn.BatchNorm2d, NoiseInjection)
    return [module for root in roots for module in root.modules() if isinstance(module, kinds)]


def generator_order(generator):
    sizes = [size for size in generator.blocks if int(size) <= 256]
    roots = [generator.stem, *(generator.blocks[size] for size in sizes)]
    roots += [*(generator.gates[size] for size in ("64", "128", "256")), generator.to_small, generator.to_image]
    for size in ("512", "1024"):
        roots += [part[size] for part in (generator.blocks, generator.gates) if size in part]
    return weighted(*roots)


def discriminator_order(discriminator):
    roots = [discriminator.from_image, discriminator.blocks, discriminator.image_head, discriminator.gates]
    roots += [discriminator.from_small, discriminator.small_head]
    roots += [discriminator.image_decoder, discriminator.quadrant_decoder, discriminator.small_decoder]
    return weighted(*roots)


def as_matrix(layer, weight):
    """The weight with a row for each output."""
    return (weight.transpose(0, 1) if isinstance(layer, nn.ConvTranspose2d) else weight).flatten(1)


@torch.no_grad()
def fill(network, layers):
    """Fill layers in their order; spectral norm takes its vectors from an exact decomposition; no noise."""
    assert len({id(layer) for layer in layers}) == len(weighted(network))  # all layers, none twice
    index = 0
    for layer in layers:
        if isinstance(layer, NoiseInjection):
            layer.strength.zero_()
            index += 1
        elif isinstance(layer, nn.BatchNorm2d):
            layer.weight.copy_(1 + 0.1 * stream(index, *layer.weight.shape))
            layer.bias.copy_(0.1 * stream(index + 1, *layer.bias.shape))
            index += 2
        else:
            original, (norm,) = layer.parametrizations.weight.original, layer.parametrizations.weight
            original.copy_(stream(index, *original.shape))
            left, _, right = torch.linalg.svd(as_matrix(layer, original).double(), full_matrices=False)
            norm.u.copy_(left[:, 0]), norm.v.copy_(right[0])
            index += 1
    return network.eval()


def wave(samples, size):
    """Images ``x[n, c, h, w] = sin(0.3 (n + 1) h + 0.5 (c + 1) w + n)``."""
    n, c, h, w = (
        torch.arange(extent, dtype=torch.float64).view([-1 if axis == k else 1 for axis in range(4)])
        for k, extent in enumerate((samples, 3, size, size))
    )
    return torch.sin(0.3 * (n + 1) * h + 0.5 * (c + 1) * w + n).float()


def test_the_wave_is_the_references():
    assert wave(2, 4)[0, 0, 0].tolist() == pytest.approx([0, 0.479426, 0.841471, 0.997495], rel=0, abs=1e-6)


@pytest.fixture(scope="module")
def networks():
    """The filled pairs of all resolutions, and the generator's two views of four latent vectors."""
    pairs = {}
    for resolution in RESOLUTIONS:
        generator = FastGANGenerator(resolution=resolution, latent_dim=16, **SMALL_NETWORK)
        discriminator = FastGANDiscriminator(resolution=resolution, **SMALL_NETWORK)
        fill(generator, generator_order(generator))
        fill(discriminator, discriminator_order(discriminator))
        with torch.no_grad():
            views = generator.views(3**0.5 * stream(1000, 4, 16).float())
        pairs[resolution] = generator, discriminator, views
    return pairs


@pytest.mark.parametrize(
    ("resolution", "generator", "discriminator"),
    [(256, 390_954, 1_209_574), (512, 391_650, 1_209_616), (1024, 391_663, 1_209_604)],
)
def test_counts_of_the_references_small_networks(networks, resolution, generator, discriminator):
    assert [count(network) for network in networks[resolution][:2]] == [generator, discriminator]


def close(*values):
    return pytest.approx(values, rel=1e-3)


def moments(values):
    return values.double().mean().item(), values.double().std(correction=0).item()


@pytest.mark.parametrize(
    ("resolution", "expected", "first", "small"),
    [
        (
            256,
            (0.0112685, 0.00854875),
            (0.0126327, 0.000824293, 0.000587774, 0.000531314),
            (0.00410508, 0.00177615, 0.00573897),
        ),
        (
            512,
            (0.000728583, 0.00918369),
            (-0.00300735, -0.00478538, -0.00478605, -0.00480203),
            (0.00410508, 0.00177615, 0.00573897),
        ),
        (
            1024,
            (-0.00173857, 0.0115372),
            (0.00616939, 0.0081216, 0.00790594, 0.00788848),
            (0.00410505, 0.00177613, 0.0057389),
        ),
    ],
)
def test_images_of_the_reference(networks, resolution, expected, first, small):
    images, thumbnails = networks[resolution][2]
    assert images.shape == (4, 3, resolution, resolution)
    assert thumbnails.shape == (4, 3, 128, 128)
    assert moments(images) == close(*expected)
    assert tuple(images.flatten()[:4].tolist()) == close(*first)
    assert (*moments(thumbnails), thumbnails.flatten()[0].item()) == close(*small)


@pytest.mark.parametrize(
    ("resolution", "fakes", "waves"),
    [
        (256, (0.00377238, 0.0670424), (-0.0632132, 0.0442367)),
        (512, (0.00377244, 0.0670424), (-0.0632131, 0.0472517)),
        (1024, (0.0393435, 0.0115442), (0.0502693, 0.0297494)),
    ],
)
def test_logits_of_the_reference(networks, resolution, fakes, waves):
    _, discriminator, (images, small) = networks[resolution]
    with torch.no_grad():
        logits = discriminator(images, small=small)
        of_waves = discriminator(wave(4, resolution))
    assert logits.shape == (4, 1, 10, 5)
    assert moments(logits) == close(*fakes)
    assert (of_waves[:, :, :5].mean().item(), of_waves[:, :, 5:].mean().item()) == close(*waves)


@pytest.mark.parametrize(
    ("resolution", "image", "small", "quadrant"),
    [
        (
            256,
            (-0.0046616, 0.0158568, -0.0076455),
            (-0.00292547, 0.0188786, -0.0357114),
            (-0.00909412, 0.0249875, 0.00397402),
        ),
        (
            512,
            (-0.00466168, 0.0158567, -0.00764552),
            (-0.00286155, 0.0188516, -0.0360258),
            (-0.00909346, 0.0249868, 0.0039741),
        ),
        (
            1024,
            (0.00396606, 0.0131175, 0.00890076),
            (-0.000735818, 0.0193459, -0.0127819),
            (0.0161695, 0.0312769, -0.00331692),
        ),
    ],
)
def test_reconstructions_of_the_reference(networks, resolution, image, small, quadrant):
    discriminator = networks[resolution][1]
    with torch.no_grad():
        decoded = discriminator.reconstruct(discriminator.features(wave(4, resolution)), quadrant=3)
    for values, expected in zip(decoded, (image, small, quadrant), strict=True):
        assert values.shape == (4, 3, 128, 128)
        assert (*moments(values), values.flatten()[0].item()) == close(*expected)


# What the goldens do not see: noise, the quadrants, the start, gradients.


def test_noise_enters_before_each_norm_of_a_composed_block(seeded):
    block = ComposedBlock(3, 5).double()
    nn.init.constant_(block.noise1.strength, 0.7)
    nn.init.constant_(block.noise2.strength, -0.4)
    x, noise = torch.randn(2, 3, 4, 4).double(), torch.randn(2, 2, 1, 8, 8).double()
    doubled = x.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
    h = block.norm1(nn.functional.conv2d(doubled, block.conv1.weight, padding=1) + 0.7 * noise[0])
    h = h[:, :5] * torch.sigmoid(h[:, 5:])
    h = block.norm2(nn.functional.conv2d(h, block.conv2.weight, padding=1) - 0.4 * noise[1])
    torch.testing.assert_close(block(x, *noise), h[:, :5] * torch.sigmoid(h[:, 5:]))


def test_noise_is_fresh_unless_it_is_given(seeded):
    generator = FastGANGenerator(latent_dim=4, **SMALL_NETWORK).eval()
    sizes = [8, 8, 32, 32, 128, 128]
    assert generator.noise_shapes == tuple((1, size, size) for size in sizes)
    for module in generator.modules():
        if isinstance(module, NoiseInjection):
            assert module.strength == 0
            nn.init.constant_(module.strength, 0.01)
    z, noise = torch.randn(2, 4), [torch.randn(2, 1, size, size) for size in sizes]
    with torch.no_grad():
        assert not torch.equal(generator(z), generator(z))
        images = generator(z, noise=noise)
        torch.testing.assert_close(generator(z, noise=noise), images, rtol=0, atol=0)
        for changed in range(6):
            other = [n + 1 if index == changed else n for index, n in enumerate(noise)]
            assert not torch.equal(generator(z, noise=other), images)
    with pytest.raises(ValueError, match="noise must have 6 maps, got 5"):
        generator(z, noise=noise[1:])


def test_excitation_equals_its_formula(seeded):
    layer = Excitation(3, 5).double()
    x = torch.randn(2, 3, 8, 8).double()
    pooled = x.unflatten(2, (4, 2)).unflatten(4, (4, 2)).mean(dim=(3, 5))
    h = torch.einsum("nchw,ochw->no", pooled, layer[1].weight)
    h = (h * torch.sigmoid(h)) @ layer[3].weight[:, :, 0, 0].T
    torch.testing.assert_close(layer(x), torch.sigmoid(h)[:, :, None, None])


def test_transposed_spectral_norm_takes_the_outputs_for_rows(seeded):
    weight = torch.randn(3, 4, 2, 2).double()
    norm = TransposedSpectralNorm(weight)
    for _ in range(300):
        normalized = norm(weight)
    rows = torch.stack([weight[:, output].flatten() for output in range(4)])
    torch.testing.assert_close(normalized, weight / torch.linalg.matrix_norm(rows, ord=2), rtol=1e-6, atol=1e-8)


@pytest.fixture(scope="module")
def discriminator():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return FastGANDiscriminator(**SMALL_NETWORK).eval()


def test_the_small_view_of_an_image_is_every_other_pixel(discriminator):
    images = wave(2, 256)
    with torch.no_grad():
        torch.testing.assert_close(discriminator(images), discriminator(images, small=images[:, :, ::2, ::2]))


def test_a_quadrant_is_decoded_from_its_quarter_alone(discriminator):
    middle = torch.randn(1, 32, 16, 16, generator=torch.Generator().manual_seed(0))
    features = FastGANFeatures(last=torch.zeros(1, 64, 8, 8), middle=middle, small=torch.zeros(1, 32, 8, 8))
    quarters = [
        middle[:, :, rows, columns] for rows in (slice(8), slice(8, 16)) for columns in (slice(8), slice(8, 16))
    ]
    with torch.no_grad():
        for quadrant, quarter in enumerate(quarters):
            decoded = discriminator.reconstruct(features, quadrant=quadrant).quadrant
            torch.testing.assert_close(decoded, discriminator.quadrant_decoder(quarter))
    with pytest.raises(ValueError, match="quadrant must be 0, 1, 2 or 3, got 4"):
        discriminator.reconstruct(features, quadrant=4)


def test_every_parameter_learns(seeded):
    generator, discriminator = FastGANGenerator(latent_dim=4, **SMALL_NETWORK), FastGANDiscriminator(**SMALL_NETWORK)
    images, small = generator.views(torch.randn(2, 4))
    logits = discriminator(images, small=small)
    (logits * torch.randn_like(logits)).sum().backward()
    assert_gradients(generator)
    decoded = discriminator.reconstruct(discriminator.features(wave(2, 256)), quadrant=1)
    sum((values * torch.randn_like(values)).sum() for values in decoded).backward()
    assert_gradients(discriminator)


@pytest.mark.parametrize("build", [FastGANGenerator, FastGANDiscriminator])
def test_starts_from_narrow_normals_and_normalizes_every_weight(build, seeded):
    normalized = 0
    for layer in weighted(build(width=16)):
        if isinstance(layer, nn.BatchNorm2d):
            weights, mean = layer.weight, 1
            assert not layer.bias.any()
        elif isinstance(layer, NoiseInjection):
            continue
        else:
            weights, mean = layer.parametrizations.weight.original, 0
            assert layer.bias is None
            assert torch.linalg.matrix_norm(as_matrix(layer, layer.weight), ord=2).item() == pytest.approx(1, abs=0.1)
            normalized += 1
        assert weights.std().item() == pytest.approx(0.02, rel=5 / (2 * weights.numel()) ** 0.5)
        assert abs(weights.mean().item() - mean) < 5 * 0.02 / weights.numel() ** 0.5
    assert normalized == (1 + 6 + 3 + 3 * 2 + 2 if build is FastGANGenerator else 1 + 5 * 3 + 2 + 3 * 2 + 4 + 1 + 3 * 5)


@pytest.mark.parametrize("build", [FastGANGenerator, FastGANDiscriminator])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"resolution": 128}, r"resolution must be one of \[256, 512, 1024\], got 128"),
        ({"width": 12}, "width must be a positive multiple of 8, got 12"),
        ({"channels": 0}, "channels must be a positive integer, got 0"),
    ],
)
def test_refusals_name_argument_and_value(build, arguments, message):
    with pytest.raises(ValueError, match=message):
        build(**arguments)


@pytest.mark.parametrize("channels", [[8, 8, 8], [8, 8, 8, 0]])
def test_decoders_have_four_positive_widths(channels):
    with pytest.raises(ValueError, match="decoder_channels must be"):
        FastGANDiscriminator(decoder_channels=channels)
