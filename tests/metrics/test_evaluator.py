import random

import numpy as np
import pytest
import torch

from gan_lightning.core.pixels import NonFiniteSamples, to_uint8
from gan_lightning.data.digits import load_digits
from gan_lightning.data.images import TensorImages
from gan_lightning.metrics import DigitsExtractor
from gan_lightning.metrics.transport import Moments, frechet_distance

from .toy import (
    ToyExtractor,
    ToySampler,
    ToySimilarity,
    run,
    toy_real,
    toy_sample,
    values,
)


def test_scores_are_those_of_the_features(make):
    images = to_uint8(toy_sample(torch.arange(100)))
    real = torch.cat(list(toy_real().batches(1000)))
    extractor = ToyExtractor()
    expected = frechet_distance(Moments.of(extractor(images).pool), Moments.of(extractor(real).pool))
    evaluation = run(make())
    assert evaluation.value("fd100_train_toy") == pytest.approx(expected, rel=1e-10)
    counts = extractor(images).logits.argmax(1).bincount(minlength=3) / 100
    assert evaluation.class_fractions == pytest.approx(counts.tolist())


def test_what_samples_were_drawn_with_is_in_the_protocol_if_they_tell_it(make):
    class Telling(ToySampler):
        def facts(self):
            return {"batch_norm": "standing(2, 8)"}

    for sample, expected in ((Telling(), {"batch_norm": "standing(2, 8)"}), (ToySampler(), {}), (toy_sample, {})):
        for score in run(make(), sample).scores:
            assert score.protocol | {"weights": "ema", "seed": 0} | expected == score.protocol
            assert ("batch_norm" in score.protocol) == bool(expected)


def test_result_does_not_depend_on_the_batch_size(make):
    results = [values(run(make(batch_size=b))) for b in (1, 7, 100, 1000)]
    for result in results[1:]:
        assert result == pytest.approx(results[0], rel=1e-10)


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


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_non_finite_samples_are_refused(make, bad):
    def sample(indices):
        images = toy_sample(indices)
        images[indices == 42] = bad
        return images

    with pytest.raises(NonFiniteSamples, match="16 of 512"):
        run(make(), sample)


def test_a_sampler_that_loses_images_is_refused(make):
    with pytest.raises(ValueError, match="made 31 images for 32 indices"):
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
    with pytest.raises(ValueError, match=r"got \['frechett'\]; did you mean 'frechet'\?"):
        make(metrics=["frechett"])
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
