"""What interpolations compute."""

from __future__ import annotations

import pytest
from omegaconf import OmegaConf
from omegaconf.errors import InterpolationResolutionError

import gan_lightning.config  # noqa: F401  (registers them)


@pytest.mark.parametrize(
    ("text", "value"), [("${times:3,2}", 6), ("${times:0.5,2}", 1.0), ("${over:1,4}", 0.25), ("${over:6,2}", 3.0)]
)
def test_numbers_are_multiplied_and_divided(text, value):
    found = OmegaConf.create({"x": text}).x
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("${times:a,2}", "times takes two numbers, got 'a' and 2"),
        ("${over:true,2}", "over takes two numbers, got True and 2"),
        ("${over:1,0}", "over cannot divide 1 by 0"),
    ],
)
def test_anything_else_is_refused(text, message):
    with pytest.raises(InterpolationResolutionError, match=message):
        OmegaConf.create({"x": text}).x  # noqa: B018
