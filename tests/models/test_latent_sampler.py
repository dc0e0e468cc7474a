"""What evaluators ask: samples, the classes they were drawn of, and steps in latent space."""

import torch

from gan_lightning.metrics.base import GeneratorSampler
from gan_lightning.models import CGAN, GAN
from gan_lightning.networks import CGANDiscriminator, CGANGenerator, MLPDiscriminator, MLPGenerator
from tests.parts import parts_with


def unconditional():
    torch.manual_seed(0)
    return GAN(
        **parts_with(
            generator=MLPGenerator(resolution=8, latent_dim=4, widths=(16,)),
            discriminator=MLPDiscriminator(resolution=8, widths=(16,)),
        )
    )


def conditional():
    torch.manual_seed(0)
    model = CGAN(
        **parts_with(
            generator=CGANGenerator(resolution=8, classes=3), discriminator=CGANDiscriminator(resolution=8, classes=3)
        )
    )
    model.label_counts.copy_(torch.tensor([60, 0, 20]))
    return model


def test_samples_are_those_of_the_model():
    model, indices = unconditional(), torch.tensor([5, 0, 7])
    sample = model.sampler(None, seed=3, weights="ema")
    assert isinstance(sample, GeneratorSampler)
    assert torch.equal(sample(indices), model.sample(8, seed=3, weights="ema")[indices])
    assert sample.labels(indices) is None


def test_labels_are_those_of_the_samples_and_follow_the_training_prior():
    model = conditional()
    sample = model.sampler(None, seed=3, weights="raw")
    indices = torch.arange(400)
    labels = sample.labels(indices)
    assert torch.equal(sample(indices[:50]), model.sample(50, seed=3, weights="raw", labels=labels[:50]))
    shares = labels.bincount(minlength=3) / 400
    assert shares[1] == 0
    assert abs(shares[0] - 0.75) < 4 * (0.75 * 0.25 / 400) ** 0.5
    assert torch.equal(sample.labels(indices.flip(0)), labels.flip(0))


def test_a_path_starts_at_the_sample_and_goes_toward_another_of_its_class():
    for model in (unconditional(), conditional()):
        sample, indices = model.sampler(None, seed=3, weights="raw"), torch.arange(6)
        start, nowhere = sample.path(indices, epsilon=0.0)
        assert torch.equal(start, sample(indices))
        assert torch.equal(nowhere, start)
        _, near = sample.path(indices, epsilon=1e-3)
        _, end = sample.path(indices, epsilon=1.0)
        steps = [(moved - start).flatten(1).norm(dim=1) for moved in (near, end)]
        assert (steps[0] > 0).all()
        assert (steps[0] < 0.05 * steps[1]).all()
        # the far end is no sample of the same seed
        assert not any(torch.allclose(end[0], other) for other in sample(torch.arange(20)))
