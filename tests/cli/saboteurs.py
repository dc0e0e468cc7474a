"""Parts that misbehave on purpose, and one that looks closely; configs name them as ``tests.cli.saboteurs.X``."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from lightning import Callback, LightningModule, Trainer

from gan_lightning.data import DigitsDataModule
from tests.loggers.wandb_death import kill_wandb


class BrokenDigits(DigitsDataModule):
    """Digits whose loader fails after three batches."""

    def train_dataloader(self) -> Any:
        return _Breaking(super().train_dataloader())


class _Breaking:
    def __init__(self, loader: Any) -> None:
        self.loader = loader

    def __iter__(self) -> Iterator[Any]:
        for number, batch in enumerate(self.loader):
            if number == 3:
                raise RuntimeError("the disk is on fire")
            yield batch


class SignalAt(Callback):
    """Sends this process a signal, so many times, when so many images were seen."""

    def __init__(self, *, images: int, name: str, times: int = 1) -> None:
        super().__init__()
        self.images = images
        self.number = signal.Signals[name]
        self.times = times

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        for _ in range(self.times if pl_module.images_seen == self.images else 0):
            os.kill(os.getpid(), self.number)


class Meeting(Callback):
    """Trains when so many processes are about to."""

    def __init__(self, *, folder: str, processes: int) -> None:
        super().__init__()
        self.folder = Path(folder)
        self.processes = processes

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.folder.mkdir(exist_ok=True)
        (self.folder / str(os.getpid())).touch()
        deadline = time.monotonic() + 120
        while len(list(self.folder.iterdir())) < self.processes:
            assert time.monotonic() < deadline, "the others did not come"
            time.sleep(0.05)


class Witness(Callback):
    """Writes on rank 0 how far the parameters of the ranks are apart at the end, and how alike their batches are."""

    def __init__(self, *, file: str) -> None:
        super().__init__()
        self.file = Path(file)
        self.first: torch.Tensor | None = None

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        if self.first is None:
            self.first = batch.images.flatten().clone()

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        weights = torch.cat([parameter.detach().flatten() for parameter in pl_module.parameters()])
        everyone = pl_module.all_gather(weights)
        batches = pl_module.all_gather(self.first)
        if trainer.is_global_zero:
            spread = (everyone - everyone[0]).abs().max().item()
            same = (batches[0] - batches[-1]).abs().max().item() == 0
            seen = int(pl_module.images_seen)
            text = json.dumps({"ranks": len(everyone), "spread": spread, "same_batch": same, "images_seen": seen})
            self.file.write_text(text)


class KillWandb(Callback):
    """Kills W&B's background process when so many images were seen."""

    def __init__(self, *, images: int) -> None:
        super().__init__()
        self.images = images

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        if pl_module.images_seen == self.images:
            kill_wandb()


class RaiseAt(Callback):
    """Raises when so many images were seen."""

    def __init__(self, *, images: int) -> None:
        super().__init__()
        self.images = images

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        if pl_module.images_seen == self.images:
            raise RuntimeError("the disk is on fire")


class LeaveAt(Callback):
    """Raises from when so many images were seen: what leaves the process, or ends the data as Lightning learns of it.

    Args:
        images: how many.
        how: "exit", as if all were well, "interrupt" or "end".
    """

    def __init__(self, *, images: int, how: str) -> None:
        super().__init__()
        self.images = images
        self.error = {"exit": SystemExit(0), "interrupt": KeyboardInterrupt(), "end": StopIteration()}[how]

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        if pl_module.images_seen >= self.images:
            raise self.error


class StopAt(Callback):
    """Asks the Trainer to stop when so many images were seen."""

    def __init__(self, *, images: int) -> None:
        super().__init__()
        self.images = images

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if pl_module.images_seen == self.images:
            trainer.should_stop = True


class Slow(Callback):
    """Lets every step take so long."""

    def __init__(self, *, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        time.sleep(self.seconds)
