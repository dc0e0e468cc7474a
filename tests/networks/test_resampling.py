"""The fused steps against the two steps that they replace, in float64."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from gan_lightning.networks.resampling import convolve_and_halve, double_and_convolve


def halve_in_two_steps(x, weight, bias):
    return F.avg_pool2d(F.conv2d(x, weight, bias, padding=weight.shape[-1] // 2), 2)


def double_in_two_steps(x, weight, bias):
    return F.conv2d(F.interpolate(x, scale_factor=2.0, mode="nearest"), weight, bias, padding=weight.shape[-1] // 2)


PAIRS = [(convolve_and_halve, halve_in_two_steps), (double_and_convolve, double_in_two_steps)]


def inputs(*, channels=2, outputs=3, kernel=3, height=4, width=6, bias=True):
    double = {"dtype": torch.float64, "requires_grad": True}
    return (
        torch.randn(2, channels, height, width, **double),
        torch.randn(outputs, channels, kernel, kernel, **double),
        torch.randn(outputs, **double) if bias else None,
    )


@pytest.mark.parametrize(("fused", "plain"), PAIRS)
@settings(deadline=None, max_examples=30)
@given(
    channels=st.integers(1, 3),
    outputs=st.integers(1, 3),
    kernel=st.sampled_from([1, 3, 5]),
    height=st.integers(2, 7),
    width=st.integers(2, 7),
    bias=st.booleans(),
)
def test_equals_the_two_steps(fused, plain, channels, outputs, kernel, height, width, bias):
    arguments = inputs(channels=channels, outputs=outputs, kernel=kernel, height=height, width=width, bias=bias)
    torch.testing.assert_close(fused(*arguments), plain(*arguments), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("fused", "plain"), PAIRS)
def test_so_do_its_gradients_and_those_of_a_gradient_penalty(fused, plain, seeded):
    x, weight, bias = inputs()

    def gradients(function):
        (slope,) = torch.autograd.grad(function(x, weight, bias).square().sum(), x, create_graph=True)
        return slope, *torch.autograd.grad(slope.square().sum(), (x, weight))

    for ours, reference in zip(gradients(fused), gradients(plain), strict=True):
        torch.testing.assert_close(ours, reference, rtol=1e-10, atol=1e-10)
    assert torch.autograd.gradgradcheck(fused, (x, weight, bias))
