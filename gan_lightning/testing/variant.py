"""A variant under test: a model of the config tree, small enough that a check takes seconds."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from hydra import compose, initialize_config_dir
from lightning import LightningDataModule
from omegaconf import DictConfig, OmegaConf

import gan_lightning.config
from gan_lightning.config import build
from gan_lightning.launch.command_line import quoted
from gan_lightning.models import AdversarialModule, ImageToImage


@dataclass(frozen=True, kw_only=True)
class Variant:
    """A file of ``conf/model``, and what its checks have to know.

    Attributes:
        name: name of the file, without ``.yaml``.
        config_dir: a folder like ``conf`` with the file below ``model/``; None: it is the package's own.
        overrides: what makes it quick, without changing the algorithm, as on the command line of ``gan-train``;
            ``data=`` as well, if it is not for the embedded digits.
        inert: parameters without gradients, such as a bias added to all logits alike under a relativistic loss.
        bounded: whether samples lie in [-1, 1].
        noisy: whether a sample depends on the seed.
    """

    name: str
    config_dir: str | Path | None = None
    overrides: tuple[str, ...] = ()
    inert: frozenset[str] = frozenset()
    bounded: bool = True
    noisy: bool = True

    def build(self, *overrides: str) -> tuple[AdversarialModule, LightningDataModule]:
        """Return the model and its data module with a batch of 8, always with the same initial weights.

        Args:
            overrides: after the variant's own.
        """
        config: Any = OmegaConf.to_container(self._composed(*overrides), resolve=True)
        torch.manual_seed(0)
        model = build(config["model"], trust=True, key="model")
        model.run_config = config
        data = build(config["data"], trust=True, key="data")
        if isinstance(model, ImageToImage):
            model.sources = data.evaluation_images(data.heldout_split).sources
        return model, data

    @functools.cache  # noqa: B019  (variants are few, and the checks build each one many times)
    def _composed(self, *overrides: str) -> DictConfig:
        search = [] if self.config_dir is None else [f"file://{Path(self.config_dir).resolve()}"]
        fixed = [
            f"hydra.searchpath=[{','.join(map(quoted, search))}]",
            f"model={self.name}",
            "name=contract",
            "output_dir=unused",
            "batch_size=8",
            "logger=none",
        ]
        with initialize_config_dir(version_base="1.3", config_dir=str(gan_lightning.config.conf_dir())):
            return compose("train", overrides=[*fixed, *self.overrides, *overrides])
