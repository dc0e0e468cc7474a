"""BigGAN-deep against BigGAN-PyTorch (9845943) and StudioGAN (947b35e): counts, layers, outputs."""

import pytest
import torch
from torch import nn

from gan_lightning.networks.attention import SelfAttention
from gan_lightning.networks.biggan_deep import (
    BigGANDeepDiscriminator,
    BigGANDeepGenerator,
    DeepDiscriminatorBlock,
    DeepGeneratorBlock,
)
from gan_lightning.networks.biggan_layers import VectorBatchNorm2d
from gan_lightning.networks.spectral import SpectralNorm
from tests.conftest import takes_long
from tests.networks.integer_fill import assert_summary, filled, image, latents, without_values
from tests.networks.test_network_contract import assert_gradients, opened

LABELS = torch.tensor([1, 7])
CIFAR = {"resolution": 32, "classes": 10, "widths": [256] * 4}
CIFAR_D = CIFAR | {"downsamples": 2}
STUDIO = {"widths": [512] * 4, "attention_resolution": 16}
IMAGENET_128 = {"resolution": 128, "classes": 1000, "attention_resolution": 64}


@pytest.mark.parametrize(
    ("build", "arguments", "parameters", "normalized"),
    [
        (BigGANDeepGenerator, CIFAR, 3_079_299, 74),
        (BigGANDeepDiscriminator, CIFAR_D, 651_649, 27),
        (BigGANDeepGenerator, CIFAR | STUDIO, 7_762_948, None),  # StudioGAN's legacy network
        (BigGANDeepDiscriminator, CIFAR_D | STUDIO, 2_908_930, None),
        (BigGANDeepGenerator, IMAGENET_128, 50_244_484, 126),
        (BigGANDeepDiscriminator, IMAGENET_128, 34_590_210, 51),
    ],
)
def test_counts_of_the_references(build, arguments, parameters, normalized):
    network = without_values(build, **arguments)
    assert sum(p.numel() for p in network.parameters()) == parameters
    if normalized is not None:
        assert sum(isinstance(module, SpectralNorm) for module in network.modules()) == normalized


def test_images_of_the_reference():
    generator = filled(BigGANDeepGenerator, **CIFAR)
    first = [-0.2293373, -0.4891518, -0.4686462]
    assert_summary(generator.eval()(latents(2, 128), LABELS), -0.08047639, 0.38242139, first, 0.1002441)
    first = [-0.4134758, -0.7652643, -0.7426666]
    assert_summary(generator.train()(latents(2, 128), LABELS), -0.08325894, 0.55867448, first, 0.4339863)


def test_logits_of_the_reference():
    discriminator = filled(BigGANDeepDiscriminator, **CIFAR_D).eval()
    logits = discriminator(image(2, 3, 32, 32), LABELS)
    assert_summary(logits, 95.28213332, 4.48111990, [90.8010134], 99.7632532)


@takes_long
def test_images_of_the_reference_at_128():
    with torch.no_grad():
        generator = filled(BigGANDeepGenerator, **IMAGENET_128).eval()
        first = [-0.3798161, -0.2916339, -0.3055148]
        assert_summary(generator(latents(2, 128), LABELS), -0.14694767, 0.32718067, first, -0.2841765)


SMALL_G = {"resolution": 16, "latent_dim": 6, "widths": [16, 8, 8], "shared_dim": 5, "attention_resolution": 8}
SMALL_D = {"resolution": 16, "widths": [8, 8, 16, 16], "downsamples": 2, "attention_resolution": 8}
SMALL = {
    "labels_G": lambda: BigGANDeepGenerator(classes=10, **SMALL_G),
    "unlabeled_G": lambda: BigGANDeepGenerator(**SMALL_G),
    "labels_D": lambda: BigGANDeepDiscriminator(classes=10, **SMALL_D),
    "unlabeled_D": lambda: BigGANDeepDiscriminator(**SMALL_D),
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
def test_class_and_latents_enter_every_layer(classes, seeded):
    generator = BigGANDeepGenerator(classes=classes, **SMALL_G)
    seen = []
    norms = [module for module in generator.modules() if isinstance(module, VectorBatchNorm2d)]
    for module in norms:
        module.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[1]))
    generator.stem.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    z, labels = torch.randn(4, 6), torch.tensor([3, 1, 4, 1])
    generator(z, labels)
    expected = torch.cat([generator.class_vectors.weight[labels], z], dim=1) if classes else z
    assert len(seen) == 1 + len(norms) == 1 + 2 * 2 * 4
    for value in seen:
        torch.testing.assert_close(value, expected, rtol=0, atol=0)


