"""The layers of StyleGAN2 and its mapping network against explicit kernels and numerical derivatives."""

import math

import pytest
import torch
from torch.nn import functional as F

from gan_lightning.networks.stylegan2_layers import (
    EqualizedDense,
    ResamplingConv2d,
    modulated_conv2d,
    scaled_leaky_relu,
    stylegan2_widths,
)
from gan_lightning.networks.stylegan2_mapping import MappingNetwork
from gan_lightning.networks.stylegan2_resampling import binomial_filter, upsampling_conv2d

FIR = binomial_filter().double()


def double(*shape):
    return torch.randn(*shape, dtype=torch.float64, requires_grad=True)


def modulated_by_hand(x, weight, styles, *, demodulate, upsampling_fir):
    """Each sample with its own kernels, one after the other."""
    outputs = []
    for sample, style in zip(x, styles, strict=True):
        kernels = weight * style[:, None, None]
        if demodulate:
            kernels = kernels / (kernels.square().sum(dim=(1, 2, 3), keepdim=True) + 1e-8).sqrt()
        if upsampling_fir is None:
            outputs.append(F.conv2d(sample[None], kernels, padding=kernels.shape[-1] // 2))
        else:
            outputs.append(upsampling_conv2d(sample[None], kernels, upsampling_fir))
    return torch.cat(outputs)


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("demodulate", [False, True])
@pytest.mark.parametrize("fir", [None, FIR])
@pytest.mark.parametrize("kernel", [1, 3])
def test_modulated_convolution_equals_explicit_kernels(fused, demodulate, fir, kernel, seeded):
    x, weight, styles = double(3, 4, 4, 4), double(5, 4, kernel, kernel), double(3, 4)

    def outputs_and_gradients(function, **options):
        outputs = function(x, weight, styles, demodulate=demodulate, upsampling_fir=fir, **options)
        return outputs, *torch.autograd.grad(outputs.square().sum(), (x, weight, styles))

    for ours, reference in zip(
        outputs_and_gradients(modulated_conv2d, fused=fused), outputs_and_gradients(modulated_by_hand), strict=True
    ):
        torch.testing.assert_close(ours, reference, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("fir", [None, FIR])
def test_modulated_convolution_is_differentiable_twice(fused, fir, seeded):
    inputs = (double(2, 2, 3, 3), double(2, 2, 3, 3), double(2, 2))
    assert torch.autograd.gradgradcheck(
        lambda x, weight, styles: modulated_conv2d(x, weight, styles, upsampling_fir=fir, fused=fused), inputs
    )


def test_demodulation_gives_unit_variance(seeded):
    """Of inputs of unit variance and any weights and styles; without it, the styles set the variance."""
    x, weight, styles = torch.randn(8, 32, 16, 16), 3 * torch.randn(16, 32, 3, 3), 5 * torch.randn(8, 32)

    def spread(**options):
        return modulated_conv2d(x, weight, styles, **options)[..., 1:-1, 1:-1].std(dim=(0, 2, 3))

    torch.testing.assert_close(spread(), torch.ones(16), rtol=0.08, atol=0)
    assert (spread(demodulate=False) > 100).all()


def test_modulated_convolution_runs_in_bfloat16(seeded):
    x, weight, styles = torch.randn(2, 16, 8, 8), torch.randn(16, 16, 3, 3), torch.randn(2, 16)
    expected = modulated_conv2d(x, weight, styles, upsampling_fir=binomial_filter())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        for fused in (False, True):
            output = modulated_conv2d(x, weight, styles, upsampling_fir=binomial_filter(), fused=fused)
            assert output.dtype == torch.bfloat16
            torch.testing.assert_close(output.float(), expected, rtol=0, atol=0.05)


def test_demodulation_does_not_overflow_in_float16(seeded):
    """The squares it sums would: 64 channels, 9 weights and styles around 30 give 500,000."""
    x, weight, styles = torch.randn(2, 64, 8, 8), torch.randn(16, 64, 3, 3), 30 * torch.randn(2, 64)
    expected = modulated_conv2d(x, weight, styles)
    with torch.autocast("cpu", dtype=torch.float16):
        output = modulated_conv2d(x, weight, styles)
    assert output.dtype == torch.float16
    torch.testing.assert_close(output.float(), expected, rtol=0, atol=0.02)


@pytest.mark.parametrize("multiplier", [1.0, 0.01])
def test_dense_layer_starts_the_same_and_learns_at_its_speed(multiplier, seeded):
    layer = EqualizedDense(256, 64, lr_multiplier=multiplier, bias_start=1.0)
    x = torch.randn(512, 256)
    before = layer(x)
    torch.testing.assert_close(before.mean(), torch.tensor(1.0), rtol=0, atol=0.05)
    torch.testing.assert_close(before.std(), torch.tensor(1.0), rtol=0.05, atol=0)
    with torch.no_grad():  # what an optimizer with steps of one size does
        layer.weight += 0.1
        layer.bias += 0.1
    change = multiplier * (0.1 * x.sum(dim=1, keepdim=True) / 16 + 0.1)
    torch.testing.assert_close(layer(x) - before, change.expand(-1, 64), rtol=0, atol=1e-5)


def test_dense_layer_keeps_its_precision_under_autocast(seeded):
    layer, x = EqualizedDense(8, 4), torch.randn(3, 8)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(layer(x), layer(x.double()), rtol=0, atol=0)
        assert layer(x).dtype == torch.float32


@pytest.mark.parametrize(("resampling", "height"), [("none", 16), ("up", 32), ("down", 8)])
@pytest.mark.parametrize("kernel", [1, 3])
def test_convolution_of_constant_maps(resampling, height, kernel, seeded):
    """The filter leaves them alone, so all three give ``W x / sqrt(fan_in) + b`` away from the borders."""
    layer = ResamplingConv2d(64, 32, kernel=kernel, resampling=resampling)
    torch.nn.init.normal_(layer.bias)
    x = torch.randn(8, 64)
    output = layer(x[..., None, None].expand(-1, -1, 16, 16))
    assert output.shape == (8, 32, height, height)
    expected = x @ layer.weight.sum(dim=(2, 3)).T / math.sqrt(64 * kernel**2) + layer.bias
    inside = output[..., 3:-3, 3:-3]
    torch.testing.assert_close(inside, expected[..., None, None].expand_as(inside), rtol=1e-4, atol=1e-5)


def test_activation():
    x = torch.tensor([-10.0, -1.0, 0.0, 1.0, 10.0])
    root = math.sqrt(2)
    torch.testing.assert_close(scaled_leaky_relu(x), root * torch.tensor([-2.0, -0.2, 0.0, 1.0, 10.0]))
    clamped = scaled_leaky_relu(x, gain=0.5, clamp=2.0)
    torch.testing.assert_close(clamped, torch.tensor([-1.0, -0.1 * root, 0.0, 0.5 * root, 1.0]))


def test_mapping_counts_latents_by_direction_only(seeded):
    mapping, latents = MappingNetwork(latent_dim=6, classes=None, style_dim=8), torch.randn(4, 6)
    styles = mapping(latents)
    assert styles.std() > 0.1
    torch.testing.assert_close(mapping(3 * latents), styles, rtol=1e-4, atol=1e-5)


def test_mapping_of_labels_alone(seeded):
    mapping = MappingNetwork(latent_dim=None, classes=3, style_dim=8)
    styles = mapping(None, torch.tensor([0, 1, 2, 1]))
    torch.testing.assert_close(styles[1], styles[3])
    assert (styles[0] - styles[1]).abs().max() > 0.1
    with pytest.raises(ValueError, match="condition must be class labels"):
        mapping(None)


def test_widths():
    expected = [512, 512, 512, 512, 256, 128, 64, 32]
    assert stylegan2_widths(512, channel_base=16384, channel_max=512) == expected


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"latent_dim": None, "classes": None}, "a mapping network needs latent_dim or classes"),
        ({"latent_dim": 4, "classes": None, "lr_multiplier": 0.0}, "lr_multiplier must be above 0, got 0.0"),
        ({"latent_dim": 4, "classes": None, "layers": 0}, "layers must be a positive integer, got 0"),
    ],
)
def test_mapping_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        MappingNetwork(style_dim=8, **arguments)


def test_mapping_refuses_missing_latents():
    with pytest.raises(ValueError, match=r"latents must be float \(N, latent_dim\), got None"):
        MappingNetwork(latent_dim=4, classes=None, style_dim=8)(None)
