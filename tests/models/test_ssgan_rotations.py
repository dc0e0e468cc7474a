"""The rotation head: what it counts, how it is normalized, and that its labels stay true under augmentation."""

import pytest
import torch
from torch import nn

from gan_lightning.augment import ADA, DiffAugment
from gan_lightning.augment.base import Augmentation
from gan_lightning.models import SSGAN
from gan_lightning.models.ssgan import every_fourth, rotated
from gan_lightning.networks import ResNetDiscriminator, ResNetGenerator
from gan_lightning.testing import Variant
from tests.contract.variants import build
from tests.parts import parts_with


def ssgan(**arguments):
    torch.manual_seed(0)
    small = {"resolution": 8, "channels": 1, "widths": (8, 8)}
    parts = {"generator": ResNetGenerator(latent_dim=4, **small), "discriminator": ResNetDiscriminator(**small)}
    return SSGAN(**parts_with(**{**parts, **arguments}))


def test_every_fourth_image_is_turned_by_all_angles():
    images = torch.arange(9.0).view(9, 1, 1, 1).expand(9, 1, 2, 2)
    assert every_fourth(images)[:, 0, 0, 0].tolist() == [0, 4]
    assert len(every_fourth(images[:3])) == 1
    picture = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    turned, turns = rotated(torch.cat([picture, -picture]))
    assert turns.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert turned[turns == 1][0].tolist() == [[[2.0, 4.0], [1.0, 3.0]]]
    assert turned[turns == 2][1].tolist() == [[[-4.0, -3.0], [-2.0, -1.0]]]


def test_the_discriminator_s_player_has_the_parameters_of_the_reference():
    overrides = ["data.resolution=32", "data.channels=3", "data=cifar10"]
    model, _ = Variant(name="ssgan", overrides=(*overrides[2:],)).build()
    parameters = [p for module in model.player_modules("discriminator") for p in module.parameters()]
    assert sum(p.numel() for p in parameters) == 1_054_341


def largest_singular_value(layer: nn.Linear) -> float:
    for _ in range(50):
        layer.weight  # noqa: B018  (every look in training mode is one power iteration)
    return float(torch.linalg.matrix_norm(layer.weight.detach(), ord=2))


def test_the_rotation_head_is_normalized_with_the_discriminator():
    assert largest_singular_value(ssgan().rotation_head) == pytest.approx(1, abs=1e-3)
    assert isinstance(ssgan(rotation_spectral_norm=False).rotation_head.weight, nn.Parameter)
    for enabled in (True, False):
        model, _ = build("ssgan", f"model.discriminator.spectral_norm={str(enabled).lower()}")
        assert isinstance(model.rotation_head.weight, nn.Parameter) is not enabled


def test_another_discriminator_has_no_normalized_rotation_head_unless_asked():
    model, _ = Variant(name="ssgan", overrides=("model/discriminator=mlp",)).build()
    assert isinstance(model.rotation_head.weight, nn.Parameter)


def test_a_discriminator_within_a_wrapper_decides_too():
    wrapped = ("model/discriminator=minibatch_stddev", "model/discriminator@model.discriminator.discriminator=dcgan")
    for enabled in (True, False):
        spectral = (
            "model.discriminator.discriminator.batch_norm=false",
            f"model.discriminator.discriminator.spectral_norm={str(enabled).lower()}",
        )
        model, _ = Variant(name="ssgan", overrides=(*wrapped, *spectral)).build()
        assert isinstance(model.rotation_head.weight, nn.Parameter) is not enabled


class Mirror(Augmentation):
    """Flips every image."""

    def forward(self, images):
        return images.flip(3)


def test_a_mirrored_image_keeps_the_label_of_its_turn():
    """A turn of a mirror image is what the label says; the mirror image of a turn would be the opposite turn."""
    model, seen = ssgan(augment=Mirror()), []
    features = model.discriminator.features
    model.discriminator.features = lambda images: seen.append(images) or features(images)
    images = torch.randn(4, 1, 8, 8)
    model._rotation_loss(images)
    turned, turns = rotated(images[:1].flip(3))
    assert torch.equal(seen[0], turned)
    assert torch.equal(torch.rot90(seen[0][1], -1, dims=(1, 2)), images[0].flip(2))
    assert turns.tolist() == [0, 1, 2, 3]


def test_augmentations_that_turn_images_are_refused():
    for groups in ({}, {"blit": 0}, {"geometry": 0}):
        with pytest.raises(ValueError, match=r"model\.augment: ADA turns images itself.*model\.augment\.blit=0"):
            ssgan(augment=ADA(**groups))
    for augment in (ADA(blit=0, geometry=0), DiffAugment()):
        assert ssgan(augment=augment)._rotation_loss(torch.randn(8, 1, 8, 8)).isfinite()
