import pytest
import torch

from gan_lightning.metrics.frechet import Moments, frechet_distance
from gan_lightning.metrics.intra_class import intra_class_frechet

from .test_frechet import random_features


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
