import pytest
import torch

from gan_lightning.metrics.extractor import FeatureExtractor, Features


class InFloat32(FeatureExtractor):
    """One float32 layer and dropout: what autocast and training mode would change."""

    name = "float32"
    feature_dim = 32
    n_classes = 32
    preprocessing = "none"

    def __init__(self, channels=1):
        super().__init__()
        self.channels = channels
        self.layer = torch.nn.Linear(channels * 16, 32)
        torch.nn.init.normal_(self.layer.weight, generator=torch.Generator().manual_seed(0))
        self.dropout = torch.nn.Dropout()

    def extract(self, images):
        x = self.dropout(self.layer(images.float().flatten(1)))
        return Features(x, x)


def pictures(channels):
    generator = torch.Generator().manual_seed(1)
    return torch.randint(0, 256, (5, channels, 4, 4), dtype=torch.uint8, generator=generator)


def test_autocast_training_mode_and_gradients_are_off():
    extractor = InFloat32()
    expected = extractor(pictures(1))
    extractor.dropout.train()  # somebody's loop over all modules
    with torch.autocast("cpu", dtype=torch.bfloat16):
        got = extractor(pictures(1))
    assert torch.equal(got.pool, expected.pool)
    assert got.pool.dtype == torch.float32
    assert not got.pool.requires_grad
    reference = pictures(1).double().flatten(1) @ extractor.layer.weight.double().T + extractor.layer.bias
    torch.testing.assert_close(got.pool.double(), reference, rtol=1e-5, atol=1e-3)


def test_gray_is_repeated_and_rgb_is_weighed():
    gray, rgb = pictures(1), pictures(3)
    needs_rgb, needs_gray = InFloat32(channels=3), InFloat32(channels=1)
    assert torch.equal(needs_rgb(gray).pool, needs_rgb(gray.repeat(1, 3, 1, 1)).pool)
    r, g, b = rgb.double().unbind(1)
    luma = (0.299 * r + 0.587 * g + 0.114 * b).round().to(torch.uint8)[:, None]
    assert torch.equal(needs_gray(rgb).pool, needs_gray(luma).pool)


@pytest.mark.parametrize("shape", [(2, 2, 4, 4), (1, 4, 4)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match="uint8"):
        InFloat32()(torch.zeros(shape, dtype=torch.uint8))


def test_hash_covers_values_and_names_but_not_the_precision():
    extractor, other = InFloat32(), InFloat32()
    other.load_state_dict(extractor.state_dict())
    other.double()
    assert other.weights_hash == extractor.weights_hash
    changed = InFloat32()
    changed.load_state_dict(extractor.state_dict())
    with torch.no_grad():
        changed.layer.bias[3] += 1e-3
    assert changed.weights_hash != extractor.weights_hash
