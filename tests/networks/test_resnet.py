import pytest
import torch

from gan_lightning.networks import ResNetDiscriminator, ResNetGenerator
from gan_lightning.networks.attention import SelfAttention


def test_projection_is_an_inner_product_with_pooled_features(seeded):
    discriminator = ResNetDiscriminator(resolution=8, widths=[4, 6], classes=3, downsamples=1, spectral_norm=False)
    images, labels = torch.randn(5, 3, 8, 8), torch.tensor([0, 1, 2, 1, 0])
    phi = torch.relu(discriminator.body(images)).flatten(2).sum(dim=2)
    vectors = discriminator.class_vectors.weight[labels]
    expected = torch.einsum("nf,f->n", phi, discriminator.output.weight[0]) + torch.einsum("nf,nf->n", phi, vectors)
    torch.testing.assert_close(discriminator(images, labels), expected, rtol=1e-4, atol=1e-5)


def test_mean_pooling_is_sum_pooling_over_the_number_of_positions(seeded):
    total, mean = (
        ResNetDiscriminator(resolution=16, widths=[4, 4], pooling=pooling, spectral_norm=False)
        for pooling in ("sum", "mean")
    )
    mean.load_state_dict(total.state_dict())
    images = torch.randn(2, 3, 16, 16)
    torch.testing.assert_close(total.features(images), mean.features(images) * 16)


def test_attention_sits_at_the_map_asked_for(seeded):
    seen = []
    generator = ResNetGenerator(resolution=32, latent_dim=4, widths=[8, 8, 8, 8], attention_resolution=16)
    discriminator = ResNetDiscriminator(resolution=32, widths=[8, 8, 8], attention_resolution=8)
    for network in (generator, discriminator):
        layer = next(m for m in network.modules() if isinstance(m, SelfAttention))
        layer.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].shape[-1]))
    generator(torch.randn(2, 4))
    discriminator(torch.randn(2, 3, 32, 32))
    assert seen == [16, 8]
    kinds = [type(m).__name__ for m in discriminator.body]
    assert kinds == ["FirstDiscriminatorBlock", "DiscriminatorBlock", "SelfAttention", "DiscriminatorBlock"]


@pytest.mark.parametrize(
    ("network", "arguments", "message"),
    [
        (ResNetGenerator, {"resolution": 20}, "resolution must be a positive multiple of 8 .* got 20"),
        (ResNetDiscriminator, {"resolution": 30}, "resolution must be a positive multiple of 4 .* got 30"),
        (ResNetDiscriminator, {"downsamples": 5}, "downsamples must lie between 1 and 4, .* got 5"),
        (ResNetDiscriminator, {"pooling": "max"}, r"pooling must be one of \['mean', 'sum'\], got 'max'"),
        (ResNetGenerator, {"attention_resolution": 4}, r"attention_resolution must be one of \[8, 16, 32\], got 4"),
        (ResNetDiscriminator, {"attention_resolution": 32}, r"attention_resolution must be one of \[8, 16\], got 32"),
        (ResNetGenerator, {"classes": 0}, "classes must be a positive integer, got 0"),
    ],
)
def test_refusals_name_argument_and_value(network, arguments, message):
    with pytest.raises(ValueError, match=message):
        network(**arguments)
