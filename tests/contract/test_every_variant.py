"""What every model of conf/model must satisfy."""

from __future__ import annotations

import pytest

from gan_lightning.testing import CHECKS
from tests.contract.variants import VARIANTS, variant_named


def test_the_glob_finds_the_variants():
    assert {"gan", "dcgan", "wgan_gp", "infogan", "progan", "pix2pix", "cyclegan"} <= set(VARIANTS)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("variant", VARIANTS)
def test_a_variant_keeps_the_contract(variant, check):
    check(variant_named(variant))
