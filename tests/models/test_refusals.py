"""Parts, data and batches that do not fit together are refused before a step is taken."""

import pytest

from gan_lightning.data import RingDataModule
from gan_lightning.models import DCGAN, InfoGAN, UpdateRule
from gan_lightning.networks import (
    DCGANDiscriminator,
    DCGANGenerator,
    InfoGANDiscriminator,
    InfoGANGenerator,
    PackedDiscriminator,
    PointDiscriminator,
)
from tests.contract.variants import build, build_unchanged
from tests.models.toys import points
from tests.parts import parts_with


def infogan(**arguments):
    small = {"resolution": 8, "width": 4, "hidden_width": 16}
    parts = {"generator": InfoGANGenerator(code_dim=12, **small), "discriminator": InfoGANDiscriminator(**small)}
    return InfoGAN(**parts_with(**{**parts, **arguments}))


@pytest.mark.parametrize(
    ("codes", "length"), [({"continuous": 3}, 13), ({"categories": (4,)}, 6), ({"categories": (10, 10)}, 22)]
)
def test_infogan_refuses_a_generator_of_other_codes(codes, length):
    with pytest.raises(ValueError, match=rf"model\.generator\.code_dim = 12: it must be {length}, .* = \["):
        infogan(**codes)
    infogan(categories=(8,), continuous=4)


def test_infogan_refuses_a_generator_without_codes():
    with pytest.raises(ValueError, match=r"takes codes; model\.generator \(DCGANGenerator\) has code_dim = None"):
        infogan(generator=DCGANGenerator(resolution=8, channels=1, width=4))


def test_data_of_another_shape_are_refused():
    model, digits = build("dcgan", "model.generator.width=4", "model.discriminator.width=4")
    model.check_data(digits)
    with pytest.raises(ValueError, match=r"data: its samples have shape \(2,\), .* shape \(1, 16, 16\)"):
        model.check_data(RingDataModule())
    points().check_data(RingDataModule())
    with pytest.raises(ValueError, match=r"shape \(1, 16, 16\), model\.generator makes samples of shape \(2,\)"):
        points().check_data(digits)


def test_a_batch_divides_into_processes_micro_batches_and_packs():
    model = points(updates=UpdateRule(accumulate=2))
    model.check_batch(8, 2)
    with pytest.raises(ValueError, match="batch_size = 6: it must be a multiple of 4, to divide into 2 processes and"):
        model.check_batch(6, 2)
    model.discriminator = PackedDiscriminator(discriminator=PointDiscriminator(dimensions=6), samples_per_pack=3)
    model.check_batch(12, 2)
    with pytest.raises(ValueError, match=r"multiple of 6, to divide into 2 micro-batches .* and packs of 3 samples"):
        model.check_batch(8, 1)
    points().check_batch(7, 1)


def test_networks_wait_for_no_condition_that_they_are_not_given():
    small = ("model.generator.width=4", "model.discriminator.width=4")
    with pytest.raises(ValueError, match=r"model\.generator: ConditionalDCGANGenerator takes labels .* gives it none"):
        build("dcgan", "model/generator=conditional_dcgan", *small)
    with pytest.raises(ValueError, match=r"model\.discriminator: ConditionalDCGANDiscriminator takes labels"):
        build("lsgan", "model/discriminator=conditional_dcgan", *small)
    with pytest.raises(ValueError, match=r"takes codes of length 12, but DCGAN gives none; InfoGAN does"):
        DCGAN(
            **parts_with(
                generator=InfoGANGenerator(code_dim=12, resolution=8, width=4, hidden_width=16),
                discriminator=DCGANDiscriminator(resolution=8, channels=1, width=4),
            )
        )
    with pytest.raises(ValueError, match=r"takes labels .* but ACGAN gives it none"):
        build("acgan", "model/discriminator=conditional_dcgan", *small)


def test_labels_are_not_lost_on_a_discriminator_that_ignores_them():
    networks = ("model/generator=conditional_dcgan", "model.generator.width=4", "model.discriminator.width=4")
    with pytest.raises(ValueError, match=r"CGAN needs a discriminator that takes labels; .* has classes = None"):
        build_unchanged("cgan", *networks, "model/discriminator=dcgan")
    with pytest.raises(ValueError, match=r"ConditionalDCGANDiscriminator has classes = 7, model.generator has 10"):
        build_unchanged("cgan", *networks, "model/discriminator=conditional_dcgan", "model.discriminator.classes=7")
    build_unchanged("cgan", *networks, "model/discriminator=conditional_dcgan")
