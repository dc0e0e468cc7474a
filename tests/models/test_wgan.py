"""WGAN: the box of the critic's weights, the number of critic updates, optimizer and loss, by hand."""

from __future__ import annotations

import pytest
import torch

from gan_lightning.data import Batch
from gan_lightning.losses import Wasserstein
from gan_lightning.models import WGAN, UpdateRule
from gan_lightning.models.outputs import DiscriminatorOutput, GeneratedBatch
from tests.conftest import compose_train
from tests.contract.variants import build, fit
from tests.models.toys import AfterBatch, point_networks, sgd, train, vector
from tests.parts import parts_with

NARROW = ("model.generator.width=4", "model.discriminator.width=4")


def wgan(**parts) -> WGAN:
    return WGAN(**parts_with(**point_networks(), **{"loss": Wasserstein(), **parts}))


def test_weights_lie_in_the_box_before_every_critic_step_and_are_those_of_the_last_step_clamped():
    limit = 0.02
    model = wgan(
        weight_clip=limit, warmup_critic_steps=3, discriminator_optimizer=sgd, updates=UpdateRule(critic_steps=2)
    )
    left_by_the_step, shown = [vector(model.discriminator)], []
    features = model.discriminator.features

    def spy(samples):
        if model.running == ("discriminator",):
            shown.append(vector(model.discriminator))
        return features(samples)

    model.discriminator.features = spy
    after = AfterBatch(lambda model: left_by_the_step.append(vector(model.discriminator)))
    train(model, 6, callbacks=[after])
    assert len(shown) == 2 * 6  # real and generated samples
    for number, weights in enumerate(shown):
        before = left_by_the_step[number // 2]
        assert before.abs().max() > limit  # the clamp has something to do
        assert torch.equal(weights, before.clamp(-limit, limit))
        assert weights.abs().max() <= limit


def test_the_default_box_is_the_papers():
    model, data = build("wgan", *NARROW)
    assert model.weight_clip == wgan().weight_clip == 0.01
    assert vector(model.discriminator).abs().max() > 0.01
    fit(model, data, images=8)
    # RMSprop's first step is ten times its rate
    assert vector(model.discriminator).abs().max() <= 0.01 + 10 * 5e-5 + 1e-6


def test_critic_updates_per_generator_update_by_hand():
    model = wgan(warmup_generator_steps=2, warmup_every=4, warmup_critic_steps=3, updates=UpdateRule(critic_steps=2))
    after = AfterBatch(lambda model: model.steps["generator"])
    train(model, 22, callbacks=[after])
    # every batch is one critic update; which generator update, counted from 0, does it lead up to?
    leads_to = [0, *after.seen[:-1]]
    # numbers 0 and 1 are the first two, 4 and 8 are every fourth
    assert [leads_to.count(number) for number in range(9)] == [3, 3, 2, 2, 3, 2, 2, 2, 3]
    assert (model.steps["generator"], model.steps["discriminator"]) == (9, 22)


@pytest.mark.parametrize(
    ("generator_steps", "critic_steps"),
    [(0, 100), (1, 100), (24, 100), (25, 5), (26, 5), (499, 5), (500, 100), (501, 5), (999, 5), (1000, 100)],
)
def test_the_default_number_of_critic_updates_is_that_of_the_authors_code(generator_steps, critic_steps):
    model, _ = build("wgan", *NARROW, "model.warmup_critic_steps=100")
    model.steps["generator"] = generator_steps
    assert model.critic_steps_now() == critic_steps


def test_the_config_says_the_same():
    model = compose_train("model=wgan").model
    assert (model.weight_clip, model.updates.critic_steps) == (0.01, 5)
    assert (model.warmup_generator_steps, model.warmup_every, model.warmup_critic_steps) == (25, 500, 100)
    for player in ("generator", "discriminator"):
        optimizer = model[f"{player}_optimizer"]
        assert (optimizer["_target_"], optimizer["lr"]) == ("torch.optim.RMSprop", 5e-5)


def test_both_players_are_trained_by_rmsprop():
    model, data = build("wgan", *NARROW)
    fit(model, data, images=8)
    for optimizer in model.trainer.optimizers:
        assert type(optimizer) is torch.optim.RMSprop
        group = optimizer.param_groups[0]
        assert (group["lr"], group["alpha"], group["momentum"], group["weight_decay"]) == (5e-5, 0.99, 0, 0)


def test_the_losses_by_hand():
    model, nothing = wgan(), torch.zeros(3, 2)
    real, fake = (DiscriminatorOutput(torch.tensor(logits), nothing) for logits in ([1.0, 2.0, 6.0], [0.5, -2.5, 5.0]))
    batch, fakes = Batch(nothing), GeneratedBatch(nothing, nothing, None)
    terms = model.discriminator_terms(batch, fakes, real, fake)
    assert {name: term.item() for name, term in terms.items()} == {"adversarial": -2.0}  # 1 - 3
    terms = model.generator_terms(batch, fakes, fake)
    assert {name: term.item() for name, term in terms.items()} == {"adversarial": -1.0}
