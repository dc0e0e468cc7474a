import math

import pytest
import torch
from torch import nn

from gan_lightning.networks import DCGANDiscriminator, PointDiscriminator, PointGenerator
from gan_lightning.networks.init import he_init, normal_init, orthogonal_init, uniform_init, xavier_init
from tests.contract.variants import build


def layers():
    return nn.Sequential(nn.Conv2d(8, 64, 5), nn.BatchNorm2d(64), nn.Linear(64, 100), nn.Embedding(100, 50))


def test_normal(seeded):
    conv, norm, linear, embedding = module = layers()
    normal_init(module, std=0.02)
    for weight in (conv.weight, linear.weight, embedding.weight):
        assert weight.mean().abs() < 4 * 0.02 / math.sqrt(weight.numel())
        assert weight.std().item() == pytest.approx(0.02, rel=0.06)
    assert norm.weight.mean().item() == pytest.approx(1, abs=0.01)
    assert 0.01 < norm.weight.std() < 0.03
    assert not any(bias.any() for bias in (conv.bias, linear.bias, norm.bias))


def test_dcgan_uses_it(seeded):
    discriminator = DCGANDiscriminator(resolution=16, width=32)
    assert discriminator.output.weight.std().item() == pytest.approx(0.02, rel=0.1)
    assert discriminator.body[2].weight.std().item() == pytest.approx(0.02, rel=0.1)


def test_uniform(seeded):
    module = nn.Linear(50, 100)
    uniform_init(module, bound=0.05)
    assert 0.049 < module.weight.max() <= 0.05
    assert -0.05 <= module.weight.min() < -0.049
    assert not module.bias.any()


def test_orthogonal(seeded):
    module = nn.Linear(30, 20)
    orthogonal_init(module, gain=1.4)
    gram = module.weight @ module.weight.T
    torch.testing.assert_close(gram, 1.4**2 * torch.eye(20), rtol=1e-4, atol=1e-4)


def test_xavier(seeded):
    module = nn.Conv2d(10, 20, 3)
    xavier_init(module, gain=math.sqrt(2))
    bound = math.sqrt(2) * math.sqrt(6 / (9 * 10 + 9 * 20))
    assert 0.98 * bound < module.weight.abs().max() <= bound


@pytest.mark.parametrize("uniform", [False, True])
def test_he_has_variance_two_over_the_inputs(uniform):
    module = nn.Sequential(nn.Linear(300, 400), nn.Conv2d(32, 64, 3))
    he_init(module, uniform=uniform)
    for layer, fan_in in ((module[0], 300), (module[1], 32 * 9)):
        assert layer.weight.std().item() == pytest.approx(math.sqrt(2 / fan_in), rel=0.02)
        bounded = layer.weight.abs().max().item() <= math.sqrt(6 / fan_in)
        assert bounded == uniform
        assert not layer.bias.any()


def test_the_toy_of_wgan_gp_starts_as_its_code_does():
    for network in (
        PointGenerator(widths=[512, 512, 512], batch_norm=False, initialization="he"),
        PointDiscriminator(initialization="he"),
    ):
        layers = [layer for layer in network.modules() if isinstance(layer, nn.Linear)]
        expected = [math.sqrt(2 / layer.in_features) for layer in layers[:-1]]
        expected.append(math.sqrt(2 / (layers[-1].in_features + layers[-1].out_features)))
        assert [layer.weight.std().item() for layer in layers] == pytest.approx(expected, rel=0.1)


def test_dragan_starts_as_its_notebook_does():
    model, _ = build("dragan")
    for network in (model.generator, model.discriminator):
        for layer in (layer for layer in network.modules() if isinstance(layer, nn.Linear)):
            assert layer.weight.std().item() == pytest.approx(math.sqrt(2 / layer.in_features), rel=0.2)
    assert [type(layer) for layer in model.discriminator.body] == [nn.Flatten, nn.Linear, nn.ReLU, nn.Dropout]
