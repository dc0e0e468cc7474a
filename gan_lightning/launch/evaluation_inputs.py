"""The two sides of a comparison, and what compares them, as ``gan-evaluate`` is told of them."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from gan_lightning.config import build
from gan_lightning.config.expected import Expected, read_expected
from gan_lightning.config.own_metrics import with_own_metrics
from gan_lightning.config.schema import resolve_budget
from gan_lightning.core.checkpoint import read_checkpoint, stored_config
from gan_lightning.core.device import pick_device
from gan_lightning.core.errors import InputError
from gan_lightning.core.hub import is_address, name_of
from gan_lightning.core.terminal import printable
from gan_lightning.data.base import RealDataModule
from gan_lightning.data.given import given_images
from gan_lightning.data.images import EvaluationImages, EvaluationSet
from gan_lightning.launch.parts import check_told
from gan_lightning.metrics import Evaluator, SampleEvaluator, Sampler
from gan_lightning.metrics.base import FileSampler
from gan_lightning.metrics.intra_class import check_class_names
from gan_lightning.models.loading import load_model
from gan_lightning.runs.checkpoints import checkpoint_in
from gan_lightning.runs.folder import RunFolder

log = logging.getLogger(__name__)

CHECKPOINT = ".ckpt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """What is compared, and how.

    Attributes:
        evaluator: what measures.
        sample: makes or reads the generated images.
        real: the real ones.
        weights: the generator's weights, "ema" or "raw", or "files".
        device: where networks run.
        title: title of the generated side, for messages.
        facts: what the scores' file says of the sides.
        default_out: where the scores go by default.
        expected: published scores of the checkpoint's experiment on these data.
        images_seen: by the generator; 0 for files.
        budget_images: images of its whole training; None: unknown.
        data: where the real images come from; None: from files.
    """

    evaluator: SampleEvaluator
    sample: Sampler
    real: EvaluationSet
    weights: Any
    device: torch.device
    title: str
    facts: dict[str, Any]
    default_out: Path
    expected: Sequence[Expected] = ()
    images_seen: int = 0
    budget_images: int | None = None
    data: RealDataModule | None = None


def open_sides(cfg: DictConfig) -> Sides:
    """Open what ``cfg.ckpt`` or ``cfg.generated`` and ``cfg.real`` name.

    Raises:
        InputError: if the keys do not fit together.
        ValueError: if a file or the data cannot be used.
    """
    if (cfg.ckpt is None) == (cfg.generated is None):
        raise InputError(
            "give either ckpt=FILE, a checkpoint, or generated=PATH, a folder or zip archive of images or a .npz file"
        )
    if cfg.ckpt is not None:
        return of_checkpoint(cfg, taken("ckpt", cfg.ckpt), given_as=cfg.ckpt)
    if means_checkpoint(cfg.generated):
        return of_checkpoint(cfg, taken("generated", cfg.generated), given_as=cfg.generated)
    return of_files(cfg, Path(cfg.generated))


def means_checkpoint(given: str) -> bool:
    """Return whether a path names a checkpoint, a file or the folder of a run, rather than images."""
    run = RunFolder(given)
    return is_address(given) or run.path.suffix == CHECKPOINT or (os.path.isdir(run.checkpoints) and run.holds_run())


def taken(key: str, given: str) -> Path:
    """Return the checkpoint that a path means, and say which it is where the path is of a folder."""
    path = checkpoint_in(given)
    if path != Path(given):
        print(printable(f"{key} = {given}: taking {path}"))
    return path


def of_checkpoint(cfg: DictConfig, path: Path, *, given_as: str) -> Sides:
    """Compare what a checkpoint's generator draws with the real images of its configuration, or with others."""
    model = load_model(path, trust=cfg.trust, statistics=cfg.statistics)
    assert model.run_config is not None
    config = model.run_config if cfg.trust else with_local_paths(model.run_config, cfg.paths)
    given = evaluator_of(cfg)
    node = given if "_target_" in given else {**(config.get("evaluator") or {}), **given}
    if "_target_" not in node:
        raise InputError(f"{path} was trained without an evaluator: choose one, for example evaluator=digits")
    evaluator = build(node, trust=cfg.trust or "_target_" in given, key="evaluator")
    if not isinstance(evaluator, SampleEvaluator):
        raise InputError(
            f"{path}: evaluator: {type(evaluator).__name__} is not an evaluator; choose one: evaluator=digits"
        )
    check_told(evaluator, model)
    weights: Literal["ema", "raw"] = model.default_weights if cfg.weights is None else cfg.weights.value
    model.network(weights)
    real, data = open_real(cfg, evaluator, config.get("data"))
    if cfg.real is not None:
        warn_of_sizes(model.generator.sample_shape[-1], real)
        if by_class(evaluator):
            check_classes(model.class_names, real)
    device = pick_device(cfg.device)
    model.to(device)
    return Sides(
        evaluator=evaluator,
        sample=model.sampler(real, seed=evaluator.seed, weights=weights),
        real=real,
        weights=weights,
        device=device,
        title=str(path),
        facts={"checkpoint": str(path), "images_seen": model.images_seen},
        default_out=default_out(Path(name_of(given_as)) if is_address(given_as) else path),
        # what is published is of the experiment's own data
        expected=[] if cfg.real is not None else read_expected(config),
        images_seen=model.images_seen,
        budget_images=known_budget(config.get("budget")),
        data=data,
    )


