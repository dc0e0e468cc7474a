"""Samples that an augmentation cannot transform are refused before it is asked to."""

import pytest

from gan_lightning.augment import ADA, DiffAugment, InstanceNoise
from gan_lightning.models import UnrolledGAN
from gan_lightning.networks import PointDiscriminator, PointGenerator
from tests.parts import parts_with


@pytest.mark.parametrize("augment", [DiffAugment(), ADA()])
def test_points_are_refused_by_augmentations_of_images(augment):
    with pytest.raises(ValueError, match=r"model\.augment: (DiffAugment|ADA) transforms images .* shape \(2,\)"):
        augment.check((2,))
    with pytest.raises(ValueError, match=r"model\.augment"):
        UnrolledGAN(
            **parts_with(
                generator=PointGenerator(latent_dim=2, widths=(4,)),
                discriminator=PointDiscriminator(widths=(4,)),
                augment=augment,
            )
        )


def test_what_only_a_group_of_ada_cannot_transform_is_refused_with_that_group():
    with pytest.raises(ValueError, match=r"model\.augment\.color = 1\.0: colors need 1 or 3 channels.*\(4, 16, 16\)"):
        ADA().check((4, 16, 16))
    ADA(color=0).check((4, 16, 16))
    with pytest.raises(ValueError, match=r"model\.augment\.geometry = 1\.0: sides must be at least 8 pixels"):
        ADA().check((3, 8, 7))
    ADA(geometry=0).check((3, 8, 7))


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 32, 32)])
def test_images_are_welcome(shape):
    for augment in (DiffAugment(), ADA(), InstanceNoise()):
        augment.check(shape)


def test_noise_goes_with_any_shape():
    InstanceNoise().check((2,))


def test_only_ada_turns_images():
    assert not DiffAugment().turns_images
    assert not InstanceNoise().turns_images
    assert [ADA(blit=b, geometry=g).turns_images for b, g in ((1, 0), (0, 1), (0, 0))] == [True, True, False]
