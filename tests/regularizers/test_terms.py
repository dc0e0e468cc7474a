"""Further terms of the two players' losses against values by hand."""

import pytest
import torch
from torch import nn

from gan_lightning.networks.equalized import EqualizedConv2d, EqualizedLinear
from gan_lightning.regularizers import FeatureMatching, HistoricalAveraging, Orthogonal, orthogonal
from gan_lightning.regularizers.feature_matching import mean_distance
from gan_lightning.regularizers.orthogonal import filters, overlap
from tests.regularizers.toys import ToyDiscriminator, ToyGenerator, generator_turn


def test_historical_averaging_equals_the_loop():
    discriminator = ToyDiscriminator()
    averaging = HistoricalAveraging(weight=0.5)
    past = []
    for _ in range(5):
        theta = torch.cat([p.detach().double().flatten() for p in discriminator.parameters()])
        term = averaging.discriminator_terms(discriminator)["distance"]
        mean = torch.stack(past).mean(0) if past else theta
        assert term.item() == pytest.approx(0.5 * (theta - mean).square().sum().item(), rel=1e-4, abs=1e-7)
        term.backward()
        got = torch.cat([p.grad.flatten() for p in discriminator.parameters()]).double()
        torch.testing.assert_close(got, theta - mean, rtol=1e-4, atol=1e-6)
        past.append(theta)
        with torch.no_grad():
            for parameter in discriminator.parameters():
                parameter += torch.randn_like(parameter)
                parameter.grad = None
    assert averaging.steps == 5


def test_historical_averaging_keeps_to_its_player():
    generator, discriminator = ToyGenerator(), ToyDiscriminator()
    turn = generator_turn(generator, discriminator, torch.zeros(1, 2), torch.zeros(1, 2))
    assert HistoricalAveraging(player="discriminator").generator_terms(turn) == {}
    assert HistoricalAveraging(player="generator").discriminator_terms(discriminator) == {}
    averaging = HistoricalAveraging(player="generator")
    assert set(averaging.generator_terms(turn)) == {"distance"}
    assert averaging.mean.numel() == 3 * 2 + 2


def test_historical_averaging_survives_a_checkpoint():
    discriminator = ToyDiscriminator()
    first, second = HistoricalAveraging(), HistoricalAveraging()
    first.discriminator_terms(discriminator)
    nn.init.ones_(discriminator.body.weight)
    second.load_state_dict(first.state_dict())
    assert torch.equal(
        first.discriminator_terms(discriminator)["distance"], second.discriminator_terms(discriminator)["distance"]
    )
    assert torch.equal(first.mean, second.mean)
    HistoricalAveraging().load_state_dict(HistoricalAveraging().state_dict())


def test_feature_matching_by_hand_and_where_its_gradient_goes():
    discriminator = ToyDiscriminator().requires_grad_(False)
    real = torch.randn(6, 2)
    fake = torch.randn(6, 2).requires_grad_(True)
    turn = generator_turn(ToyGenerator(), discriminator, real, fake)
    term = FeatureMatching(weight=3.0).generator_terms(turn)["distance"]
    with torch.no_grad():
        difference = discriminator.features(real).double().mean(0) - discriminator.features(fake).double().mean(0)
    assert term.item() == pytest.approx(3 * difference.square().sum().item(), rel=1e-4)
    term.backward()
    assert fake.grad.abs().sum() > 0
    same = generator_turn(ToyGenerator(), discriminator, real, real[[3, 1, 0, 2, 5, 4]])
    assert FeatureMatching().generator_terms(same)["distance"].item() == pytest.approx(0, abs=1e-10)


def test_overlap_by_hand():
    rows = torch.tensor([[1.0, 2.0], [3.0, -1.0], [0.0, 2.0]])
    # inner products 1, 4, -2, each counted twice
    assert overlap(rows).item() == pytest.approx(2 * (1 + 16 + 4))
    assert overlap(torch.eye(3) * 7).item() == 0


