"""BigGAN against BigGAN-PyTorch (9845943) and StudioGAN (947b35e): counts, layers, outputs from equal parameters."""

import pytest
import torch
from torch import nn

from gan_lightning.networks.attention import SelfAttention
from gan_lightning.networks.biggan import BigGANDiscriminator, BigGANGenerator, FlatBigGANGenerator
from gan_lightning.networks.biggan_layers import VectorBatchNorm2d
from gan_lightning.networks.spectral import SpectralNorm
from tests.conftest import takes_long
from tests.networks.integer_fill import assert_summary, filled, image, latents, without_values
from tests.networks.test_network_contract import assert_gradients, opened

LABELS = torch.tensor([1, 7])
CIFAR = {"resolution": 32, "classes": 10}
CIFAR_64 = {**CIFAR, "widths": [256] * 4}
HALVED_TWICE = {"downsamples": 2}
STUDIO = {**CIFAR, "attention_resolution": 16}
STUDIO_G = {**STUDIO, "widths": [384] * 4, "latent_dim": 80}
IMAGENET_64 = {"resolution": 64, "classes": 1000, "attention_resolution": 32}
IMAGENET_128 = {"resolution": 128, "classes": 1000, "attention_resolution": 64}
IMAGENET_256 = {"resolution": 256, "classes": 1000, "attention_resolution": 64}


def times(width, *factors):
    return [width * factor for factor in factors]


# name -> (network, arguments, parameters, layers with spectral norm or None where it was not counted)
COUNTS = {
    "cifar_script_G": (FlatBigGANGenerator, CIFAR_64, 4_304_387, 11),
    "cifar_script_D": (BigGANDiscriminator, CIFAR_64 | HALVED_TWICE, 4_207_361, 12),
    "cifar_hierarchical_G": (BigGANGenerator, CIFAR_64 | {"latent_dim": 128}, 4_373_251, 23),
    "cifar_studio_G": (BigGANGenerator, STUDIO_G, 9_416_196, 27),
    "cifar_studio_D": (BigGANDiscriminator, STUDIO | HALVED_TWICE | {"widths": [192] * 4}, 2_415_170, 16),
    "cifar_studio_unlabeled_G": (BigGANGenerator, STUDIO_G | {"classes": None}, 8_825_092, None),
    "cifar_studio_unlabeled_D": (
        BigGANDiscriminator,
        STUDIO | HALVED_TWICE | {"widths": [192] * 4, "classes": None},
        2_413_250,
        None,
    ),
    "64_G": (BigGANGenerator, IMAGENET_64 | {"widths": times(64, 16, 16, 8, 4, 2)}, 31_969_540, None),
    "64_D": (
        BigGANDiscriminator,
        IMAGENET_64 | {"widths": times(64, 1, 2, 4, 8, 16), "downsamples": 4},
        20_571_842,
        None,
    ),
    "128_G": (BigGANGenerator, IMAGENET_128, 70_433_988, 41),
    "128_D": (BigGANDiscriminator, IMAGENET_128, 87_982_370, 23),
    "128_narrow_G": (BigGANGenerator, IMAGENET_128 | {"widths": times(64, 16, 16, 8, 4, 2, 1)}, 31_978_628, None),
    "128_narrow_D": (BigGANDiscriminator, IMAGENET_128 | {"widths": times(64, 1, 2, 4, 8, 16, 16)}, 39_448_258, None),
    "256_G": (
        BigGANGenerator,
        IMAGENET_256 | {"widths": times(96, 16, 16, 8, 8, 4, 2, 1), "latent_dim": 140},
        82_235_844,
        None,
    ),
    "256_D": (
        BigGANDiscriminator,
        IMAGENET_256 | {"widths": times(96, 1, 2, 4, 8, 8, 16, 16), "downsamples": 6},
        99_225_890,
        None,
    ),
}


@pytest.mark.parametrize("name", COUNTS)
def test_counts_of_the_references(name):
    build, arguments, parameters, normalized = COUNTS[name]
    network = without_values(build, **arguments)
    assert sum(p.numel() for p in network.parameters()) == parameters
    if normalized is not None:
        assert sum(isinstance(module, SpectralNorm) for module in network.modules()) == normalized


