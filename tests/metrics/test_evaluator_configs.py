"""What the presets of conf/evaluator resolve to, and which features and LPIPS networks go with them."""

import pytest

from gan_lightning.config import ConfigError, build, check_config
from tests.conftest import CONF, LONG, compose_train

EXTRACTORS = sorted(path.stem for path in (CONF / "evaluator" / "extractor").glob("*.yaml"))
INCEPTION_PRESETS = ("inception", "legacy_tf", "clean", "quick", "sngan")
OWN_RESIZING = ("digits", "texture")
QUICK = ["frechet", "score", "kernel"]
THOROUGH = [*QUICK, "precision", "recall", "density", "coverage", "frechet_infinity", "authenticity"]
MODULE = [
    "evaluator.extractor.module={_target_: torch.nn.Flatten}",
    "evaluator.extractor.name=flat",
    "evaluator.extractor.resolution=8",
]


@pytest.mark.parametrize(
    ("preset", "resize", "samples", "metrics", "kernel_estimator", "protocol", "split"),
    [
        ("inception", "tensorflow", 50_000, QUICK, None, None, "train"),
        ("legacy_tf", "tensorflow", 50_000, THOROUGH, None, "legacy-tf", "train"),
        ("clean", "clean", 50_000, THOROUGH, None, "clean", "train"),
        ("quick", "tensorflow", 5_000, QUICK, "exact", "quick", "train"),
        # Miyato 2018 (arXiv 1802.05957): 5,000 generated against 10,000 test images
        ("sngan", "tensorflow", 5_000, ["frechet"], None, "sngan", "test"),
    ],
)
def test_what_a_preset_resolves_to(preset, resize, samples, metrics, kernel_estimator, protocol, split):
    found = compose_train(f"evaluator={preset}").evaluator
    assert found._target_ == "gan_lightning.metrics.Evaluator"
    assert found.extractor._target_ == "gan_lightning.metrics.InceptionExtractor"
    assert (found.extractor.resize, found.samples, found.real_split) == (resize, samples, split)
    assert list(found.metrics) == metrics
    # what a preset leaves open is the evaluator's default: subsets, and no name
    assert (found.get("kernel_estimator"), found.get("protocol")) == (kernel_estimator, protocol)
    assert "similarity" not in found


def test_defaults_that_the_presets_rely_on():
    from gan_lightning.metrics import Evaluator
    from tests.metrics.toy import ToyExtractor

    facts = {metric.name: metric.facts() for metric in Evaluator(extractor=ToyExtractor(), metrics=THOROUGH).metrics}
    assert facts["kernel"] == {"estimator": "subsets", "subsets": 100, "subset_size": 1000, "subset_seed": 2020}
    assert facts["score"] == {"splits": 10, "shuffle_seed": 2020}
    assert facts["precision"] == facts["recall"] == {"neighbours": 3}
    assert facts["density"] == facts["coverage"] == {"neighbours": 5}
    assert facts["frechet_infinity"]["points"] == 15


PRESETS = (*INCEPTION_PRESETS, "digits", "digits_classes", "digits_codes")


@pytest.mark.parametrize(
    ("preset", "extractor"),
    [
        pytest.param(preset, extractor, marks=() if row % 3 == column % 3 else LONG)
        for row, preset in enumerate(PRESETS)
        for column, extractor in enumerate(EXTRACTORS)
    ],
)
def test_features_of_any_kind_go_with_a_preset(preset, extractor):
    chosen = [f"evaluator={preset}", f"evaluator/extractor={extractor}", "evaluator/similarity=lpips"]
    cfg = compose_train(*chosen, *(MODULE if extractor == "module" else []))
    if preset == "clean" and extractor in OWN_RESIZING:
        with pytest.raises(ConfigError, match=r"argument.* 'resize'"):
            build(cfg.evaluator.extractor, key="evaluator.extractor")
        return
    check_config(cfg)
    # a key of the preset's own network is not left over
    assert ("weights_path" in cfg.evaluator.extractor) == (extractor in ("inception", "clip", "vgg16", "module"))
    if extractor not in OWN_RESIZING:
        assert cfg.evaluator.extractor.resize == ("clean" if preset == "clean" else "tensorflow")


@pytest.mark.parametrize("preset", ["translation", "translation_inception"])
def test_translations_can_be_scored_on_other_features(preset):
    cfg = compose_train(
        "experiment=pix2pix_photos", f"evaluator={preset}", "evaluator/extractor@evaluator.evaluator.extractor=dinov2"
    )
    check_config(cfg)
    assert cfg.evaluator.evaluator.extractor._target_ == "gan_lightning.metrics.DINOv2Extractor"


@pytest.mark.parametrize("preset", ["translation", "translation_inception"])
def test_translations_can_be_scored_by_lpips(preset):
    cfg = compose_train(
        "experiment=pix2pix_photos",
        f"evaluator={preset}",
        "evaluator/similarity@evaluator.evaluator.similarity=lpips",
        "evaluator.metrics=[mae,psnr,ssim,lpips]",
    )
    check_config(cfg)
    assert cfg.evaluator.evaluator.similarity._target_ == "gan_lightning.metrics.LPIPS"


@pytest.mark.parametrize("path", sorted((CONF / "evaluator").rglob("*.yaml")), ids=lambda path: path.stem)
def test_every_file_says_what_it_is(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    assert next(line for line in lines if line != "# @package _global_").startswith("# ")