def test_overlap_of_many_rows_is_the_same(monkeypatch):
    torch.manual_seed(0)
    rows = torch.randn(40, 3, dtype=torch.float64, requires_grad=True)
    found = []
    for many in (4096, 10):
        monkeypatch.setattr(orthogonal, "MANY_ROWS", many)
        value = overlap(rows)
        found.append((value, *torch.autograd.grad(value, rows)))
    for first, second in zip(*found, strict=True):
        torch.testing.assert_close(first, second, rtol=1e-10, atol=1e-10)


def test_overlap_ignores_autocast():
    rows = torch.randn(5, 7)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(overlap(rows), overlap(rows.clone()))
        inside = overlap(rows)
    assert torch.equal(inside, overlap(rows))


def test_feature_matching_compares_what_the_discriminator_is_shown():
    discriminator, real, fake = ToyDiscriminator(), torch.randn(6, 2), torch.randn(6, 2)
    turn = generator_turn(ToyGenerator(), discriminator, real, fake, shown=lambda samples: samples + 1)
    expected = mean_distance(discriminator.features(real + 1), discriminator.features(fake + 1))
    assert FeatureMatching().generator_terms(turn)["distance"].item() == pytest.approx(expected.item(), rel=1e-6)


def test_orthogonal_acts_on_equalized_layers_as_they_act():
    linear, conv = EqualizedLinear(3, 2), EqualizedConv2d(2, 4, kernel=3)
    network = nn.Sequential(linear, conv)
    effective = [(layer.weight * layer.scale).flatten(1) for layer in (linear, conv)]
    for found, expected in zip(filters(network), effective, strict=True):
        torch.testing.assert_close(found, expected)


def test_orthogonal_takes_one_row_an_output_unit():
    network = nn.Sequential(
        nn.Linear(3, 5), nn.Conv2d(2, 4, 3), nn.ConvTranspose2d(6, 7, 2), nn.Embedding(9, 9), nn.BatchNorm2d(4)
    )
    assert [tuple(matrix.shape) for matrix in filters(network)] == [(5, 3), (4, 18), (7, 24)]


def test_orthogonal_sums_layers_and_reaches_the_weights():
    discriminator = ToyDiscriminator()
    regularizer = Orthogonal(weight=0.1, player="discriminator")
    term = regularizer.discriminator_terms(discriminator)["overlap"]
    w = discriminator.body.weight.detach().double()
    gram = w @ w.T
    off = gram * (1 - torch.eye(4, dtype=torch.float64))
    assert term.item() == pytest.approx(0.1 * off.square().sum().item(), rel=1e-4)  # the last layer has one row
    term.backward()
    torch.testing.assert_close(discriminator.body.weight.grad.double(), 0.1 * 4 * off @ w, rtol=1e-4, atol=1e-6)
    assert regularizer.generator_terms(generator_turn(ToyGenerator(), discriminator, w, w)) == {}
    assert set(Orthogonal().generator_terms(generator_turn(ToyGenerator(), discriminator, w, w))) == {"overlap"}


@pytest.mark.parametrize("norm", [nn.utils.parametrizations.spectral_norm, nn.utils.spectral_norm])
def test_orthogonal_leaves_spectral_normalization_alone(norm):
    layer = norm(nn.Linear(3, 5))
    before = {name: value.clone() for name, value in layer.state_dict().items()}
    (matrix,) = filters(nn.Sequential(layer))
    assert all(torch.equal(before[name], value) for name, value in layer.state_dict().items())
    assert torch.equal(matrix, dict(layer.named_parameters())[next(n for n in before if "orig" in n)])


def test_a_network_without_layers_is_refused():
    empty = nn.Identity()
    with pytest.raises(ValueError, match="no linear or convolutional layer"):
        Orthogonal(player="discriminator").discriminator_terms(empty)


@pytest.mark.parametrize("make", [HistoricalAveraging, Orthogonal])
def test_bad_arguments_are_named(make):
    with pytest.raises(ValueError, match="player must be one of"):
        make(player="critic")
    with pytest.raises(ValueError, match="weight"):
        make(weight=-1.0)
    with pytest.raises(ValueError, match="weight"):
        FeatureMatching(weight=-1.0)
