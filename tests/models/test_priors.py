import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from gan_lightning.models import DCGAN
from gan_lightning.models.priors import Clusters, Normal, Prior, Uniform
from gan_lightning.networks import DCGANDiscriminator, DCGANGenerator
from tests.parts import parts_with

CPU = torch.device("cpu")
PRIORS = {
    "normal": (Normal(), stats.norm()),
    "uniform": (Uniform(), stats.uniform(-1, 2)),
    "unit variance": (Uniform(bound=math.sqrt(3)), stats.uniform(-math.sqrt(3), 2 * math.sqrt(3))),
}


@pytest.mark.parametrize("name", PRIORS)
def test_both_ways_of_drawing_have_the_distribution(name):
    prior, reference = PRIORS[name]
    torch.manual_seed(0)
    for values in (prior.draw(400, 10, device=CPU), prior.draw_indexed(range(400), 10, seed=0)):
        assert values.shape == (400, 10)
        assert values.dtype == torch.float32
        assert stats.kstest(values.flatten().double().numpy(), reference.cdf).pvalue > 1e-3
        correlation = torch.corrcoef(values.T) - torch.eye(10)
        assert correlation.abs().max() < 5 / math.sqrt(400)


def test_uniform_stays_within_its_bound_and_reaches_it():
    values = Uniform(bound=0.25).draw_indexed(range(1000), 4, seed=1)
    assert 0.249 < values.abs().max() <= 0.25


@settings(max_examples=30)
@given(st.lists(st.integers(min_value=0, max_value=2**40), max_size=6), st.integers(min_value=0, max_value=2**63))
def test_a_row_is_a_function_of_seed_and_index(indices, seed):
    for prior in (Normal(), Uniform(), Clusters(clusters=2)):
        rows = prior.draw_indexed(indices, 3, seed=seed)
        assert rows.shape == (len(indices), 3)
        for index, row in zip(indices, rows, strict=True):
            assert torch.equal(prior.draw_indexed([index], 3, seed=seed)[0], row)


def test_indexed_draws_leave_the_global_generator_alone_and_the_others_use_it():
    for prior in (Normal(), Uniform(), Clusters(clusters=2)):
        torch.manual_seed(5)
        before = torch.get_rng_state()
        prior.draw_indexed(range(3), 2, seed=0)
        assert torch.equal(before, torch.get_rng_state())
        first = prior.draw(3, 2, device=CPU)
        assert not torch.equal(first, prior.draw(3, 2, device=CPU))
        torch.manual_seed(5)
        assert torch.equal(first, prior.draw(3, 2, device=CPU))


@pytest.mark.parametrize("bound", [0.0, -1.0])
def test_a_bound_must_be_positive(bound):
    with pytest.raises(ValueError, match=r"prior\.bound must be positive, got"):
        Uniform(bound=bound)


def test_clusters_are_drawn_alike_and_normal_within():
    prior = Clusters(clusters=5)
    torch.manual_seed(0)
    for values in (prior.draw(2000, 8, device=CPU), prior.draw_indexed(range(2000), 8, seed=0)):
        assert values.dtype == torch.float32
        chosen = values[:, :5].argmax(dim=1)
        assert torch.equal(values[:, :5], torch.eye(5)[chosen] * math.sqrt(5))
        assert stats.chisquare(torch.bincount(chosen, minlength=5).numpy()).pvalue > 1e-3
        for cluster in range(5):
            within = values[chosen == cluster, 5:].flatten().double().numpy()
            assert stats.kstest(within, stats.norm().cdf).pvalue > 1e-3
        assert values[:, :5].var() == pytest.approx(1 - 1 / 5, abs=0.01)


def test_clusters_need_two_and_room_for_a_position():
    with pytest.raises(ValueError, match=r"prior\.clusters must be at least 2, got 1"):
        Clusters(clusters=1)
    with pytest.raises(ValueError, match=r"generator\.latent_dim must be above prior\.clusters=16, got 16"):
        DCGAN(
            **parts_with(
                generator=DCGANGenerator(resolution=8, latent_dim=16, width=4),
                discriminator=DCGANDiscriminator(resolution=8, width=4),
                prior=Clusters(clusters=16),
            )
        )


@pytest.mark.parametrize("threshold", [0.1, 1.0, 2.5])
def test_truncated_latents_have_the_truncated_distribution_and_stay_the_same_samples(threshold):
    latents = Normal().draw_indexed(range(500), 10, seed=3)
    truncated = Normal().truncate(latents, threshold)
    assert truncated.dtype == torch.float32
    assert truncated.abs().max() <= threshold
    reference = stats.truncnorm(-threshold, threshold)
    assert stats.kstest(truncated.flatten().double().numpy(), reference.cdf).pvalue > 1e-3
    expected = reference.ppf(stats.norm.cdf(latents.double().numpy()))
    assert torch.allclose(truncated.double(), torch.from_numpy(expected), rtol=1e-5, atol=1e-6)
    assert torch.equal(truncated.argsort(0), latents.argsort(0))


def test_a_large_truncation_changes_nothing_even_in_the_tail():
    latents = torch.tensor([[-9.0, -5.5, 0.0, 1e-6, 5.5, 9.0]])
    assert torch.allclose(Normal().truncate(latents, 30.0), latents, rtol=1e-5, atol=0)


def test_uniform_and_clustered_latents_are_truncated_in_their_own_way():
    latents = Uniform(bound=2.0).draw_indexed(range(50), 4, seed=0)
    assert torch.allclose(Uniform(bound=2.0).truncate(latents, 0.5), latents / 4)
    assert torch.equal(Uniform(bound=2.0).truncate(latents, 3.0), latents)
    prior = Clusters(clusters=3)
    latents = prior.draw_indexed(range(50), 8, seed=0)
    truncated = prior.truncate(latents, 0.5)
    assert torch.equal(truncated[:, :3], latents[:, :3])
    assert truncated[:, 3:].abs().max() <= 0.5


@pytest.mark.parametrize("threshold", [0.0, -1.0, math.nan, math.inf])
def test_a_truncation_must_be_positive(threshold):
    for prior in (Normal(), Uniform(), Clusters(clusters=2)):
        with pytest.raises(ValueError, match="truncation must be a positive number"):
            prior.truncate(torch.zeros(1, 4), threshold)


def test_a_prior_without_a_rule_refuses_truncation():
    with pytest.raises(ValueError, match="latents of Prior cannot be truncated"):
        Prior().truncate(torch.zeros(1, 4), 1.0)


def test_truncated_clusters_stay_the_clusters_they_were():
    prior = Clusters(clusters=3)
    latents = prior.draw_indexed(range(200), 6, seed=0)
    truncated = prior.truncate(latents, 0.5)
    assert torch.equal(truncated[:, :3], latents[:, :3])
    assert torch.equal(truncated[:, 3:], Normal().truncate(latents[:, 3:], 0.5))
    assert 0.4 < truncated[:, 3:].abs().max() <= 0.5
