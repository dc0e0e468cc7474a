"""What every model of conf/model must satisfy."""

from __future__ import annotations

import pytest

from gan_lightning.testing import CHECKS, check_bfloat16, check_resume
from tests.conftest import LONG
from tests.contract.variants import ALIKE, SLOW, VARIANTS, variant_named


def takes_long(variant, check):
    """Those of large images, of which ``tests/models/test_phases.py`` has quick relatives with toys for networks, and
    the dearest checks of variants that have a relative here."""
    return variant in SLOW or (variant in ALIKE and check in (check_resume, check_bfloat16))


def test_the_glob_finds_the_variants():
    assert {"gan", "dcgan", "wgan_gp", "infogan", "progan", "pix2pix", "cyclegan"} <= set(VARIANTS)


@pytest.mark.parametrize(
    ("variant", "check"),
    [
        pytest.param(variant, check, id=f"{variant}-{check.__name__}", marks=LONG if takes_long(variant, check) else ())
        for variant in VARIANTS
        for check in CHECKS
    ],
)
def test_a_variant_keeps_the_contract(variant, check):
    check(variant_named(variant))
