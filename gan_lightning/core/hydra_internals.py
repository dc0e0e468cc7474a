"""What this package takes from the undocumented parts of Hydra and OmegaConf, each use with its reason.

No other module does. A test in ``tests/core/test_hydra_internals.py`` fails when one of them changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig

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


def unresolved_node(config: DictConfig, key: str) -> Any:
    """Return the node of a key, whose value may be an interpolation that cannot be resolved.

    Every public access resolves it, or copies the whole config first.
    """
    return config._get_node(key)


def unresolved_value(config: DictConfig, key: str) -> Any:
    """Return the value of a key as it is written, ``${...}`` included."""
    return config._get_node(key)._value()  # type: ignore[union-attr]
