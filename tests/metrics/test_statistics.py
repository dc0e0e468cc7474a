import contextlib
import random

import pytest
import torch

from gan_lightning.core.cache import cache_root
from gan_lightning.data.images import TensorImages
from gan_lightning.metrics import Evaluator, kernel_distance, precision_recall
from gan_lightning.metrics.extract_features import FeatureSet
from gan_lightning.metrics.statistics import Derived, load_statistics, save_statistics, statistics_key
from gan_lightning.metrics.transport import Moments

from .toy import ToyExtractor, toy_real, toy_sample


class Counting(ToyExtractor):
    """Counts the images it sees."""

    seen = 0

    def forward(self, images):
        self.seen += len(images)
        return super().forward(images)


def evaluate(cache_dir, extractor=None, real=None, metrics=("frechet", "kernel")):
    extractor = extractor or Counting()
    evaluator = Evaluator(
        extractor=extractor, samples=50, metrics=metrics, kernel_subset_size=20, cache_dir=str(cache_dir)
    )
    evaluation = evaluator.evaluate(toy_sample, real or toy_real(), weights="ema", device="cpu")
    return extractor.seen, {s.key: s.value for s in evaluation.scores}


def test_second_evaluation_reads_the_statistics_and_scores_the_same(tmp_path):
    first, scores = evaluate(tmp_path)
    assert first == 50 + 120
    assert evaluate(tmp_path) == (50, scores)
    assert {p.suffix for p in (tmp_path / "statistics").iterdir()} == {".pt"}


def test_classifier_score_alone_needs_no_real_images(tmp_path):
    assert evaluate(tmp_path, metrics=["score"])[0] == 50
    assert not (tmp_path / "statistics").exists()


def damages(whole, draw):
    for bit in draw.sample(range(8 * len(whole)), 200):
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        yield bytes(flipped)
    yield from (whole[: draw.randrange(1, len(whole))] for _ in range(20))
    yield from (b"", bytes(len(whole)), b"x" * 500, None)


def test_damaged_statistics_are_not_used(tmp_path, caplog):
    features = torch.randn(7, 3)
    path = tmp_path / "file.pt"
    save_statistics(path, FeatureSet(moments=Moments.of(features), features=features))
    derived = Derived(path)
    expected = derived.get("sums", lambda: features.sum(0))
    for kept, read in (
        (path, lambda: load_statistics(path)),
        (tmp_path / "file-sums.pt", lambda: derived.get("sums", lambda: None)),
    ):
        whole = kept.read_bytes()
        for content in damages(whole, random.Random(0)):
            kept.unlink()
            kept.mkdir() if content is None else kept.write_bytes(content)
            caplog.clear()
            with contextlib.suppress(AttributeError):  # of None, which takes the place of what is computed again
                assert read() is None
            assert f"it was renamed to {kept.name}.damaged" in caplog.text
            assert "; the statistics are computed again" in caplog.text
            assert not kept.exists()
            kept.write_bytes(whole)
            assert torch.equal(derived.get("sums", lambda: None), expected)


@pytest.mark.parametrize("damage", ["truncated", "garbage", "empty"])
def test_damaged_file_is_computed_again_with_a_warning(tmp_path, caplog, damage):
    metrics = ["kernel", "precision"]
    _, scores = evaluate(tmp_path, metrics=metrics)
    files = sorted((tmp_path / "statistics").iterdir())
    assert len(files) == 3
    for path in files:
        content = path.read_bytes()
        path.write_bytes({"truncated": content[:-50], "garbage": b"x" * 500, "empty": b""}[damage])
        caplog.clear()
        is_statistics = "-" not in path.stem
        assert evaluate(tmp_path, metrics=metrics) == (170 if is_statistics else 50, scores)
        assert "is damaged" in caplog.text
        assert path.read_bytes() == content


