import torch

from gan_lightning.networks import ConditionalDCGANDiscriminator, ConditionalDCGANGenerator


def test_discriminator_starts_without_regard_to_the_class(seeded):
    discriminator = ConditionalDCGANDiscriminator(resolution=8, width=2, classes=3).eval()
    images = torch.randn(3, 3, 8, 8)
    logits = [discriminator(images, torch.full((3,), label)) for label in range(3)]
    assert torch.equal(logits[0], logits[1])
    assert torch.equal(logits[0], logits[2])


def test_projection_by_hand(seeded):
    discriminator = ConditionalDCGANDiscriminator(resolution=8, width=2, classes=3).eval()
    torch.nn.init.normal_(discriminator.class_vectors.weight)
    images, labels = torch.randn(4, 3, 8, 8), torch.tensor([2, 0, 1, 2])
    phi = discriminator.features(images)
    expected = torch.einsum("nf,nf->n", phi, discriminator.output.weight + discriminator.class_vectors.weight[labels])
    torch.testing.assert_close(discriminator(images, labels), expected, rtol=1e-4, atol=1e-6)


def test_label_joins_the_latent_as_one_hot(seeded):
    generator = ConditionalDCGANGenerator(resolution=8, latent_dim=4, width=2, classes=3).eval()
    latents = torch.randn(2, 4)
    joined = torch.cat([latents, torch.tensor([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])], dim=1)
    expected = generator.stack(joined[:, :, None, None])
    torch.testing.assert_close(generator(latents, torch.tensor([2, 0])), expected, rtol=0, atol=0)
