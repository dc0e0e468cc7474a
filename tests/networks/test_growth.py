import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gan_lightning.networks.growth import Growth, double, fade, halve


@given(st.integers(0, 3))
def test_halving_undoes_doubling(times):
    images = torch.arange(2 * 3 * 2 * 2, dtype=torch.float64).view(2, 3, 2, 2)
    torch.testing.assert_close(halve(double(images, times), times), images)


def test_halving_averages():
    image = torch.tensor([[1.0, 2.0], [3.0, 6.0]])[None, None]
    assert halve(image).item() == 3.0


def test_fade_by_hand():
    image = torch.zeros(1, 1, 8, 8, dtype=torch.float64)
    image[0, 0, 0, 0] = 16.0
    torch.testing.assert_close(fade(image, level=3, alpha=1.0), image)
    # The 2x2 block around the pixel has mean 4, so that a quarter of alpha leaves 0.25 * 16 + 0.75 * 4 and 0.75 * 4.
    faded = fade(image, level=3, alpha=0.25)
    assert faded[0, 0, :3, :3].tolist() == [[7, 3, 0], [3, 3, 0], [0, 0, 0]]
    # At 4x4 the pixel is 4 in its 2x2 block, and there is no coarser level to fade from.
    coarse = fade(image, level=2, alpha=0.0)
    assert coarse[0, 0, :3, :3].tolist() == [[4, 4, 0], [4, 4, 0], [0, 0, 0]]


@given(st.integers(2, 4), st.floats(0, 1))
def test_fade_keeps_the_mean(level, alpha):
    images = torch.randn(2, 1, 16, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(fade(images, level=level, alpha=alpha).mean((1, 2, 3)), images.mean((1, 2, 3)))


def test_stage_is_in_the_state_dict():
    growth, other = Growth(last_level=5), Growth(last_level=5)
    assert growth.read() == (5, 1.0)
    growth.set(level=4, alpha=0.5)
    other.load_state_dict(growth.state_dict())
    assert other.read() == (4, 0.5)
    growth.set(level=2, alpha=0.25)
    assert growth.read() == (2, 1.0)


@pytest.mark.parametrize(
    ("level", "alpha", "message"),
    [
        (1, 1.0, "level must lie between 2 and 5, got 1"),
        (6, 1.0, "level must lie between 2 and 5, got 6"),
        (3, 1.5, r"alpha must lie in \[0, 1\], got 1.5"),
    ],
)
def test_refused_stage(level, alpha, message):
    with pytest.raises(ValueError, match=message):
        Growth(last_level=5).set(level=level, alpha=alpha)
