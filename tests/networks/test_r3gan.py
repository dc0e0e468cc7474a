"""R3GAN's networks: sizes of the published ones, numbers of small ones filled with known values, and their start."""

import copy
import math

import pytest
import torch
from torch.nn import functional as F

from gan_lightning.networks.r3gan import R3GANDiscriminator, R3GANGenerator
from gan_lightning.networks.r3gan_blocks import Resample, ResidualBlock, residual_blocks
from tests.networks.small_r3gan import discriminator, generator, labels, latents, stream, wave

# name: resolution, classes, widths and groups from the smallest map to the largest, parameters of both networks
PUBLISHED = {
    "cifar10": (32, None, [768] * 4, [96] * 4, 20_732_160, 20_683_776),
    "cifar10_classes": (32, 10, [768] * 4, [96] * 4, 20_781_952, 21_280_512),
    "ffhq_64": (64, None, [768] * 4 + [384], [96] * 4 + [48], 22_429_824, 22_381_440),
    "ffhq_256": (256, None, [768] * 4 + [384, 192, 96], [96] * 4 + [48, 24, 12], 23_057_952, 23_009_568),
    "imagenet_32": (32, 1000, [1536] * 4, [96] * 4, 82_914_304, 86_548_992),
    "imagenet_64": (64, 1000, [1536] * 5, [96] * 5, 103_570_432, 107_205_120),
}

# Of a separate implementation on the same values, in float32.
GOLDEN = {
    None: {
        "parameters": (50_480, 50_000),
        "images": (0.0280959, 0.0437754),
        "first": [0.0272301, 0.0227392, 0.0220872, 0.0216195],
        "last": 0.00435835,
        "real": [0.0158099, 0.0176657, 0.0182462, 0.0185378],
        "difference": [-0.00441474, -0.000839453, -0.000991048, -0.000600981],
        "r1": [7.04811e-5, 7.08023e-5, 6.85396e-5, 6.79065e-5],
        "r2": [6.49946e-5, 6.54125e-5, 6.52728e-5, 6.45046e-5],
        "gradients": (0.0801604, 0.052101),
    },
    3: {
        "parameters": (51_040, 51_088),
        "images": (0.0313801, 0.0452557),
        "first": [0.0286478, 0.0242377, 0.0235771, 0.0229658],
        "last": 0.00400654,
        "real": [0.032273, 0.0185926, 0.0172121, 0.0148026],
        "difference": [-0.00659138, -0.0167098, -0.0146104, -0.0236863],
        "r1": [3.12791e-4, 3.14785e-4, 3.15871e-4, 3.23018e-4],
        "r2": [3.03275e-4, 3.11886e-4, 3.13771e-4, 3.10458e-4],
        "gradients": (0.195308, 0.161865),
    },
}


def gradient_norm(loss, network):
    gradients = torch.autograd.grad(loss, list(network.parameters()))
    return torch.cat([gradient.flatten() for gradient in gradients]).norm().item()


def close(value, expected):
    torch.testing.assert_close(torch.as_tensor(value).double(), torch.tensor(expected).double(), rtol=1e-4, atol=0)


