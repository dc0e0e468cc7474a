"""The metrics that have a name: what ``conf/evaluator/metric/<name>.yaml`` describes."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from omegaconf import OmegaConf

from gan_lightning.config import build, conf_dir, locate
from gan_lightning.config.errors import did_you_mean
from gan_lightning.config.own_metrics import metric_files
from gan_lightning.metrics.metric import Metric


def list_metrics() -> list[str]:
    """Return the names of all metrics of the package, in alphabetical order."""
    return list(metric_files(conf_dir()))


def named_metric(name: str, settings: Mapping[str, Any]) -> Metric:
    """Build the metric of a name.

    Args:
        name: one of ``list_metrics``.
        settings: of an evaluator, by the names that they have in the constructors of metrics.
    """
    node = OmegaConf.to_container(OmegaConf.load(metric_files(conf_dir())[name]))
    assert isinstance(node, dict)
    make = locate(node.pop("_target_"), trust=True)
    known = inspect.signature(make).parameters
    given = {key: value for key, value in settings.items() if key in known}
    metric: Metric = make(**{**build(node, key=f"evaluator.metrics.{name}", trust=True), **given})
    return metric


def chosen_metrics(chosen: Sequence[str | Metric], settings: Mapping[str, Any]) -> tuple[Metric, ...]:
    """Build the metrics that are chosen by name, and return all in their order, without repetitions.

    Args:
        chosen: names and metrics.
        settings: see ``named_metric``.

    Raises:
        ValueError: for an unknown name, no metric at all, two metrics of one name, or a setting out of range.
    """
    known = list_metrics()
    unknown = [name for name in chosen if isinstance(name, str) and name not in known]
    if unknown or not chosen:
        shown = [one if isinstance(one, str) else one.name for one in chosen]
        hint = did_you_mean(unknown[0], known) if unknown else ""
        raise ValueError(f"evaluator.metrics must be some of {', '.join(known)}, got {shown}{hint}")
    metrics = [named_metric(one, settings) if isinstance(one, str) else one for one in dict.fromkeys(chosen)]
    names = [metric.name for metric in metrics]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"evaluator.metrics has two metrics of the name {', '.join(sorted(twice))}")
    return tuple(metrics)
