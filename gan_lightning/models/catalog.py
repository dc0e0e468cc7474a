"""The models of the config tree, built in Python."""

from __future__ import annotations

import re
from collections.abc import Sequence

from omegaconf import OmegaConf

from gan_lightning.config import (
    COMPOSITION_ERRORS,
    build,
    check_config,
    composition_error,
    conf_dir,
)
from gan_lightning.config.errors import did_you_mean
from gan_lightning.core.hydra_internals import compose_apart
from gan_lightning.models.adversarial import AdversarialModule

_DATA_FACT = re.compile(r"\$\{data\.(\w+)\}")


def list_models() -> list[str]:
    """Return the names that ``create_model`` and ``gan-train model=`` know, in alphabetical order."""
    return sorted(path.stem for path in (conf_dir() / "model").glob("*.yaml"))


def create_model(
    name: str,
    *,
    resolution: int | None = None,
    channels: int | None = None,
    classes: int | None = None,
    source_channels: int | None = None,
    seed: int = 0,
    overrides: Sequence[str] = (),
) -> AdversarialModule:
    """Build the model that ``gan-train model=<name>`` trains on data of the given kind.

    Initial weights are drawn from torch's global generator: ``torch.manual_seed`` before the call makes them the same
    again. Facts of the data that the model does not use are ignored.

    Args:
        name: one of ``list_models()``.
        resolution: height and width of the images.
        channels: channels of the images.
        classes: number of classes of the labels.
        source_channels: channels of the images that a translator is given.
        seed: seed of everything random in the updates.
        overrides: as on the command line: ``"model.updates.critic_steps=2"``, ``"model/loss=hinge"``,
            ``"+model/regularizer@model.regularizers.r1=r1"``.

    Raises:
        ValueError: for an unknown name, a seed out of range, or a fact of the data that the model needs and is not
            given.
        ConfigError: with all that is wrong with the overrides and the parts they choose.
    """
    known = list_models()
    if name not in known:
        near = did_you_mean(name, known) or "."
        raise ValueError(f"name = {name!r}: there is no such model{near} Models: {', '.join(known)}")
    if not 0 <= seed < 2**32:
        raise ValueError(f"seed = {seed}: must be from 0 to 2**32 - 1")
    facts = {
        "resolution": resolution,
        "channels": channels,
        "classes": classes,
        "source_channels": source_channels,
    }
    given = [f"+data.{key}={value}" for key, value in facts.items() if value is not None]
    try:
        cfg = compose_apart(conf_dir(), [f"+model={name}", f"+seed={seed}", *given, *overrides])
    except COMPOSITION_ERRORS as error:
        raise composition_error(error, root_keys=["model", "data", "seed"]) from error
    needed = _DATA_FACT.findall(OmegaConf.to_yaml(cfg.model))
    missing = [key for key, value in facts.items() if value is None and key in needed]
    if missing:
        wanted = ", ".join(f"{key}=..." for key in missing)
        raise ValueError(f"{name} needs the data's {', '.join(missing)}: create_model({name!r}, {wanted})")
    node = check_config(cfg, kinds={"model": AdversarialModule})["model"]
    model = build(node, key="model", trust=True)
    assert isinstance(model, AdversarialModule)
    return model
