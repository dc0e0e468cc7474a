import pytest
import torch
from torch import nn

from gan_lightning.networks import CodeHead, InfoGANDiscriminator, InfoGANGenerator


def test_code_head_count_and_shape(seeded):
    head = CodeHead(feature_dim=1024)
    assert sum(p.numel() for p in head.parameters()) == 133_262
    assert head(torch.randn(3, 1024)).shape == (3, 14)


def test_code_changes_the_image(seeded):
    generator = InfoGANGenerator(resolution=16, latent_dim=3, code_dim=2, width=4, hidden_width=16).eval()
    latents = torch.randn(2, 3)
    assert not torch.allclose(generator(latents, torch.zeros(2, 2)), generator(latents, torch.ones(2, 2)))


def test_slope_is_the_released_codes():
    modules = [*InfoGANDiscriminator().modules(), *CodeHead(feature_dim=2).modules()]
    slopes = [m.negative_slope for m in modules if isinstance(m, nn.LeakyReLU)]
    assert slopes == [0.01] * 4


@pytest.mark.parametrize("condition", [None, torch.zeros(2, 3), torch.zeros(2, dtype=torch.long)])
def test_refused_condition(condition):
    generator = InfoGANGenerator(resolution=8, latent_dim=3, code_dim=2, width=2, hidden_width=4)
    with pytest.raises(ValueError, match=r"condition must be codes, float \(N, 2\), got"):
        generator(torch.zeros(2, 3), condition)


@pytest.mark.parametrize("network", [InfoGANGenerator, InfoGANDiscriminator])
def test_refused_resolution(network):
    with pytest.raises(ValueError, match=r"resolution must be a positive multiple of 4 .* got 30"):
        network(resolution=30)