def test_streams_are_those_of_the_goldens():
    torch.testing.assert_close(
        stream(3, 5).tolist(), [-0.889085362, 0.346982617, 0.055186552, 0.235526443, 0.888002291], rtol=0, atol=1e-9
    )
    assert stream(1000, 10**6 + 1)[-1].item() == pytest.approx(-0.744522011, abs=1e-9)
    torch.testing.assert_close(wave(2, 4)[0, 0, 0].tolist(), [0.0, 0.479426, 0.841471, 0.997495], rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameter_counts_of_the_published_networks(name):
    resolution, classes, widths, cardinalities, *expected = PUBLISHED[name]
    shared = {"resolution": resolution, "blocks": [2] * len(widths), "classes": classes}
    with torch.device("meta"):
        networks = (
            R3GANGenerator(widths=widths, cardinalities=cardinalities, **shared),
            R3GANDiscriminator(
                widths=widths[::-1], cardinalities=cardinalities[::-1], embedding_dim=widths[0], **shared
            ),
        )
    assert [sum(p.numel() for p in network.parameters()) for network in networks] == expected


@pytest.mark.parametrize("classes", GOLDEN)
def test_goldens(classes):
    golden = GOLDEN[classes]
    g, d = generator(classes), discriminator(classes)
    assert tuple(sum(p.numel() for p in network.parameters()) for network in (g, d)) == golden["parameters"]
    condition = None if classes is None else labels(4, classes)

    fakes = g(latents().float(), condition)
    values = fakes.detach().flatten()
    close([values.mean(), values.std(unbiased=False)], golden["images"])
    close(values[:4], golden["first"])
    close(values[-1], golden["last"])

    reals = wave(4, 32).float().requires_grad_()
    shown = fakes.detach().requires_grad_()
    real, fake = d(reals, condition), d(shown, condition)
    close(real, golden["real"])
    close(real - fake, golden["difference"])

    r1, r2 = (
        torch.autograd.grad(logits.sum(), images, create_graph=True)[0].square().sum(dim=(1, 2, 3))
        for logits, images in ((real, reals), (fake, shown))
    )
    close(r1, golden["r1"])
    close(r2, golden["r2"])

    critic_loss = (F.softplus(fake - real) + 0.5 / 2 * (r1 + r2)).mean()
    generator_loss = F.softplus(real.detach() - d(fakes, condition)).mean()
    norms = gradient_norm(critic_loss, d), gradient_norm(generator_loss, g)
    close(norms, golden["gradients"])


def test_resampling_goldens():
    ramp = torch.arange(16.0).view(1, 1, 4, 4).expand(1, 2, 4, 4)
    doubled, halved = Resample(2, double=True)(ramp), Resample(2, double=False)(ramp)
    assert doubled.shape == (1, 2, 8, 8)
    assert doubled[0, 1, 0].tolist() == [0, 0.1875, 0.5625, 0.9375, 1.3125, 1.6875, 2.0625, 1.6875]
    assert halved[0].tolist() == [[[2.734375, 3.9375], [7.546875, 8.75]]] * 2


def test_resampling_keeps_constants_away_from_the_border():
    ones = torch.ones(1, 3, 8, 8)
    torch.testing.assert_close(Resample(3, double=True)(ones)[..., 1:-1, 1:-1], torch.ones(1, 3, 14, 14))
    torch.testing.assert_close(Resample(3, double=False)(ones)[..., 1:-1, 1:-1], torch.ones(1, 3, 2, 2))


def deviations(network):
    """Standard deviations of the weights by kind; equal kinds of all stages together."""
    weights = {}
    for name, parameter in network.named_parameters():
        kind = ".".join(part for part in name.split(".") if part != "stages" and not part.isdigit())
        weights.setdefault(kind, []).append(parameter.detach().flatten())
    return {kind: torch.cat(values).std().item() for kind, values in weights.items()}


def test_start_of_the_generator(seeded):
    found = deviations(R3GANGenerator(classes=100))
    expected = {
        "expand.weight": 0.02977,  # these two as measured on the authors' CIFAR-10 networks
        "grouped.weight": 0.0687,
        "project.weight": 0.0,
        "expand.bias": 0.0,
        "grouped.bias": 0.0,
        "basis": 1.0,
        "stem.weight": 1 / math.sqrt(128),
        "to_image.weight": 1 / math.sqrt(768),
        "class_vectors.weight": 1 / math.sqrt(100),
    }
    assert found == pytest.approx(expected, rel=0.05)
    assert found["expand.weight"] == pytest.approx(0.02977, rel=2e-3)
    assert found["grouped.weight"] == pytest.approx(0.0687, rel=2e-3)


def test_start_of_the_discriminator(seeded):
    found = deviations(
        R3GANDiscriminator(resolution=8, widths=[256, 192], cardinalities=[32, 16], blocks=[3, 1], classes=50)
    )
    assert found["project.weight"] == 0
    assert found["from_image.weight"] == pytest.approx(1 / math.sqrt(3), rel=0.1)
    assert found["weight"] == pytest.approx(1 / math.sqrt(256), rel=0.03)  # between the stages
    assert found["pool.weight"] == pytest.approx(1 / 4, rel=0.05)
    assert found["output.weight"] == pytest.approx(1 / math.sqrt(192), rel=0.03)
    assert found["class_vectors.weight"] == pytest.approx(1 / math.sqrt(50 * 768), rel=0.03)


def test_start_depends_on_the_depth_of_all_stages(seeded):
    first = residual_blocks([768, 4, 4, 4, 4], [96, 1, 1, 1, 1], [2] * 5, expansion=2)[0][0]
    assert first.expand.weight.std().item() == pytest.approx(0.02816, rel=4e-3)  # measured on the authors' FFHQ-64


def test_blocks_start_as_the_identity_and_networks_as_linear_maps(seeded):
    block, maps = ResidualBlock(6, cardinality=3, expansion=2, gain=1.0), torch.randn(2, 6, 4, 4)
    torch.testing.assert_close(block(maps), maps, rtol=0, atol=0)
    g = R3GANGenerator(latent_dim=6, widths=[8, 8, 4, 4], cardinalities=[2, 2, 2, 2]).double()
    d = R3GANDiscriminator(widths=[4, 4, 8, 8], cardinalities=[2, 2, 2, 2]).double()
    for network, inputs in ((g, torch.randn(2, 6).double()), (d, torch.randn(2, 3, 32, 32).double())):
        outputs = network(inputs)
        assert outputs.std() > 0.01
        torch.testing.assert_close(network(2 * inputs[:1] - 3 * inputs[1:]), 2 * outputs[:1] - 3 * outputs[1:])


def types(network, inputs, *arguments):
    """Types of the maps that leave the stages, and of the outputs."""
    seen = []
    hooks = [stage.register_forward_hook(lambda _, __, maps: seen.append(maps.dtype)) for stage in network.stages]
    outputs = network(inputs, *arguments)
    for hook in hooks:
        hook.remove()
    return [*seen, outputs.dtype]


def test_stages_compute_in_bfloat16_where_asked():
    half, full = torch.bfloat16, torch.float32
    reals = wave(4, 32).float()
    assert types(generator(bfloat16_resolutions=[8, 16, 32]), latents().float()) == [full, half, half, half, full]
    assert types(generator(bfloat16_resolutions=[4, 16]), latents().float()) == [half, full, half, full, full]
    assert types(discriminator(bfloat16_resolutions=[8, 16, 32]), reals) == [half, half, half, full, full]
    assert types(discriminator(bfloat16_resolutions=[4, 8, 16, 32]), reals) == [half, half, half, half, full]
    assert types(discriminator(), reals) == [full] * 5


def test_bfloat16_is_close_and_leaves_weights_and_gradients_in_float32():
    inputs, reals = latents().float(), wave(4, 32).float()
    for build, given in ((generator, inputs), (discriminator, reals)):
        exact, rough = build(), build(bfloat16_resolutions=[8, 16, 32])
        difference = (rough(given) - exact(given)).norm() / exact(given).norm()
        assert 1e-5 < difference < 2e-2
        pairs = zip(
            *(torch.autograd.grad(n(given).square().sum(), n.parameters()) for n in (exact, rough)), strict=True
        )
        for reference, gradient in pairs:
            assert gradient.dtype == torch.float32
            assert 0 < (gradient - reference).norm() / reference.norm() < 5e-2
        assert {p.dtype for p in rough.parameters()} == {torch.float32}


def test_penalties_pass_through_bfloat16():
    def penalty_gradient(network):
        images = wave(4, 32).float().requires_grad_()
        (gradient,) = torch.autograd.grad(network(images).sum(), images, create_graph=True)
        assert gradient.dtype == torch.float32
        return gradient_norm(gradient.square().sum(), network)

    exact, rough = (penalty_gradient(discriminator(bfloat16_resolutions=r)) for r in ([], [8, 16, 32]))
    assert rough == pytest.approx(exact, rel=2e-2)
    assert rough != exact


def test_conditional_logit_is_an_inner_product_and_needs_labels():
    d, images, condition = discriminator(3), wave(5, 32).float(), labels(5, 3)
    features = d.features(images)
    assert features.shape == (5, d.feature_dim)
    expected = torch.einsum("nf,of,no->n", features, d.output.weight, d.class_vectors.weight[condition])
    torch.testing.assert_close(d(images, condition), expected)
    for network, inputs in ((d, images), (generator(3), latents().float())):
        assert network.classes == 3
        with pytest.raises(ValueError, match="condition must be class labels"):
            network(inputs)


def test_generator_obeys_its_condition():
    g, condition = generator(3), labels(4, 3)
    images = g(latents().float(), condition)
    assert (images - g(latents().float(), (condition + 1) % 3)).abs().amax(dim=(1, 2, 3)).min() > 1e-3
    torch.testing.assert_close(g(latents()[:2].float(), condition[:2]), images[:2])


@pytest.mark.parametrize("classes", [None, 3])
def test_every_parameter_learns_and_state_dict_reproduces(classes):
    condition = labels(6, 3)
    for build, inputs in ((generator, latents(6).float()), (discriminator, wave(6, 32).float())):
        network, other = build(classes), build(classes)
        torch.nn.init.zeros_(next(other.parameters()))
        other.load_state_dict(network.state_dict())
        outputs = network(inputs, condition)
        for same in (other, copy.deepcopy(network)):
            torch.testing.assert_close(same(inputs, condition), outputs, rtol=0, atol=0)
        (outputs * stream(7, *outputs.shape)).sum().backward()
        assert [name for name, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0] == []


def test_other_images(seeded):
    shared = {"resolution": 28, "channels": 1, "widths": [8, 8, 8], "cardinalities": [2, 4, 8], "blocks": [1, 2, 3]}
    g, d = R3GANGenerator(latent_dim=5, **shared), R3GANDiscriminator(**shared)
    images = g(torch.randn(3, g.latent_dim))
    assert images.shape == (3, *g.sample_shape) == (3, *d.sample_shape) == (3, 1, 28, 28)
    assert d(images).shape == (3,)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"resolution": 20}, "resolution must be a positive multiple of 8 .* got 20"),
        ({"widths": [768] * 3}, r"cardinalities must have 3 entries, one for each width, got \[96, 96, 96, 96\]"),
        ({"blocks": [2, 2]}, r"blocks must have 4 entries, one for each width, got \[2, 2\]"),
        ({"blocks": [2, 2, 2, 0]}, r"blocks must be a non-empty list of positive integers, got \[2, 2, 2, 0\]"),
        ({"cardinalities": [96, 96, 96, 7]}, "cardinalities must divide widths x expansion = 1536, got 7"),
        ({"expansion": 0}, "expansion must be a positive integer, got 0"),
        ({"classes": 0}, "classes must be a positive integer, got 0"),
        ({"bfloat16_resolutions": [64]}, r"bfloat16_resolutions must be among \[4, 8, 16, 32\], got \[64\]"),
    ],
)
@pytest.mark.parametrize("network", [R3GANGenerator, R3GANDiscriminator])
def test_refusals_name_argument_and_value(network, arguments, message):
    with pytest.raises(ValueError, match=message):
        network(**arguments)
