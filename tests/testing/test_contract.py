"""The contract's checks find what they are there to find, in a variant from a folder of one's own."""

from __future__ import annotations

import pytest

from gan_lightning.testing import (
    Variant,
    check_learning,
    check_resume,
    check_samples,
    check_updates,
)
from tests.conftest import CONF

TINY = ("model.generator.width=4", "model.discriminator.width=4")


@pytest.fixture
def own(tmp_path):
    """Return a maker of variants that are DCGAN's file with another class, in a folder that is not the package's."""

    def make(name: str) -> Variant:
        text = (CONF / "model" / "dcgan.yaml").read_text()
        text = text.replace("gan_lightning.models.DCGAN", f"tests.testing.saboteurs.{name}")
        (tmp_path / "my conf" / "model").mkdir(parents=True, exist_ok=True)
        (tmp_path / "my conf" / "model" / "own.yaml").write_text(text)
        return Variant(name="own", config_dir=tmp_path / "my conf", overrides=TINY)

    return make


@pytest.mark.parametrize(
    ("saboteur", "check", "message"),
    [
        ("Forgetful", check_learning, r"without a gradient: \['head.bias', 'head.weight'\]; expected: \[\]"),
        ("Careless", check_resume, r"weights\..* differs by"),
        ("Meddling", check_updates, "an update of discriminator moved the generator"),
        ("Moody", check_samples, "global random generator"),
    ],
)
def test_a_broken_contract_is_said_in_words(own, saboteur, check, message):
    with pytest.raises(AssertionError, match=message):
        check(own(saboteur))
