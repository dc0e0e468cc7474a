"""The names of run folders: of a single run, and of the jobs of a sweep, which are the same at every start."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from gan_lightning.core.slurm import job_id

NOT_IN_NAMES = ("output_dir", "overwrite", "resume", "sweep", "cluster", "expected")
"""Keys of overrides that choose where and how a job runs, not what it computes."""

LONGEST = 100
"""Characters of a readable folder name; file systems allow 255, and files inside have names too."""


def job_folder(overrides: Sequence[str]) -> str:
    """Return the folder name of a sweep's job, the same for the same overrides in any order.

    Args:
        overrides: the job's, for example ``"seed=0"`` and ``"model/loss=hinge"``.

    Returns:
        ``model.loss=hinge,seed=0``; where that is too long or holds other characters than a folder name should, a
        readable part of it with a hash behind.
    """
    parts = sorted(part for part in (text.lstrip("+") for text in overrides) if _is_named(part))
    exact = ",".join(parts)
    name = exact.replace("/", ".") or "default"
    if len(name) <= LONGEST and re.fullmatch(r"[\w.=,+-]+", name, flags=re.ASCII) and not name.startswith("."):
        return name
    digest = hashlib.sha256(exact.encode()).hexdigest()[:10]
    short = ",".join(f"{_key(part).replace('/', '.').split('.')[-1]}={part.partition('=')[2]}" for part in parts)
    readable = re.sub(r"[^\w.=,+-]", "_", short, flags=re.ASCII).lstrip(".")
    return f"{readable[: LONGEST - len(digest) - 1]}-{digest}"


def sweep_folder(folders: Sequence[str], *, runs: str, names: Sequence[str]) -> str:
    """Return the one folder of a sweep whose jobs would each have a folder after their own name.

    Args:
        folders: the sweep's folder as each job resolves it.
        runs: the folder of all runs.
        names: names of the jobs' configurations.

    Returns:
        That folder, if it is the same for all; else ``<runs>/<name>+<name>/sweep``, the same at every start.
    """
    if len(set(folders)) == 1:
        return folders[0]
    several = list(dict.fromkeys(names))
    joined = "+".join(several)
    if len(joined) > LONGEST:
        digest = hashlib.sha256(joined.encode()).hexdigest()[:10]
        joined = f"{several[0][: LONGEST // 2]}+{len(several) - 1}-more-{digest}"
    return f"{runs}/{joined}/sweep"


def _is_named(override: str) -> bool:
    unused_unit = override.startswith("budget.") and override.endswith("=null")  # the command line has them added
    return _key(override) not in NOT_IN_NAMES and not unused_unit


def _key(override: str) -> str:
    return override.partition("=")[0].lstrip("~").partition("@")[0]


def run_folder(environment: Mapping[str, str] = os.environ) -> str:
    """Return the folder name of a single run: the time; in a SLURM job the job's number, which a requeue keeps.

    All processes of a job get the same one, and each ``srun`` of a batch script another.
    """
    job = job_id(environment)
    if job is None:
        return datetime.now().strftime("%Y-%m-%d_%H-%M-%S")
    step = environment.get("SLURM_STEP_ID", "")
    return f"slurm_{job}" + (f".{step}" if step.isdigit() and 0 < int(step) < 2**31 else "")
