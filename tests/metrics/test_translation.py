"""Scores of translations, on pairs and domains whose distances are known."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from gan_lightning.core.pixels import NonFiniteSamples
from gan_lightning.data import TensorImages, TranslationImages
from gan_lightning.metrics import LPIPS, Evaluator, TextureExtractor, TranslationEvaluator, TranslationSampler
from gan_lightning.metrics.pair_metrics import (
    mean_absolute_error,
    pair_estimate,
    peak_signal_to_noise,
    structural_similarity,
)
from gan_lightning.metrics.texture import haar
from tests.contract.pair import together
from tests.metrics.toy import ToyExtractor, ToySimilarity


def images(count, seed, side=16, split="heldout"):
    pixels = torch.randint(0, 256, (count, 3, side, side), generator=torch.Generator().manual_seed(seed))
    return TensorImages(images=pixels.to(torch.uint8), name=f"set {seed}", split=split)


def evaluator(tmp_path, count, *, similarity=None, **options):
    inner = Evaluator(
        extractor=TextureExtractor(),
        batch_size=4,
        metrics=("frechet",),
        real_split="heldout",
        cache_dir=str(tmp_path),
        similarity=similarity,
    )
    return TranslationEvaluator(evaluator=inner, samples=count, **options)


def off_by(real, levels):
    """A sampler that returns each target, a number of gray levels too dark."""
    return lambda indices: (real.take([i % len(real) for i in indices.tolist()]).float() - levels) / 127.5 - 1


def test_distances_of_a_constant_error():
    first, second = torch.full((2, 3, 16, 16), 0.5), torch.full((2, 3, 16, 16), 0.6)
    assert mean_absolute_error(first, second).tolist() == pytest.approx([0.1, 0.1], abs=1e-6)
    assert peak_signal_to_noise(first, second).tolist() == pytest.approx([20, 20], abs=1e-4)
    luminance = (2 * 0.5 * 0.6 + 1e-4) / (0.25 + 0.36 + 1e-4)  # of flat images, contrast and structure being 1
    assert structural_similarity(first, second).tolist() == pytest.approx([luminance] * 2, abs=1e-5)
    assert peak_signal_to_noise(first, first).tolist() == pytest.approx([54.15] * 2, abs=0.01)


def test_ssim_is_that_of_the_paper_with_a_gaussian_window():
    from scipy.ndimage import gaussian_filter

    random = np.random.default_rng(0)
    first = random.random((24, 24))
    second = np.clip(first + 0.2 * random.standard_normal((24, 24)), 0, 1)
    blur = lambda image: gaussian_filter(image, 1.5, mode="mirror", truncate=5 / 1.5)  # noqa: E731
    mean = blur(first), blur(second)
    variance = [blur(a * a) - m * m for a, m in zip((first, second), mean, strict=True)]
    covariance = blur(first * second) - mean[0] * mean[1]
    expected = ((2 * mean[0] * mean[1] + 1e-4) * (2 * covariance + 9e-4)) / (
        (mean[0] ** 2 + mean[1] ** 2 + 1e-4) * (variance[0] + variance[1] + 9e-4)
    )
    found = structural_similarity(*(torch.tensor(image)[None, None] for image in (first, second)))
    assert found.item() == pytest.approx(expected.mean(), abs=1e-6)


def test_scores_of_pairs_and_of_the_domain_come_from_one_pass(tmp_path):
    real = TranslationImages(images(6, 1), images(6, 2), paired=True)
    asked = []

    def sample(indices):
        asked.extend(indices.tolist())
        return off_by(real, 5)(indices)

    result = evaluator(tmp_path, 9).evaluate(TranslationSampler(sample), real, weights="raw", device="cpu")
    assert asked == list(range(9))
    keys = ["fd9_heldout_texture", "mae9_heldout", "psnr9_heldout", "ssim9_heldout"]
    assert [score.key for score in result.scores] == keys
    # saturated pixels (below level 5) are off by less
    assert 4.8 / 255 < result.value("mae9_heldout") < 5 / 255
    assert 34.1 < result.value("psnr9_heldout") < 34.6
    protocol = result.scores[1].protocol
    assert protocol["sources_fingerprint"] == real.sources.fingerprint
    assert protocol["n_generated"] == 9
    assert [score.higher_is_better for score in result.scores] == [False, False, True, True]
    again = evaluator(tmp_path, 9).evaluate(TranslationSampler(off_by(real, 5)), real, weights="raw", device="cpu")
    assert [score.value for score in again.scores] == [score.value for score in result.scores]


@pytest.fixture(scope="module")
def squeeze(tmp_path_factory):
    """Random weights in the format of torchvision's SqueezeNet."""
    from torchvision.models import squeezenet1_1

    path = tmp_path_factory.mktemp("weights") / "squeeze.pth"
    with torch.random.fork_rng():
        torch.manual_seed(0)
        torch.save(squeezenet1_1(weights=None).state_dict(), path)
    return LPIPS(net="squeeze", weights_path=str(path), resize=32)


