"""What a search is to do, read from Hydra's node and checked before anything is written."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, IntervalSweep, Override, RangeSweep, Transformer
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from packaging.version import Version

from gan_lightning.config import COMPOSITION_ERRORS, ConfigError
from gan_lightning.config.errors import allowed_keys
from gan_lightning.launch.overrides import COMPOSING, MOST_JOBS, sweep_size

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

SAMPLERS = ("TPESampler", "RandomSampler")
PRUNERS = ("NopPruner", "MedianPruner", "HyperbandPruner")
COUNTS = ("n_trials", "n_jobs", "seeds_per_trial")
KEYS = ("study_name", "storage", *COUNTS, "direction", "sampler", "pruner", "params")
SPACES = (
    "interval(LOW, HIGH), int(interval(LOW, HIGH)), tag(log, interval(LOW, HIGH)), choice(A, B), "
    "range(START, STOP, STEP) and A,B"
)


@dataclass(frozen=True, kw_only=True)
class SearchSettings:
    """What a search is to do.

    Attributes:
        study_name: in the storage.
        storage: URL of a database.
        n_trials: length of the study.
        n_jobs: trials that are launched together.
        seeds_per_trial: runs whose mean is a trial's value.
        seed: seed of a trial's first run.
        sampler: node that builds one of Optuna's, from a seed.
        pruner: node that builds one of Optuna's.
        space: what is chosen for each key.
        fixed: overrides that all jobs share.
    """

    study_name: str
    storage: str
    n_trials: int
    n_jobs: int
    seeds_per_trial: int
    seed: int
    sampler: Mapping[str, Any]
    pruner: Mapping[str, Any]
    space: Mapping[str, BaseDistribution]
    fixed: Sequence[str]


def read_settings(config: DictConfig, arguments: Sequence[str]) -> SearchSettings:
    """Return what a search is to do.

    Args:
        config: the sweep's, with Hydra's own node.
        arguments: what was set on the command line; a fixed value there takes its key out of the space.

    Raises:
        ConfigError: with all that is wrong.
    """
    check_installed()
    node: dict[str, Any] = OmegaConf.to_container(config.hydra.sweeper, resolve=True)  # type: ignore[assignment]
    problems = wrong_settings(node)
    space: dict[str, BaseDistribution] = {}
    fixed: dict[str, str] = {}
    params = node["params"] if isinstance(node["params"], dict) else {}
    for text in [*(f"{key}={value}" for key, value in params.items()), *arguments]:
        try:
            override = OverridesParser.create().parse_override(text)
            key = override.get_key_element()
            space.pop(key, None)  # the command line comes later than the file, and wins
            fixed.pop(key, None)
            if override.is_sweep_override():
                space[key] = distribution(override)
            else:
                fixed[key] = text
        except COMPOSING as error:
            key, _, value = text.partition("=")
            problems.append(f"{key} = {value}: {str(error).splitlines()[0]}; a search space is one of {SPACES}")
    if not space and not problems:
        problems.append(f"hydra.sweeper.params: there is nothing to search; give a key one of {SPACES}")
    if node["seeds_per_trial"] != 1 and "seed" in space:
        problems.append("seed: it cannot be searched over with hydra.sweeper.seeds_per_trial above 1, which sets it")
    if problems:
        raise ConfigError(problems)
    used = {key: node[key] for key in ("study_name", *COUNTS, "sampler", "pruner")}
    storage = node["storage"] or study_in(Path(config.hydra.sweep.dir))
    return SearchSettings(**used, storage=storage, seed=config.seed, space=space, fixed=list(fixed.values()))


def study_in(folder: Path) -> str:
    """Return the URL of the study in a sweep's folder, whatever characters its name has."""
    from sqlalchemy import URL

    return URL.create("sqlite", database=str(folder / "study.db")).render_as_string()


def check_installed() -> None:
    """Refuse to search without Optuna, or with a release of another interface.

    Raises:
        ConfigError: naming the command that installs it.
    """
    found = metadata.version("optuna") if importlib.util.find_spec("optuna") is not None else None
    if found is None or not Version("4") <= Version(found) < Version("6"):
        what = "Optuna is missing" if found is None else f"Optuna {found} is installed, and 4 or 5 is needed"
        raise ConfigError([f"hydra/sweeper = optuna: {what}; pip install 'gan-lightning[sweep]'"])


