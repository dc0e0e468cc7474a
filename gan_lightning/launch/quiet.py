"""What libraries say at every start, and no user can act on."""

from __future__ import annotations

import logging
import warnings


def quiet_libraries() -> None:
    """Silence what Lightning says at every start and no user can act on."""
    for room in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(room).setLevel(logging.WARNING)
    for told in ("profilers.profiler", "callbacks.model_summary", "utilities.model_summary.model_summary"):
        logging.getLogger(f"lightning.pytorch.{told}").setLevel(logging.INFO)  # who asks for these wants to see them
    for pattern in (
        r".*isinstance\(treespec, LeafSpec\).*",
        r".*does not have many workers.*",
        r".*ended before the epoch ended and your dataloader is not resumable.*",  # ours is: it starts at images_seen
        r".*Checkpoint directory .* exists and is not empty.*",
        r".*You defined a `validation_step` but have no `val_dataloader`.*",  # which is for a Trainer of one's own
        r".*`srun` command is available on your system but is not used.*",  # a login node, or a single process
    ):
        warnings.filterwarnings("ignore", message=pattern)
