"""Whoever uses an optional library that cannot be imported says why, and which extra installs it."""

from __future__ import annotations

import re
import sys
import tomllib

import pytest

from gan_lightning.core.hub import library
from gan_lightning.data.huggingface import from_hub
from gan_lightning.data.lsun import LmdbFiles
from gan_lightning.models.efficientnet_backbone import timm_library
from tests.cli.conftest import ROOT


@pytest.mark.parametrize(
    ("name", "use"),
    [
        ("huggingface_hub", lambda folder: library()),
        ("datasets", lambda folder: from_hub("huggingface", "data.path = me/pictures", len)),
        ("lmdb", lambda folder: LmdbFiles(folder).read_stored("key")),
        ("timm", lambda folder: timm_library()),
    ],
)
def test_a_library_that_cannot_be_imported_is_named_with_the_reason_and_its_extra(name, use, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ValueError, match=rf"needs {name}, which cannot be imported \(.*{name}.*\)") as failed:
        use(tmp_path)
    (extra,) = re.findall(r"pip install 'gan-lightning\[(\w+)\]'", str(failed.value))
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    assert any(re.match(rf"{name}\b", requirement) for requirement in extras[extra])
