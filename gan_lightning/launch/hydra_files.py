"""``.hydra/`` in a run folder: what Hydra would write there, written by the process that holds the folder's lock.

The file of the overrides begins with a digest of what follows, since a part of them would be another run's.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import xxhash
from omegaconf import DictConfig, OmegaConf

from gan_lightning.core.side_files import SideFileError, read_text, read_yaml, write_side_file
from gan_lightning.runs.folder import RunFolder

_LABEL = "# xxh3-128 "
_MOST_BYTES = 2**20


def write_hydra_files(folder: Path, *, composed: DictConfig, hydra: Any) -> None:
    """Write the config as composed, Hydra's own settings, and the overrides.

    Args:
        folder: folder of the run.
        composed: the task's config, interpolations as they were written.
        hydra: Hydra's own node.
    """
    run = RunFolder(folder)
    overrides = OmegaConf.to_yaml(hydra.overrides.task)
    write_side_file(run.hydra_config, OmegaConf.to_yaml(composed))
    write_side_file(run.hydra_settings, OmegaConf.to_yaml(OmegaConf.create({"hydra": hydra})))
    write_side_file(run.hydra_overrides, f"{_LABEL}{_digest(overrides)}\n{overrides}")


def read_overrides(folder: Path) -> list[str]:
    """Return the overrides that a run was started with.

    Raises:
        FileNotFoundError: if there is no file of them.
        SideFileError: if it is damaged.
    """
    path = RunFolder(folder).hydra_overrides
    found = read_yaml(path, kind=list)
    if not all(isinstance(item, str) for item in found):
        raise SideFileError(f"{path} is damaged: it is not a list of strings")
    first, _, rest = read_text(path, most_bytes=_MOST_BYTES).partition("\n")
    if first.startswith("#") and first != f"{_LABEL}{_digest(rest)}":
        raise SideFileError(f"{path} is damaged: its content does not match its digest")
    return found


def _digest(text: str) -> str:
    return xxhash.xxh3_128_hexdigest(text.strip().encode())
