"""``gan-sample``: pictures from a checkpoint."""

from __future__ import annotations

from omegaconf import DictConfig

from gan_lightning.cli.entry import InputError, launch


def task(cfg: DictConfig) -> None:
    """Write ``cfg.n`` samples, as one grid or one file each.

    Raises:
        InputError: if the checkpoint cannot be used, or it cannot make what is asked for.
    """
    import math
    from pathlib import Path

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


def main() -> None:
    """Entry point of the console command."""
    launch("sample", task)


if __name__ == "__main__":
    main()
