"""The metrics that have a name: what ``evaluator/metric/<name>.yaml`` describes."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf

from gan_lightning.config import build, conf_dir, locate
from gan_lightning.config.errors import did_you_mean
from gan_lightning.metrics.metric import Metric

GROUP = "evaluator/metric"


def metric_files() -> dict[str, Path]:
    """Return the files of all known metrics by name: the package's, and those of the folders of ``--config-dir``."""
    folders = [conf_dir()]
    if HydraConfig.initialized():
        sources = HydraConfig.get().runtime.config_sources
        folders += [Path(source.path) for source in sources if source.schema == "file"]
    files = {path.stem: path for folder in reversed(folders) for path in (folder / GROUP).glob("*.yaml")}
    return dict(sorted(files.items()))


def named_metric(name: str, settings: Mapping[str, Any]) -> Metric:
    """Build the metric of a name.

    Args:
        name: one of ``metric_files``.
        settings: of an evaluator, with names that are the same for all metrics; those that the constructor knows.
    """
    node = OmegaConf.to_container(OmegaConf.load(metric_files()[name]))
    assert isinstance(node, dict)
    make = locate(node.pop("_target_"), trust=True)
    known = inspect.signature(make).parameters
    given = {key: value for key, value in settings.items() if key in known}
    metric: Metric = make(**{**build(node, key=f"{GROUP}/{name}", trust=True), **given})
    return metric


def chosen_metrics(chosen: Sequence[str | Metric], settings: Mapping[str, Any]) -> tuple[Metric, ...]:
    """Build the metrics that are chosen by name, and return all in their order, without repetitions.

    Args:
        chosen: names and metrics.
        settings: see ``named_metric``.

    Raises:
        ValueError: for an unknown name, no metric at all, two metrics of one name, or a setting out of range.
    """
    known = metric_files()
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
