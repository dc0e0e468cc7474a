"""Networks filled from integers, and inputs made of them: numbers that any implementation can reproduce."""

import math

import torch

from gan_lightning.networks.stylegan2_discriminator import StyleGAN2Discriminator
from gan_lightning.networks.stylegan2_generator import StyleGAN2Generator

PRIME = 2**31 - 1
SMALL = {"resolution": 32, "channel_base": 512, "channel_max": 32}
ROOT3 = math.sqrt(3)


def stream(index, count):
    """Value j of stream i is 2 y / P - 1, y = ((j² mod P) 1327217885 + (i + 1) 1103515245) mod P."""
    j = torch.arange(count, dtype=torch.int64)
    y = ((j * j % PRIME) * 1327217885 + (index + 1) * 1103515245) % PRIME
    return 2 * y.double() / PRIME - 1


def latents(count=4, length=16, *, index=1000):
    return (ROOT3 * stream(index, count * length)).float().view(count, length)


def waves(count=8, *, resolution=32):
    """Images ``sin(0.3 (n + 1) h + 0.5 (c + 1) w + n)``."""
    n = torch.arange(count, dtype=torch.float64)[:, None, None, None]
    c = torch.arange(3, dtype=torch.float64)[:, None, None]
    h = torch.arange(resolution, dtype=torch.float64)[:, None]
    w = torch.arange(resolution, dtype=torch.float64)
    return (0.3 * (n + 1) * h + 0.5 * (c + 1) * w + n).sin().float()


def labels(count, classes=3):
    return (3 * torch.arange(count) + 1) % classes


def affine(layer):
    """What gives a layer its style: a bias around 1."""
    return [(layer.affine.weight, ROOT3, 0.0), (layer.affine.bias, 0.1, 1.0)]


def styled(layer):
    return [(layer.weight, ROOT3, 0.0), (layer.noise_strength, 0.1, 0.0), (layer.bias, 0.1, 0.0), *affine(layer)]


def weighted(layer):
    """The weight, and the bias if there is one."""
    biases = [] if layer.bias is None else [(layer.bias, 0.1, 0.0)]
    return [(layer.weight, ROOT3, 0.0), *biases]


def mapped(mapping):
    """Layers that learn at a hundredth of the rate hold values a hundred times as large."""
    layers = [(tensor, 100 * scale, 0.0) for layer in mapping.layers for tensor, scale, _ in weighted(layer)]
    return layers if mapping.embedding is None else weighted(mapping.embedding) + layers


def generator_rows(generator):
    """Parameters, scales and offsets, in the published order."""
    synthesis = generator.synthesis
    rows = [(synthesis.start, ROOT3, 0.0)]
    last = len(synthesis.layers) // 2
    for stage in range(last + 1):
        for layer in synthesis.layers[max(2 * stage - 1, 0) : 2 * stage + 1]:
            rows += styled(layer)
        if len(synthesis.to_image) > 1 or stage == last:
            layer = synthesis.to_image[stage if len(synthesis.to_image) > 1 else 0]
            rows += [*weighted(layer), *affine(layer)]
        if stage and synthesis.shortcuts:
            rows += weighted(synthesis.shortcuts[stage - 1])
    return rows + mapped(generator.mapping)


def discriminator_rows(discriminator):
    rows = []
    images = [weighted(layer.conv) for layer in discriminator.from_image]
    for index, block in enumerate(discriminator.blocks):
        if index < len(images):
            rows += images[index]
        rows += [*weighted(block.conv1.conv), *weighted(block.conv2.conv)]
        rows += [] if block.shortcut is None else weighted(block.shortcut)
    rows += [] if discriminator.mapping is None else mapped(discriminator.mapping)
    rows += images[-1] if len(images) > 1 else []
    return rows + weighted(discriminator.conv.conv) + weighted(discriminator.dense) + weighted(discriminator.output)


def fill(network, rows):
    """Set parameter i of the published order to ``offset + scale u(i, .)``."""
    assert {id(tensor) for tensor, _, _ in rows} == {id(p) for p in network.parameters()}
    assert len(rows) == len(list(network.parameters()))
    with torch.no_grad():
        for index, (tensor, scale, offset) in enumerate(rows):
            tensor.copy_((offset + scale * stream(index, tensor.numel())).view(tensor.shape))
    return network


def small_generator(**changes):
    """A generator whose buffers come from streams 500, 501, ...: noise from 4x4 on, then the mean style."""
    generator = StyleGAN2Generator(latent_dim=16, style_dim=24, mapping_layers=2, **SMALL, **changes)
    fill(generator, generator_rows(generator))
    buffers = [layer.constant_noise for layer in generator.synthesis.layers] + [generator.average_style]
    for index, buffer in enumerate(buffers):
        buffer.copy_(stream(500 + index, buffer.numel()).view(buffer.shape))
    return generator.eval()


def small_discriminator(**changes):
    discriminator = StyleGAN2Discriminator(**SMALL, **changes)
    return fill(discriminator, discriminator_rows(discriminator)).eval()
