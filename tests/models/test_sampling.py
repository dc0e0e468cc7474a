import pytest
import torch

from gan_lightning.models import DCGAN, UpdateRule
from gan_lightning.models.blocks import MAX_ROWS, block_size
from gan_lightning.networks import DCGANDiscriminator, DCGANGenerator
from tests.models.toys import points
from tests.parts import parts_with


def pictures(**parts):
    torch.manual_seed(1)
    model = DCGAN(
        **parts_with(
            generator=DCGANGenerator(resolution=8, width=4, latent_dim=5),
            discriminator=DCGANDiscriminator(resolution=8, width=4),
            **parts,
        )
    )
    for parameter in model.generator_ema.parameters() if model.generator_ema is not None else ():
        parameter.data.mul_(0.5)
    return model


def test_a_sample_depends_on_seed_and_index_and_on_nothing_beside_it():
    model = pictures()
    whole = model.sample(9, seed=4)
    assert whole.shape == (9, 3, 8, 8)
    for indices in ([3], [8, 0], [5, 5, 1]):
        assert torch.equal(model.sample_indices(indices, seed=4), whole[indices])
    assert len(whole.flatten(1).unique(dim=0)) == 9
    assert not torch.allclose(model.sample(9, seed=5), whole, atol=1e-3)


def test_batch_norm_uses_its_statistics_not_those_of_the_other_samples_and_keeps_them():
    model = pictures()
    buffers = [b.clone() for b in model.buffers()]
    together, alone = model.sample(8), torch.cat([model.sample_indices([i], seed=0) for i in range(8)])
    assert torch.equal(together, alone)
    assert all(torch.equal(a, b) for a, b in zip(buffers, model.buffers(), strict=True))


@pytest.mark.parametrize("training", [True, False])
def test_the_mode_and_the_global_generator_are_left_as_they_were(training):
    model = pictures()
    model.generator_ema.train(training)
    before = torch.get_rng_state()
    model.sample(3)
    assert torch.equal(before, torch.get_rng_state())
    assert all(module.training == training for module in model.generator_ema.modules())


def test_the_mode_is_restored_after_an_error(monkeypatch):
    model = pictures()

    def fail(*arguments, **more):
        raise RuntimeError("broken")

    monkeypatch.setattr(model, "generate", fail)
    with pytest.raises(RuntimeError, match="broken"):
        model.sample(1)
    assert model.generator_ema.training


def test_averaged_weights_are_the_default_and_raw_ones_are_to_be_had():
    model = pictures()
    assert model.default_weights == "ema"
    assert torch.equal(model.sample(4), model.sample(4, weights="ema"))
    assert not torch.allclose(model.sample(4), model.sample(4, weights="raw"))
    model.generator_ema.load_state_dict(model.generator.state_dict())
    assert torch.equal(model.sample(4), model.sample(4, weights="raw"))


def test_a_model_without_an_average_samples_raw_weights_and_says_so_if_asked_for_others():
    model = pictures(updates=UpdateRule(ema_halflife_kimg=None))
    assert torch.equal(model.sample(2), model.sample(2, weights="raw"))
    with pytest.raises(ValueError, match="keeps no averaged generator"):
        model.sample(2, weights="ema")


def test_unknown_weights_are_refused():
    with pytest.raises(ValueError, match="weights must be 'ema' or 'raw', got 'best'"):
        pictures().sample(1, weights="best")


def test_labels_are_refused_by_a_model_that_takes_none():
    with pytest.raises(ValueError, match="takes no labels"):
        pictures().sample(2, labels=torch.tensor([0, 1]))


@pytest.mark.parametrize(("n", "batch_size"), [(0, 1), (-1, 1), (3, 0)])
def test_numbers_below_one_are_refused(n, batch_size):
    with pytest.raises(ValueError, match=f"must be at least 1, got {n} and {batch_size}"):
        pictures().sample(n, batch_size=batch_size)


@pytest.mark.parametrize("batch_size", [1, 3, 7, 8])
def test_batches_cover_all_samples_in_order(batch_size):
    model = points()
    assert torch.equal(model.sample(7, batch_size=batch_size), model.sample(7))


def test_the_network_always_runs_on_blocks_of_one_size(monkeypatch):
    model, rows = pictures(), []
    original = model.generate

    def generate(latents, condition, **more):
        rows.append(len(latents))
        return original(latents, condition, **more)

    monkeypatch.setattr(model, "generate", generate)
    for count in (1, MAX_ROWS, MAX_ROWS + 1):
        assert len(model.sample(count)) == count
    assert rows == [MAX_ROWS] * 4
    assert model.sample_indices([], seed=0).shape == (0, 3, 8, 8)


def test_blocks_of_large_images_are_small_enough_for_memory():
    assert [block_size((3, side, side)) for side in (16, 64, 128, 256, 512, 1024)] == [32, 32, 8, 2, 1, 1]
    assert block_size((2,)) == 32


def test_truncation_reaches_the_latents():
    model = points()
    given = model.inputs(range(20), seed=1, truncation=0.3)
    latents, condition = given.latents, given.condition
    assert condition is None
    assert latents.abs().max() <= 0.3
    assert torch.equal(model.sample(20, seed=1, truncation=0.3), model.render(given))
    assert not torch.allclose(model.sample(20, seed=1, truncation=0.3), model.sample(20, seed=1), atol=1e-3)


def test_samples_are_float32_under_autocast_and_carry_no_graph():
    model = points()
    exact = model.sample_indices(range(4), seed=0)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(model.sample_indices(range(4), seed=0), exact)
    assert exact.dtype == torch.float32
    assert not exact.requires_grad
