"""Whole loss curves under bfloat16 autocast, for the variants whose networks and steps differ most from DCGAN's."""

from __future__ import annotations

import pytest
import torch

from tests.conftest import LONG
from tests.contract.variants import build, fit
from tests.models.toys import Rows

STEPS = 20
NEAR = 0.15
"""Of what the curve spans: measured over 40 steps, at most 0.07 (ProGAN's generator)."""


def curve(name: str, precision: str) -> torch.Tensor:
    """Return both players' losses of each step, ``(STEPS, 2)``."""
    model, data = build(name)
    rows = Rows()
    fit(model, data, images=8 * STEPS, precision=precision, log_every_n_steps=1, logger=rows)
    return torch.tensor([[row["d/loss"], row["g/loss"]] for row in rows.rows])


# test_every_variant.py looks at the first six steps of each
@pytest.mark.parametrize("name", ["progan", *(pytest.param(name, marks=LONG) for name in ("pix2pix", "cyclegan"))])
def test_a_loss_curve_in_bfloat16_stays_near_that_in_float32(name):
    exact, rounded = curve(name, "32-true"), curve(name, "bf16-mixed")
    assert exact.shape == (STEPS, 2)
    assert not torch.equal(exact, rounded)
    span = exact.amax(0) - exact.amin(0)
    assert ((rounded - exact).abs().amax(0) <= NEAR * span).all(), (rounded - exact).abs().amax(0) / span
