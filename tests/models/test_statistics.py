"""Standing statistics of batch norm: against means by hand, who keeps what, when they are taken, and the protocol."""

from __future__ import annotations

import copy

import pytest
import torch

from gan_lightning.core.running_statistics import batch_norm_layers, batch_norm_statistics
from gan_lightning.data import RingDataModule
from gan_lightning.export.network import exportable
from gan_lightning.metrics import ModeEvaluator
from gan_lightning.models import UpdateRule
from gan_lightning.models.statistics import Running, Standing
from gan_lightning.networks import batch_norm
from tests.contract.variants import build
from tests.models.test_translation import small_pix2pix
from tests.models.toys import points, train

PASSES, BATCH = 3, 10


def standing(**options):
    updates = UpdateRule(ema_halflife_kimg=0.01, ema_rampup=None)
    statistics = Standing(passes=PASSES, batch_size=BATCH)
    return points(batch_norm=True, updates=updates, statistics=statistics, **options)


def by_hand(network, inputs):
    """Normalize each pass by its own batch in training mode, and return a copy with the means of its statistics."""
    copied, sums = copy.deepcopy(network).train(), {}
    for layer in batch_norm_layers(copied):
        sums[layer] = [torch.zeros(layer.num_features, dtype=torch.float64) for _ in range(2)]

        def note(layer, given):
            maps = given[0].double()
            mean = maps.mean(dim=0)
            sums[layer][0] += mean / PASSES
            sums[layer][1] += ((maps - mean) ** 2).mean(dim=0) / PASSES

        layer.register_forward_pre_hook(note)
    with torch.no_grad():
        for latents in inputs.chunk(PASSES):
            copied(latents)
        for layer, (mean, variance) in sums.items():
            layer.running_mean.copy_(mean)
            layer.running_var.copy_(variance)
            layer._forward_pre_hooks.clear()
    return copied.eval()


def latents_of_passes(model, monkeypatch, truncation=None):
    """Return what the passes are run on, and the samples that come out."""
    seen, generate = [], model.generate

    def noting(latents, condition, **more):
        seen.append(latents)
        return generate(latents, condition, **more)

    with monkeypatch.context() as patch:
        patch.setattr(model, "generate", noting)
        samples = model.sample(4, seed=1, truncation=truncation)
    assert [len(latents) for latents in seen[:PASSES]] == [BATCH] * PASSES
    return torch.cat(seen[:PASSES]), samples


@pytest.mark.parametrize("truncation", [None, 0.5])
def test_samples_are_those_of_statistics_by_hand(truncation, monkeypatch):
    model = standing()
    train(model, 6)
    inputs, samples = latents_of_passes(model, monkeypatch, truncation)
    assert (inputs.abs().max() <= 0.5) == (truncation is not None)
    assert len(inputs.unique(dim=0)) == PASSES * BATCH
    latents = model.inputs(range(4), seed=1, truncation=truncation).latents
    with torch.no_grad():
        expected = by_hand(model.generator_ema, inputs)(latents)
    torch.testing.assert_close(samples, expected, rtol=1e-4, atol=1e-5)
    model.statistics = None
    assert not torch.allclose(model.sample(4, seed=1, truncation=truncation), expected, atol=1e-3)


def test_one_pass_gives_the_statistics_of_a_batch():
    assert Standing(passes=1, batch_size=50).name == "batch(50)"
    assert Standing(passes=2, batch_size=50).name == "standing(2, 50)"


def test_the_network_s_own_statistics_stay(monkeypatch):
    model = standing()
    train(model, 3)
    for weights in ("raw", "ema"):
        before = [tensor.clone() for tensor in batch_norm_statistics(model.network(weights))]
        model.sample(2, weights=weights)
        for broken in (False, True):
            with monkeypatch.context() as patch:
                if broken:
                    patch.setattr(model, "generate", lambda *a, **k: 1 / 0)
                    with pytest.raises(ZeroDivisionError):
                        model.sample(2, weights=weights, truncation=0.1)
            for found, kept in zip(batch_norm_statistics(model.network(weights)), before, strict=True):
                assert torch.equal(found, kept)


