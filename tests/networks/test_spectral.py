import copy

import pytest
import torch
from torch import nn

from gan_lightning.networks import ResNetDiscriminator
from gan_lightning.networks.spectral import SpectralNorm, normalized_if, spectral_norm


def layers():
    return [nn.Conv2d(3, 8, 3), nn.Linear(7, 5), nn.Embedding(6, 9)]


@pytest.mark.parametrize("index", range(3))
def test_converges_to_the_largest_singular_value(index, seeded):
    layer = layers()[index].double()
    original = layer.weight.detach().clone()
    spectral_norm(layer)
    for _ in range(300):
        normalized = layer.weight
    expected = original / torch.linalg.matrix_norm(original.flatten(1), ord=2)
    torch.testing.assert_close(normalized.detach(), expected, rtol=1e-6, atol=1e-8)


def test_equals_torch_from_the_same_vectors(seeded):
    ours = spectral_norm(nn.Conv2d(3, 8, 3))
    theirs = nn.utils.parametrizations.spectral_norm(nn.Conv2d(3, 8, 3))
    with torch.no_grad():
        theirs.parametrizations.weight.original.copy_(ours.parametrizations.weight.original)
    u, v = torch.randn(8), torch.randn(27)
    for name, vector in (("u", u / u.norm()), ("v", v / v.norm())):
        getattr(ours.parametrizations.weight[0], name).copy_(vector)
        getattr(theirs.parametrizations.weight[0], f"_{name}").copy_(vector)
    probe = torch.randn(8, 3, 3, 3)
    for _ in range(3):
        for layer in (ours, theirs):
            (layer.weight * probe).sum().backward()
        torch.testing.assert_close(ours.weight, theirs.weight, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(
        ours.parametrizations.weight.original.grad, theirs.parametrizations.weight.original.grad, rtol=1e-4, atol=1e-5
    )


def test_one_iteration_for_each_forward_in_training_none_in_evaluation(seeded):
    layer = spectral_norm(nn.Linear(9, 4))
    norm, matrix = layer.parametrizations.weight[0], layer.parametrizations.weight.original.detach()
    u, v = torch.randn(4), torch.randn(9)
    norm.u.copy_(u), norm.v.copy_(v)
    inputs = torch.randn(2, 9)
    for _ in range(2):
        layer(inputs)
        u = nn.functional.normalize(matrix @ v, dim=0)
        v = nn.functional.normalize(matrix.T @ u, dim=0)
        torch.testing.assert_close((norm.u, norm.v), (u, v))
    layer.eval()
    layer(inputs)
    torch.testing.assert_close((norm.u, norm.v), (u, v))


def test_two_forwards_before_one_backward(seeded):
    discriminator = ResNetDiscriminator(resolution=8, widths=[4, 4], downsamples=1)
    real, fake = torch.randn(2, 3, 3, 8, 8)
    (discriminator(real) - discriminator(fake)).sum().backward()
    assert all(p.grad.isfinite().all() for p in discriminator.parameters())


def test_every_layer_of_the_discriminator_is_normalized():
    discriminator = ResNetDiscriminator(resolution=8, widths=[4, 4], downsamples=1, classes=3, attention_resolution=4)
    weighted = [m for m in discriminator.modules() if isinstance(m, (nn.Conv2d, nn.Linear, nn.Embedding))]
    assert len(weighted) == 3 + 2 + 4 + 1 + 1  # two blocks, attention, head, class vectors
    assert all(isinstance(m.parametrizations.weight[0], SpectralNorm) for m in weighted)


def test_exponential_average_by_names(seeded):
    """What an averaged copy needs: parameters by equal names, buffers of equal shapes."""
    layer = spectral_norm(nn.Linear(5, 4))
    average = copy.deepcopy(layer)
    layer(torch.randn(1, 5))
    assert [n for n, _ in average.named_parameters()] == [n for n, _ in layer.named_parameters()]
    for mine, theirs in zip(average.buffers(), layer.buffers(), strict=True):
        assert mine.shape == theirs.shape
        assert not torch.equal(mine, theirs)
        mine.copy_(theirs)


def test_float32_under_autocast(seeded):
    layer = spectral_norm(nn.Linear(16, 16))
    other = copy.deepcopy(layer)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        weight = layer.weight
    assert weight.dtype == torch.float32
    torch.testing.assert_close(weight, other.weight, rtol=0, atol=0)


def test_normalized_if(seeded):
    assert type(normalized_if(False, nn.Linear(2, 2))) is nn.Linear
    assert hasattr(normalized_if(True, nn.Linear(2, 2)), "parametrizations")
