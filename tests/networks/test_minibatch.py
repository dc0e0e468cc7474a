"""Minibatch layers against loops in float64."""

import math

import numpy as np
import pytest
import torch

from gan_lightning.networks import MinibatchDiscrimination, MinibatchStdDev


@pytest.mark.parametrize(("n", "group_size", "group"), [(8, 4, 4), (4, 8, 4), (6, 4, 3), (7, 4, 1), (6, 1, 1)])
@pytest.mark.parametrize("channels", [1, 2])
def test_standard_deviation_equals_the_loop(n, group_size, group, channels):
    features = torch.randn(n, 4, 3, 2, generator=torch.Generator().manual_seed(0))
    x = features.double().numpy()
    got = MinibatchStdDev(group_size=group_size, channels=channels)(features)
    assert got.shape == (n, 4 + channels, 3, 2)
    assert torch.equal(got[:, :4], features)
    for i in range(n):
        members = x[[j for j in range(n) if j // group == i // group]]
        assert len(members) == group
        for c, block in enumerate(np.split(members, channels, axis=1)):
            expected = np.sqrt(block.var(axis=0) + 1e-8).mean()
            np.testing.assert_allclose(got[i, 4 + c].numpy(), expected, rtol=1e-5)


def test_vectors_get_features():
    features = torch.tensor([[1.0, 0.0], [3.0, 0.0]])
    got = MinibatchStdDev(group_size=2)(features)
    assert got.tolist() == [pytest.approx([1.0, 0.0, 0.50005], abs=1e-4), pytest.approx([3.0, 0.0, 0.50005], abs=1e-4)]


def test_standard_deviation_can_be_differentiated_twice_where_nothing_varies():
    features = torch.zeros(4, 2, 2, 2, requires_grad=True)
    value = MinibatchStdDev()(features).square().sum()
    (gradient,) = torch.autograd.grad(value, features, create_graph=True)
    gradient.square().sum().backward()
    assert features.grad.isfinite().all()


def test_minibatch_discrimination_equals_the_loop():
    layer = MinibatchDiscrimination(in_features=3, out_features=2, kernel_dim=4)
    features = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
    x, kernels = features.double().numpy(), layer.kernels.detach().double().numpy()
    got = layer(features)
    assert got.shape == (5, 5)
    assert torch.equal(got[:, :3], features)
    for i in range(5):
        for b in range(2):
            expected = sum(math.exp(-np.abs((x[i] - x[j]) @ kernels[:, b]).sum()) for j in range(5))
            assert got[i, 3 + b].item() == pytest.approx(expected, rel=1e-5)


def test_identical_samples_are_as_close_as_can_be():
    got = MinibatchDiscrimination(in_features=3, out_features=2, kernel_dim=4)(torch.ones(6, 3))
    assert (got[:, 3:] == 6).all()


def test_minibatch_discrimination_passes_second_derivatives():
    layer = MinibatchDiscrimination(in_features=2, out_features=2, kernel_dim=2).double()
    features = torch.randn(3, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(layer, features)


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="group_size"):
        MinibatchStdDev(group_size=0)
    with pytest.raises(ValueError, match="channels"):
        MinibatchStdDev(channels=0)
    with pytest.raises(ValueError, match="channels"):
        MinibatchStdDev(channels=3)(torch.zeros(4, 4, 1, 1))
    with pytest.raises(ValueError, match="kernel_dim"):
        MinibatchDiscrimination(in_features=3, kernel_dim=0)
