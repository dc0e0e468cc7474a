"""pix2pix and CycleGAN: their objectives against formulas of their own, their pools, averages, noise and refusals."""

from __future__ import annotations

import itertools

import pytest
import torch
import torch.nn.functional as F

from gan_lightning.augment import DiffAugment
from gan_lightning.data import Batch, DerivedPairsDataModule, DomainsDataModule, PhotosDataModule
from gan_lightning.losses import LeastSquares
from gan_lightning.models import CycleGAN, Pix2Pix, UpdateRule
from gan_lightning.networks import (
    DCGANGenerator,
    PatchDiscriminator,
    PixelDiscriminator,
    ResNetTranslator,
    UNetGenerator,
)
from gan_lightning.regularizers import R1, FeatureMatching, Replay
from tests.contract.variants import fit
from tests.parts import parts_with

SIDE = 16


def small_pix2pix(**options):
    torch.manual_seed(0)
    given = {
        "updates": UpdateRule(ema_halflife_kimg=None),
        "generator": UNetGenerator(resolution=SIDE, source_channels=1, width=4),
        "discriminator": PatchDiscriminator(resolution=SIDE, source_channels=1, width=4, layers=1),
        **options,
    }
    return Pix2Pix(**parts_with(**given))


def small_cyclegan(**options):
    torch.manual_seed(0)
    given = {
        "loss": LeastSquares(scale=1.0),
        "updates": UpdateRule(ema_halflife_kimg=None),
        **{key: ResNetTranslator(resolution=SIDE, width=4, blocks=1) for key in ("generator", "generator_back")},
        **{
            key: PatchDiscriminator(resolution=SIDE, width=4, layers=1, norm="instance")
            for key in ("discriminator", "discriminator_back")
        },
        **options,
    }
    return CycleGAN(**parts_with(**given))


def pair_batch(count=3, source_channels=1):
    torch.manual_seed(1)
    images = torch.rand(count, 3, SIDE, SIDE) * 2 - 1
    return Batch(images, None, torch.rand(count, source_channels, SIDE, SIDE) * 2 - 1)


def value(terms):
    return {name: term.item() for name, term in terms.items()}


def test_the_objective_of_pix2pix_is_equation_4_with_d_halved():
    model, batch = small_pix2pix(), pair_batch()
    torch.manual_seed(5)
    fake = model.generator.translate(batch.source)
    network = model.discriminator
    real_logits = network(torch.cat([batch.source, batch.images], 1)).flatten(1)
    fake_logits = network(torch.cat([batch.source, fake], 1)).flatten(1)
    ones = torch.ones_like(real_logits)
    expected_d = 0.5 * (
        F.binary_cross_entropy_with_logits(real_logits, ones)
        + F.binary_cross_entropy_with_logits(fake_logits, 0 * ones)
    )
    torch.manual_seed(5)  # the same dropout
    found = value(model.discriminator_objective(batch))
    assert found == pytest.approx({"adversarial": expected_d.item()}, rel=1e-5)
    torch.manual_seed(5)
    found = value(model.generator_objective(batch))
    assert found["l1"] == pytest.approx(100 * (fake - batch.images).abs().mean().item(), rel=1e-5)
    assert found["adversarial"] == pytest.approx(F.binary_cross_entropy_with_logits(fake_logits, ones).item(), rel=1e-5)
    ablation = small_pix2pix(adversarial_weight=0.0, l1_weight=1.0)
    torch.manual_seed(5)
    ablated = value(ablation.generator_objective(batch))
    assert ablated == pytest.approx({"adversarial": 0.0, "l1": found["l1"] / 100}, rel=1e-5)


def test_the_objective_of_cyclegan_has_every_term_of_the_paper():
    model, batch = small_cyclegan(pool_size=0), pair_batch(source_channels=3)
    there, back = model.generator.translate, model.generator_back.translate
    d_y, d_x = model.discriminator, model.discriminator_back
    x, y = batch.source, batch.images
    with torch.no_grad():
        found_d, found_g = value(model.discriminator_objective(batch)), value(model.generator_objective(batch))
        expected_d = {
            "adversarial": 0.5 * (((d_y(y) - 1) ** 2).mean() + (d_y(there(x)) ** 2).mean()),
            "adversarial_back": 0.5 * (((d_x(x) - 1) ** 2).mean() + (d_x(back(y)) ** 2).mean()),
        }
        expected_g = {
            "adversarial": ((d_y(there(x)) - 1) ** 2).mean(),
            "adversarial_back": ((d_x(back(y)) - 1) ** 2).mean(),
            "cycle": 10 * (back(there(x)) - x).abs().mean(),
            "cycle_back": 10 * (there(back(y)) - y).abs().mean(),
            "identity": 5 * (there(y) - y).abs().mean(),
            "identity_back": 5 * (back(x) - x).abs().mean(),
        }
    assert found_d == pytest.approx(value(expected_d), rel=1e-5)
    assert found_g == pytest.approx(value(expected_g), rel=1e-5)
    without = small_cyclegan(pool_size=0, identity_weight=0.0, cycle_weight=1.0).generator_objective(batch)
    assert set(without) == set(expected_g) - {"identity", "identity_back"}
    assert without["cycle"].item() == pytest.approx(found_g["cycle"] / 10, rel=1e-5)


