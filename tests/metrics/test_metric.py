import json
import re

import pytest
import torch

from gan_lightning.core.pixels import to_uint8
from gan_lightning.metrics import Estimate, Evidence, Metric, Needs
from gan_lightning.metrics.extractor import Features
from gan_lightning.metrics.named import list_metrics, named_metric
from gan_lightning.metrics.neighborhood import density_coverage, precision_recall
from gan_lightning.metrics.precision_recall import Density, Recall
from tests.documentation import TEXT, blocks

from .toy import (
    FEATURE_METRICS,
    ToyExtractor,
    ToySampler,
    ToySimilarity,
    run,
    toy_real,
    toy_sample,
    values,
)


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


def test_what_samples_or_data_lack_is_said(make):
    evaluator = make(metrics=["intra_frechet", "path_length"], similarity=ToySimilarity())
    evaluation = run(evaluator)
    assert evaluation.skipped == {
        "intra_fd100_train_toy": "the generated images have no classes",
        "ppl10k_toy": "needs a generator whose samples are made of latents alone",
    }
    unlabeled = run(make(metrics=["intra_frechet"]), ToySampler())
    assert unlabeled.skipped == {"intra_fd100_train_toy": "the real images have no classes"}
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


@pytest.mark.parametrize("name", list_metrics(object))
def test_a_metric_is_called_what_its_file_is(name):
    assert re.fullmatch(r"[a-z_]+", name)
    assert named_metric(name).name == name


def test_a_metric_of_another_kind_is_refused(make):
    with pytest.raises(ValueError, match=r"evaluator\.metrics must be some of .*got \['frechet', 'psnr'\]"):
        make(metrics=["frechet", "psnr"])
    with pytest.raises(ValueError, match=r"got \['PeakSignalToNoise'\]"):
        make(metrics=[named_metric("psnr")])


def test_settings_go_to_the_metrics_that_know_them(make):
    evaluator = make(metrics=["kernel", "precision", "frechet"], precision_neighbours=7, closest_shown=3)
    kernel, precision, _ = evaluator.metrics
    assert (kernel.kernel_subset_size, kernel.kernel_subsets) == (50, 5)
    assert precision.facts() == {"neighbours": 7}


def test_metrics_with_settings_of_their_own(make):
    chosen = [Recall(precision_neighbours=7), "precision", Density(density_neighbours=2), "coverage"]
    evaluation = run(make(metrics=chosen))
    generated, real = (
        ToyExtractor()(pixels).pool
        for pixels in (to_uint8(toy_sample(torch.arange(100))), next(toy_real().batches(1000)))
    )
    assert values(evaluation) == {
        "recall100_train_toy": pytest.approx(precision_recall(generated, real, k=7).recall),
        "precision100_train_toy": pytest.approx(precision_recall(generated, real, k=3).precision),
        "density100_train_toy": pytest.approx(density_coverage(generated, real, k=2).density),
        "coverage100_train_toy": pytest.approx(density_coverage(generated, real, k=5).coverage),
    }
    assert density_coverage(generated, real, k=5).density != evaluation.value("density100_train_toy")
    assert precision_recall(generated, real, k=3).recall != evaluation.value("recall100_train_toy")
    with pytest.raises(ValueError, match=r"evaluator\.metrics has two metrics named recall"):
        make(metrics=["recall", Recall(precision_neighbours=7)])


def test_the_metric_of_the_documentation(make):
    (program,) = (block for block in blocks("py") if re.match(r"class \w+\(Metric\):\n", block))
    names = {"Metric": Metric, "Needs": Needs, "Estimate": Estimate}
    exec(program, names)
    (score,) = run(make(metrics=[names["Warmth"]()])).scores
    means = ToyExtractor()(to_uint8(toy_sample(torch.arange(100)))).pool.mean(1)
    assert score.key == "warmth100_toy"
    assert score.value == pytest.approx(means.mean().item(), rel=1e-6)
    assert score.stderr == pytest.approx(means.std().item() / 10, rel=1e-6)
    assert (score.higher_is_better, score.protocol["metric"], score.protocol["n_real"]) == (True, "warmth", None)


def test_the_documentation_names_every_metric():
    table = "\n".join(re.findall(r"^\|.*\|$", TEXT, flags=re.MULTILINE))
    assert [name for name in list_metrics() if f"`{name}`" not in table] == []


def test_a_metric_gets_as_many_images_as_it_needs_whatever_another_needs(make):
    class Counting(Metric):
        higher_is_better = True

        def __init__(self, name: str, images: int) -> None:
            self.name = self.key = name
            self.needs = Needs(images=images)

        def estimate(self, evidence: Evidence) -> Estimate:
            return Estimate(float(len(evidence.generated.images)), None, None)

    few, many, all_of = Counting("few", 20), Counting("many", 50), Counting("all_of", 1000)
    found = run(make(metrics=[few, many, all_of]))
    assert [score.value for score in found.scores] == [20, 50, 100]
