import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist

from gan_lightning.metrics import neighbors as module
from gan_lightning.metrics.neighborhood import density_coverage, neighborhood, precision_recall
from gan_lightning.metrics.neighbors import Blocks, neighbor_radii, squared_distances, squared_radii


def features(n, seed, scale=1.0, shift=0.0):
    return shift + scale * torch.randn(n, 3, generator=torch.Generator().manual_seed(seed))


def reference(generated, real, k_pr, k_dc):
    """The definitions, on full distance matrices of scipy."""
    g, r = generated.double().numpy(), real.double().numpy()
    radii_r, radii_g = np.sort(cdist(r, r), 1)[:, k_pr], np.sort(cdist(g, g), 1)[:, k_pr]
    across = cdist(r, g)
    precision = (across <= radii_r[:, None]).any(0).mean()
    recall = (radii_g[:, None] >= across.T).any(0).mean()
    radii = np.sort(cdist(r, r), 1)[:, k_dc]
    density = (across < radii[:, None]).sum(0).mean() / k_dc
    coverage = (across.min(1) < radii).mean()
    return precision, recall, density, coverage


@pytest.mark.parametrize("block", [4, 17, 2048])
@pytest.mark.parametrize(("m", "n", "scale", "shift"), [(40, 30, 1, 0), (25, 60, 0.4, 0.5), (50, 50, 2, 1)])
def test_equals_the_definitions_on_full_matrices(monkeypatch, block, m, n, scale, shift):
    monkeypatch.setattr(module, "BLOCK", block)
    generated, real = features(m, 1, scale, shift), features(n, 2)
    got = (*precision_recall(generated, real, k=3), *density_coverage(generated, real, k=5))
    expected = reference(generated, real, 3, 5)
    assert got == pytest.approx(expected, abs=1e-12)
    assert 0 < expected[0] < 1 or 0 < expected[1] < 1


def test_agrees_with_torch_fidelity():
    from torch_fidelity.metric_prc import calculate_precision_recall_full

    generated, real = features(80, 1, 1.5), features(70, 2)
    assert precision_recall(generated, real) == pytest.approx(
        calculate_precision_recall_full(generated, real), abs=1e-6
    )


def test_what_is_not_asked_for_is_left_out():
    found = neighborhood(features(8, 1), features(8, 2), nearest=0, recall=False, density=False)
    assert (found.recall, found.density, found.coverage, found.authenticity, found.nearest, found.closeness) == (
        None,
    ) * 6


def test_four_points_on_a_line_by_hand():
    # radii with k = 1: 1, 1, 2, 2; balls cover [-1, 2] and [3 - 2, 5 + 2]
    real = torch.tensor([[0.0], [1.0], [3.0], [5.0]])
    assert neighbor_radii(real, 1).tolist() == [1, 1, 2, 2]
    generated = torch.tensor([[-0.5], [0.5], [8.0]])  # in 1, 2 and 0 balls (radius 1: 0.5 in both of the first)
    both = density_coverage(generated, real, k=1)
    assert both.density == pytest.approx(3 / 3)
    assert both.coverage == pytest.approx(2 / 4)
    assert precision_recall(generated, real, k=1).precision == pytest.approx(2 / 3)


@pytest.mark.parametrize("block", [4, 2048])
def test_one_look_gives_the_same_as_separate_ones_and_finds_the_nearest(monkeypatch, block):
    monkeypatch.setattr(module, "BLOCK", block)
    generated, real = features(40, 1, 0.9), features(30, 2)
    found = neighborhood(generated, real, k_precision=3, k_density=5, nearest=4)
    assert (found.precision.mean, found.recall.mean) == precision_recall(generated, real, k=3)
    assert (found.density.mean, found.coverage.mean) == density_coverage(generated, real, k=5)
    across = cdist(generated.double().numpy(), real.double().numpy())
    within = np.sort(cdist(real.double().numpy(), real.double().numpy()), 1)[:, 1]
    assert np.array_equal(found.nearest.numpy(), np.argsort(across, 1)[:, :4])
    closeness = across.min(1) / within[across.argmin(1)]
    np.testing.assert_allclose(found.closeness, closeness, rtol=1e-9)
    assert found.authenticity.mean == np.mean(closeness > 1)
    assert 0 < found.authenticity.mean < 1


def test_shares_have_binomial_errors_and_density_that_of_its_counts():
    generated, real = features(40, 1, 0.9), features(30, 2)
    found = neighborhood(generated, real)
    for estimate, n in ((found.precision, 40), (found.recall, 30), (found.coverage, 30), (found.authenticity, 40)):
        assert estimate.stderr == pytest.approx(np.sqrt(estimate.mean * (1 - estimate.mean) / n))
    across = cdist(generated.double().numpy(), real.double().numpy())
    radii = np.sort(cdist(real.double().numpy(), real.double().numpy()), 1)[:, 5]
    counts = (across < radii).sum(1) / 5
    assert found.density.stderr == pytest.approx(counts.std() / np.sqrt(40))


def test_copies_are_not_authentic_and_moved_ones_are():
    real = features(30, 3)
    copies = neighborhood(real, real)
    assert copies.authenticity.mean == 0
    assert copies.closeness.tolist() == [0] * 30
    assert copies.nearest[:, 0].tolist() == list(range(30))
    assert neighborhood(real + 100, real).authenticity.mean == 1


def test_repeated_real_samples_are_no_distance_apart():
    real = torch.cat([features(10, 3, 1e3)] * 5)
    found = neighborhood(torch.cat([real[:3], features(3, 5)]), real)
    assert found.closeness.tolist() == [1, 1, 1, np.inf, np.inf, np.inf]
    blocks = Blocks(real)
    (block,) = blocks
    assert squared_distances(block, block, memory=blocks.workspace()).diagonal().tolist() == [0] * 50
    assert squared_radii(real, 4)[:, 3].tolist() == [0] * 50


def test_copies_are_perfect_and_far_samples_worthless():
    real = features(30, 3)
    assert precision_recall(real, real) == (1, 1)
    assert density_coverage(real, real).coverage == 1
    assert precision_recall(real + 100, real) == (0, 0)
    assert density_coverage(real + 100, real) == (0, 0)


def test_one_repeated_sample_is_precise_but_covers_little():
    real = features(60, 4)
    collapsed = real[:1].repeat(40, 1)
    assert precision_recall(collapsed, real).precision == 1
    assert precision_recall(collapsed, real).recall == pytest.approx(1 / 60)
    assert density_coverage(collapsed, real).coverage < 0.5


def test_too_few_points_are_refused():
    with pytest.raises(ValueError, match="k must lie"):
        precision_recall(features(10, 1), features(3, 2), k=3)
