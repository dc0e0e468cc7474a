"""Packing equals reshaping, and refuses what it cannot pack."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gan_lightning.networks import PackedDiscriminator
from gan_lightning.networks.packing import packed
from tests.regularizers.toys import ToyDiscriminator


@given(packs=st.integers(1, 4), m=st.integers(1, 4), seed=st.integers(0, 2**31))
@settings(deadline=None, max_examples=30)
def test_packed_logits_are_those_of_concatenated_samples(packs, m, seed):
    torch.manual_seed(seed)
    inner = ToyDiscriminator(dim=2 * m)
    outer = PackedDiscriminator(discriminator=inner, samples_per_pack=m)
    samples = torch.randn(packs * m, 2)
    by_hand = torch.stack([torch.cat(list(samples[i * m : (i + 1) * m])) for i in range(packs)])
    assert outer.sample_shape == (2,)
    assert outer(samples).shape == (packs,)
    torch.testing.assert_close(outer(samples), inner(by_hand))


def test_images_are_concatenated_along_channels():
    images = torch.randn(6, 3, 4, 5)
    assert torch.equal(packed(images, 2)[1], torch.cat([images[2], images[3]], dim=0))


def test_packs_of_one_are_the_discriminator_inside_with_its_condition():
    class Told(ToyDiscriminator):
        def head(self, features, condition=None):
            return super().head(features) + condition

    inner = Told()
    outer = PackedDiscriminator(discriminator=inner, samples_per_pack=1)
    samples, labels = torch.randn(5, 2), torch.arange(5)
    assert torch.equal(outer(samples, labels), inner(samples, labels))


def test_packs_say_how_many_samples_share_a_logit():
    once = PackedDiscriminator(discriminator=ToyDiscriminator(dim=12), samples_per_pack=2)
    twice = PackedDiscriminator(discriminator=once, samples_per_pack=3)
    assert (once.samples_per_logit, twice.samples_per_logit) == (2, 6)
    assert twice(torch.zeros(12, 2)).shape == (2,)


def test_what_cannot_be_packed_is_refused():
    with pytest.raises(ValueError, match=r"samples_per_pack \(3\).*got 4"):
        packed(torch.zeros(4, 2), 3)
    with pytest.raises(ValueError, match="must divide the first dimension"):
        PackedDiscriminator(discriminator=ToyDiscriminator(dim=3), samples_per_pack=2)
    with pytest.raises(ValueError, match="at least 1"):
        PackedDiscriminator(discriminator=ToyDiscriminator(dim=3), samples_per_pack=0)
    with pytest.raises(ValueError, match="no condition"):
        PackedDiscriminator(discriminator=ToyDiscriminator(dim=4), samples_per_pack=2)(
            torch.zeros(4, 2), torch.zeros(4, dtype=torch.int64)
        )
