import pytest
import torch

from gan_lightning.metrics.intra_class import check_class_names, intra_class_frechet
from gan_lightning.metrics.transport import Moments, frechet_distance

from .test_transport import random_features


def test_mean_over_classes_of_the_distance_within_each():
    generated, real = random_features(90, 4, seed=1), random_features(120, 4, seed=2, scale=1.5)
    labels, real_labels = torch.arange(90) % 3, torch.arange(120) // 40
    estimate, values = intra_class_frechet(generated, labels, real, real_labels)
    expected = [
        frechet_distance(Moments.of(generated[labels == c]), Moments.of(real[real_labels == c])) for c in range(3)
    ]
    assert values == pytest.approx(expected, rel=1e-9)
    assert estimate.mean == pytest.approx(sum(expected) / 3, rel=1e-9)
    assert 0 < estimate.stderr < estimate.mean


def test_standard_error_is_that_of_leaving_out_one_generated_sample_at_a_time():
    sizes = {0: 60, 1: 90, 2: 120}
    generated, real = random_features(270, 3, seed=1), random_features(300, 3, seed=2, scale=1.5)
    labels = torch.cat([torch.full((size,), label) for label, size in sizes.items()])
    real_labels = torch.arange(300) % 3
    generated[labels == 2] += 1  # the classes' errors differ
    left = torch.tensor(
        [
            intra_class_frechet(
                torch.cat([generated[:i], generated[i + 1 :]]),
                torch.cat([labels[:i], labels[i + 1 :]]),
                real,
                real_labels,
            )[0].mean
            for i in range(270)
        ],
        dtype=torch.float64,
    )
    # each class has a number of samples of its own: the jackknife's variances add up
    variance = sum((size - 1) * left[labels == label].var(correction=0) for label, size in sizes.items())
    estimate, _ = intra_class_frechet(generated, labels, real, real_labels)
    assert estimate.stderr == pytest.approx(variance.sqrt().item(), rel=0.05)


def test_it_sees_swapped_classes_that_the_whole_distance_does_not():
    real, real_labels = random_features(100, 4, seed=1), torch.arange(100) % 2
    real[real_labels == 1] += 3
    whole = frechet_distance(Moments.of(real), Moments.of(real))
    assert whole < 1e-9
    assert intra_class_frechet(real, real_labels, real, real_labels)[0].mean < 1e-9
    assert intra_class_frechet(real, 1 - real_labels, real, real_labels)[0].mean > 30


def test_a_class_with_too_few_samples_is_named():
    x = random_features(20, 3, seed=1)
    with pytest.raises(ValueError, match="class 1 has 1 generated, 10 real"):
        intra_class_frechet(x, (torch.arange(20) == 3).long(), x, torch.arange(20) % 2)


@pytest.mark.parametrize(
    ("generated", "real"),
    [
        (["cat", "dog"], ["cat", "dog"]),
        (None, ["cat", "dog"]),
        (["3", "5"], None),
        (["0", "1"], ["cat", "dog"]),  # numbers that stand for themselves
        (["0", "1"], ["0", "1", "2"]),  # too few images of class 2, but no confusion
    ],
)
def test_classes_that_may_be_the_same_are_compared_by_number(generated, real):
    check_class_names(generated, real)
    check_class_names(real, generated)


@pytest.mark.parametrize(
    ("generated", "real"),
    [
        (["bird", "cat"], ["cat", "dog"]),
        (["dog", "cat"], ["cat", "dog"]),
        (["cat"], ["cat", "dog"]),
        (["1", "2"], ["0", "1"]),
    ],
)
def test_classes_of_other_names_are_refused(generated, real):
    sides = f"generated are {', '.join(generated)}; real are {', '.join(real)}"
    with pytest.raises(ValueError, match=sides):
        check_class_names(generated, real)
