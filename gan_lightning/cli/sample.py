"""``gan-sample``: pictures from a checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from omegaconf import DictConfig

from gan_lightning.cli.entry import InputError, launch

if TYPE_CHECKING:
    from gan_lightning.models import AdversarialModule


def task(cfg: DictConfig) -> None:
    """Write ``cfg.n`` samples, as one grid or one file each.

    Raises:
        InputError: if the checkpoint cannot be used, or it cannot make what is asked for.
    """
    import math

    import torch

    from gan_lightning.callbacks.grid import png, save_grid
    from gan_lightning.checkpoint import CheckpointError, load_model
    from gan_lightning.cli.device import pick_device
    from gan_lightning.metrics import to_uint8
    from gan_lightning.tracking.files import write_atomic

    if cfg.n < 1:
        raise InputError(f"n = {cfg.n}: must be at least 1")
    path = Path(cfg.ckpt)
    try:
        model = load_model(path, trust=cfg.trust)
    except CheckpointError as error:
        raise InputError(str(error)) from error
    model.to(pick_device(cfg.device))
    labels = None
    if cfg.labels is not None:
        labels = torch.tensor([cfg.labels[i % len(cfg.labels)] for i in range(cfg.n)])
    if len(model.generator.sample_shape) == 1:
        sample_points(model, cfg, path)
        return
    try:
        images = to_uint8(model.sample(cfg.n, seed=cfg.seed, weights=cfg.weights.value, labels=labels))
    except ValueError as error:
        raise InputError(str(error)) from error
    if cfg.grid:
        out = Path(cfg.out) if cfg.out else path.with_name(f"{path.stem}_samples_seed{cfg.seed}.png")
        if out.suffix.lower() != ".png":
            raise InputError(f"out = {out}: a grid is written as a .png file")
        save_grid(images, out, columns=math.ceil(math.sqrt(cfg.n)))
    else:
        out = Path(cfg.out) if cfg.out else path.with_name(f"{path.stem}_samples_seed{cfg.seed}")
        digits = max(6, len(str(cfg.n - 1)))
        for index in range(cfg.n):
            write_atomic(out / f"{index:0{digits}d}.png", png(images[index].permute(1, 2, 0)))
    print(f"{cfg.n} samples (seed {cfg.seed}, {cfg.weights.value} weights) written to {out}")


def sample_points(model: AdversarialModule, cfg: DictConfig, ckpt: Path) -> None:
    """Draw points over the mixture that the model was trained on.

    Raises:
        InputError: if they cannot be drawn.
    """
    from gan_lightning.callbacks.grid import png
    from gan_lightning.callbacks.scatter import draw_points
    from gan_lightning.data import MixtureDataModule
    from gan_lightning.instantiate import instantiate
    from gan_lightning.tracking.files import write_atomic

    data = instantiate((model.run_config or {})["data"], trust=cfg.trust, key="data")
    out = Path(cfg.out) if cfg.out else ckpt.with_name(f"{ckpt.stem}_samples_seed{cfg.seed}.png")
    if not (isinstance(data, MixtureDataModule) and cfg.grid and cfg.labels is None and out.suffix.lower() == ".png"):
        raise InputError(f"{ckpt} makes points: they are drawn into one .png file (grid=true), without labels")
    try:
        points = model.sample(cfg.n, seed=cfg.seed, weights=cfg.weights.value)
        write_atomic(out, png(draw_points(points, data.mixture)))
    except ValueError as error:
        raise InputError(str(error)) from error
    print(f"{cfg.n} samples (seed {cfg.seed}, {cfg.weights.value} weights) written to {out}")


def main() -> None:
    """Entry point of the console command."""
    launch("sample", task)


if __name__ == "__main__":
    main()