@pytest.mark.parametrize(
    ("name", "evaluated", "trained"),
    [
        (
            "cifar_script_G",
            (-0.02334790, 0.13887126, [-0.0820045, -0.0925478, -0.0844548], 0.0517025),
            (-0.08832522, 0.56733674, [-0.4501393, -0.5764090, -0.6485075], 0.2401202),
        ),
        (
            "cifar_hierarchical_G",
            (-0.02247029, 0.16884746, [-0.1033532, -0.1209406, -0.1073171], 0.0055982),
            (-0.08419078, 0.56846439, [-0.1727338, 0.0651213, 0.1428474], -0.0760364),
        ),
    ],
)
def test_images_of_the_reference(name, evaluated, trained):
    build, arguments, _, _ = COUNTS[name]
    generator = filled(build, **arguments)
    assert_summary(generator.eval()(latents(2, 128), LABELS), *evaluated)
    assert_summary(generator.train()(latents(2, 128), LABELS), *trained)


def test_logits_of_the_reference():
    build, arguments, _, _ = COUNTS["cifar_script_D"]
    discriminator = filled(build, **arguments).eval()
    logits = discriminator(image(2, 3, 32, 32), LABELS)
    assert_summary(logits, 55.81548942, 2.12920111, [53.6862883], 57.9446905)


@takes_long
def test_outputs_of_the_reference_at_128():
    with torch.no_grad():
        generator = filled(BigGANGenerator, **IMAGENET_128).eval()
        first = [-0.0622659, -0.0544879, -0.0314371]
        assert_summary(generator(latents(2, 120), LABELS), -0.08776117, 0.03269394, first, -0.1250959)
        discriminator = filled(BigGANDiscriminator, **IMAGENET_128).eval()
        logits = discriminator(image(2, 3, 128, 128), LABELS)
        assert_summary(logits, 28.31556281, 0.41752974, [28.7330925], 27.8980331)


SMALL_G = {"resolution": 16, "latent_dim": 6, "widths": [16, 8, 8], "shared_dim": 5, "attention_resolution": 8}
SMALL_D = {"resolution": 16, "widths": [8, 12, 12], "downsamples": 2, "attention_resolution": 8}
SMALL = {
    "labels_G": lambda: BigGANGenerator(classes=10, **SMALL_G),
    "unlabeled_G": lambda: BigGANGenerator(**SMALL_G),
    "flat_G": lambda: FlatBigGANGenerator(
        resolution=16, latent_dim=6, widths=[16, 8, 8], classes=10, attention_resolution=8, initialization="orthogonal"
    ),
    "labels_D": lambda: BigGANDiscriminator(classes=10, **SMALL_D),
    "unlabeled_D": lambda: BigGANDiscriminator(**SMALL_D),
}


@pytest.mark.parametrize("name", SMALL)
def test_every_parameter_learns(name, seeded):
    network = opened(SMALL[name]())
    labels = torch.arange(20) % 10
    shape = (6,) if name.endswith("_G") else (3, 16, 16)
    outputs = network(torch.randn(20, *shape), labels)
    assert outputs.shape == ((20, 3, 16, 16) if name.endswith("_G") else (20,))
    (outputs * torch.randn_like(outputs)).sum().backward()
    assert_gradients(network)


@pytest.mark.parametrize("classes", [10, None])
def test_each_chunk_of_the_latents_steers_its_block(classes, seeded):
    generator = BigGANGenerator(classes=classes, **SMALL_G)
    seen = {}
    for name, module in generator.named_modules():
        if isinstance(module, VectorBatchNorm2d):
            module.register_forward_pre_hook(lambda _, inputs, name=name: seen.update({name: inputs[1]}))
    generator.stem.register_forward_pre_hook(lambda _, inputs: seen.update(stem=inputs[0]))
    z, labels = torch.randn(4, 6), torch.tensor([3, 1, 4, 1])
    generator(z, labels)
    vectors = [generator.class_vectors.weight[labels]] if classes else []
    expected = {"stem": z[:, :2]}
    for index, chunk in enumerate((z[:, 2:4], z[:, 4:6])):
        for norm in ("norm1", "norm2"):
            expected[f"blocks.{index}.{norm}"] = torch.cat([*vectors, chunk], dim=1)
    assert seen.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(seen[name], value, rtol=0, atol=0)


