"""Resampling with a filter, alone and joined to convolutions, against scipy and numerical derivatives."""

import numpy as np
import pytest
import torch
from scipy.signal import convolve2d, correlate2d, upfirdn
from torch.nn import functional as F

from gan_lightning.networks.stylegan2_resampling import (
    binomial_filter,
    downsample,
    downsampling_conv2d,
    smooth,
    upsample,
    upsampling_conv2d,
)

TAPS = np.array([1.0, 3.0, 3.0, 1.0]) / 8
FIR = binomial_filter().double()


def double(*shape):
    return torch.randn(*shape, dtype=torch.float64, requires_grad=True)


def separable(x, function):
    """Apply a function of a vector to columns, then to rows."""
    return np.apply_along_axis(function, 3, np.apply_along_axis(function, 2, x.detach().numpy()))


def test_upsample_equals_scipy(seeded):
    x = double(2, 3, 5, 4)
    expected = separable(x, lambda line: upfirdn(2 * TAPS, line, up=2)[1:-1])
    np.testing.assert_allclose(upsample(x, FIR).detach(), expected, rtol=1e-12, atol=1e-12)


def test_downsample_equals_scipy(seeded):
    x = double(2, 3, 6, 4)
    expected = separable(x, lambda line: np.convolve(line, TAPS)[2:-2:2])
    np.testing.assert_allclose(downsample(x, FIR).detach(), expected, rtol=1e-12, atol=1e-12)


def test_upsampling_convolution_equals_scipy(seeded):
    """Zeros between the pixels, true convolution, filter; an upright kernel in place of a mirrored one would show."""
    x, weight = double(2, 3, 4, 5), double(2, 3, 3, 3)
    stuffed = np.zeros((2, 3, 7, 9))
    stuffed[..., ::2, ::2] = x.detach().numpy()
    expected = [
        [
            convolve2d(sum(convolve2d(m, k) for m, k in zip(maps, kernels, strict=True)), 4 * np.outer(TAPS, TAPS))
            for kernels in weight.detach().numpy()
        ]
        for maps in stuffed
    ]
    ours = upsampling_conv2d(x, weight, FIR).detach()
    np.testing.assert_allclose(ours, np.array(expected)[..., 2:-2, 2:-2], rtol=1e-12, atol=1e-12)


def test_downsampling_convolution_equals_scipy(seeded):
    x, weight = double(2, 3, 6, 4), double(2, 3, 3, 3)
    smoothed = separable(x, lambda line: np.convolve(line, TAPS)[1:-1])
    expected = [
        [
            sum(correlate2d(m, k, mode="valid") for m, k in zip(maps, kernels, strict=True))[::2, ::2]
            for kernels in weight.detach().numpy()
        ]
        for maps in smoothed
    ]
    np.testing.assert_allclose(downsampling_conv2d(x, weight, FIR).detach(), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("function", [upsampling_conv2d, downsampling_conv2d])
def test_pointwise_convolution_commutes_with_resampling(function, seeded):
    x, weight = double(2, 3, 4, 6), double(2, 3, 1, 1)
    resized = upsample(x, FIR) if function is upsampling_conv2d else downsample(x, FIR)
    torch.testing.assert_close(function(x, weight, FIR), F.conv2d(resized, weight))


def test_groups_do_not_see_each_other(seeded):
    x, weight = double(2, 6, 4, 4), double(4, 3, 3, 3)
    apart = [upsampling_conv2d(x[:, 3 * i : 3 * i + 3], weight[2 * i : 2 * i + 2], FIR) for i in range(2)]
    torch.testing.assert_close(upsampling_conv2d(x, weight, FIR, groups=2), torch.cat(apart, dim=1))


@pytest.mark.parametrize("kernel", [1, 3])
@pytest.mark.parametrize("function", [upsampling_conv2d, downsampling_conv2d])
def test_resampling_convolutions_are_differentiable_twice(function, kernel, seeded):
    x, weight = double(1, 2, 4, 4), double(2, 2, kernel, kernel)
    assert torch.autograd.gradcheck(lambda x, weight: function(x, weight, FIR), (x, weight))
    assert torch.autograd.gradgradcheck(lambda x, weight: function(x, weight, FIR), (x, weight))


@pytest.mark.parametrize("function", [upsample, downsample])
def test_resampling_is_differentiable_twice(function, seeded):
    assert torch.autograd.gradgradcheck(lambda x: function(x, FIR), (double(1, 2, 4, 4),))


def test_constant_maps_stay_constant_inside():
    ones = torch.ones(1, 1, 8, 8)
    for function in (upsample, downsample):
        inside = function(ones, binomial_filter())[..., 1:-1, 1:-1]
        torch.testing.assert_close(inside, torch.ones_like(inside))


def test_filter_keeps_the_precision_of_images_under_autocast(seeded):
    images = torch.randn(2, 3, 8, 8)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        outputs = [upsample(images, binomial_filter()), downsample(images, binomial_filter())]
        assert smooth(images.bfloat16(), binomial_filter(), padding=1).dtype == torch.bfloat16
    for output, function in zip(outputs, (upsample, downsample), strict=True):
        torch.testing.assert_close(output, function(images, binomial_filter()), rtol=0, atol=0)