def wrong_settings(node: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with the values of ``hydra.sweeper``, but for the space."""
    problems = [
        f"hydra.sweeper.{key}: no such key{allowed_keys(key, KEYS)}"
        for key in node
        if key not in KEYS and not key.startswith("_")
    ]
    if not isinstance(node["study_name"], str) or not node["study_name"]:
        problems.append(f"hydra.sweeper.study_name = {node['study_name']}: must be text")
    if not isinstance(node["storage"], str | None):
        problems.append(f"hydra.sweeper.storage = {node['storage']}: must be a URL of SQLAlchemy's, or null")
    for key in COUNTS:
        if not isinstance(node[key], int) or isinstance(node[key], bool) or node[key] < 1:
            problems.append(f"hydra.sweeper.{key} = {node[key]}: must be a whole number of at least 1")
    if not isinstance(node["params"], dict | None):
        problems.append(
            f"hydra.sweeper.params = {node['params']}: must map keys to search spaces, each one of {SPACES}"
        )
    if node["direction"] not in (None, "minimize"):
        problems.append(
            f"hydra.sweeper.direction = {node['direction']}: must be minimize or null; the objective of a score of "
            "which higher is better has its sign turned"
        )
    for key, known in (("sampler", SAMPLERS), ("pruner", PRUNERS)):
        target = node[key].get("_target_") if isinstance(node[key], dict) else node[key]
        if target not in [f"optuna.{key}s.{name}" for name in known]:
            options = "tpe, random" if key == "sampler" else "none, median, hyperband"
            problems.append(f"hydra.sweeper.{key} = {target}: must be chosen with hydra/sweeper/{key}=, of {options}")
            continue
        try:
            instantiate(node[key])
        except COMPOSITION_ERRORS as error:
            problems.append(f"hydra.sweeper.{key} = {node[key]}: {error.__cause__ or error}")
    return problems


def distribution(override: Override) -> BaseDistribution:
    """Return Optuna's form of a value in Hydra's grammar; ``range`` ends before its stop, as it does in a sweep.

    Raises:
        ValueError: if it has none.
    """
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    value = override.value()
    if not isinstance(value, ChoiceSweep | RangeSweep | IntervalSweep):
        raise ValueError("this cannot be searched over")
    if unknown := sorted(value.tags - {"log"}):
        raise ValueError(f"the tag {unknown[0]} is not known, only log is")
    log = "log" in value.tags
    if isinstance(value, ChoiceSweep):
        if log:
            raise ValueError("the tag log is for numbers in an interval or a range")
        choices: list[Any] = [*override.sweep_iterator(transformer=Transformer.encode)]
        return CategoricalDistribution(choices)
    if isinstance(value, IntervalSweep):
        low, high = value.start, value.end
        step: float | None = None
    else:
        values: list[Any] = [*override.sweep_iterator()] if sweep_size(override) <= MOST_JOBS else []
        if not values:
            raise ValueError(f"it has no values, or more than {MOST_JOBS}")
        low, high, step = min(values), max(values), abs(value.step)
    assert low is not None
    assert high is not None
    if not (math.isfinite(low) and math.isfinite(high) and low <= high and (low > 0 or not log)):
        raise ValueError("the ends must be finite, the lower one first, and above 0 with the tag log")
    if log and step not in (None, 1):
        raise ValueError("a range with the tag log has steps of 1")
    if isinstance(low, int) and isinstance(high, int) and (step is None or isinstance(step, int)):
        return IntDistribution(low, high, log=log, step=step or 1)
    return FloatDistribution(low, high, log=log, step=None if log else step)


def probes(settings: SearchSettings) -> list[list[str]]:
    """Return a command line for both ends of each range and for every choice, each with what is fixed."""
    from optuna.distributions import CategoricalDistribution

    lines = []
    for key, values in settings.space.items():
        ends = values.choices if isinstance(values, CategoricalDistribution) else (values.low, values.high)  # type: ignore[attr-defined]
        lines += [[*settings.fixed, f"{key}={value}"] for value in dict.fromkeys(ends)]
    return lines