def test_vector_batch_norm_equals_its_formula(seeded):
    layer = VectorBatchNorm2d(channels=3, condition_dim=2).double()
    x, c = torch.randn(4, 3, 5, 5, dtype=torch.float64), torch.randn(4, 2, dtype=torch.float64)
    mean, variance = x.mean(dim=(0, 2, 3)), x.var(dim=(0, 2, 3), correction=0)
    out = layer(x, c)
    for n in range(4):
        scale, shift = 1 + layer.scale.weight @ c[n], layer.shift.weight @ c[n]
        for k in range(3):
            expected = scale[k] * (x[n, k] - mean[k]) / (variance[k] + 1e-5).sqrt() + shift[k]
            torch.testing.assert_close(out[n, k], expected)


def raw_weights(network):
    """Weights of convolutions, linear layers and embeddings, before spectral norm, and whether they have it."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear | nn.Embedding):
            normalized = nn.utils.parametrize.is_parametrized(layer, "weight")
            yield layer, layer.parametrizations.weight.original if normalized else layer.weight, normalized


@pytest.mark.parametrize("name", SMALL)
def test_starts_orthogonal_and_normalizes_all_but_the_generator_s_class_vectors(name, seeded):
    network = SMALL[name]()
    for layer, weight, normalized in raw_weights(network):
        matrix = weight.detach().flatten(1)
        gram = matrix @ matrix.T if len(matrix) <= matrix.shape[1] else matrix.T @ matrix
        torch.testing.assert_close(gram, torch.eye(len(gram)), rtol=0, atol=1e-5)
        assert normalized == (name.endswith("_D") or not isinstance(layer, nn.Embedding))
        if normalized:  # all singular values are 1
            torch.testing.assert_close(layer.weight, weight, rtol=0, atol=1e-5)
        if getattr(layer, "bias", None) is not None:  # torch's own start
            assert 0 < layer.bias.abs().max() <= matrix.shape[1] ** -0.5


@pytest.mark.parametrize("name", ["G", "D"])
def test_normal_start(name, seeded):
    arguments = {"resolution": 16, "widths": [64, 64, 64], "classes": 100, "initialization": "normal"}
    build = FlatBigGANGenerator if name == "G" else BigGANDiscriminator
    network = build(**arguments, **({} if name == "G" else HALVED_TWICE))
    weights = [weight for _, weight, _ in raw_weights(network)]
    for norm in (block.norm1.norm for block in network.blocks) if name == "G" else ():
        weights += [norm.scale - 1, norm.shift]
    for weight in weights:
        assert weight.std().item() == pytest.approx(0.02, rel=4 / (2 * weight.numel()) ** 0.5)
        assert abs(weight.mean().item()) < 4 * 0.02 / weight.numel() ** 0.5


def test_attention_sits_at_the_map_asked_for(seeded):
    seen = []
    generator, discriminator = SMALL["labels_G"](), SMALL["labels_D"]()
    for network in (generator, discriminator):
        layer = next(m for m in network.modules() if isinstance(m, SelfAttention))
        layer.register_forward_pre_hook(lambda _, inputs: seen.append(tuple(inputs[0].shape[1:])))
    generator(torch.randn(2, 6), LABELS)
    discriminator(torch.randn(2, 3, 16, 16), LABELS)
    assert seen == [(8, 8, 8), (8, 8, 8)]


@pytest.mark.parametrize(
    ("build", "arguments", "message"),
    [
        (BigGANGenerator, {"latent_dim": 128}, r"latent_dim must be a multiple of 6 .* got 128"),
        (BigGANGenerator, {"resolution": 48}, "resolution must be a positive multiple of 32 .* got 48"),
        (BigGANGenerator, {"shared_dim": 0}, "shared_dim must be a positive integer, got 0"),
        (BigGANGenerator, {"attention_resolution": 4}, r"attention_resolution must be one of \[8, .*128\], got 4"),
        (BigGANGenerator, {"initialization": "xavier"}, r"initialization must be one of .* got 'xavier'"),
        (FlatBigGANGenerator, {"initialization": "xavier"}, r"initialization must be one of .* got 'xavier'"),
        (BigGANDiscriminator, {"initialization": "xavier"}, r"initialization must be one of .* got 'xavier'"),
    ],
)
def test_refusals_name_argument_and_value(build, arguments, message):
    with pytest.raises(ValueError, match=message):
        without_values(build, **arguments)


def test_labels_are_required(seeded):
    with pytest.raises(ValueError, match="condition must be class labels"):
        SMALL["labels_G"]()(torch.randn(2, 6))