def test_they_are_taken_once_for_the_same_weights_and_again_for_others(monkeypatch):
    model, taken = standing(), []
    take = model.statistics.take
    monkeypatch.setattr(model.statistics, "take", lambda *given: taken.append(1) or take(*given))
    first = model.sample(3)
    assert torch.equal(model.sample(3, batch_size=1), first)
    assert len(taken) == 1
    model.sample(3, truncation=0.3)
    assert len(taken) == 2
    model.sample(3)
    train(model, 1)
    model.sample(3)
    assert len(taken) == 4
    fresh = standing()
    fresh.load_state_dict(model.state_dict())
    assert torch.equal(fresh.sample(3), model.sample(3))
    train(model, 1)
    fresh.load_state_dict(model.state_dict())
    assert torch.equal(fresh.sample(3), model.sample(3))


def test_training_is_the_same_with_and_without_samples_between():
    found = []
    for samples in (False, True):
        model = standing()
        if samples:
            draw = model.end_round
            model.end_round = lambda model=model, draw=draw: (draw(), model.sample(2, weights="raw"), model.sample(2))
        train(model, 4)
        found.append(model.state_dict())
    for name, tensor in found[0].items():
        if isinstance(tensor, torch.Tensor):
            assert torch.equal(tensor, found[1][name]), name


def test_batch_norm_of_several_processes_takes_them_without_asking_the_others(monkeypatch):
    model = standing()
    train(model, 2)
    first = model.sample(3)
    batch_norm.synchronize_batch_norm(model)
    model.statistics = Standing(passes=PASSES, batch_size=BATCH)
    monkeypatch.setattr(batch_norm, "world_size", lambda: 2)
    monkeypatch.setattr(batch_norm, "gathered", lambda tensor: 1 / 0)
    assert torch.equal(model.sample(3), first)
    with pytest.raises(ZeroDivisionError):  # as in training
        model.generator(torch.randn(4, 2))


def test_an_exported_network_has_them():
    model, _ = build("dcgan", "model.generator.width=8", "+model/statistics=standing", "model.statistics.passes=2")
    parts = exportable(model, "ema")
    with torch.no_grad():
        torch.testing.assert_close(parts.network(*parts.inputs.values()), parts.images, rtol=0, atol=1e-5)
    model.statistics = Running()
    assert not torch.allclose(model.render(parts.example), parts.images, atol=1e-3)


def test_they_are_in_the_protocol_of_a_score():
    evaluator, data = ModeEvaluator(samples=50, metrics=["modes"]), RingDataModule(batch_size=8, seed=0)
    for statistics, expected in ((Standing(), "standing(16, 64)"), (Running(), "running"), (None, None)):
        model = points(batch_norm=True, statistics=statistics)
        sample = model.sampler(None, seed=0, weights="raw")
        (score,) = evaluator.evaluate(sample, data.evaluation_set("true"), weights="raw", device="cpu").scores
        assert score.protocol.get("batch_norm") == expected
        assert ("batch_norm" in score.protocol) == (expected is not None)


@pytest.mark.parametrize(("key", "value"), [("passes", 0), ("batch_size", 1)])
def test_too_few_are_refused(key, value):
    with pytest.raises(ValueError, match=rf"statistics\.{key} must be at least {value + 1}, got {value}"):
        Standing(**{key: value})


def test_models_without_such_statistics_refuse_a_choice():
    with pytest.raises(
        ValueError, match=r"model\.statistics = running: model\.generator \(PointGenerator\) has no batch norm"
    ):
        points(statistics=Running())
    with pytest.raises(ValueError, match=r"model\.statistics = standing\(16, 64\): .*Pix2Pix translates images"):
        small_pix2pix(statistics=Standing())
