import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gan_lightning.sampling.paths import lerp, segments, slerp

vectors = st.lists(st.floats(-3, 3, width=32), min_size=3, max_size=3).map(torch.tensor)


@settings(max_examples=60)
@given(vectors, vectors)
def test_both_ways_begin_and_end_where_they_should(a, b):
    for way in (lerp, slerp):
        assert torch.equal(way(a, b, 0.0), a)
        assert torch.equal(way(a, b, 1.0), b)


def test_a_quarter_circle_is_walked_at_constant_speed():
    a, b = torch.tensor([2.0, 0.0]), torch.tensor([0.0, 2.0])
    for share in (0.1, 0.25, 0.5, 0.9):
        angle = share * math.pi / 2
        expected = torch.tensor([2 * math.cos(angle), 2 * math.sin(angle)])
        assert torch.allclose(slerp(a, b, share), expected, atol=1e-6)


def test_normal_vectors_keep_their_length_on_a_circle_and_lose_it_on_a_line():
    torch.manual_seed(0)
    a, b = torch.randn(2, 400)
    typical = 400**0.5
    assert slerp(a, b, 0.5).norm() == pytest.approx(typical, rel=0.1)
    assert lerp(a, b, 0.5).norm() == pytest.approx(typical / 2**0.5, rel=0.1)


@settings(max_examples=60)
@given(vectors, st.floats(0.125, 3), st.floats(0, 1))
def test_where_there_is_no_single_circle_the_way_is_straight(a, factor, share):
    for b in (a * factor, -a * factor, torch.zeros(3)):
        way = slerp(a, b, share)
        assert way.isfinite().all()
        assert torch.allclose(way, lerp(a, b, share), atol=1e-4)


def test_segments_go_from_key_to_key_and_back_if_they_loop():
    keys = torch.tensor([[0.0], [1.0], [3.0]])
    open_way = segments(keys, [0.0, 0.5, 1.0], path="lerp", loop=False)
    assert open_way.squeeze(-1).tolist() == [[0.0, 0.5, 1.0], [1.0, 2.0, 3.0]]
    loop = segments(keys, [0.0, 0.5], path="lerp", loop=True)
    assert loop.squeeze(-1).tolist() == [[0.0, 0.5], [1.0, 2.0], [3.0, 1.5]]
