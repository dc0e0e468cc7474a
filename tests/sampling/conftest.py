import math

import pytest
import torch

from gan_lightning.models import CGAN, DCGAN, InfoGAN
from gan_lightning.models.priors import Uniform
from gan_lightning.networks import (
    ConditionalDCGANGenerator,
    DCGANDiscriminator,
    DCGANGenerator,
    InfoGANDiscriminator,
    InfoGANGenerator,
)
from gan_lightning.networks.conditional_dcgan import ConditionalDCGANDiscriminator
from tests.parts import parts_with


def spread(model):
    """Make the averaged generator's samples differ visibly."""
    for parameter in model.generator_ema.parameters():
        parameter.data.mul_(2.0)
    return model.eval()


@pytest.fixture
def plain():
    torch.manual_seed(1)
    return spread(
        DCGAN(
            **parts_with(
                generator=DCGANGenerator(resolution=8, channels=1, width=4, latent_dim=6),
                discriminator=DCGANDiscriminator(resolution=8, channels=1, width=4),
            )
        )
    )


@pytest.fixture
def labeled():
    torch.manual_seed(1)
    return spread(
        CGAN(
            **parts_with(
                generator=ConditionalDCGANGenerator(resolution=8, channels=3, width=4, latent_dim=6, classes=3),
                discriminator=ConditionalDCGANDiscriminator(resolution=8, channels=3, width=4, classes=3),
                prior=Uniform(bound=math.sqrt(3)),
            )
        )
    )


@pytest.fixture
def coded():
    torch.manual_seed(1)
    return spread(
        InfoGAN(
            **parts_with(
                generator=InfoGANGenerator(resolution=8, latent_dim=6, code_dim=3 + 2 + 2, width=4, hidden_width=16),
                discriminator=InfoGANDiscriminator(resolution=8, width=4, hidden_width=16),
                categories=(3, 2),
                continuous=2,
                prior=Uniform(),
            )
        )
    )
