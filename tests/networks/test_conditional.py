import pytest
import torch
from torch import nn

from gan_lightning.networks.conditional import ConditionalBatchNorm2d, LabeledBatchNorm2d, one_hot, project


def test_starts_as_batch_norm(seeded):
    x, labels = torch.randn(6, 3, 4, 4), torch.tensor([0, 1, 1, 0, 2, 2])
    torch.testing.assert_close(ConditionalBatchNorm2d(channels=3, classes=3)(x, labels), nn.BatchNorm2d(3)(x))


def test_scale_and_shift_belong_to_the_class(seeded):
    layer = ConditionalBatchNorm2d(channels=2, classes=2).double()
    with torch.no_grad():
        layer.scale.copy_(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
        layer.shift.copy_(torch.tensor([[0.0, -1.0], [5.0, 6.0]]))
    x, labels = torch.randn(4, 2, 3, 3, dtype=torch.float64), torch.tensor([1, 0, 0, 1])
    mean, variance = x.mean(dim=(0, 2, 3)), x.var(dim=(0, 2, 3), correction=0)
    out = layer(x, labels)
    for n, c in [(0, 0), (1, 1), (2, 0), (3, 1)]:
        expected = layer.scale[labels[n], c] * (x[n, c] - mean[c]) / (variance[c] + 1e-5).sqrt()
        torch.testing.assert_close(out[n, c], expected + layer.shift[labels[n], c])


def test_labeled_batch_norm_is_plain_without_classes(seeded):
    x = torch.randn(4, 3, 2, 2)
    torch.testing.assert_close(LabeledBatchNorm2d(channels=3, classes=None)(x, None), nn.BatchNorm2d(3)(x))
    with pytest.raises(ValueError, match="condition must be class labels"):
        LabeledBatchNorm2d(channels=3, classes=2)(x, None)


def test_one_hot_and_projection():
    for dtype in (torch.float32, torch.float64, torch.bfloat16):
        codes = one_hot(torch.tensor([2, 0]), 3, like=torch.zeros(1, dtype=dtype))
        assert codes.dtype == dtype
        assert codes.tolist() == [[0, 0, 1], [1, 0, 0]]
    features, vectors = torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([[5.0, 6.0], [-1.0, 0.5]])
    assert project(features, vectors).tolist() == [17.0, -1.0]
