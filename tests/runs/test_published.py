"""A reached score beside the published one, or the sentence that says why not."""

import pytest

from gan_lightning.config.expected import Expected
from gan_lightning.metrics.named import list_metrics, named_metric
from gan_lightning.runs.published import Protocol, beside, obstacle, protocol_of

FID = Expected(key="fid50k_train", value=16.77, source="a paper")
FEW = Expected(key="fid5k_test_sngan", value=21.7, spread=0.21, source="table 2", preset="sngan")


@pytest.mark.parametrize("metric", list_metrics())
@pytest.mark.parametrize("samples", [500, 2000, 2500, 50_000])
@pytest.mark.parametrize("protocol", [None, "legacy-tf", "train"])
@pytest.mark.parametrize("standard", [True, False])
def test_a_key_is_taken_apart_as_it_was_put_together(metric, samples, protocol, standard):
    known = named_metric(metric)
    key = known.score_key(samples=samples, split="train", extractor="dinov2", standard=standard, protocol=protocol)
    count = {500: "500", 2000: "2k", 2500: "2500", 50_000: "50k"}[samples]
    own = {"frechet_texture": ["texture"]}.get(metric, [])  # whatever the evaluator's extractor is
    against = [
        *(["train"] if known.needs.real else []),
        *(own or (["dinov2"] if known.needs.similarity or not standard else [])),
    ]
    assert protocol_of(key, preset=protocol) == Protocol(
        known.inception_key or known.key if standard else known.key,
        count,
        "_".join(against) or "nothing",
        {None: "none", "legacy-tf": "legacy_tf", "train": "train"}[protocol],
    )


def test_a_key_of_another_form_is_none():
    assert protocol_of("accuracy", preset=None) is None
    assert protocol_of("modes2500_ring", preset=None) == Protocol("modes", "2500", "ring", "none")


@pytest.mark.parametrize(
    ("expected", "measured", "reason"),
    [
        (FID, {"fid50k_train": {}}, None),
        (FID, {}, "not measured"),
        (FEW, {}, "not measured; gan-evaluate with evaluator=sngan measures it"),
        (FID, {"is50k": {}, "fd50k_train_digits": {}}, "not measured"),
        (
            FID,
            {"fid5k_train_quick": {"protocol": "quick"}},
            "fid5k_train_quick has another protocol: number of samples 5k, not 50k, preset quick, not none",
        ),
        (
            FEW,
            {"is50k": {}, "fid50k_train": {}},
            "fid50k_train has another protocol: number of samples 50k, not 5k, against train, not test, "
            "preset none, not sngan; gan-evaluate with evaluator=sngan measures it",
        ),
    ],
)
def test_the_protocol_decides(expected, measured, reason):
    assert obstacle(expected, measured, images_seen=10, budget_images=10) == reason


@pytest.mark.parametrize(
    ("seen", "budget", "kimg", "reason"),
    [
        (16_000_000, None, None, None),
        (16_000_000, 16_000_000, 16_000, None),
        (16_000_064, 16_000_000, 16_000, None),
        (0, None, None, None),
        (15_999_936, 16_000_000, None, "budget not reached: stopped at 15999.9 of 16000 kimg"),
        (300_000, 300_000, 40_000, "budget not reached: stopped at 300 of 40000 kimg"),
        (300_000, None, 40_000, "budget not reached: stopped at 300 of 40000 kimg"),
        (40_000_000, 80_000_000, 40_000, "budget not reached: stopped at 40000 of 80000 kimg"),
    ],
)
def test_the_budget_decides(seen, budget, kimg, reason):
    expected = Expected(key="fid50k_train", value=16.77, source="a paper", kimg=kimg)
    assert obstacle(expected, {"fid50k_train": {}}, images_seen=seen, budget_images=budget) == reason


def test_the_protocol_comes_before_the_budget():
    reason = obstacle(FID, {"fid5k_train": {}}, images_seen=1, budget_images=10)
    assert reason == "fid5k_train has another protocol: number of samples 5k, not 50k"


def test_the_sentence():
    assert beside(FID, reached="17.2", reason=None) == "fid50k_train: reached 17.2, published 16.77 (a paper)"
    noted = Expected(key="fid50k_train", value=21.7, spread=0.21, source="table 2", note="of other networks")
    assert beside(noted, reached="", reason="not measured") == (
        "fid50k_train: published 21.7 ± 0.21 (table 2; of other networks), not compared: not measured"
    )
