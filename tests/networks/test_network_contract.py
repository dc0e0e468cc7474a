"""What every network promises, on small versions of all of them."""

import copy

import pytest
import torch

from gan_lightning import networks
from gan_lightning.networks.r3gan_blocks import ResidualBlock

CLASSES = 10
CODE_DIM = 4

STYLES = {"resolution": 16, "latent_dim": 5, "style_dim": 6, "channel_base": 64, "channel_max": 8}
STAGES = {"widths": [8, 8, 4], "blocks": [1, 1, 1]}

GENERATORS = {
    "dcgan8": lambda: networks.DCGANGenerator(resolution=8, channels=1, latent_dim=5, width=4),
    "dcgan32": lambda: networks.DCGANGenerator(resolution=32, channels=3, latent_dim=5, width=4),
    "mlp": lambda: networks.MLPGenerator(resolution=9, channels=2, latent_dim=5, widths=[16, 16]),
    "points": lambda: networks.PointGenerator(widths=[16, 16]),
    "points_tanh": lambda: networks.PointGenerator(
        dimensions=3, latent_dim=4, widths=[16], activation="tanh", batch_norm=False, initialization="orthogonal"
    ),
    "cgan": lambda: networks.CGANGenerator(
        resolution=8, latent_dim=5, latent_width=12, label_width=12, joint_width=16, dropout=0.2
    ),
    "conditional_dcgan": lambda: networks.ConditionalDCGANGenerator(resolution=16, channels=1, latent_dim=5, width=4),
    "resnet": lambda: networks.ResNetGenerator(resolution=16, channels=1, latent_dim=6, widths=[8, 8, 8]),
    "resnet_narrowing": lambda: networks.ResNetGenerator(resolution=48, latent_dim=6, widths=[16, 8, 4, 4]),
    "resnet_classes": lambda: networks.ResNetGenerator(
        resolution=32, channels=1, latent_dim=6, widths=[8, 8, 8, 8], classes=CLASSES
    ),
    "resnet_attention": lambda: opened(
        networks.ResNetGenerator(
            resolution=16,
            latent_dim=6,
            widths=[8, 8, 8],
            classes=CLASSES,
            spectral_norm=True,
            attention_resolution=8,
        )
    ),
    "infogan": lambda: networks.InfoGANGenerator(
        resolution=16, latent_dim=5, code_dim=CODE_DIM, width=4, hidden_width=16
    ),
    "progressive": lambda: networks.ProgressiveGenerator(
        resolution=8, channels=1, latent_dim=8, fmap_base=16, fmap_max=8
    ),
    "progressive_fading": lambda: fading(
        networks.ProgressiveGenerator(resolution=8, latent_dim=8, fmap_base=16, fmap_max=8)
    ),
    "biggan": lambda: opened(
        networks.BigGANGenerator(
            resolution=16, latent_dim=6, widths=[16, 8, 8], classes=CLASSES, shared_dim=5, attention_resolution=8
        )
    ),
    "biggan_flat": lambda: networks.FlatBigGANGenerator(
        resolution=16, channels=1, latent_dim=6, widths=[8, 8, 8], classes=CLASSES
    ),
    "biggan_deep": lambda: networks.BigGANDeepGenerator(
        resolution=16, channels=1, latent_dim=6, widths=[16, 8, 8], classes=CLASSES, shared_dim=5
    ),
    "stylegan2": lambda: networks.StyleGAN2Generator(noise="constant", classes=CLASSES, mapping_layers=2, **STYLES),
    "stylegan2_resnet": lambda: networks.StyleGAN2Generator(
        channels=1, noise="constant", architecture="resnet", fused=True, **STYLES
    ),
    "r3gan": lambda: awakened(
        networks.R3GANGenerator(
            resolution=16, latent_dim=6, cardinalities=[2, 2, 4], classes=CLASSES, embedding_dim=5, **STAGES
        )
    ),
    # As its noise starts at strength 0, it repeats itself.
    "fastgan": lambda: networks.FastGANGenerator(channels=1, latent_dim=4, width=8),
    "projected": lambda: networks.ProjectedFastGANGenerator(
        resolution=128, channels=1, latent_dim=4, width=8, classes=CLASSES
    ),
}