def test_what_depends_on_real_images_alone_is_computed_once_for_each_setting(tmp_path, monkeypatch):
    computed = []
    for module, name in (
        (precision_recall, "squared_radii"),
        (kernel_distance, "kernel_within_real"),
        (kernel_distance, "kernel_sums_within"),
    ):
        function = getattr(module, name)
        monkeypatch.setattr(
            module, name, lambda *a, name=name, function=function, **k: computed.append(name) or function(*a, **k)
        )

    def scores(**settings):
        computed.clear()
        evaluator = Evaluator(
            extractor=ToyExtractor(),
            samples=settings.pop("samples", 50),
            metrics=["kernel", "precision", "recall", "density"],
            cache_dir=str(tmp_path),
            **{"kernel_subset_size": 20, **settings},
        )
        found = evaluator.evaluate(toy_sample, toy_real(), weights="ema", device="cpu")
        return list(computed), {s.key: s.value for s in found.scores}

    both, expected = scores()
    assert both == ["kernel_within_real", "squared_radii"]
    assert scores() == ([], expected)
    exact, exact_scores = scores(kernel_estimator="exact")
    assert exact == ["kernel_sums_within"]
    assert scores(kernel_estimator="exact") == ([], exact_scores)
    assert scores(kernel_subset_size=21)[0] == ["kernel_within_real"]
    assert scores(kernel_subsets=7)[0] == ["kernel_within_real"]
    assert scores(samples=60)[0] == ["kernel_within_real"]  # they enter the drawing of the real ones
    assert scores(density_neighbours=6)[0] == ["squared_radii"]
    assert scores() == ([], expected)


def test_everything_that_matters_is_in_the_key():
    class Renamed(ToyExtractor):
        name = "other"

    class Resized(ToyExtractor):
        preprocessing = "resized"

    retrained = ToyExtractor()
    retrained.head += 1
    pixels = next(toy_real().batches(1000))
    darker = TensorImages(images=pixels // 2, name="toy", split="train")
    base = statistics_key(toy_real(), ToyExtractor(), with_features=False)
    others = [
        statistics_key(toy_real(119), ToyExtractor(), with_features=False),
        statistics_key(toy_real(split="heldout"), ToyExtractor(), with_features=False),
        statistics_key(darker, ToyExtractor(), with_features=False),
        statistics_key(toy_real(), Renamed(), with_features=False),
        statistics_key(toy_real(), Resized(), with_features=False),
        statistics_key(toy_real(), retrained, with_features=False),
        statistics_key(toy_real(), ToyExtractor(), with_features=True),
    ]
    assert len({base, *others}) == 1 + len(others)
    assert statistics_key(toy_real(), ToyExtractor(), with_features=False) == base


def test_stored_statistics_come_back_exactly(tmp_path):
    features = torch.randn(7, 3)
    statistics = FeatureSet(moments=Moments.of(features), features=features)
    save_statistics(tmp_path / "deep" / "file.pt", statistics)
    got = load_statistics(tmp_path / "deep" / "file.pt")
    assert got.moments.count == 7
    assert torch.equal(got.moments.mean, statistics.moments.mean)
    assert torch.equal(got.moments.scatter, statistics.moments.scatter)
    assert torch.equal(got.features, features)
    assert [p.name for p in (tmp_path / "deep").iterdir()] == ["file.pt"]


def test_a_folder_that_cannot_be_written_is_only_a_warning(tmp_path, caplog):
    (tmp_path / "statistics").write_text("a file where the folder should be")
    seen, scores = evaluate(tmp_path)
    assert seen == 170
    assert len(scores) == 2
    assert "cannot keep" in caplog.text


def test_cache_folder_comes_from_argument_environment_or_home(tmp_path, monkeypatch):
    monkeypatch.setenv("GAN_LIGHTNING_CACHE", str(tmp_path / "environment"))
    assert cache_root(str(tmp_path / "argument")) == tmp_path / "argument"
    assert cache_root() == tmp_path / "environment"
    monkeypatch.delenv("GAN_LIGHTNING_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_root() == tmp_path / ".cache" / "gan_lightning"
