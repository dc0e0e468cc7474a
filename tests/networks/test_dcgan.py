import pytest
import torch
from torch import nn

from gan_lightning.networks import DCGANDiscriminator, DCGANGenerator


def count(network):
    return sum(p.numel() for p in network.parameters())


@pytest.mark.parametrize(
    ("channels", "generator", "discriminator"), [(3, 3_576_704, 2_765_568), (1, 3_574_656, 2_763_520)]
)
def test_counts_at_64(channels, generator, discriminator):
    with torch.device("meta"):
        assert count(DCGANGenerator(channels=channels)) == generator
        assert count(DCGANDiscriminator(channels=channels)) == discriminator


@pytest.mark.parametrize(("resolution", "widest"), [(8, 3), (16, 6), (64, 24), (128, 48)])
def test_widest_layer(resolution, widest):
    with torch.device("meta"):
        generator = DCGANGenerator(resolution=resolution, width=3)
        discriminator = DCGANDiscriminator(resolution=resolution, width=3)
    assert generator.stack[0].out_channels == widest
    assert discriminator.feature_dim == 16 * widest


def test_batch_norm_is_everywhere_but_at_the_ends():
    generator = DCGANGenerator(resolution=32, width=2)
    discriminator = DCGANDiscriminator(resolution=32, width=2)
    kinds = [type(layer) for layer in generator.stack]
    assert kinds[-2:] == [nn.ConvTranspose2d, nn.Tanh]
    assert kinds.count(nn.BatchNorm2d) == 3
    kinds = [type(layer) for layer in discriminator.body]
    assert kinds[:2] == [nn.Conv2d, nn.LeakyReLU]
    assert kinds.count(nn.BatchNorm2d) == 2
    assert not any(isinstance(m, nn.BatchNorm2d) for m in DCGANDiscriminator(batch_norm=False, width=2).modules())


def test_first_layer_has_no_batch_norm_when_width_equals_channels():
    discriminator = DCGANDiscriminator(resolution=16, channels=2, width=2)
    assert [type(layer) for layer in discriminator.body][1] is nn.LeakyReLU


@pytest.mark.parametrize("resolution", [0, 4, 28, 48, -8])
@pytest.mark.parametrize("network", [DCGANGenerator, DCGANDiscriminator])
def test_refused_resolution_is_named(network, resolution):
    with pytest.raises(ValueError, match=rf"resolution must be a power of two of at least 8, got {resolution}"):
        network(resolution=resolution)


@pytest.mark.parametrize("argument", ["width", "channels", "latent_dim"])
def test_refused_sizes_are_named(argument):
    with pytest.raises(ValueError, match=f"{argument} must be a positive integer, got 0"):
        DCGANGenerator(**{argument: 0})


def test_spectral_norm_holds_every_layer_at_norm_one_and_adds_no_parameter():
    discriminator = DCGANDiscriminator(resolution=16, channels=1, width=8, batch_norm=False, spectral_norm=True)
    assert count(discriminator) == count(DCGANDiscriminator(resolution=16, channels=1, width=8, batch_norm=False))
    for _ in range(200):
        discriminator(torch.randn(2, 1, 16, 16))
    layers = [m for m in discriminator.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    norms = [torch.linalg.matrix_norm(layer.weight.flatten(1).detach(), ord=2).item() for layer in layers]
    assert norms == pytest.approx([1.0] * 3, abs=0.01)