DISCRIMINATORS = {
    "dcgan8": lambda: networks.DCGANDiscriminator(resolution=8, channels=1, width=4),
    "dcgan32": lambda: networks.DCGANDiscriminator(resolution=32, channels=3, width=4),
    "dcgan_plain": lambda: networks.DCGANDiscriminator(resolution=16, channels=3, width=3, batch_norm=False),
    "maxout": lambda: networks.MaxoutDiscriminator(resolution=8, channels=2, widths=[12, 12], pieces=3),
    "mlp": lambda: networks.MLPDiscriminator(resolution=8, channels=1, widths=[16, 8], dropout=0.3),
    "points": lambda: networks.PointDiscriminator(dimensions=2, widths=[16, 16]),
    "points_maxout": lambda: networks.PointMaxoutDiscriminator(dimensions=4, widths=[16, 16], pieces=3),
    "cgan": lambda: networks.CGANDiscriminator(
        resolution=8, image_width=12, label_width=6, joint_width=12, pieces=2, joint_pieces=2, dropout=0.2
    ),
    "conditional_dcgan": lambda: networks.ConditionalDCGANDiscriminator(resolution=16, channels=1, width=4),
    "resnet_mean": lambda: networks.ResNetDiscriminator(
        resolution=16, channels=1, widths=[8, 8, 8], spectral_norm=False, pooling="mean"
    ),
    "resnet_spectral": lambda: networks.ResNetDiscriminator(resolution=32, widths=[8, 8, 8], head_bias=False),
    "resnet_widening": lambda: networks.ResNetDiscriminator(
        resolution=32, channels=1, widths=[4, 8, 8], downsamples=3, wide=True
    ),
    "resnet_projection": lambda: opened(
        networks.ResNetDiscriminator(resolution=16, widths=[8, 8, 8], classes=CLASSES, attention_resolution=8)
    ),
    "biggan": lambda: opened(
        networks.BigGANDiscriminator(
            resolution=16, widths=[8, 12, 12], downsamples=2, classes=CLASSES, attention_resolution=8
        )
    ),
    "biggan_deep": lambda: networks.BigGANDeepDiscriminator(
        resolution=16, channels=1, widths=[8, 12, 12], downsamples=2, classes=CLASSES
    ),
    "stylegan2": lambda: networks.StyleGAN2Discriminator(
        resolution=16, channel_base=64, channel_max=8, classes=CLASSES, mapping_layers=2
    ),
    "stylegan2_orig": lambda: networks.StyleGAN2Discriminator(
        resolution=16, channels=1, channel_base=64, channel_max=8, architecture="orig"
    ),
    "r3gan": lambda: awakened(
        networks.R3GANDiscriminator(resolution=16, cardinalities=[2, 2, 4], classes=CLASSES, embedding_dim=5, **STAGES)
    ),
    "fastgan": lambda: networks.FastGANDiscriminator(channels=1, width=8),
    "projected": lambda: networks.ProjectedDiscriminator(
        backbone=networks.RandomBackbone(widths=[4, 4, 6, 6]),
        resolution=16,
        channels=1,
        width=4,
        classes=CLASSES,
        least_size=32,
    ),
}

UNBOUNDED = ("points", "progressive", "stylegan2", "r3gan", "fastgan", "projected")
BOUNDED = [name for name in GENERATORS if not name.startswith(UNBOUNDED)]

CONDITIONAL = ["cgan", "conditional_dcgan", "resnet_classes", "resnet_attention"]
CONDITIONAL += ["biggan", "biggan_flat", "biggan_deep", "stylegan2", "r3gan", "projected"]
CONDITIONAL_DISCRIMINATORS = ["cgan", "conditional_dcgan", "resnet_projection"]
CONDITIONAL_DISCRIMINATORS += ["biggan", "biggan_deep", "stylegan2", "r3gan", "projected"]

# Forward passes leave layers out, a progressive network's to other levels, FastGAN's to its small view and decoders.
LEARNING_GENERATORS = [name for name in GENERATORS if name not in ("progressive", "fastgan")]
VECTOR_DISCRIMINATORS = [name for name in DISCRIMINATORS if name not in ("fastgan", "projected")]  # these judge maps


def opened(network):
    """Give attention a share of the map: at its start, gamma = 0, it has none and its convolutions no gradient."""
    torch.nn.init.constant_(network.get_parameter(next(n for n, _ in network.named_parameters() if "gamma" in n)), 0.5)
    return network


def awakened(network):
    """Draw the last layer of each residual block: it starts at 0 and passes no gradient to those before it."""
    for block in network.modules():
        if isinstance(block, ResidualBlock):
            torch.nn.init.normal_(block.project.weight, std=0.3)
    return network


def telling_classes_apart(name, network, *, std):
    """Redraw what may start alike for all classes. Equalized networks start apart, and are silent at a small scale."""
    if name != "stylegan2":
        for parameter in network.parameters():
            torch.nn.init.normal_(parameter, std=std)
    return network.eval()


def fading(network):
    """Half-faded at the last level, where a progressive network of two levels uses all its layers."""
    network.grow_to(level=3, alpha=0.5)
    return network


def condition_of(name, count):
    """What a network takes as its condition: codes for InfoGAN, labels for all others."""
    return torch.linspace(-1, 1, count * CODE_DIM).view(count, CODE_DIM) if name == "infogan" else labels(count)


def labels(count):
    return torch.arange(count) % CLASSES


def latents_of(generator, count):
    return torch.randn(count, generator.latent_dim)


@pytest.mark.parametrize("name", GENERATORS)
def test_generator_shape_and_range(name, seeded):
    generator = GENERATORS[name]()
    samples = generator(10 * latents_of(generator, 4), condition_of(name, 4))
    assert samples.shape == (4, *generator.sample_shape)
    assert samples.dtype == torch.float32
    assert samples.isfinite().all()
    if name in BOUNDED:
        assert samples.abs().max() <= 1


