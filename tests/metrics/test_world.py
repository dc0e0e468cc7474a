"""Two processes must find what one process finds."""

import pytest
import torch

from gan_lightning.core.pixels import NonFiniteSamples
from gan_lightning.metrics import Evaluator
from gan_lightning.metrics.world import World
from tests.contract.pair import together

from .toy import EVERY_METRIC, ToyExtractor, ToySampler, ToySimilarity, toy_real, toy_sample


def broken_sample(indices):
    images = toy_sample(indices)
    images[indices == 1] = float("nan")  # index 1 belongs to rank 1
    return images


def evaluate(folder, rank, samples=101):
    evaluator = Evaluator(
        extractor=ToyExtractor(),
        samples=samples,
        batch_size=16,
        metrics=EVERY_METRIC,
        similarity=ToySimilarity(),
        path_samples=37,
        diversity_pairs=20,
        kernel_subset_size=50,
        kernel_subsets=5,
        # every rank has its own disk: only rank 0's may decide whether statistics are cached
        cache_dir=f"{folder}/cache{rank}",
    )
    for _ in range(2):  # computed, then cached on rank 0
        real = toy_real(labels=torch.arange(120) % 3)
        evaluation = evaluator.evaluate(ToySampler(), real, weights="ema", device="cpu")
    return evaluator, evaluation


def worker(rank, folder):
    evaluator, evaluation = evaluate(folder, rank)
    tiny = evaluate(folder, rank, samples=1)[1]  # rank 1 has nothing to do
    distance = evaluator.distance_between(toy_real(50), toy_real(61), device="cpu")
    parts = [
        (name, found.first, found.second, found.mean, found.std)
        for _ in range(2)  # computed, then cached on rank 0
        for name, found in evaluator.real_parts([toy_real(120), toy_real(61, "heldout")], device="cpu").items()
    ]
    try:
        evaluator.evaluate(broken_sample, toy_real(), weights="ema", device="cpu")
        refused = False
    except NonFiniteSamples:
        refused = True
    failure = None
    try:
        World.current(torch.device("cpu")).on_first(lambda: [][0])
    except (IndexError, RuntimeError) as error:
        failure = repr(error)
    torch.save(
        {
            "failure": failure,
            "values": [(s.key, s.value, s.stderr) for s in evaluation.scores],
            "protocols": [s.protocol for s in evaluation.scores],
            "fractions": evaluation.class_fractions,
            "tiny": sorted(tiny.skipped),
            "distance": distance,
            "parts": parts,
            "refused": refused,
        },
        f"{folder}/rank{rank}.pt",
    )


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ranks")
    together(worker, folder)
    return folder, [torch.load(folder / f"rank{r}.pt", weights_only=True) for r in range(2)]


def test_all_ranks_return_the_same(found):
    _, (first, second) = found
    for key in ("values", "protocols", "fractions", "tiny", "distance", "parts"):
        assert first[key] == second[key]


def test_two_processes_find_what_one_finds(found, tmp_path):
    evaluator, alone = evaluate(tmp_path, 0)
    shared = found[1][0]
    assert [v[0] for v in shared["values"]] == [s.key for s in alone.scores]
    for (_, value, stderr), score in zip(shared["values"], alone.scores, strict=True):
        assert value == pytest.approx(score.value, rel=1e-10)
        assert stderr == (score.stderr if score.stderr is None else pytest.approx(score.stderr, rel=1e-10))
    assert shared["protocols"] == [s.protocol for s in alone.scores]
    assert shared["fractions"] == pytest.approx(alone.class_fractions)
    expected = evaluator.distance_between(toy_real(50), toy_real(61), device="cpu")
    assert shared["distance"] == pytest.approx(expected, rel=1e-10)
    parts = evaluator.real_parts([toy_real(120), toy_real(61, "heldout")], device="cpu")["frechet"]
    expected = ("frechet", 90, 91, pytest.approx(parts.mean, rel=1e-10), pytest.approx(parts.std, rel=1e-10))
    assert shared["parts"] == [expected, expected]


def test_non_finite_samples_on_one_rank_stop_every_rank(found):
    assert [rank["refused"] for rank in found[1]] == [True, True]


def test_a_failure_on_rank_zero_reaches_every_rank(found):
    first, second = (rank["failure"] for rank in found[1])
    assert first.startswith("IndexError")
    assert second.startswith("RuntimeError(")
    assert "rank 0 failed: IndexError" in second


def test_only_rank_zero_writes_statistics(found):
    folder, _ = found
    assert (folder / "cache0" / "statistics").is_dir()
    assert not (folder / "cache1").exists()


def test_one_process_is_a_world_of_its_own():
    world = World.current(torch.device("cpu"))
    assert (world.rank, world.size) == (0, 1)
    rows = torch.randn(4, 2)
    assert torch.equal(world.gather_interleaved(rows, 4), rows)
    assert world.broadcast("x") == "x"