def test_the_discriminators_of_cyclegan_learn_from_a_pool_of_their_own_domain():
    model = small_cyclegan(pool_size=4)
    batch = pair_batch(4, source_channels=3)
    model.discriminator_objective(batch)
    pools = {"generator": model.stabilizers["pool"].pool, "generator_back": model.pool_back.pool}
    with torch.no_grad():
        torch.testing.assert_close(pools["generator"], model.generator.translate(batch.source))
        torch.testing.assert_close(pools["generator_back"], model.generator_back.translate(batch.images))
    assert "pool_back.pool" in model.state_dict()
    loaded = small_cyclegan(pool_size=4)
    loaded.load_state_dict(model.state_dict())
    assert torch.equal(loaded.pool_back.pool, model.pool_back.pool)


def domains(batch_size=4):
    inner = {
        key: PhotosDataModule(photos=[photo], resolution=SIDE, stride=16, batch_size=batch_size)
        for key, photo in (("source", "china"), ("target", "flower"))
    }
    return DomainsDataModule(**inner, resolution=SIDE, batch_size=batch_size)


def test_an_average_of_both_translators_can_be_kept_and_is_what_samples_come_from():
    assert small_cyclegan().generator_ema is None
    model = small_cyclegan(updates=UpdateRule(ema_halflife_kimg=0.001, ema_rampup=None))
    fit(model, domains(), images=4 * 3)
    pairs = [(model.generator_ema, model.generator), (model.generator_back_ema, model.generator_back)]
    for average, trained in pairs:
        distance = sum(
            (a - b).abs().sum() for a, b in zip(average.parameters(), trained.parameters(), strict=True)
        ).item()
        assert distance > 0
        assert not any(p.requires_grad for p in average.parameters())
    images = torch.rand(2, 3, SIDE, SIDE)
    for back, (average, trained) in zip((False, True), pairs, strict=True):
        torch.testing.assert_close(model.translate(images, back=back), average.eval().translate(images))
        raw = model.translate(images, back=back, weights="raw")
        torch.testing.assert_close(raw, trained.translate(images))
    with pytest.raises(ValueError, match="keeps no averaged generator"):
        small_cyclegan().translate(images, weights="ema", back=True)


def test_dropout_is_the_noise_of_pix2pix_when_sampling_a_function_of_seed_and_index():
    model = small_pix2pix()
    images = torch.rand(3, 1, SIDE, SIDE)
    state = torch.get_rng_state()
    first = model.translate(images, seed=1)
    assert torch.equal(state, torch.get_rng_state())
    assert torch.equal(first, model.translate(images, seed=1))
    assert torch.equal(first[1:], model.translate(images[1:], seed=1, indices=[1, 2]))
    assert not torch.equal(first, model.translate(images, seed=2))
    assert not torch.equal(first[0], model.translate(images[:1], seed=1, indices=[1])[0])
    quiet = small_pix2pix(test_dropout=False, test_norm="running")
    torch.testing.assert_close(quiet.translate(images), quiet.generator.eval().translate(images))
    wide = quiet.translate(torch.rand(1, 1, SIDE, 3 * SIDE))
    assert wide.shape == (1, 3, SIDE, 3 * SIDE)
    with pytest.raises(ValueError, match="multiples of 16"):
        quiet.translate(torch.rand(1, 1, SIDE, SIDE + 1))


def test_batch_norm_by_image_lets_no_image_see_another():
    model = small_pix2pix(test_dropout=False)
    images = torch.rand(4, 1, SIDE, SIDE)
    alone = torch.cat([model.translate(image) for image in images.split(1)])
    assert torch.equal(model.translate(images), alone)
    with torch.no_grad():
        reference = model.generator.train().translate(images[:1])
    plain = small_pix2pix(generator=UNetGenerator(resolution=SIDE, source_channels=1, width=4, dropout=0.0))
    plain.generator.load_state_dict(model.generator.state_dict())
    assert reference.shape == alone[:1].shape
    with torch.no_grad():
        torch.testing.assert_close(plain.generator.train().translate(images[:1]), alone[:1])