@pytest.mark.parametrize("name", GENERATORS)
def test_generator_evaluation_is_deterministic_and_per_sample(name, seeded):
    generator = GENERATORS[name]()
    generator(latents_of(generator, 8), condition_of(name, 8))
    generator.eval()
    latents = latents_of(generator, 4)
    with torch.no_grad():
        whole = generator(latents, condition_of(name, 4))
        torch.testing.assert_close(generator(latents, condition_of(name, 4)), whole, rtol=0, atol=0)
        torch.testing.assert_close(generator(latents[:2], condition_of(name, 4)[:2]), whole[:2], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", LEARNING_GENERATORS)
def test_every_generator_parameter_learns(name, seeded):
    generator = GENERATORS[name]()
    weights = torch.randn(CLASSES, *generator.sample_shape)
    (generator(latents_of(generator, CLASSES), condition_of(name, CLASSES)) * weights).sum().backward()
    assert_gradients(generator)


@pytest.mark.parametrize("name", VECTOR_DISCRIMINATORS)
def test_discriminator_shapes_and_halves(name, seeded):
    discriminator = DISCRIMINATORS[name]().eval()
    samples = torch.randn(4, *discriminator.sample_shape)
    features = discriminator.features(samples)
    logits = discriminator(samples, labels(4))
    assert features.shape == (4, discriminator.feature_dim)
    assert logits.shape == (4,)
    torch.testing.assert_close(discriminator.head(features, labels(4)), logits, rtol=0, atol=0)


@pytest.mark.parametrize("name", VECTOR_DISCRIMINATORS)
def test_every_discriminator_parameter_learns(name, seeded):
    discriminator = DISCRIMINATORS[name]()
    samples = torch.randn(2 * CLASSES, *discriminator.sample_shape)
    (discriminator(samples, labels(2 * CLASSES)) * torch.randn(2 * CLASSES)).sum().backward()
    assert_gradients(discriminator)


@pytest.mark.parametrize("name", DISCRIMINATORS)
def test_discriminator_is_differentiable_twice(name, seeded):
    discriminator = DISCRIMINATORS[name]()
    samples = torch.randn(4, *discriminator.sample_shape, requires_grad=True)
    (gradient,) = torch.autograd.grad(discriminator(samples, labels(4)).sum(), samples, create_graph=True)
    gradient.square().sum().backward()
    assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in discriminator.parameters())


@pytest.mark.parametrize("name", DISCRIMINATORS)
def test_discriminator_runs_in_bfloat16(name, seeded):
    discriminator = DISCRIMINATORS[name]()
    samples = torch.randn(4, *discriminator.sample_shape)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = discriminator(samples, labels(4))
    logits.float().sum().backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in discriminator.parameters())


@pytest.mark.parametrize(("kind", "name"), [("G", n) for n in GENERATORS] + [("D", n) for n in DISCRIMINATORS])
def test_copy_and_state_dict_reproduce(kind, name, seeded):
    build = (GENERATORS if kind == "G" else DISCRIMINATORS)[name]
    network = build()
    inputs = torch.randn(4, network.latent_dim) if kind == "G" else torch.randn(4, *network.sample_shape)
    condition = condition_of(name if kind == "G" else "", 4)
    network(inputs, condition)
    loaded = build()
    loaded.load_state_dict(network.state_dict())
    expected = network.eval()(inputs, condition)
    for other in (copy.deepcopy(network), loaded):
        torch.testing.assert_close(other.eval()(inputs, condition), expected, rtol=0, atol=0)


@pytest.mark.parametrize("name", CONDITIONAL)
def test_generator_obeys_its_condition(name, seeded):
    generator = telling_classes_apart(name, GENERATORS[name](), std=0.5)
    latents = latents_of(generator, 4)
    images, others = generator(latents, labels(4)), generator(latents, labels(4) + 1)
    assert (images - others).abs().amax(dim=(1, 2, 3)).min() > 1e-4
    with pytest.raises(ValueError, match="condition must be class labels"):
        generator(latents)


@pytest.mark.parametrize("name", GENERATORS)
def test_generator_says_how_many_classes_it_takes(name):
    assert GENERATORS[name]().classes == (CLASSES if name in CONDITIONAL else None)


@pytest.mark.parametrize("name", CONDITIONAL_DISCRIMINATORS)
def test_discriminator_obeys_its_condition(name, seeded):
    discriminator = telling_classes_apart(name, DISCRIMINATORS[name](), std=0.1)
    samples = torch.randn(4, *discriminator.sample_shape)
    assert (discriminator(samples, labels(4)) - discriminator(samples, labels(4) + 1)).abs().max() > 1e-4
    with pytest.raises(ValueError, match="condition must be class labels"):
        discriminator(samples)


def assert_gradients(network):
    dead = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert not dead
    assert all(p.grad.isfinite().all() for p in network.parameters())