def known_budget(budget: Mapping[str, Any] | None) -> int | None:
    """Return a run's budget in images; None without a budget, or with one in epochs, which needs the data."""
    return None if budget is None or budget.get("epochs") is not None else resolve_budget(budget, images_per_epoch=0)


def of_files(cfg: DictConfig, path: Path) -> Sides:
    """Compare all images of a folder, archive or array file with real ones."""
    if cfg.real is None:
        raise InputError(f"generated = {path}: say what it is compared with, real=PATH (folder, .zip, .npz or .ckpt)")
    for key, value in (("statistics", cfg.statistics), ("weights", cfg.weights and cfg.weights.value)):
        if value is not None:
            raise InputError(f"{key} = {value} applies to a generator, but generated = {path} holds images")
    node = evaluator_of(cfg)
    if "_target_" not in node:
        raise InputError(
            "choose what is measured: evaluator=legacy_tf, evaluator=clean or evaluator=quick for instance"
        )
    evaluator = build(node, trust=True, key="evaluator")
    if not isinstance(evaluator, Evaluator):
        raise InputError(f"evaluator: {type(evaluator).__name__} does not score images in files; choose another")
    images = given_images(path, key="generated", split="generated", labeled=by_class(evaluator))
    check_count(evaluator.samples, len(images), path)
    evaluator.samples = len(images)
    real, data = open_real(cfg, evaluator, None)
    warn_of_sizes(next(images.batches(1)).shape[-1], real)
    if by_class(evaluator):
        check_classes(images.class_names, real)
    return Sides(
        evaluator=evaluator,
        sample=FileSampler(images),
        real=real,
        weights="files",
        device=pick_device(cfg.device),
        title=f"generated = {path}",
        facts={"generated": str(path), "generated_fingerprint": images.fingerprint},
        default_out=default_out(path.absolute()),
        data=data,
    )


def default_out(path: Path) -> Path:
    """Return where scores go by default: beside ``path``, in a file of their evaluator's own."""
    choice = HydraConfig.get().runtime.choices.get("evaluator") if HydraConfig.initialized() else None
    parts = [path.stem, str(choice).replace("/", "_"), "scores.json"] if choice else [path.stem, "scores.json"]
    return path.with_name(".".join(parts))


