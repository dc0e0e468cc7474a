"""``gan-sample``: pictures from a checkpoint, or its generator in another form."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from omegaconf import DictConfig

from gan_lightning.core.errors import InputError
from gan_lightning.core.terminal import printable
from gan_lightning.launch.command import cleaned_up_on_sigterm, launch

if TYPE_CHECKING:
    from gan_lightning.sampling import SamplingMode

SHARED = ("n", "labels", "truncation")
"""Root keys that only some modes use."""


def task(cfg: DictConfig) -> None:
    """Do with the checkpoint what ``cfg.mode`` says.

    Raises:
        InputError: if checkpoint or mode cannot be used, or the result cannot be written.
    """
    from gan_lightning.config import build
    from gan_lightning.core.checkpoint import CheckpointError
    from gan_lightning.core.device import pick_device
    from gan_lightning.core.hub import is_address, name_of
    from gan_lightning.core.pixels import NonFiniteSamples
    from gan_lightning.models.loading import load_model
    from gan_lightning.runs.checkpoints import checkpoint_in
    from gan_lightning.sampling import SamplingMode

    mode = build(cfg.mode, trust=True, key="mode")
    if not isinstance(mode, SamplingMode):
        raise InputError(f"mode._target_ = {cfg.mode._target_}: it is not a SamplingMode")
    unused = [key for key in SHARED if cfg[key] is not None and key not in cfg.mode]
    if unused:
        raise InputError("\n".join(f"{key} = {cfg[key]}: mode={mode.name} does not use it" for key in unused))
    try:
        path = checkpoint_in(cfg.ckpt)
    except CheckpointError as error:
        raise InputError(f"ckpt = {cfg.ckpt}: {error}") from error
    if path != Path(cfg.ckpt):
        print(printable(f"ckpt = {cfg.ckpt}: taking {path}"))
    out = destination(mode, cfg, Path(name_of(cfg.ckpt)) if is_address(cfg.ckpt) else path)
    try:
        model = load_model(path, trust=cfg.trust, statistics=cfg.statistics)
        model.to(pick_device(cfg.device))
        weights = model.default_weights if cfg.weights is None else cfg.weights.value
        made = mode.write(model, out, weights=weights, trust=cfg.trust)
    except NonFiniteSamples as error:
        raise InputError(f"ckpt = {path}: its generator is broken; nothing was written: {error}") from error
    except (CheckpointError, ValueError) as error:
        raise InputError(str(error)) from error
    except OSError as error:  # of a temporary file, whose name says nothing
        raise InputError(f"out = {out}: cannot be written: {error.strerror or error}") from error
    print(printable(f"{made} written to {out}"))


def destination(mode: SamplingMode, cfg: DictConfig, ckpt: Path) -> Path:
    """Return where the result goes.

    Raises:
        InputError: if the mode does not write such a file, or it must not be replaced.
    """
    from gan_lightning.core.atomic import obstacle_to_writing
    from gan_lightning.sampling.base import ending

    seed = f"_seed{cfg.seed}" if "seed" in cfg.mode else ""
    out = Path(cfg.out) if cfg.out else ckpt.with_name(f"{ckpt.stem}_{mode.name}{seed}{mode.suffixes[0]}")
    if ending(out) not in mode.suffixes:
        allowed = ", ".join(suffix or "a folder (no ending)" for suffix in mode.suffixes)
        raise InputError(f"out = {out}: mode={mode.name} writes {allowed}")
    is_folder = os.path.isdir(out)  # false for a name that is too long, where Path.is_dir raises
    if is_folder and (out.suffix or any(out.iterdir())):
        raise InputError(f"out = {out}: there is a folder already, and it is not replaced; choose another name")
    if not is_folder and os.path.exists(out) and not (cfg.overwrite and out.is_file()):
        raise InputError(f"out = {out}: exists already; overwrite=true replaces it")
    if not is_folder and (obstacle := obstacle_to_writing(out)) is not None:
        raise InputError(f"out = {out}: cannot be written: {obstacle}")
    return out


def main() -> None:
    """Run the console command."""
    with cleaned_up_on_sigterm():
        launch("sample", task)


if __name__ == "__main__":
    main()
