"""How a Trainer reads and writes its checkpoints: in containers, verified."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from lightning.fabric.plugins import TorchCheckpointIO

from gan_lightning.core.checkpoint import read_checkpoint
from gan_lightning.core.container import write_container


class VerifiedCheckpointIO(TorchCheckpointIO):
    """Lets ``fit(ckpt_path=...)`` verify a checkpoint as it is loaded, on every process.

    Lightning's own plugin reads files with ``torch.load``, which tests no checksum.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | os.PathLike[str], storage_options: Any | None = None
    ) -> None:
        """Write a container; ``storage_options`` are for other plugins."""
        write_container(Path(path), checkpoint)

    def load_checkpoint(
        self, path: str | os.PathLike[str], map_location: Any = None, weights_only: bool | None = None
    ) -> dict[str, Any]:
        """Read a checkpoint of this package onto the CPU; it holds plain containers and tensors in any case.

        Raises:
            CheckpointError: if it is damaged, or of another program.
        """
        return read_checkpoint(path)
