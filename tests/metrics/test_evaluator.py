import json
import random

import numpy as np
import pytest
import torch

from gan_lightning.data.digits import load_digits
from gan_lightning.data.images import TensorImages
from gan_lightning.metrics import DigitsExtractor, Evaluator, NonFiniteSamples, to_uint8
from gan_lightning.metrics.extractor import Features
from gan_lightning.metrics.frechet import Moments, frechet_distance
from gan_lightning.metrics.frechet_infinity import frechet_infinity
from gan_lightning.metrics.intra_class import intra_class_frechet

from .toy import EVERY_METRIC, FEATURE_METRICS, ToyExtractor, ToySampler, ToySimilarity, toy_real, toy_sample


@pytest.fixture
def make(tmp_path):
    def evaluator(**overrides):
        options = {
            "extractor": ToyExtractor(),
            "samples": 100,
            "batch_size": 16,
            "metrics": FEATURE_METRICS,
            "kernel_subset_size": 50,
            "kernel_subsets": 5,
            "cache_dir": str(tmp_path),
        }
        return Evaluator(**(options | overrides))

    return evaluator


def run(evaluator, sample=toy_sample, real=None, weights="ema"):
    return evaluator.evaluate(sample, real or toy_real(), weights=weights, device="cpu")


def values(evaluation):
    return {score.key: score.value for score in evaluation.scores}


def test_scores_are_those_of_the_features(make):
    images = to_uint8(toy_sample(torch.arange(100)))
    real = torch.cat(list(toy_real().batches(1000)))
    extractor = ToyExtractor()
    expected = frechet_distance(Moments.of(extractor(images).pool), Moments.of(extractor(real).pool))
    evaluation = run(make())
    assert evaluation.value("fd100_train_toy") == pytest.approx(expected, rel=1e-10)
    counts = extractor(images).logits.argmax(1).bincount(minlength=3) / 100
    assert evaluation.class_fractions == pytest.approx(counts.tolist())


def test_result_does_not_depend_on_the_batch_size(make):
    results = [values(run(make(batch_size=b))) for b in (1, 7, 100, 1000)]
    for result in results[1:]:
        assert result == pytest.approx(results[0], rel=1e-10)


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


def test_surrounding_bfloat16_autocast_changes_nothing(make):
    real = TensorImages(images=load_digits(split="train").images[:200], name="digits", split="train")
    net = torch.nn.Linear(4, 256).requires_grad_(False)

    def sample(indices):
        return net(indices[:, None] % torch.arange(2, 6) / 5.0).tanh().view(-1, 1, 16, 16)

    evaluator = make(extractor=DigitsExtractor(), metrics=["frechet", "score", "kernel"])
    expected = values(run(evaluator, sample, real))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        got = values(run(evaluator, sample, real))
    assert got == expected
    assert all(isinstance(v, float) for v in got.values())


def test_no_global_random_state_moves(make):
    def careless(indices):
        torch.rand(3)
        np.random.rand(3)  # noqa: NPY002
        random.random()
        return toy_sample(indices)

    before = torch.get_rng_state(), np.random.get_state(), random.getstate()  # noqa: NPY002
    run(make(), careless)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.array_equal(np.random.get_state()[1], before[1][1])  # noqa: NPY002
    assert np.random.get_state()[2] == before[1][2]  # noqa: NPY002
    assert random.getstate() == before[2]


def test_gradients_are_off_and_given_back(make):
    def sample(indices):
        assert not torch.is_grad_enabled()
        return toy_sample(indices)

    run(make(), sample)
    assert torch.is_grad_enabled()


def test_names_follow_the_extractor(make):
    general = run(make())
    assert [s.key for s in general.scores] == [
        "fd100_train_toy",
        "cs100_toy",
        "kd100_train_toy",
        "precision100_train_toy",
        "recall100_train_toy",
        "density100_train_toy",
        "coverage100_train_toy",
    ]
    standard = run(make(extractor=ToyExtractor(standard=True), samples=1000, metrics=["kernel", "frechet", "score"]))
    assert [s.key for s in standard.scores] == ["kid1k_train", "fid1k_train", "is1k"]


def test_protocol_is_plain_and_says_it_all(make):
    evaluation = run(make(seed=3), weights="raw")
    by_metric = {s.protocol["metric"]: s for s in evaluation.scores}
    assert json.loads(json.dumps(by_metric["kernel"].protocol)) == {
        "metric": "kernel",
        "n_generated": 100,
        "n_real": 120,
        "split": "train",
        "dataset": "toy",
        "dataset_fingerprint": toy_real().fingerprint,
        "extractor": "toy",
        "extractor_weights": ToyExtractor().weights_hash,
        "preprocessing": "none",
        "weights": "raw",
        "seed": 3,
        "estimator": "subsets",
        "subsets": 5,
        "subset_size": 50,
        "subset_seed": 2020,
    }
    assert by_metric["score"].protocol["n_real"] is None
    directions = {m: s.higher_is_better for m, s in by_metric.items()}
    assert directions == dict.fromkeys(FEATURE_METRICS, True) | {"frechet": False, "kernel": False}


