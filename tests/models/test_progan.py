"""ProGAN: schedule, reals and fakes of a fade, pixels of the penalty, drift, fresh optimizers, resume within a fade."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch

from gan_lightning.losses import NonSaturating, Wasserstein
from gan_lightning.models import ProGAN
from gan_lightning.networks import ProgressiveDiscriminator, ProgressiveGenerator
from gan_lightning.regularizers import R1, WGANGP
from gan_lightning.testing import assert_same, state
from gan_lightning.testing.training import StopAt
from tests.conftest import compose_train
from tests.models.toys import BATCH, AfterBatch, Images, Rows, of, recorded, train
from tests.parts import parts_with

SIDE = 16  # levels 2 (4x4), 3 (8x8) and 4 (16x16)

# two batches train a resolution and four fade it in; before each: images seen, level, share of its newest layers
STAGES = [
    (0, 2, 1.0),
    (8, 2, 1.0),
    (16, 3, 0.0),
    (24, 3, 0.25),
    (32, 3, 0.5),
    (40, 3, 0.75),
    (48, 3, 1.0),
    (56, 3, 1.0),
    (64, 4, 0.0),
    (72, 4, 0.25),
    (80, 4, 0.5),
    (88, 4, 0.75),
    (96, 4, 1.0),
    (104, 4, 1.0),
]


def progan(**parts: Any) -> ProGAN:
    """Return a small model that is fully grown after twelve batches, always with the same initial weights."""
    torch.manual_seed(0)
    given = {
        "loss": Wasserstein(),
        "regularizers": {"gradient_penalty": WGANGP()},
        "stable_kimg": 2 * BATCH / 1000,
        "fade_kimg": 4 * BATCH / 1000,
        **parts,
    }
    return ProGAN(
        **parts_with(
            generator=ProgressiveGenerator(resolution=SIDE, channels=1, latent_dim=4, fmap_base=32, fmap_max=6),
            discriminator=ProgressiveDiscriminator(resolution=SIDE, channels=1, fmap_base=32, fmap_max=6),
            **given,
        )
    )


def still(parameters):
    """An optimizer that leaves the weights where they are."""
    return torch.optim.SGD(parameters, lr=0.0)


def coarse(images: np.ndarray, size: int) -> np.ndarray:
    """Replace each square of ``size`` pixels by its mean."""
    return np.kron(sums(images, size) / size**2, np.ones((size, size)))


def sums(images: np.ndarray, size: int) -> np.ndarray:
    """Add up each square of ``size`` pixels."""
    rows, columns = (length // size for length in images.shape[-2:])
    return images.reshape(*images.shape[:-2], rows, size, columns, size).sum((-3, -1))


class Step:
    """One step that moves no weight, at a point of the schedule, and what the discriminator's turn was made of."""

    def __init__(self, images_seen: int, **parts: Any) -> None:
        self.model, logger = progan(generator_optimizer=still, discriminator_optimizer=still, **parts), Rows()
        self.model.images_seen = images_seen
        shown = recorded(self.model, self.model.discriminator, "features")
        answered = recorded(self.model, self.model.discriminator, "head")
        train(self.model, images_seen // BATCH + 1, data=Images(self.model), logger=logger)
        (self.row,) = logger.rows
        # real images, generated ones, and those of the penalty
        self.real, self.fake, self.between = (c.given[0].double().numpy() for c in of("discriminator", shown))
        self.real_logits = of("discriminator", answered)[0].returned.double().numpy()
        self.unprepared = Images(self.model).at(images_seen).images.double().numpy()


def test_the_stages_by_hand():
    model = progan()
    assert [(seen, *model.stage(seen)) for seen, _, _ in STAGES] == STAGES
    assert model.stage(15) == (2, 1.0)
    assert model.stage(17) == (3, 1 / 32)
    assert model.stage(63) == (3, 1.0)
    assert model.stage(10**9) == (4, 1.0)


def test_a_resolution_is_faded_in_and_trained_for_600_thousand_images_each():
    model = progan()
    paper = ProGAN(**parts_with(generator=model.generator, discriminator=model.discriminator))
    config = compose_train("model=progan").model
    assert (paper.stable_kimg, paper.fade_kimg) == (config.stable_kimg, config.fade_kimg)
    for seen, level, alpha in [
        (599_999, 2, 1.0),
        (900_000, 3, 0.5),
        (1_200_000, 3, 1.0),
        (1_799_999, 3, 1.0),
        (2_250_000, 4, 0.75),
        (2_400_000, 4, 1.0),
    ]:
        assert paper.stage(seen) == (level, alpha)


def test_every_network_follows_the_stages():
    def stages(model):
        networks = (model.generator, model.discriminator, model.generator_ema)
        return [network.growth.read() for network in networks]

    model, after = progan(), AfterBatch(stages)
    train(model, len(STAGES), data=Images(model), callbacks=[after])
    assert after.seen == [[(level, alpha)] * 3 for _, level, alpha in STAGES]


@pytest.mark.parametrize(("images_seen", "level", "alpha"), [STAGES[i] for i in (0, 2, 3, 5, 6, 8, 9, 12)])
def test_the_discriminator_is_shown_real_images_as_the_stage_has_it(images_seen, level, alpha):
    step, size = Step(images_seen), SIDE // 2**level
    expected = coarse(step.unprepared, size)
    if level > 2:
        expected = alpha * expected + (1 - alpha) * coarse(step.unprepared, 2 * size)
    assert step.real == pytest.approx(expected, abs=1e-6)


def test_reals_and_fakes_of_a_fade_are_the_same_mixture():
    model, latents = progan(), torch.randn(BATCH, 4, generator=torch.Generator().manual_seed(1))
    train(model, 1, data=Images(model))
    batch = Images(model).at(0)

    def both(images_seen):
        model.images_seen = images_seen
        return model.prepare_batch(batch).images, model.generator(latents).detach()

    for seen, before, after in [(40, 8, 48), (88, 56, 96)]:
        for mixed, old, new in zip(both(seen), both(before), both(after), strict=True):
            assert not torch.allclose(old, new, atol=0.01)
            torch.testing.assert_close(mixed, 0.25 * old + 0.75 * new, atol=1e-6, rtol=0)


@pytest.mark.parametrize(("images_seen", "level"), [(0, 2), (40, 3), (48, 3), (72, 4)])
@pytest.mark.parametrize("resolution", ["full", "current"])
def test_the_gradient_penalty_is_on_the_pixels_of_the_full_or_the_current_resolution(images_seen, level, resolution):
    step, size = Step(images_seen, penalty_resolution=resolution), SIDE // 2**level
    # on the segment between each real image and its fake, enlarged as they are
    difference = step.real - step.fake
    share = ((step.between - step.fake) * difference).sum((1, 2, 3)) / (difference**2).sum((1, 2, 3))
    assert ((share > 0) & (share < 1)).all()
    segment = step.fake + share[:, None, None, None] * difference
    assert step.between == pytest.approx(segment, abs=1e-5)
    assert step.between == pytest.approx(coarse(step.between, size), abs=1e-6)
    critic = copy.deepcopy(step.model.discriminator).double().requires_grad_(False)
    del critic.features, critic.head  # the recorders
    points = torch.from_numpy(step.between).requires_grad_(True)
    (gradient,) = torch.autograd.grad(critic(points).sum(), points)
    slopes = gradient.numpy()
    if resolution == "current":  # one of its pixels moves a whole square of the enlarged image
        slopes = sums(slopes, size)
    norms = np.sqrt((slopes**2).sum((1, 2, 3)))
    assert norms.max() > 0.01
    assert step.row["d/gradient_penalty"] == pytest.approx(10 * ((norms - 1) ** 2).mean(), rel=1e-4)


@pytest.mark.parametrize("parts", [{}, {"drift_weight": 2.0}])
def test_the_drift_term_is_the_mean_square_of_the_real_logits(parts):
    step = Step(24, **parts)
    squares = (step.real_logits**2).mean()
    assert squares > 0
    assert step.row["d/drift"] == pytest.approx(parts.get("drift_weight", 0.001) * squares, rel=1e-5)
    total = step.row["d/adversarial"] + step.row["d/gradient_penalty"] + step.row["d/drift"]
    assert step.row["d/loss"] == pytest.approx(total, rel=1e-5)


def test_another_resolution_of_the_penalty_is_refused():
    with pytest.raises(ValueError, match=r"penalty_resolution must be one of .*'half'"):
        progan(penalty_resolution="half")


def test_a_fade_begins_and_ends_with_fresh_optimizer_state():
    def ages(model):
        states = [optimizer.state_dict()["state"].values() for optimizer in model.trainer.optimizers]
        return [int(max(entry["step"] for entry in state)) for state in states]

    model, after = progan(), AfterBatch(ages)
    train(model, len(STAGES), data=Images(model), callbacks=[after])
    assert after.seen == [[age] * 2 for age in (1, 2, *(1, 2, 3, 4), *(1, 2), *(1, 2, 3, 4), *(1, 2))]


def test_a_run_that_stopped_within_a_fade_goes_on_to_the_bit(tmp_path):
    batches, short = 7, {"stable_kimg": BATCH / 1000, "fade_kimg": 3 * BATCH / 1000}
    whole = progan(**short)
    train(whole, batches, data=Images(whole))
    first = progan(**short)
    trainer = train(first, batches, data=Images(first), callbacks=[StopAt(3 * BATCH)])
    assert first.images_seen == 3 * BATCH
    assert first.generator.growth.read() == (3, pytest.approx(1 / 3))
    trainer.save_checkpoint(tmp_path / "fade.ckpt")
    torch.rand(3)  # the global generator's state must not matter
    second = progan(**short)
    stages = AfterBatch(lambda model: model.generator.growth.read())
    train(second, batches, data=Images(second), ckpt_path=tmp_path / "fade.ckpt", callbacks=[stages])
    # the rest of the fade, the whole resolution, and the first half of the next fade
    assert stages.seen == [(level, pytest.approx(alpha)) for level, alpha in [(3, 2 / 3), (3, 1), (4, 0), (4, 1 / 3)]]
    assert_same(state(whole), state(second))


def test_a_penalty_of_the_full_image_is_refused_where_the_current_resolution_is_asked_for():
    parts = {"loss": NonSaturating(), "regularizers": {"r1": R1(weight=1.0, shares_forward=True)}}
    progan(**parts)
    with pytest.raises(ValueError, match=r"current: model\.regularizers\.r1\.shares_forward = true"):
        progan(**parts, penalty_resolution="current")
