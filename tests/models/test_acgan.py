"""ACGAN: who trains the classifier, and its terms against a formula of their own, with the labels asked for."""

from __future__ import annotations

import pytest
import torch

from gan_lightning.models import ACGAN
from gan_lightning.networks import ConditionalDCGANGenerator, DCGANDiscriminator
from tests.models.toys import BATCH, Images, Rows, cross_entropy, of, recorded, train, trained
from tests.parts import parts_with

CLASSES = 3


def acgan(**parts) -> ACGAN:
    torch.manual_seed(0)
    return ACGAN(
        **parts_with(
            generator=ConditionalDCGANGenerator(resolution=8, channels=1, classes=CLASSES, latent_dim=4, width=4),
            discriminator=DCGANDiscriminator(resolution=8, channels=1, width=4),
            **parts,
        )
    )


@pytest.mark.parametrize(("weight_d", "weight_g", "given"), [(1.0, 1.0, False), (0.5, 0.1, True)])
def test_the_class_terms_are_cross_entropies_of_the_labels_asked_for(weight_d, weight_g, given):
    weights = {"class_weight_discriminator": weight_d, "class_weight_generator": weight_g} if given else {}
    model, logger = acgan(**weights), Rows()
    made, judged = recorded(model, model.generator), recorded(model, model.discriminator, "features")
    named = recorded(model, model.classifier)
    train(model, 3, data=Images(model), logger=logger)
    shown, classified = of("discriminator", judged), of("discriminator", named)
    assert len(shown) == len(classified) == 2 * 3
    for number, row in enumerate(logger.rows):
        batch = Images(model).at(number * BATCH)
        labels = batch.labels.tolist()
        assert len(set(labels)) > 1
        # the discriminator's turn: real, then generated images
        real, fake = shown[2 * number : 2 * number + 2]
        of_real, of_fake = classified[2 * number : 2 * number + 2]
        asked = of("discriminator", made)[number]
        assert torch.equal(real.given[0], batch.images)
        assert torch.equal(fake.given[0], asked.returned)
        assert asked.given[1].tolist() == labels
        assert torch.equal(of_real.given[0], real.returned)
        assert torch.equal(of_fake.given[0], fake.returned)
        expected = weight_d * cross_entropy(of_real.returned, labels)
        assert row["d/class_real"] == pytest.approx(expected, rel=1e-5)
        expected = weight_d * cross_entropy(of_fake.returned, labels)
        assert row["d/class_fake"] == pytest.approx(expected, rel=1e-5)
        total = row["d/adversarial"] + row["d/class_real"] + row["d/class_fake"]
        assert row["d/loss"] == pytest.approx(total, rel=1e-5)
        # the generator's turn: generated images only
        asked, seen, of_fake = (of("generator", calls)[number] for calls in (made, judged, named))
        assert torch.equal(seen.given[0], asked.returned)
        assert asked.given[1].tolist() == labels
        assert torch.equal(of_fake.given[0], seen.returned)
        assert row["g/class"] == pytest.approx(weight_g * cross_entropy(of_fake.returned, labels), rel=1e-5)
        assert row["g/loss"] == pytest.approx(row["g/adversarial"] + row["g/class"], rel=1e-5)


def test_the_discriminator_may_learn_the_class_of_real_images_only():
    model, logger = acgan(classify_fakes=False), Rows()
    named = recorded(model, model.classifier)
    train(model, 2, data=Images(model), logger=logger)
    assert len(of("discriminator", named)) == 2
    for row in logger.rows:
        assert "d/class_fake" not in row
        assert row["d/loss"] == pytest.approx(row["d/adversarial"] + row["d/class_real"], rel=1e-5)
        assert row["g/class"] > 0


def test_the_classifier_is_trained_with_the_discriminator():
    model = acgan()
    train(model, 1, data=Images(model))
    assert {"classifier.weight", "classifier.bias"} <= trained(model, "discriminator")
    assert trained(model, "generator") == {f"generator.{name}" for name, _ in model.generator.named_parameters()}
