"""InfoGAN: who trains Q, and its terms against formulas of their own, on the codes that G was given."""

from __future__ import annotations

import math

import pytest
import torch

from gan_lightning.models import InfoGAN, UpdateRule
from gan_lightning.networks import InfoGANDiscriminator, InfoGANGenerator
from tests.models.toys import BATCH, Images, Rows, cross_entropy, of, recorded, train, trained, vector
from tests.parts import parts_with

CATEGORIES = (3, 4)
CODE = 3 + 4 + 2


def infogan(**parts) -> InfoGAN:
    """Two categorical and two continuous codes, on images of 8x8."""
    torch.manual_seed(0)
    given = {
        "generator": InfoGANGenerator(resolution=8, latent_dim=4, code_dim=CODE, width=2, hidden_width=8),
        "discriminator": InfoGANDiscriminator(resolution=8, width=2, hidden_width=8),
        "categories": CATEGORIES,
        "code_width": 6,
        **parts,
    }
    return InfoGAN(**parts_with(**given))


def information(parameters, codes):
    """Minus the mean log-likelihood of the codes, in float64: of the categories, of the continuous ones."""
    parameters, codes = parameters.double(), codes.double()
    categorical = cross_entropy(parameters[:, :3], codes[:, :3].argmax(1))
    categorical += cross_entropy(parameters[:, 3:7], codes[:, 3:7].argmax(1))
    unit_gaussian = torch.distributions.Normal(parameters[:, 7:9], 1.0)
    continuous = -unit_gaussian.log_prob(codes[:, 7:]).sum(1).mean().item()
    return categorical, continuous - math.log(2 * math.pi)  # without the constant of two Gaussians


def test_q_is_trained_with_the_generator_where_that_is_asked_for():
    model = infogan(updates=UpdateRule(critic_steps=2), code_player="generator")
    moved = {"discriminator": [], "generator": []}
    run_phase = model.run_phase

    def watched(phase, batch, *, logged):
        before = vector(model.code_head)
        run_phase(phase, batch, logged=logged)
        moved[phase.name].append(not torch.equal(before, vector(model.code_head)))

    model.run_phase = watched
    train(model, 4, data=Images(model))
    assert moved == {"discriminator": [False] * 4, "generator": [True] * 2}
    head = {f"code_head.{name}" for name, _ in model.code_head.named_parameters()}
    assert trained(model, "generator") == head | {f"generator.{n}" for n, _ in model.generator.named_parameters()}
    assert trained(model, "discriminator") == {f"discriminator.{n}" for n, _ in model.discriminator.named_parameters()}


@pytest.mark.parametrize("weight", [1.0, 0.3])
def test_the_information_terms_are_those_of_the_codes_that_the_generator_was_given(weight):
    model, logger = infogan(info_weight=weight), Rows()
    made, judged = recorded(model, model.generator), recorded(model, model.discriminator, "features")
    read = recorded(model, model.code_head)
    train(model, 3, data=Images(model), logger=logger)
    for player in ("discriminator", "generator"):
        batches = zip(of(player, made), of(player, read), logger.rows, strict=True)
        for number, (generated, reading, row) in enumerate(batches):
            codes = generated.given[1]
            # each code: one of three, one of four, two numbers in [-1, 1]
            assert codes.shape == (BATCH, CODE)
            assert (codes[:, :3].sum(1) == 1).all()
            assert (codes[:, 3:7].sum(1) == 1).all()
            assert ((codes[:, :7] == 0) | (codes[:, :7] == 1)).all()
            assert codes[:, 7:].abs().max() <= 1
            # Q reads the discriminator's features of what was made from them
            shown = of(player, judged)[number * (2 if player == "discriminator" else 1) :]
            of_fakes = shown[1 if player == "discriminator" else 0]
            assert torch.equal(of_fakes.given[0], generated.returned)
            assert torch.equal(of_fakes.returned, reading.given[0])
            categorical, continuous = information(reading.returned, codes)
            prefix = player[0]
            assert row[f"{prefix}/info_categorical"] == pytest.approx(weight * categorical, rel=1e-5)
            assert row[f"{prefix}/info_continuous"] == pytest.approx(weight * continuous, rel=1e-5)
            both = row[f"{prefix}/info_categorical"] + row[f"{prefix}/info_continuous"]
            assert row[f"{prefix}/loss"] == pytest.approx(row[f"{prefix}/adversarial"] + both, rel=1e-5)
    codes = [call.given[1] for call in made]
    assert not any(torch.equal(a, b) for i, a in enumerate(codes) for b in codes[:i])


def test_the_weight_is_one_unless_said_otherwise():
    assert infogan().info_weight == 1.0


def test_the_information_terms_reach_g_and_q_in_one_turn_and_the_features_in_the_other():
    model = infogan()
    train(model, 1, data=Images(model))
    batch = Images(model).at(0)
    for player in ("discriminator", "generator"):
        objectives = {"discriminator": model.discriminator_objective, "generator": model.generator_objective}
        terms = objectives[player](batch)
        reached = set()
        for key in ("info_categorical", "info_continuous"):
            gradients = torch.autograd.grad(
                terms[key], [p for _, p in named(model)], retain_graph=True, allow_unused=True
            )
            reached |= {
                name.partition(".")[0]
                for (name, _), gradient in zip(named(model), gradients, strict=True)
                if gradient is not None and gradient.abs().sum() > 0
            }
        assert "code_head" in reached
        assert "discriminator" in reached
        assert ("generator" in reached) == (player == "generator")


def named(model):
    return [(name, p) for name, p in model.named_parameters() if p.requires_grad]
