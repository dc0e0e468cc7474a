"""Small R3GAN networks whose parameters and inputs are known values: streams of integers, and waves for images."""

import math

import torch

from gan_lightning.networks.r3gan import R3GANDiscriminator, R3GANGenerator

PRIME = 2**31 - 1


def stream(index, *shape):
    """Values in [-1, 1] from integers alone, the same on every machine."""
    steps = torch.arange(math.prod(shape))
    remainders = ((steps * steps % PRIME) * 1327217885 + (index + 1) * 1103515245) % PRIME
    return (2 * remainders.double() / PRIME - 1).view(shape)


def wave(count, size):
    n, c, h, w = torch.meshgrid(*(torch.arange(k).double() for k in (count, 3, size, size)), indexing="ij")
    return torch.sin(0.3 * (n + 1) * h + 0.5 * (c + 1) * w + n)


def labels(count, classes):
    return (3 * torch.arange(count) + 1) % classes


def fill(network, names):
    """Fill the parameters, in that order, with streams; class vectors are columns of a matrix in the originals."""
    assert sorted(names) == sorted(name for name, _ in network.named_parameters())
    with torch.no_grad():
        for index, name in enumerate(names):
            parameter = network.get_parameter(name)
            target = parameter.T if name == "class_vectors.weight" else parameter
            scale = 0.1 if target.ndim == 1 else 0.6 * math.sqrt(3 / target[0].numel())
            target.copy_(scale * stream(index, *target.shape))
    return network


def block_names(stage, position):
    leaves = ("expand.weight", "grouped.weight", "project.weight", "expand.bias", "grouped.bias")
    return [f"stages.{stage}.{position}.{leaf}" for leaf in leaves]


def generator(classes=None, **changes):
    network = R3GANGenerator(
        latent_dim=16,
        widths=[32, 32, 16, 16],
        cardinalities=[8, 8, 4, 4],
        classes=classes,
        embedding_dim=16,
        **changes,
    )
    names = ["basis", "stem.weight", *block_names(0, 0), *block_names(0, 1)]
    names += [*block_names(1, 1), *block_names(1, 2)]
    names += ["stages.2.0.weight", *block_names(2, 2), *block_names(2, 3)]
    names += [*block_names(3, 1), *block_names(3, 2), "to_image.weight"]
    return fill(network, names + ["class_vectors.weight"] * (classes is not None))


def discriminator(classes=None, **changes):
    network = R3GANDiscriminator(
        widths=[16, 16, 32, 32], cardinalities=[4, 4, 8, 8], classes=classes, embedding_dim=32, **changes
    )
    names = ["from_image.weight"]
    names += [name for stage in range(4) for position in range(2) for name in block_names(stage, position)]
    names.insert(names.index("stages.2.0.expand.weight"), "stages.1.3.weight")
    return fill(network, names + ["pool.weight", "output.weight"] + ["class_vectors.weight"] * (classes is not None))


def latents(count=4, size=16):
    return math.sqrt(3) * stream(1000, count, size)
