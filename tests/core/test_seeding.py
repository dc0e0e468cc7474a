import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gan_lightning.core.seeding import generator_for, mix, sample_generators, seed_step

CPU = torch.device("cpu")
INTEGERS = st.integers(min_value=-(2**63), max_value=2**64 - 1)


def noise(*where):
    seed_step(*where, CPU)
    return torch.randn(16)


def test_mix_of_one_zero_is_the_first_output_of_splitmix64():
    assert mix(0) == 0xE220A8397B1DCDAF  # published test vector of SplitMix64, seed 0


def test_near_inputs_give_unrelated_values():
    values = [mix(seed, rank, step) for seed, rank, step in itertools.product(range(10), repeat=3)]
    assert len(set(values)) == 1000
    flipped = [(mix(5, 0, step) ^ mix(5, 0, step + 1)).bit_count() for step in range(1000)]
    assert np.mean(flipped) == pytest.approx(32, abs=0.6)  # mean of Binomial(64, 1/2); 0.6 is 4.7 standard errors


@given(INTEGERS, INTEGERS)
def test_mix_depends_on_the_order_and_the_number_of_its_inputs(a, b):
    assert 0 <= mix(a, b) < 2**64
    assert mix(a) != mix(a, 0)
    if (a - b) % 2**64:
        assert mix(a, b) != mix(b, a)


def test_a_step_draws_a_function_of_seed_rank_and_images_seen():
    first = noise(3, 1, 640)
    torch.rand(100)
    assert torch.equal(first, noise(3, 1, 640))
    for other in ((4, 1, 640), (3, 1, 704), (3, 2, 640), (1, 3, 640)):
        assert not torch.equal(first, noise(*other))


def test_identical_noise_on_all_ranks():
    draws = torch.stack([noise(0, rank, 0) for rank in range(16)])
    correlation = np.corrcoef(draws.numpy())
    assert np.abs(correlation - np.eye(16)).max() < 0.95


def test_a_generator_of_its_own_leaves_the_global_one_alone():
    before = torch.get_rng_state()
    first, second = (torch.randn(8, generator=generator_for(1, 2)) for _ in range(2))
    assert torch.equal(first, second)
    assert not torch.equal(first, torch.randn(8, generator=generator_for(2, 1)))
    assert torch.equal(before, torch.get_rng_state())


def test_a_sample_depends_on_seed_and_index_alone():
    together = [random.standard_normal(4) for random in sample_generators(7, range(6))]
    for index in (5, 0, 3):
        (alone,) = sample_generators(7, [index])
        assert np.array_equal(alone.standard_normal(4), together[index])
    assert len({tuple(row) for row in together}) == 6
    (other_seed,) = sample_generators(8, [3])
    assert not np.array_equal(other_seed.standard_normal(4), together[3])


@pytest.mark.parametrize("other", [(0, 2**32), (2**32, 0), (1, 0), (0, 1)])
def test_all_bits_of_seed_and_index_count(other):
    (first,), (second,) = sample_generators(0, [0]), sample_generators(other[0], [other[1]])
    assert first.integers(2**63) != second.integers(2**63)