def check_count(asked: int, count: int, path: Path) -> None:
    """Refuse a number of samples on the command line that differs from the number of files: all are compared.

    A preset's number says how many samples a generator draws, and does not apply to files.

    Raises:
        InputError: naming both numbers.
    """
    given = HydraConfig.get().overrides.task if HydraConfig.initialized() else []
    if any(override.lstrip("+").startswith("evaluator.samples=") for override in given) and asked != count:
        raise InputError(
            f"evaluator.samples = {asked}: leave it out; all {count} images of generated = {path} are compared"
        )


def evaluator_of(cfg: DictConfig) -> dict[str, Any]:
    """Return the evaluator that the command line names, or the values that it changes."""
    node = OmegaConf.to_container(with_own_metrics(cfg).evaluator, resolve=True) if cfg.evaluator else {}
    assert isinstance(node, dict)
    return {str(key): value for key, value in node.items()}


def open_real(
    cfg: DictConfig, evaluator: SampleEvaluator, data: dict[str, Any] | None
) -> tuple[EvaluationSet, RealDataModule | None]:
    """Return the real images, those of ``cfg.real``, else of a checkpoint's ``data``; and the data if they are such."""
    if cfg.real is not None and means_checkpoint(cfg.real):
        stored = stored_config(read_checkpoint(taken("real", cfg.real)))
        data = (stored if cfg.trust else with_local_paths(stored, cfg.paths)).get("data")
    elif cfg.real is not None:
        return given_images(cfg.real, key="real", split=evaluator.real_split, labeled=by_class(evaluator)), None
    if data is None:
        raise InputError("the checkpoint was trained without gan-train and names no data: compare it with real=PATH")
    module = build(data, trust=cfg.trust, key="data")
    if not isinstance(module, RealDataModule):
        raise InputError(
            f"the checkpoint was trained on {type(module).__name__}, which has no evaluation split: compare it with "
            "real=PATH"
        )
    return module.evaluation_set(evaluator.real_split), module


def by_class(evaluator: SampleEvaluator) -> bool:
    """Return whether the classes of the two sides are compared."""
    return isinstance(evaluator, Evaluator) and any(metric.needs.real_labels for metric in evaluator.metrics)


def warn_of_sizes(generated: int, real: EvaluationSet) -> None:
    """Warn of real images of another size than the generated ones, whose scores no others compare with.

    Args:
        generated: height and width of the generated images.
        real: the real ones.
    """
    if isinstance(real, EvaluationImages) and (stored := next(real.batches(1)).shape[-1]) != generated:
        log.warning(
            "the generated images are %dx%d and the real ones %dx%d: features see the one side blurred or sharpened; "
            "compare such scores only with each other",
            *(generated, generated, stored, stored),
        )


def check_classes(generated: Sequence[str] | None, real: EvaluationSet) -> None:
    """Refuse two sides that both name their classes, but differently.

    Raises:
        ValueError: naming the classes.
    """
    if isinstance(real, EvaluationImages):
        check_class_names(generated, real.class_names)


def with_local_paths(node: Any, paths: Mapping[str, Any]) -> Any:
    """Return a stored configuration whose parts write nowhere but into this machine's cache and data folders.

    A stored ``root`` of data sets is read where it is there, but nothing is downloaded into it.

    Args:
        node: plain node of a checkpoint; it is not changed.
        paths: ``paths`` of the local configuration.
    """
    if isinstance(node, list):
        return [with_local_paths(item, paths) for item in node]
    if not isinstance(node, dict):
        return node
    local = {name: with_local_paths(item, paths) for name, item in node.items()}
    if "cache_dir" in local:
        local["cache_dir"] = paths.get("cache")
    if "download_dir" in local:
        local["download_dir"] = None
    if "root" in local:
        stored, here = local["root"], paths.get("data")
        if here is None and isinstance(stored, str) and os.path.isdir(os.path.expanduser(stored)):
            local |= {"download": False} if "download" in local else {}
        else:
            local["root"] = here
    return local
