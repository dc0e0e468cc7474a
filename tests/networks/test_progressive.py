import pytest
import torch

from gan_lightning.networks import ProgressiveDiscriminator, ProgressiveGenerator
from gan_lightning.networks.growth import double, halve
from gan_lightning.networks.progressive import progressive_widths


def generator():
    return ProgressiveGenerator(resolution=16, channels=2, latent_dim=6, fmap_base=32, fmap_max=8).double()


def discriminator():
    return ProgressiveDiscriminator(resolution=16, channels=2, fmap_base=32, fmap_max=8).double()


def test_widths():
    expected = [512, 512, 512, 512, 256, 128, 64, 32, 16]
    assert progressive_widths(10, fmap_base=8192, fmap_max=512) == expected


@pytest.mark.parametrize("level", [2, 3, 4])
def test_images_have_the_detail_of_their_level(level, seeded):
    network = generator()
    network.grow_to(level=level, alpha=1.0)
    images = network(torch.randn(2, 6).double())
    assert images.shape == (2, 2, 16, 16)
    times = 4 - level
    torch.testing.assert_close(double(halve(images, times), times), images)
    if level > 2:
        assert not torch.allclose(double(halve(images, times + 1), times + 1), images)


@pytest.mark.parametrize("level", [3, 4])
def test_generator_fades_linearly_from_the_level_before(level, seeded):
    network, latents = generator(), torch.randn(2, 6).double()

    def images(level, alpha):
        network.grow_to(level=level, alpha=alpha)
        return network(latents)

    before, after = images(level - 1, 1.0), images(level, 1.0)
    torch.testing.assert_close(images(level, 0.0), before)
    torch.testing.assert_close(images(level, 0.3), 0.7 * before + 0.3 * after)


@pytest.mark.parametrize("level", [3, 4])
def test_discriminator_starts_a_fade_as_the_level_before(level, seeded):
    network, images = discriminator(), torch.randn(4, 2, 16, 16).double()
    network.grow_to(level=level - 1, alpha=1.0)
    before = network(images)
    network.grow_to(level=level, alpha=0.0)
    torch.testing.assert_close(network(images), before)
    network.grow_to(level=level, alpha=0.5)
    assert not torch.allclose(network(images), before)


def test_discriminator_sees_no_more_than_its_level(seeded):
    network, images = discriminator(), torch.randn(4, 2, 16, 16).double()
    network.grow_to(level=3, alpha=0.6)
    torch.testing.assert_close(network(images), network(double(halve(images))))


def test_layers_above_the_level_get_no_gradient(seeded):
    network = generator()
    network.grow_to(level=3, alpha=0.5)
    network(torch.randn(2, 6).double()).sum().backward()
    idle = {name for name, p in network.named_parameters() if p.grad is None}
    assert idle == {
        *(f"blocks.1.conv{i}.{kind}" for i in (1, 2) for kind in ("weight", "bias")),
        "to_image.2.weight",
        "to_image.2.bias",
    }


def test_latents_count_by_direction_only(seeded):
    network, latents = generator(), torch.randn(2, 6).double()
    torch.testing.assert_close(network(latents), network(3 * latents), rtol=1e-5, atol=1e-6)


def test_discriminator_sees_variety(seeded):
    """Equal samples and varied ones differ in the minibatch standard deviation only."""
    network, images = discriminator(), torch.randn(4, 2, 16, 16).double()
    alone = network(images[:1].expand(4, -1, -1, -1))[0]
    assert not torch.allclose(network(images)[0], alone)


def test_images_start_at_unit_size(seeded):
    network = ProgressiveGenerator(resolution=32, latent_dim=64, fmap_base=512, fmap_max=64)
    assert 0.3 < network(torch.randn(16, 64)).std() < 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"resolution": 48}, "resolution must be a power of two of at least 8, got 48"),
        ({"resolution": 64, "fmap_base": 16}, "fmap_base must be at least 32 at this resolution, got 16"),
        ({"fmap_max": 0}, "fmap_max must be a positive integer, got 0"),
    ],
)
@pytest.mark.parametrize("network", [ProgressiveGenerator, ProgressiveDiscriminator])
def test_refusals_name_argument_and_value(network, arguments, message):
    with pytest.raises(ValueError, match=message):
        network(**arguments)
