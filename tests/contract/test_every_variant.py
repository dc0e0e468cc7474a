"""What every model of conf/model must satisfy."""

from __future__ import annotations

import pytest

from gan_lightning.testing import CHECKS
from tests.conftest import takes_long
from tests.contract.variants import SLOW, VARIANTS, variant_named


def test_the_glob_finds_the_variants():
    assert {"gan", "dcgan", "wgan_gp", "infogan", "progan", "pix2pix", "cyclegan"} <= set(VARIANTS)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("variant", [name for name in VARIANTS if name not in SLOW])
def test_a_variant_keeps_the_contract(variant, check):
    check(variant_named(variant))


@takes_long
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("variant", sorted(SLOW))
def test_a_variant_of_large_images_keeps_the_contract(variant, check):
    """``tests/models/test_phases.py`` has a quick relative of each, with toys for networks."""
    check(variant_named(variant))
