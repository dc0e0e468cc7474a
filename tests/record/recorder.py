"""A callback that notes the state of training after every batch, through Lightning's public interface alone."""

from __future__ import annotations

import os
import signal
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning import Callback, LightningModule, Trainer

ABSENT = -1.0
"""The norm of a tensor that there is not yet, such as a moment before the first update of its parameter."""


class Recorder(Callback):
    """Writes checksum and norm of every tensor of the module and of its optimizers after each batch.

    A tensor of the module has its name in the state dict, a moment that of its parameter, ``@`` and its own. Each
    process writes ``<path>.<rank>.npz`` when training ends: ``names``, ``checksums`` uint32 and ``norms`` float64, both
    ``(batches, tensors)``.

    Args:
        path: of the files, without their endings.
        interrupt_after: the process sends itself SIGTERM in the batch that follows so many; None: never.
    """

    def __init__(self, path: str, interrupt_after: int | None = None) -> None:
        self.path = path
        self.interrupt_after = interrupt_after
        self.rows: list[dict[str, tuple[int, float]]] = []

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """Interrupt the run where that is asked for: it stops at the end of this batch."""
        if self.interrupt_after is not None and len(self.rows) + 1 == self.interrupt_after:
            os.kill(os.getpid(), signal.SIGTERM)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Note the state behind the batch's updates."""
        self.rows.append({name: (checksum(value), norm(value)) for name, value in tensors(trainer, pl_module)})

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write what was noted."""
        names = sorted(set().union(*self.rows))
        entries = [[row.get(name, (0, ABSENT)) for name in names] for row in self.rows]
        Path(self.path).parent.mkdir(parents=True, exist_ok=True)
        np.savez(
            f"{self.path}.{trainer.global_rank}.npz",
            names=np.array(names),
            checksums=np.array([[entry[0] for entry in row] for row in entries], dtype=np.uint32),
            norms=np.array([[entry[1] for entry in row] for row in entries], dtype=np.float64),
        )


def tensors(trainer: Trainer, pl_module: LightningModule) -> Iterator[tuple[str, torch.Tensor]]:
    """Yield the names and values of all parameters, buffers and moments of the optimizers."""
    for name, value in pl_module.state_dict().items():
        if isinstance(value, torch.Tensor):
            yield name, value
    names = {parameter: name for name, parameter in pl_module.named_parameters()}
    for optimizer in trainer.optimizers:
        for parameter, state in optimizer.state.items():
            for key, value in state.items():
                if isinstance(value, torch.Tensor):
                    yield f"{names[parameter]}@{key}", value


def checksum(value: torch.Tensor) -> int:
    """Return the CRC-32 of a tensor's bytes."""
    return zlib.crc32(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)


def norm(value: torch.Tensor) -> float:
    """Return the Euclidean norm of a tensor, summed in float64."""
    return float(value.detach().cpu().double().norm())