def test_a_fit_learns_what_to_sample_from_and_how_to_show_itself():
    inner = PhotosDataModule(resolution=SIDE, stride=16, batch_size=4)
    data = DerivedPairsDataModule(images=inner, derive="edges", resolution=SIDE, batch_size=4)
    model = small_pix2pix()
    with pytest.raises(ValueError, match="mode=translation"):
        model.sample(2)
    fit(model, data, images=8)
    real = data.evaluation_images("heldout")
    assert model.sources.fingerprint == real.sources.fingerprint
    sources = real.sources.take([0, 1]).float() / 127.5 - 1
    torch.testing.assert_close(model.sample(2, seed=3), model.translate(sources, seed=3))
    with pytest.raises(
        ValueError, match=r"Pix2Pix translates, and the images of photos china\+flower come without sources"
    ):
        model.sampler(inner.evaluation_images("heldout"), seed=3, weights="raw")
    sampler = model.sampler(real, seed=3, weights="raw")
    torch.testing.assert_close(sampler(torch.tensor([1])), model.translate(sources, seed=3)[1:])
    wrapped = sampler(torch.tensor([len(real)]))
    torch.testing.assert_close(wrapped, model.translate(sources[:1], seed=3, indices=[len(real)]))
    assert sampler.back is None
    target = real.take([0, 1]).float() / 127.5 - 1
    shown = model.showcase(sources, target, weights="raw", seed=3)
    assert [column.shape[1] for column in shown] == [1, 3, 3]
    cycle = small_cyclegan()
    columns = cycle.showcase(target, target.flip(0), weights="raw", seed=0)
    torch.testing.assert_close(columns[2], cycle.translate(columns[1], back=True))
    torch.testing.assert_close(columns[5], cycle.translate(columns[4]))
    back = cycle.sampler(domains().evaluation_images("heldout"), seed=0, weights="raw").back
    assert back(torch.tensor([0])).shape == (1, 3, SIDE, SIDE)


def test_an_augmentation_acts_on_source_and_image_alike():
    model = small_pix2pix(augment=DiffAugment(policy=["translation"]))
    seen = []
    features = model.discriminator.features
    model.discriminator.features = lambda samples: seen.append(samples) or features(samples)
    grey = torch.rand(3, 1, SIDE, SIDE) + 0.5
    model.discriminate(grey.expand(-1, 3, -1, -1), grey)
    assert not torch.equal(seen[0][:, :1], grey)
    for channel in itertools.islice(seen[0].unbind(1), 1, None):
        assert torch.equal(channel, seen[0][:, 0])


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: small_pix2pix(generator=DCGANGenerator(resolution=16)), "needs a generator that translates"),
        (lambda: small_pix2pix(discriminator=PixelDiscriminator(resolution=SIDE)), r"\(4, 16, 16\)"),
        (lambda: small_pix2pix(l1_weight=-1), r"model\.l1_weight"),
        (lambda: small_pix2pix(test_norm="batch"), r"model\.test_norm"),
        (lambda: small_pix2pix(stabilizers={"old": Replay()}), r"model\.stabilizers\.old: Replay"),
        (lambda: small_pix2pix(stabilizers={"fm": FeatureMatching()}), r"model\.stabilizers\.fm: FeatureMatching"),
        (lambda: small_cyclegan(pool_size=-1), r"model\.pool_size"),
        (lambda: small_cyclegan(generator_back=UNetGenerator(resolution=32, width=2)), r"model\.generator_back"),
        (lambda: small_cyclegan(discriminator_back=PixelDiscriminator(resolution=8)), r"model\.discriminator_back"),
        (lambda: small_cyclegan(regularizers={"gp": R1(weight=1.0)}), r"model\.regularizers: gp"),
        (
            lambda: small_cyclegan(
                generator=ResNetTranslator(resolution=SIDE, width=4, blocks=1, source_channels=1),
                generator_back=ResNetTranslator(resolution=SIDE, width=4, blocks=1, channels=1),
                discriminator_back=PixelDiscriminator(resolution=SIDE, channels=1),
            ),
            r"model\.identity_weight",
        ),
    ],
)
def test_parts_that_do_not_fit_are_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_data_without_sources_are_refused_by_name():
    with pytest.raises(ValueError, match="data=pairs"):
        small_pix2pix().make_fakes(Batch(torch.zeros(2, 3, SIDE, SIDE)))


def test_statistics_of_the_image_are_taken_by_batch_norm_of_any_kind(monkeypatch):
    from torch import nn

    from gan_lightning.networks import batch_norm
    from gan_lightning.networks.batch_norm import SyncedBatchNorm
    from gan_lightning.networks.norms import as_in_training

    # in a sampling the other processes take no part, and asking them would never end
    monkeypatch.setattr(batch_norm, "world_size", lambda: 2)
    monkeypatch.setattr(batch_norm, "gathered", lambda tensor: pytest.fail("asked the other processes"))
    images = torch.randn(2, 3, 4, 4) + 5
    expected = nn.BatchNorm2d(3)(images)
    for layer in (nn.BatchNorm2d(3).eval(), SyncedBatchNorm(3).eval()):
        before = layer.running_mean.clone()
        with as_in_training(nn.Sequential(layer), dropout=False, image_statistics=True):
            torch.testing.assert_close(layer(images), expected)
        assert torch.equal(layer.running_mean, before)
        assert not layer.training