@pytest.mark.parametrize("name", SMALL)
def test_starts_orthogonal_and_normalizes_all_but_the_generator_s_class_vectors(name, seeded):
    for layer in SMALL[name]().modules():
        if not isinstance(layer, nn.Conv2d | nn.Linear | nn.Embedding):
            continue
        matrix = layer.weight.detach().flatten(1)
        gram = matrix @ matrix.T if len(matrix) <= matrix.shape[1] else matrix.T @ matrix
        torch.testing.assert_close(gram, torch.eye(len(gram)), rtol=0, atol=1e-4)
        normalized = nn.utils.parametrize.is_parametrized(layer, "weight")
        assert normalized == (name.endswith("_D") or not isinstance(layer, nn.Embedding))


def test_shortcuts_drop_and_append_channels(seeded):
    generator, discriminator = SMALL["labels_G"](), SMALL["labels_D"]()
    for block in [*generator.blocks, *discriminator.body]:
        if isinstance(block, DeepGeneratorBlock | DeepDiscriminatorBlock):  # leave nothing but the shortcuts
            nn.utils.parametrize.remove_parametrizations(block.conv4, "weight")
            nn.init.zeros_(block.conv4.weight)
            nn.init.zeros_(block.conv4.bias)
    x, vectors = torch.randn(2, 16, 4, 4), torch.randn(2, 11)
    doubled = x.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
    torch.testing.assert_close(generator.blocks[0](x, vectors), x)
    torch.testing.assert_close(generator.blocks[1](x, vectors), doubled[:, :8])
    widening = discriminator.body[4]  # behind the first convolution, two blocks and attention
    assert widening.halve
    halved = doubled[:, :8].unflatten(2, (4, 2)).unflatten(4, (4, 2)).mean(dim=(3, 5))
    appended = widening.append(halved)
    torch.testing.assert_close(widening(doubled[:, :8]), torch.cat([halved, appended], dim=1))


def test_attention_follows_both_blocks_of_its_map(seeded):
    seen = []
    generator, discriminator = SMALL["labels_G"](), SMALL["labels_D"]()
    for network in (generator, discriminator):
        layer = next(m for m in network.modules() if isinstance(m, SelfAttention))
        layer.register_forward_pre_hook(lambda _, inputs: seen.append(tuple(inputs[0].shape[1:])))
    generator(torch.randn(2, 6), LABELS)
    discriminator(torch.randn(2, 3, 16, 16), LABELS)
    assert seen == [(8, 8, 8), (8, 8, 8)]
    assert generator.attention_index == 1
    assert isinstance(discriminator.body[3], SelfAttention)  # after the first convolution and two blocks


@pytest.mark.parametrize(
    ("build", "arguments", "message"),
    [
        (BigGANDeepGenerator, {"widths": [8, 16]}, r"widths must never grow .* got \[8, 16\]"),
        (BigGANDeepDiscriminator, {"widths": [16, 8]}, r"widths must never shrink .* got \[16, 8\]"),
        (BigGANDeepGenerator, {"widths": [18, 8]}, r"widths must be multiples of 4, got \[18, 8\]"),
        (BigGANDeepGenerator, {"resolution": 48}, "resolution must be a positive multiple of 32 .* got 48"),
        (BigGANDeepDiscriminator, {"resolution": 48}, "resolution must be a positive multiple of 32 .* got 48"),
        (BigGANDeepDiscriminator, {"downsamples": 6}, "downsamples must lie between 1 and 5, .* got 6"),
        (BigGANDeepGenerator, {"attention_resolution": 4}, r"attention_resolution must be one of \[8, .*\], got 4"),
        (BigGANDeepDiscriminator, {"attention_resolution": 2}, r"attention_resolution must be one of \[4, .*\], got 2"),
        (BigGANDeepGenerator, {"initialization": "xavier"}, r"initialization must be one of .* got 'xavier'"),
    ],
)
def test_refusals_name_argument_and_value(build, arguments, message):
    with pytest.raises(ValueError, match=message):
        without_values(build, **arguments)
