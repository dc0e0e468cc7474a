import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gan_lightning.core.pixels import NonFiniteSamples, to_uint8


def test_every_level_survives_the_round_trip_through_the_training_range():
    levels = torch.arange(256, dtype=torch.uint8)
    assert torch.equal(to_uint8(levels.float() / 127.5 - 1), levels)


@given(st.floats(-1e6, 1e6, width=32))
def test_conversion_equals_clamped_rounding_in_exact_arithmetic(value):
    got = to_uint8(torch.tensor([value])).item()
    exact = (min(max(value, -1.0), 1.0) + 1) * 127.5
    assert abs(got - exact) <= 0.5 + 1e-4


def test_values_out_of_range_saturate_and_never_wrap():
    # torchmetrics' (x * 255).byte() makes 1 out of 1.01 and 254 out of -0.01
    values = torch.tensor([-1.01, -1.5, 1.01, 1.5, 3e38])
    assert to_uint8(values).tolist() == [0, 0, 255, 255, 255]


def test_bfloat16_is_scaled_in_float32():
    values = torch.linspace(-1, 1, 101).bfloat16()
    assert torch.equal(to_uint8(values), to_uint8(values.double()))


def test_uint8_passes_through():
    images = torch.tensor([0, 7, 255], dtype=torch.uint8)
    assert to_uint8(images) is images


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
def test_non_finite_pixels_are_refused(bad):
    with pytest.raises(NonFiniteSamples, match="1 of 3 pixel values"):
        to_uint8(torch.tensor([0.0, bad, 1.0]))
    assert issubclass(NonFiniteSamples, ValueError)


def test_integers_other_than_uint8_are_refused():
    with pytest.raises(ValueError, match="int64"):
        to_uint8(torch.tensor([1]))
