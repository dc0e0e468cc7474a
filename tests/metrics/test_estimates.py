import json

import numpy as np
import pytest
import torch

from gan_lightning.core.pixels import to_uint8
from gan_lightning.metrics.frechet_infinity import frechet_infinity
from gan_lightning.metrics.intra_class import intra_class_frechet
from gan_lightning.metrics.transport import Moments

from .toy import (
    EVERY_METRIC,
    ToyExtractor,
    ToySampler,
    ToySimilarity,
    run,
    toy_real,
    toy_sample,
)


def test_score_uses_logits_not_features(make):
    # torchmetrics' shared extractor silently computed the inception score on the pooled features
    class TwoFaces(ToyExtractor):
        def extract(self, images):
            features = super().extract(images)
            labels = (images.flatten(1).double().mean(1) > 140).long()
            return features._replace(logits=40 * torch.nn.functional.one_hot(labels, 3).double())

    evaluation = run(make(extractor=TwoFaces(), metrics=["frechet", "kernel", "score"], score_splits=1))
    share = evaluation.class_fractions
    entropy = -sum(p * np.log(p) for p in share if p > 0)
    assert evaluation.value("cs100_toy") == pytest.approx(np.exp(entropy), rel=1e-6)
    assert 0.1 < share[0] < 0.9


def test_every_metric_comes_from_one_pass(make):
    calls = []

    class Counted(ToySampler):
        def __call__(self, indices):
            calls.extend(indices.tolist())
            return super().__call__(indices)

    evaluator = make(
        metrics=EVERY_METRIC, similarity=ToySimilarity(), path_samples=50, path_epsilon=1e-3, diversity_pairs=20
    )
    evaluation = run(evaluator, Counted(), toy_real(labels=torch.arange(120) % 3))
    assert calls == list(range(100))
    assert [score.key for score in evaluation.scores] == [
        "fd100_train_toy",
        "fd_infinity100_train_toy",
        "intra_fd100_train_toy",
        "cs100_toy",
        "kd100_train_toy",
        "precision100_train_toy",
        "recall100_train_toy",
        "density100_train_toy",
        "coverage100_train_toy",
        "authenticity100_train_toy",
        "ppl50_toy",
        "lpips_diversity40_toy",
    ]
    assert all(score.stderr is not None and score.stderr >= 0 for score in evaluation.scores)
    json.dumps([score.protocol for score in evaluation.scores])


def test_values_are_those_of_the_functions(make):
    images, real_labels = to_uint8(toy_sample(torch.arange(100))), torch.arange(120) % 3
    real = torch.cat(list(toy_real().batches(1000)))
    fake_features, real_features = (ToyExtractor()(pixels).pool for pixels in (images, real))
    evaluator = make(metrics=EVERY_METRIC, similarity=ToySimilarity(), path_samples=500, diversity_pairs=20)
    evaluation = run(evaluator, ToySampler(), toy_real(labels=real_labels))
    by_metric = {s.protocol["metric"]: s for s in evaluation.scores}
    infinite = frechet_infinity(fake_features, Moments.of(real_features))
    assert (by_metric["frechet_infinity"].value, by_metric["frechet_infinity"].stderr) == pytest.approx(
        (infinite.mean, infinite.stderr), rel=1e-9
    )
    within, each = intra_class_frechet(fake_features, torch.arange(100) % 3, real_features, real_labels)
    assert by_metric["intra_frechet"].value == pytest.approx(within.mean, rel=1e-9)
    assert evaluation.class_distances == pytest.approx(each, rel=1e-9)
    # brightness changes by 1 to 5 epsilon, so that lengths are 1, 4, 9, 16, 25 in turn
    assert by_metric["path_length"].value == pytest.approx(11, rel=0.01)
    brightness = images[:40].double().flatten(1).mean(1) / 127.5 - 1
    pairs = (brightness[0::2] - brightness[1::2]).square()
    assert by_metric["lpips_diversity"].value == pytest.approx(pairs.mean().item(), rel=1e-5)
    assert by_metric["lpips_diversity"].stderr == pytest.approx(pairs.std(correction=0).item() / 20**0.5, rel=1e-5)


def test_the_nearest_training_images_of_suspected_copies_are_told(make):
    real = toy_real()
    pixels = next(real.batches(1000))

    def copies_of_7_and_9(indices):
        images = toy_sample(indices)
        images[indices == 20] = pixels[7].float() / 127.5 - 1
        images[indices == 61] = pixels[9].float() / 127.5 - 1
        return images

    evaluation = run(make(metrics=["authenticity"], closest_shown=3), copies_of_7_and_9, real)
    first, second, third = evaluation.closest
    assert (first.sample, first.real[0], first.closeness) == (20, 7, 0)
    assert (second.sample, second.real[0], second.closeness) == (61, 9, 0)
    assert third.closeness > 0
    assert len(third.real) == 5
    share = evaluation.value("authenticity100_train_toy")
    assert 0.3 < share <= 0.98
