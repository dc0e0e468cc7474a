"""A discriminator with minibatch statistics is its own last layer on longer features, and keeps the contract."""

import pytest
import torch
from torch import nn

from gan_lightning.networks import (
    DCGANDiscriminator,
    MinibatchDiscrimination,
    MinibatchStdDev,
    PackedDiscriminator,
    PatchDiscriminator,
    ResNetDiscriminator,
    WithMinibatchDiscrimination,
    WithMinibatchStdDev,
)
from gan_lightning.testing import CHECKS, Variant
from tests.regularizers.toys import ToyDiscriminator

WRAPPERS = [
    lambda inner: WithMinibatchDiscrimination(discriminator=inner, out_features=3, kernel_dim=2),
    lambda inner: WithMinibatchStdDev(discriminator=inner, group_size=2, channels=2),
]
IDS = ["discrimination", "stddev"]


def wrapped(wrap, inner):
    """Wrap with random weights where the wrapper starts from 0."""
    torch.manual_seed(0)
    outer = wrap(inner)
    nn.init.normal_(outer.output.weight)
    return outer


@pytest.mark.parametrize("wrap", WRAPPERS, ids=IDS)
def test_a_linear_head_becomes_one_on_the_concatenation(wrap):
    inner = ToyDiscriminator()
    outer = wrapped(wrap, inner)
    samples = torch.randn(6, 2)
    features = outer.features(samples)
    assert features.shape == (6, outer.feature_dim)
    assert torch.equal(features[:, :4], inner.features(samples))
    joint = nn.Linear(outer.feature_dim, 1)
    joint.weight.data = torch.cat([inner.last.weight.data, outer.output.weight.data], dim=1)
    joint.bias.data = inner.last.bias.data
    torch.testing.assert_close(outer(samples), joint(features).squeeze(1))
    assert (outer(samples) - inner(samples)).abs().max() > 0.01
    assert outer.sample_shape == inner.sample_shape


@pytest.mark.parametrize("wrap", WRAPPERS, ids=IDS)
def test_at_the_start_it_is_the_discriminator_inside(wrap):
    inner = ToyDiscriminator()
    samples = torch.randn(6, 2)
    assert torch.equal(wrap(inner)(samples), inner(samples))


def test_the_statistics_are_those_of_the_layers():
    inner, samples = ToyDiscriminator(), torch.randn(6, 2)
    outer = WithMinibatchDiscrimination(discriminator=inner, out_features=3, kernel_dim=2)
    layer = MinibatchDiscrimination(in_features=4, out_features=3, kernel_dim=2)
    layer.kernels.data = outer.layer.kernels.data
    assert torch.equal(outer.features(samples), layer(inner.features(samples)))
    outer = WithMinibatchStdDev(discriminator=inner, group_size=3)
    assert torch.equal(outer.features(samples), MinibatchStdDev(group_size=3)(inner.features(samples)))


@pytest.mark.parametrize("wrap", WRAPPERS, ids=IDS)
def test_samples_that_are_alike_are_told_from_those_that_are_not(wrap):
    """With v = 1 and a body that is the identity, the logit of a batch says how alike its samples are."""
    inner = ToyDiscriminator()
    outer = wrap(inner)
    nn.init.ones_(outer.output.weight)
    alike, varied = torch.zeros(4, 2), torch.randn(4, 2) * 3
    term = lambda samples: (outer(samples) - inner(samples)).mean()  # noqa: E731
    assert (term(alike) - term(varied)).abs() > 0.1


@pytest.mark.parametrize("wrap", WRAPPERS, ids=IDS)
def test_gradients_of_samples_and_parameters(wrap):
    outer = wrapped(wrap, ToyDiscriminator()).double()
    samples = torch.randn(4, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(outer, samples)
    assert torch.autograd.gradgradcheck(outer, samples)
    outer(samples).square().sum().backward()
    for name, parameter in outer.named_parameters():
        assert parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize("wrap", WRAPPERS, ids=IDS)
def test_a_projection_head_keeps_its_features_and_gets_the_term(wrap):
    inner = ResNetDiscriminator(resolution=8, widths=(8, 8), downsamples=1, classes=3).eval()
    outer = wrapped(wrap, inner).eval()
    images, labels = torch.randn(4, 3, 8, 8), torch.tensor([0, 1, 2, 0])
    statistics = outer.features(images)[:, 8:]
    expected = inner(images, labels) + (statistics @ outer.output.weight.T).squeeze(1)
    torch.testing.assert_close(outer(images, labels), expected)


def test_a_patch_map_gets_one_number_an_image():
    inner = PatchDiscriminator(resolution=16, width=4, layers=1).eval()
    outer = wrapped(lambda d: WithMinibatchStdDev(discriminator=d, group_size=2), inner).eval()
    images = torch.randn(4, 3, 16, 16)
    added = outer(images) - inner(images)
    statistic = outer.features(images)[:, -1, 0, 0] * outer.output.weight
    torch.testing.assert_close(added, statistic.view(4, 1, 1, 1).expand_as(added), atol=1e-5, rtol=1e-4)


def test_packs_stay_packs():
    packed = PackedDiscriminator(discriminator=ToyDiscriminator(dim=4), samples_per_pack=2)
    outer = WithMinibatchStdDev(discriminator=packed)
    assert outer.samples_per_logit == 2
    assert outer(torch.randn(8, 2)).shape == (4,)


def test_what_cannot_be_appended_is_refused():
    patches = PatchDiscriminator(resolution=16, width=4, layers=1)
    with pytest.raises(ValueError, match=r"PatchDiscriminator judges patches.*minibatch_stddev"):
        WithMinibatchDiscrimination(discriminator=patches)
    with pytest.raises(ValueError, match="out_features must be at least 1, got 0"):
        WithMinibatchDiscrimination(discriminator=ToyDiscriminator(), out_features=0)
    with pytest.raises(ValueError, match="group_size must be at least 1, got 0"):
        WithMinibatchStdDev(discriminator=ToyDiscriminator(), group_size=0)
    with pytest.raises(ValueError, match=r"channels must divide .* features, 4, got 3"):
        WithMinibatchStdDev(discriminator=ToyDiscriminator(), channels=3)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", ["minibatch_discrimination", "minibatch_stddev"])
def test_a_model_with_it_keeps_the_contract(name, check):
    small = ("model.generator.width=8", "model.discriminator.discriminator.width=8")
    check(Variant(name="dcgan", overrides=(f"model/discriminator={name}", *small)))


@pytest.mark.parametrize(
    ("name", "more"), [("minibatch_discrimination", 8192 * 100 * 5 + 100), ("minibatch_stddev", 1)]
)
def test_the_config_s_network_is_dcgan_s_with_the_statistics(name, more):
    overrides = (f"model/discriminator={name}", "data=photos", "data.resolution=64", "data.shrink=1")
    model, _ = Variant(name="dcgan", overrides=overrides).build()
    plain = DCGANDiscriminator()
    count = lambda network: sum(p.numel() for p in network.parameters())  # noqa: E731
    assert count(model.discriminator) == count(plain) + more
