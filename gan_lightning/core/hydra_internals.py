"""What this package takes from the undocumented parts of Hydra and OmegaConf, each use with its reason.

No other module does. A test in ``tests/core/test_hydra_internals.py`` fails when one of them changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.types import Override
from hydra.types import RunMode
from hydra.version import VersionBase
from omegaconf import DictConfig
from packaging.version import Version

BASIC_SWEEPER = "hydra._internal.core_plugins.basic_sweeper.BasicSweeper"
"""Target of the sweeper whose jobs are known before it begins; others choose them by the scores of former ones."""


def share_config_store() -> None:
    """Let copies of Hydra's config store be the store itself.

    Hydra's help copies this singleton for every group that it lists, which takes seconds. Nothing is lost: Hydra copies
    each config that it loads from the store.
    """
    ConfigStore.__deepcopy__ = lambda self, memo: self  # type: ignore[attr-defined]


def split_sweep(overrides: Sequence[Override]) -> list[list[str]]:
    """Return the command line of each job into which ``BasicSweeper`` splits the parsed overrides of a sweep.

    Hydra only does that while it runs the jobs.
    """
    from hydra._internal.core_plugins.basic_sweeper import BasicSweeper

    return [list(job) for batch in BasicSweeper.split_arguments(list(overrides), None) for job in batch]


def compose_apart(folder: Path, overrides: Sequence[str]) -> DictConfig:
    """Compose overrides alone, without a primary config, and leave Hydra's global state as it is.

    ``hydra.compose`` replaces the state of a program that runs under ``hydra.main`` by a copy, and sets its
    ``version_base``.

    Args:
        folder: the config tree.
        overrides: as on the command line.
    """
    from hydra._internal.config_loader_impl import ConfigLoaderImpl
    from hydra._internal.utils import create_config_search_path

    version = VersionBase.instance()
    former, version.version_base = version.version_base, Version("1.3")
    try:
        loader = ConfigLoaderImpl(create_config_search_path(str(folder)))
        named = ["hydra.job.name=compose_apart", *overrides]  # Hydra asks its state for the name of an unnamed job
        return loader.load_configuration(None, named, RunMode.RUN, from_shell=False)
    finally:
        version.version_base = former


def unresolved_node(config: DictConfig, key: str) -> Any:
    """Return the node of a key, whose value may be an interpolation that cannot be resolved.

    Every public access resolves it, or copies the whole config first.
    """
    return config._get_node(key)


def unresolved_value(config: DictConfig, key: str) -> Any:
    """Return the value of a key as it is written, ``${...}`` included."""
    return config._get_node(key)._value()  # type: ignore[union-attr]
