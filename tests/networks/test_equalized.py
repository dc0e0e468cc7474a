import math

import torch
from torch.nn import functional as F

from gan_lightning.networks.equalized import EqualizedConv2d, EqualizedLinear, pixel_norm


def test_outputs_keep_unit_size_for_any_fan_in(seeded):
    for inputs in (8, 512):
        out = EqualizedLinear(inputs, 4000, gain=1.0)(torch.randn(4, inputs))
        assert 0.9 < out.std() < 1.1
        out = EqualizedConv2d(inputs, 500, kernel=1, gain=1.0)(torch.randn(4, inputs, 3, 3))
        assert 0.9 < out.std() < 1.1


def test_weights_start_standard_normal_and_are_scaled_at_run_time(seeded):
    layer = EqualizedConv2d(6, 50, kernel=3)
    assert 0.95 < layer.weight.std() < 1.05
    x = torch.randn(2, 6, 5, 5)
    expected = F.conv2d(x, layer.weight * math.sqrt(2 / (6 * 9)), layer.bias, padding=1)
    torch.testing.assert_close(layer(x), expected)


def test_gradient_is_scaled_too(seeded):
    layer = EqualizedLinear(16, 1, gain=1.0, bias=False)
    layer(torch.ones(1, 16)).backward()
    torch.testing.assert_close(layer.weight.grad, torch.full((1, 16), 0.25))


def test_pixel_norm_by_hand():
    x = torch.tensor([[3.0, 4.0]], dtype=torch.float64)
    expected = x / math.sqrt((9 + 16) / 2 + 1e-8)
    torch.testing.assert_close(pixel_norm(x), expected, rtol=1e-12, atol=0)
    torch.testing.assert_close(pixel_norm(x[:, :, None, None]), expected[:, :, None, None], rtol=1e-12, atol=0)
