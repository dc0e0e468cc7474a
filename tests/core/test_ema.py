import copy

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from gan_lightning.core.ema import Averager, decay
from gan_lightning.networks.spectral import spectral_norm

IMAGES = st.integers(min_value=1, max_value=4096)
HALFLIFE = st.floats(min_value=0.1, max_value=1000)


def network(value):
    """A network with parameters and buffers, float and integer, all at ``value``."""
    module = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    for tensor in module.state_dict().values():
        tensor.fill_(value)
    return module


@pytest.mark.parametrize(
    ("images", "halflife_kimg", "seen", "rampup", "expected"),
    [
        (64, 10, 10**6, None, 0.99557368),  # 0.5 ** 0.0064
        (64, 10, 10**6, 0.05, 0.99557368),  # 5 % of a million is more than the half-life
        (64, 10, 6400, 0.05, 0.87055056),  # 5 % of 6,400 is 320: 0.5 ** 0.2
        (64, 10, 0, None, 0.99557368),
        (32, 0.5, 10**6, None, 0.95660816),  # 0.5 ** 0.064
    ],
)
def test_decay_is_that_of_the_formula(images, halflife_kimg, seen, rampup, expected):
    beta = decay(images, halflife_kimg=halflife_kimg, images_seen=seen, rampup=rampup)
    assert beta == pytest.approx(expected, abs=1e-8)


@given(IMAGES, HALFLIFE)
def test_two_updates_of_b_images_equal_one_of_2b(images, halflife):
    twice = decay(images, halflife_kimg=halflife, images_seen=0) ** 2
    assert twice == pytest.approx(decay(2 * images, halflife_kimg=halflife, images_seen=0), rel=1e-9)


@given(IMAGES)
def test_after_the_halflife_in_images_half_of_the_old_weight_is_left(images):
    assert decay(images, halflife_kimg=images / 1000, images_seen=0) == pytest.approx(0.5)


def test_no_halflife_makes_a_copy():
    assert decay(1, halflife_kimg=0, images_seen=10**9) == 0
    assert decay(64, halflife_kimg=10, images_seen=0, rampup=0.05) == 0


def test_parameters_are_averaged_over_many_updates():
    average, source = network(0.0), network(1.0)
    averager = Averager(average, source)
    for _ in range(100):
        averager.update(decay(25, halflife_kimg=2.5, images_seen=0))
    for parameter in average.parameters():
        assert torch.allclose(parameter, torch.full_like(parameter, 0.5), atol=1e-5)


def test_buffers_are_copied():
    average, source = network(0.0), network(8.0)
    Averager(average, source).update(0.75)
    for parameter in average.parameters():
        assert torch.equal(parameter, torch.full_like(parameter, 2.0))
    for (name, ours), theirs in zip(average.named_buffers(), source.buffers(), strict=True):
        assert torch.equal(ours, theirs), name
        assert ours.data_ptr() != theirs.data_ptr()
    assert all((tensor == 8).all() for tensor in source.state_dict().values())


def test_statistics_of_batch_norm_are_averaged_where_that_is_asked_for_and_nothing_else_is():
    average, source = network(0.0), network(8.0)
    for module in (average, source):
        module.append(spectral_norm(nn.Linear(4, 4)))
    Averager(average, source, average_statistics=True).update(0.75)
    assert torch.equal(average[1].running_mean, torch.full((4,), 2.0))
    assert torch.equal(average[1].running_var, torch.full((4,), 2.0))
    assert average[1].num_batches_tracked == 8
    for name in ("u", "v"):
        vectors = [getattr(module[2].parametrizations.weight[0], name) for module in (average, source)]
        assert torch.equal(*vectors)


def test_an_update_leaves_no_graph():
    average, source = network(0.0), network(1.0)
    Averager(average, source).update(0.5)
    assert all(p.grad_fn is None for p in [*average.parameters(), *source.parameters()])
    assert all(p.requires_grad for p in source.parameters())


@pytest.mark.parametrize(
    ("average", "kind"),
    [
        (nn.Sequential(nn.Linear(3, 4)), "named_parameters"),
        (nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4)), "buffers"),
    ],
)
def test_another_structure_is_refused(average, kind):
    with pytest.raises(ValueError, match=f"differ in .*{kind}"):
        Averager(average, network(1.0))


def test_a_deep_copy_fits():
    source = network(1.0)
    Averager(copy.deepcopy(source), source)
