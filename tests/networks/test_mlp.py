import pytest
import torch

from gan_lightning.networks import MaxoutDiscriminator, MLPDiscriminator, MLPGenerator, PointGenerator
from gan_lightning.networks.maxout import Maxout
from gan_lightning.networks.mlp import ScaledSigmoid


def test_scaled_sigmoid_is_the_moved_sigmoid():
    x = torch.linspace(-9, 9, 19, dtype=torch.float64)
    torch.testing.assert_close(ScaledSigmoid()(x), 2 / (1 + torch.exp(-x)) - 1)


def test_maxout_takes_the_largest_piece(seeded):
    layer = Maxout(inputs=3, units=2, pieces=4).double()
    x = torch.randn(5, 3, dtype=torch.float64)
    pieces = layer.linear(x)
    expected = [[max(row[unit::2]) for unit in range(2)] for row in pieces.tolist()]
    torch.testing.assert_close(layer(x), torch.tensor(expected, dtype=torch.float64))


def test_dropout_only_while_training(seeded):
    discriminator = MaxoutDiscriminator(resolution=4, widths=[40, 40])
    images = torch.ones(2, 1, 4, 4)
    assert not torch.equal(discriminator(images), discriminator(images))
    dropped = (discriminator.features(images) == 0).double().mean()
    assert 0.3 < dropped < 0.7
    discriminator.eval()
    assert torch.equal(discriminator(images), discriminator(images))


def test_weights_start_as_released(seeded):
    generator, discriminator = MLPGenerator(), MaxoutDiscriminator()
    assert generator.stack[2].weight.abs().max().item() == pytest.approx(0.05, rel=1e-3)
    assert discriminator.body[2].linear.weight.abs().max().item() == pytest.approx(0.005, rel=1e-3)


@pytest.mark.parametrize("width", [64, 1200])
def test_narrow_generators_start_as_varied_as_wide_ones(width, seeded):
    images = MLPGenerator(widths=[width, width])(torch.randn(64, 100))
    assert 0.04 < images.std(dim=0).mean() < 0.2  # 0.003 at width 64 with the released bound


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: MLPGenerator(resolution=0), "resolution must be a positive integer, got 0"),
        (lambda: MLPGenerator(widths=[]), r"widths must be a non-empty list of positive integers, got \[\]"),
        (lambda: MLPDiscriminator(widths=[4, -1]), r"widths must .* got \[4, -1\]"),
        (lambda: MLPDiscriminator(dropout=1.0), r"dropout must lie in \[0, 1\), got 1.0"),
        (lambda: MaxoutDiscriminator(input_dropout=-0.1), r"input_dropout must lie in \[0, 1\), got -0.1"),
        (lambda: MaxoutDiscriminator(pieces=0), "pieces must be a positive integer, got 0"),
        (lambda: PointGenerator(activation="swish"), "activation must be one of .*'relu'.* got 'swish'"),
        (lambda: PointGenerator(initialization="lecun"), "initialization must be one of .*'xavier'.* got 'lecun'"),
    ],
)
def test_refusals_name_argument_and_value(build, message):
    with pytest.raises(ValueError, match=message):
        build()
