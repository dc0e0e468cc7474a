"""The metrics that have a name: what ``conf/evaluator/metric/<name>.yaml`` describes."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from omegaconf import OmegaConf

from gan_lightning.config import build, conf_dir, locate
from gan_lightning.config.errors import did_you_mean
from gan_lightning.config.own_metrics import metric_files
from gan_lightning.metrics.metric import Metric


def list_metrics(kind: type = Metric) -> list[str]:
    """Return the names of the package's metrics of a kind, in alphabetical order."""
    return [name for name in metric_files(conf_dir()) if issubclass(_described(name)[0], kind)]


def _described(name: str) -> tuple[type, Mapping[str, Any]]:
    """Return the class that the file of a name chooses, and the arguments that it gives."""
    path = metric_files(conf_dir())[name]
    return _read(path, path.stat().st_mtime_ns)


@functools.cache
def _read(path: Path, changed_ns: int) -> tuple[type, Mapping[str, Any]]:
    """Read a metric's file; every evaluator asks for all of them several times."""
    node = OmegaConf.to_container(OmegaConf.load(path))
    assert isinstance(node, dict)
    return locate(node.pop("_target_"), trust=True), MappingProxyType({str(key): value for key, value in node.items()})


def named_metric(name: str, settings: Mapping[str, Any] = MappingProxyType({})) -> Any:
    """Build the metric of a name.

    Args:
        name: one of ``list_metrics``.
        settings: an evaluator's settings, by the names that they have in the constructors of metrics.
    """
    make, arguments = _described(name)
    known = inspect.signature(make).parameters
    given = {key: value for key, value in settings.items() if key in known}
    return make(**{**build(dict(arguments), key=f"evaluator.metrics.{name}", trust=True), **given})


def chosen_metrics(
    chosen: Sequence[Any], kind: type, settings: Mapping[str, Any] = MappingProxyType({})
) -> tuple[Any, ...]:
    """Build the metrics that are chosen by name, and return all in their order, without repetitions.

    Args:
        chosen: names and metrics.
        kind: kind of metric that the evaluator computes.
        settings: see ``named_metric``.

    Raises:
        ValueError: for an unknown name, a metric of another kind, none at all, two of one name, or a setting out of
            range.
    """
    known = list_metrics(kind)
    wrong = [one for one in chosen if one not in known and not isinstance(one, kind)]
    if wrong or not chosen:
        shown = [one if isinstance(one, str) else type(one).__name__ for one in chosen]
        hint = did_you_mean(wrong[0], known) if wrong else ""
        raise ValueError(f"evaluator.metrics must be some of {', '.join(known)}, got {shown}{hint}")
    metrics = [named_metric(one, settings) if isinstance(one, str) else one for one in dict.fromkeys(chosen)]
    for key, value in settings.items():  # also what no chosen metric uses is in range
        for owner in [name for name in known if key in inspect.signature(_described(name)[0]).parameters][:1]:
            named_metric(owner, {key: value})
    names = [metric.name for metric in metrics]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"evaluator.metrics has two metrics named {', '.join(sorted(twice))}")
    return tuple(metrics)
