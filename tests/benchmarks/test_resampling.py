"""Fused convolutions against the two steps they replace, in the sizes of the CIFAR networks."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from gan_lightning.networks.resampling import convolve_and_halve, double_and_convolve
from tests.benchmarks.processor import in_turn


def halve_in_two_steps(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    return F.avg_pool2d(F.conv2d(x, weight, bias, padding=1), 2)


def double_in_two_steps(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    return F.conv2d(F.interpolate(x, scale_factor=2.0, mode="nearest"), weight, bias, padding=1)


@pytest.mark.parametrize(
    ("fused", "plain", "size", "penalty"),
    [
        pytest.param(convolve_and_halve, halve_in_two_steps, 32, False, id="halve"),
        pytest.param(convolve_and_halve, halve_in_two_steps, 32, True, id="halve-penalty"),
        pytest.param(double_and_convolve, double_in_two_steps, 16, False, id="double"),
    ],
)
def test_fused_convolution(benchmark, capsys, one_thread, fused, plain, size, penalty):
    x = torch.randn(16, 128, size, size, requires_grad=True)
    weight = torch.randn(128, 128, 3, 3).mul(0.03).requires_grad_()
    bias = torch.zeros(128, requires_grad=True)

    def step(function):
        loss = F.relu(function(x, weight, bias)).square().sum()
        if penalty:
            (slope,) = torch.autograd.grad(loss, x, create_graph=True)
            loss = slope.square().sum()
        loss.backward()

    taken = benchmark.pedantic(
        lambda: in_turn({"fused": lambda: step(fused), "plain": lambda: step(plain)}, rounds=7), rounds=1
    )
    ratio = taken["plain"] / taken["fused"]
    benchmark.extra_info.update({**taken, "ratio": ratio})
    with capsys.disabled():
        print(f"\nfused {1e3 * taken['fused']:.1f} ms, two steps {1e3 * taken['plain']:.1f} ms CPU; {ratio:.2f} times")
    # no time is asserted; that it computes the same is
    torch.testing.assert_close(fused(x, weight, bias), plain(x, weight, bias), rtol=1e-3, atol=1e-3)
