"""SSGAN: the rotations by hand and by numpy, who trains their head, and its terms against a formula of their own."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from gan_lightning.models import SSGAN, UpdateRule
from gan_lightning.models import ssgan as module
from gan_lightning.networks import DCGANDiscriminator, DCGANGenerator
from tests.models.toys import BATCH, Images, Rows, cross_entropy, of, recorded, train, trained
from tests.parts import parts_with

# of a batch of 8, images 0 and 4 are turned; first both by no quarter, then both by one, and so on
LABELS = [0, 0, 1, 1, 2, 2, 3, 3]


def ssgan(**parts) -> SSGAN:
    torch.manual_seed(0)
    return SSGAN(
        **parts_with(
            generator=DCGANGenerator(resolution=8, channels=1, latent_dim=4, width=4),
            discriminator=DCGANDiscriminator(resolution=8, channels=1, width=4),
            updates=UpdateRule(),
            **parts,
        )
    )


def turned_by_numpy(images: torch.Tensor) -> np.ndarray:
    chosen = images[::4].numpy()
    return np.concatenate([np.rot90(chosen, quarters, axes=(2, 3)) for quarters in range(4)])


def test_rotations_by_hand():
    turned, quarters = module.rotated(torch.tensor([[[[1, 2], [3, 4]]]]))
    assert turned[:, 0].tolist() == [[[1, 2], [3, 4]], [[2, 4], [1, 3]], [[4, 3], [2, 1]], [[3, 1], [4, 2]]]
    assert quarters.tolist() == [0, 1, 2, 3]
    assert quarters.dtype == torch.int64


@pytest.mark.parametrize("count", [1, 2, 5])
def test_rotations_by_numpy_and_torch(count):
    images = torch.rand(count, 3, 5, 5)
    turned, quarters = module.rotated(images)
    assert quarters.tolist() == [k for k in range(4) for _ in range(count)]
    for position, k in enumerate(quarters.tolist()):
        image = images[position % count]
        assert np.array_equal(turned[position].numpy(), np.rot90(image.numpy(), k, axes=(1, 2)))
        assert torch.equal(turned[position], torch.rot90(image, k, dims=(1, 2)))


@pytest.mark.parametrize(("weight_d", "weight_g", "given"), [(1.0, 0.2, False), (0.5, 0.7, True)])
def test_the_rotation_terms_are_cross_entropies_of_what_was_turned(weight_d, weight_g, given):
    weights = {"rotation_weight_discriminator": weight_d, "rotation_weight_generator": weight_g} if given else {}
    model, logger = ssgan(**weights), Rows()
    made, judged = recorded(model, model.generator), recorded(model, model.discriminator, "features")
    told = recorded(model, model.rotation_head)
    train(model, 3, data=Images(model), logger=logger)
    for number, row in enumerate(logger.rows):
        real = Images(model).at(number * BATCH).images
        generated = of("generator", made)[number].returned
        # D's turn: real, generated and turned real images; G's turn: generated and turned generated ones
        for player, images, calls, weight in (
            ("discriminator", real, 3, weight_d),
            ("generator", generated, 2, weight_g),
        ):
            seen, reading = of(player, judged)[calls * number + calls - 1], of(player, told)[number]
            assert np.array_equal(seen.given[0].numpy(), turned_by_numpy(images))
            assert torch.equal(reading.given[0], seen.returned)
            prefix = player[0]
            expected = weight * cross_entropy(reading.returned, LABELS)
            assert row[f"{prefix}/rotation"] == pytest.approx(expected, rel=1e-5)
            total = row[f"{prefix}/adversarial"] + row[f"{prefix}/rotation"]
            assert row[f"{prefix}/loss"] == pytest.approx(total, rel=1e-5)


def test_the_rotation_head_is_trained_with_the_discriminator():
    model = ssgan()
    train(model, 1, data=Images(model))
    head = {f"rotation_head.{name}" for name, _ in model.rotation_head.named_parameters()}
    assert head
    assert head <= trained(model, "discriminator")
    assert trained(model, "generator") == {f"generator.{name}" for name, _ in model.generator.named_parameters()}
