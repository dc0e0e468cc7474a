"""The contract of a variant, for variants of your own.

A test file of four lines checks one:

    @pytest.mark.parametrize("check", gan_lightning.testing.CHECKS)
    def test_contract(check):
        check(gan_lightning.testing.Variant(name="my_gan", config_dir="conf"))
"""

from gan_lightning.testing.checks import (
    CHECKS,
    check_bfloat16,
    check_learning,
    check_resume,
    check_samples,
    check_updates,
)
from gan_lightning.testing.training import assert_same, fit, state
from gan_lightning.testing.variant import Variant

__all__ = [
    "CHECKS",
    "Variant",
    "assert_same",
    "check_bfloat16",
    "check_learning",
    "check_resume",
    "check_samples",
    "check_updates",
    "fit",
    "state",
]