def test_lpips_of_pairs_is_the_distance_to_each_target(tmp_path, squeeze):
    real = TranslationImages(images(6, 1, side=32), images(6, 2, side=32), paired=True)
    sample = off_by(real, 40)
    chosen = evaluator(tmp_path, None, metrics=("lpips", "mae"), similarity=squeeze)
    result = chosen.evaluate(TranslationSampler(sample), real, weights="raw", device="cpu")
    assert [score.key for score in result.scores] == ["fd6_heldout_texture", "lpips6_heldout_squeeze", "mae6_heldout"]
    rows = torch.arange(6)
    made = sample(rows).clamp(-1, 1).add(1).mul(127.5).round().div(127.5) - 1
    expected = squeeze(made, real.take(rows.tolist()).float() / 127.5 - 1).double()
    score = result.scores[1]
    assert expected.std() > 0
    assert score.value == pytest.approx(expected.mean().item(), rel=1e-6)
    assert score.stderr == pytest.approx(expected.std().item() / 6**0.5, rel=1e-5)
    assert not score.higher_is_better
    facts = {"extractor": "lpips squeeze", "extractor_weights": squeeze.weights_hash, "preprocessing": "to 32 pixels"}
    assert score.protocol.items() >= ({"metric": "lpips", "n_generated": 6, "weights": "raw"} | facts).items()
    same = chosen.evaluate(TranslationSampler(off_by(real, 0)), real, weights="raw", device="cpu")
    assert same.value("lpips6_heldout_squeeze") == 0


def test_scores_of_pairs_have_standard_errors(tmp_path):
    real = TranslationImages(images(6, 1), images(6, 2), paired=True)
    levels = torch.tensor([3.0, 9.0, 2.0, 30.0, 12.0, 7.0])

    def sample(indices):
        return off_by(real, levels[indices].view(-1, 1, 1, 1))(indices)

    result = evaluator(tmp_path, None).evaluate(TranslationSampler(sample), real, weights="raw", device="cpu")
    rows = torch.arange(6)
    made = sample(rows).clamp(-1, 1).add(1).div(2).mul(255).round().double() / 255
    targets = real.take(rows.tolist()).double() / 255
    measures = (mean_absolute_error, peak_signal_to_noise, structural_similarity)
    for score, measure in zip(result.scores[1:], measures, strict=True):
        values = measure(made, targets).numpy()
        assert score.value == pytest.approx(values.mean(), rel=1e-9)
        assert score.stderr == pytest.approx(values.std(ddof=1) / 6**0.5, rel=1e-9)
    single = evaluator(tmp_path, 1, metrics=("mae",)).evaluate(
        TranslationSampler(sample), real, weights="raw", device="cpu"
    )
    assert single.scores[-1].stderr is None  # one pair tells nothing of others


