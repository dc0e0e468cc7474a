"""The share of pairs that a discriminator ranks right, against all pairs one by one."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gan_lightning.models.outputs import share_ranked_right

LOGITS = st.lists(st.sampled_from([-math.inf, -3.5, -1.0, 0.0, 0.25, 2.0, math.inf]), min_size=1, max_size=9)


@given(real=LOGITS, fake=LOGITS)
def test_every_pair_counts_and_ties_count_half(real, fake):
    won = sum((r > f) + 0.5 * (r == f) for r in real for f in fake)
    share = share_ranked_right(torch.tensor(real), torch.tensor(fake).view(-1, 1))
    assert share.shape == ()
    assert share.item() == pytest.approx(won / (len(real) * len(fake)), abs=1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_a_logit_that_is_no_number_is_not_passed_over(dtype):
    whole, broken = torch.zeros(3, dtype=dtype), torch.tensor([0.0, math.nan], dtype=dtype)
    assert share_ranked_right(whole, whole).item() == 0.5
    assert share_ranked_right(whole, broken).isnan()
    assert share_ranked_right(broken, whole).isnan()


def test_a_large_batch_takes_no_memory_for_its_pairs():
    real = torch.linspace(0, 1, 200_000)
    assert share_ranked_right(real, real).item() == 0.5
    assert share_ranked_right(real + 1, real).item() == pytest.approx(1.0, abs=1e-4)