def test_too_few_samples_leave_metrics_out_with_a_reason(make):
    evaluation = run(make(samples=1))
    assert values(evaluation).keys() == {"density1_train_toy", "coverage1_train_toy"}
    assert evaluation.skipped["fd1_train_toy"] == "needs at least 2 generated images, there are 1"
    assert evaluation.skipped.keys() == {
        "fd1_train_toy",
        "cs1_toy",
        "kd1_train_toy",
        "precision1_train_toy",
        "recall1_train_toy",
    }
    with pytest.raises(KeyError, match="at least 2 generated"):
        evaluation.value("fd1_train_toy")
    few_real = run(make(metrics=["kernel", "coverage"]), real=toy_real(3))
    assert few_real.skipped["kd100_train_toy"] == "needs at least 50 real images, there are 3"
    assert few_real.skipped["coverage100_train_toy"] == "needs at least 6 real images, there are 3"


def test_rank_deficient_covariance_is_noted(make):
    assert run(make()).notes == []
    assert "rank-deficient" in run(make(samples=5)).notes[0]


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_non_finite_samples_are_refused(make, bad):
    def sample(indices):
        images = toy_sample(indices)
        images[indices == 42] = bad
        return images

    with pytest.raises(NonFiniteSamples, match="16 of 512"):
        run(make(), sample)


def test_a_sampler_that_loses_images_is_refused(make):
    with pytest.raises(ValueError, match="made 31 images of 32 indices"):
        run(make(), lambda indices: toy_sample(indices[1:]))


def test_networks_keep_their_mode(make):
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.BatchNorm1d(16), torch.nn.Dropout()).train()
    evaluator = make()

    def sample(indices):
        return net(toy_sample(indices)).view(-1, 1, 4, 4)

    run(evaluator, sample)
    assert all(module.training for module in net.modules())
    assert not any(module.training for module in evaluator.extractor.modules())


def test_bad_arguments_are_named(make):
    with pytest.raises(ValueError, match=r"evaluator\.samples"):
        make(samples=0)
    with pytest.raises(ValueError, match=r"evaluator\.metrics.*fidd"):
        make(metrics=["fidd"])
    with pytest.raises(ValueError, match=r"evaluator\.kernel_estimator.*'all'"):
        make(kernel_estimator="all")
    with pytest.raises(ValueError, match=r"evaluator\.real_split is 'train'.*'heldout'"):
        run(make(), real=toy_real(split="heldout"))
    with pytest.raises(ValueError, match="weights"):
        run(make(), weights="averaged")


def test_distance_between_two_real_sets(make):
    parts = {}
    for split in ("train", "heldout"):
        images = load_digits(split=split).images
        parts[split] = TensorImages(images=images, name="digits", split=split)
    evaluator = make(extractor=DigitsExtractor())
    distance = evaluator.distance_between(parts["train"], parts["heldout"], device="cpu")
    extractor = DigitsExtractor()
    moments = [Moments.of(extractor(load_digits(split=s).images).pool) for s in ("train", "heldout")]
    assert distance == pytest.approx(frechet_distance(*moments), rel=1e-9)
    assert distance > 0


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


def test_what_samples_or_data_lack_is_said(make):
    evaluator = make(metrics=["intra_frechet", "path_length"], similarity=ToySimilarity())
    evaluation = run(evaluator)
    assert evaluation.skipped == {
        "intra_fd100_train_toy": "the generated images have no classes",
        "ppl10k_toy": "needs a generator whose samples are made of latents alone",
    }
    unlabelled = run(make(metrics=["intra_frechet"]), ToySampler())
    assert unlabelled.skipped == {"intra_fd100_train_toy": "the real images have no classes"}
    missing = run(make(metrics=["intra_frechet"]), ToySampler(), toy_real(labels=torch.arange(120) % 4))
    assert "class 3 has 0 generated, 30 real" in missing.skipped["intra_fd100_train_toy"]


def test_features_without_logits_have_no_classifier_score(make):
    class Headless(ToyExtractor):
        n_classes = 0
        knows_classes = False

        def extract(self, images):
            pool = super().extract(images).pool
            return Features(pool, pool[:, :0])

    evaluation = run(make(extractor=Headless(), metrics=["frechet", "score"]))
    assert evaluation.skipped == {"cs100_toy": "the toy features come without class logits"}
    assert len(evaluation.scores) == 1


def test_a_preset_is_in_key_and_protocol(make):
    evaluation = run(make(metrics=["frechet", "score"], protocol="legacy-tf"))
    assert [s.key for s in evaluation.scores] == ["fd100_train_toy_legacy_tf", "cs100_toy_legacy_tf"]
    assert {s.protocol["protocol"] for s in evaluation.scores} == {"legacy-tf"}


def test_images_from_files_have_neither_weights_nor_a_seed(make):
    protocol = run(make(metrics=["frechet"]), weights="files").scores[0].protocol
    assert (protocol["weights"], protocol["seed"]) == ("files", None)


def test_perceptual_metrics_need_a_network(make):
    with pytest.raises(ValueError, match=r"path_length.*evaluator\.similarity"):
        make(metrics=["path_length"])


def test_pixels_along_the_path_must_be_finite(make):
    class Broken(ToySampler):
        def path(self, indices, *, epsilon):
            start, end = super().path(indices, epsilon=epsilon)
            end[indices == 40] = float("nan")
            return start, end

    with pytest.raises(NonFiniteSamples, match="16 pixel values along the path"):
        run(make(metrics=["path_length"], similarity=ToySimilarity(), path_samples=50), Broken())