def test_samples_of_the_same_pairs_do_not_shrink_the_standard_error():
    values = torch.randn(7, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    once, again = pair_estimate(values, 7), pair_estimate(values.repeat(5), 7)
    assert again.mean == pytest.approx(once.mean)
    assert again.stderr == pytest.approx(once.stderr)
    assert once.stderr == pytest.approx(values.std().item() / 7**0.5)
    assert pair_estimate(values.repeat(5), 35).stderr < once.stderr / 2


# Two processes. -------------------------------------------------------------------------------------------


def of_pairs(folder, sample=None):
    """All scores of seven translations, an odd number for two processes."""
    real = TranslationImages(images(6, 1), images(6, 2), paired=True)
    chosen = evaluator(
        folder, 7, metrics=("mae", "psnr", "ssim", "lpips"), similarity=ToySimilarity(), real_split="heldout"
    )
    sampler = TranslationSampler(sample or off_by(real, 9), off_by(real.sources, 4))
    result = chosen.evaluate(sampler, real, weights="raw", device="cpu")
    return {score.key: (score.value, score.stderr, score.protocol) for score in result.scores}


def broken_on_rank_one(indices):
    made = torch.zeros(len(indices), 3, 16, 16)
    made[indices == 3] = float("nan")
    return made


def worker(rank, folder):
    found = of_pairs(f"{folder}/cache{rank}")
    problem = None
    try:
        of_pairs(f"{folder}/cache{rank}", broken_on_rank_one)
    except NonFiniteSamples as error:
        problem = str(error)
    torch.save({"scores": found, "problem": problem}, f"{folder}/rank{rank}.pt")


@pytest.fixture(scope="module")
def ranks(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ranks")
    # a rank that waits for one that has raised is to fail soon
    together(worker, folder, waiting_s=30)
    return [torch.load(folder / f"rank{rank}.pt", weights_only=True) for rank in range(2)]


def test_two_processes_score_translations_as_one_does(ranks, tmp_path):
    alone = of_pairs(tmp_path)
    assert ranks[0]["scores"] == ranks[1]["scores"]
    assert list(ranks[0]["scores"]) == list(alone)
    assert len(alone) == 6
    for key, (value, stderr, protocol) in ranks[0]["scores"].items():
        assert value == pytest.approx(alone[key][0], rel=1e-10)
        assert stderr == pytest.approx(alone[key][1], rel=1e-10)
        assert protocol == alone[key][2]


def test_broken_translations_on_one_rank_stop_every_rank(ranks):
    assert "NaN or infinite" in ranks[1]["problem"]
    assert "other ranks" in ranks[0]["problem"]


# What is left out or refused. -----------------------------------------------------------------------------


def test_without_pairs_both_directions_are_scored_against_their_domains(tmp_path):
    real = TranslationImages(images(6, 1), images(8, 2), paired=False)
    sampler = TranslationSampler(off_by(real.targets, 0), off_by(real.sources, 0))
    result = evaluator(tmp_path, 6).evaluate(sampler, real, weights="raw", device="cpu")
    assert [score.key for score in result.scores] == ["fd6_heldout_texture", "fd6_heldout_texture_back"]
    assert result.scores[0].value == pytest.approx(0, abs=1e-6)  # all six targets
    assert result.scores[1].value > 1e-3  # six of eight sources
    assert result.scores[1].protocol["dataset"] == "set 2"
    every = evaluator(tmp_path, None).evaluate(sampler, real, weights="raw", device="cpu")
    assert [score.key for score in every.scores] == ["fd8_heldout_texture", "fd6_heldout_texture_back"]
    renamed = TranslationImages(images(6, 1, split="val"), images(8, 2, split="val"), paired=False)
    named = evaluator(tmp_path, None).evaluate(sampler, renamed, weights="raw", device="cpu")
    assert [score.key for score in named.scores] == ["fd8_val_texture", "fd6_val_texture_back"]
    with pytest.raises(ValueError, match="the images are from 'val'"):
        evaluator(tmp_path, 6, real_split="test").evaluate(sampler, renamed, weights="raw", device="cpu")
    swapped = TranslationSampler(off_by(real.sources, 0), off_by(real.targets, 0))
    assert evaluator(tmp_path, 6).evaluate(swapped, real, weights="raw", device="cpu").scores[0].value > 1e-3


def test_what_does_not_translate_is_refused(tmp_path):
    real = TranslationImages(images(3, 1), images(3, 2), paired=True)
    with pytest.raises(ValueError, match=r"evaluator\.metrics must be some of lpips, mae, psnr, ssim"):
        evaluator(tmp_path, 3, metrics=("fid",))
    with pytest.raises(ValueError, match=r"lpips, which needs evaluator\.evaluator\.similarity"):
        evaluator(tmp_path, 3, metrics=("lpips",))
    with pytest.raises(ValueError, match=r"evaluator\.samples"):
        evaluator(tmp_path, 0)
    chosen = evaluator(tmp_path, 3, real_split="test")
    assert (chosen.real_split, chosen.evaluator.real_split) == ("test", "test")
    with pytest.raises(ValueError, match="source images"):
        evaluator(tmp_path, 3).evaluate(off_by(real, 0), real, weights="raw", device="cpu")
    with pytest.raises(ValueError, match="as many sources as targets"):
        TranslationImages(images(3, 1), images(4, 2), paired=True)


# Features of color and texture. --------------------------------------------------------------------------


def test_haar_keeps_the_energy_and_tells_orientations_apart():
    maps = torch.randn(2, 3, 8, 8, dtype=torch.float64)
    averages, details = haar(maps)
    assert (averages.square().sum() + details.square().sum()).item() == pytest.approx(maps.square().sum().item())
    stripes = torch.tensor([1.0, -1.0]).repeat(4).expand(1, 1, 8, 8)
    assert haar(stripes)[1].abs().mean(dim=(0, 1, 3, 4)).tolist() == [2.0, 0.0, 0.0]
    assert haar(stripes.mT)[1].abs().mean(dim=(0, 1, 3, 4)).tolist() == [0.0, 2.0, 0.0]


def test_texture_features_are_of_color_and_scale():
    extractor = TextureExtractor()
    flat = torch.zeros(1, 3, 16, 16, dtype=torch.uint8)
    flat[:, 0] = 255  # red: Y = 0.299 * 2 - 1, B - Y = -0.598, R - Y = 1.402
    found = extractor(flat).pool[0]
    assert found.shape == (33,) == (extractor.feature_dim,)
    assert found[:6].tolist() == pytest.approx([-0.402, -0.598, 1.402, 0, 0, 0], abs=1e-5)
    assert (found[6:] == found[6]).all()
    generator = torch.Generator().manual_seed(0)
    noise = torch.randint(0, 256, (64, 3, 16, 16), generator=generator).to(torch.uint8)
    smooth = torch.nn.functional.avg_pool2d(noise.float(), 3, 1, 1).to(torch.uint8)
    fine = slice(6, 15)
    assert (extractor(smooth).pool[:, fine].mean(0) < extractor(noise).pool[:, fine].mean(0) - 0.3).all()
    assert torch.equal(extractor(noise[:5]).pool, extractor(noise).pool[:5])
    with pytest.raises(ValueError, match="at least 8x8"):
        extractor(noise[:, :, :4])


def test_an_extractor_of_another_kind_does_as_well(tmp_path):
    grey = [TensorImages(images=torch.randint(0, 256, (5, 1, 4, 4)).to(torch.uint8), name="x", split="heldout")] * 2
    inner = Evaluator(extractor=ToyExtractor(), metrics=("frechet",), real_split="heldout", cache_dir=str(tmp_path))
    real = TranslationImages(*grey, paired=False)
    result = TranslationEvaluator(evaluator=inner).evaluate(
        TranslationSampler(off_by(real, 0)), real, weights="ema", device="cpu"
    )
    assert [score.key for score in result.scores] == ["fd5_heldout_toy"]
