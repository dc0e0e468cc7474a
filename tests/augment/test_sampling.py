import torch
from torch.autograd import gradcheck, gradgradcheck
from torch.nn import functional

from gan_lightning.augment.warp import sample_bilinear


def _positions(count: int, height: int, width: int) -> torch.Tensor:
    torch.manual_seed(0)
    return torch.rand(count, height, width, 2, dtype=torch.float64) * 2.6 - 1.3


def test_values_are_bilinear_and_zero_outside():
    torch.manual_seed(1)
    images = torch.randn(1, 1, 3, 4, dtype=torch.float64)
    positions = _positions(1, 5, 5)
    sampled = sample_bilinear(images, positions)
    for i in range(5):
        for j in range(5):
            x = (float(positions[0, i, j, 0]) + 1) * 4 / 2 - 0.5
            y = (float(positions[0, i, j, 1]) + 1) * 3 / 2 - 0.5
            expected = sum(
                float(images[0, 0, r, c]) * max(0.0, 1 - abs(y - r)) * max(0.0, 1 - abs(x - c))
                for r in range(3)
                for c in range(4)
            )
            assert abs(float(sampled[0, 0, i, j]) - expected) < 1e-12


def test_backward_is_the_transpose():
    positions = _positions(2, 5, 6)
    images = torch.randn(2, 3, 4, 7, dtype=torch.float64, requires_grad=True)
    values = torch.randn(2, 3, 5, 6, dtype=torch.float64)
    (gradient,) = torch.autograd.grad(sample_bilinear(images, positions), images, values)
    other = images.detach().clone().requires_grad_()
    reference = functional.grid_sample(other, positions, align_corners=False)
    (expected,) = torch.autograd.grad(reference, other, values)
    torch.testing.assert_close(gradient, expected, rtol=0, atol=1e-12)


def test_differentiable_twice():
    positions = _positions(2, 3, 3)
    images = torch.randn(2, 2, 4, 3, dtype=torch.float64, requires_grad=True)

    def squared(x: torch.Tensor) -> torch.Tensor:
        return sample_bilinear(x, positions).square()

    assert gradcheck(squared, (images,))
    assert gradgradcheck(squared, (images,))
