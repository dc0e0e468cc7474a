"""Jobs of a sweep handed to SLURM together, and waited for."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from hydra.core.utils import JobReturn, JobStatus
from omegaconf import OmegaConf

from gan_lightning.config import check_config
from gan_lightning.core import slurm
from gan_lightning.core.errors import InputError
from gan_lightning.launch.job import due, leave_files
from gan_lightning.launch.plan import PlannedJob, without_hydra
from gan_lightning.launch.slurm_submission import Request, submit, submitted
from gan_lightning.runs.lock import exclusive
from gan_lightning.runs.results import Outcome, read_outcome
from gan_lightning.runs.status import WORST

log = logging.getLogger(__name__)

FIRST_POLL_S, SLOWEST_POLL_S = 1.0, 15.0
SUBMITTING_S = 600.0
"""How long to wait for another process that submits jobs of the same sweep: a large one composes many configs."""

GONE_POLLS = 4
"""A job that is missing from the queue so often in a row is over: a requeued one is missing for a moment too."""


def run_batch(jobs: Sequence[PlannedJob], *, submitit_folder: str, max_num_timeout: int) -> list[JobReturn]:
    """Submit the jobs that neither are done nor wait or run already, and return when none is left in the queue.

    Args:
        jobs: composed and placed.
        submitit_folder: see ``conf/hydra/launcher/slurm.yaml``.
        max_num_timeout: likewise.

    Returns:
        For each job what Hydra's sweepers expect; its value is the job's objective.
    """
    shared = Path(submitit_folder.partition("%j")[0])
    # a second start of the same sweep is to see what the first one has submitted
    with exclusive(
        shared, wait_s=SUBMITTING_S, key="hydra.launcher.submitit_folder", purpose="submits jobs from there"
    ):
        waiting = begin(jobs, submitit_folder=submitit_folder, max_num_timeout=max_num_timeout)
    try:
        wait_for(waiting)
    except KeyboardInterrupt:
        if waiting:
            names = " ".join(sorted({job.partition("_")[0] for job in waiting.values()}))
            log.warning("the jobs continue; the same command waits for them again, and scancel %s ends them", names)
        raise
    return [returned(job) for job in jobs]


def begin(jobs: Sequence[PlannedJob], *, submitit_folder: str, max_num_timeout: int) -> dict[Path, str]:
    """Submit what has to be submitted, and return the SLURM job of each folder that has one.

    Jobs that ask for the same share an array. What SLURM does not take keeps no other job from being submitted.

    Raises:
        InputError: if there is nothing to submit but jobs that SLURM does not take.
    """
    former = {job.folder: name for job in jobs if (name := submitted(job.folder)) is not None}
    known = slurm.alive(set(former.values())) if former else {}
    waiting: dict[Path, str] = {}
    groups: list[tuple[Request, list[Path]]] = []
    for job in jobs:
        if former.get(job.folder) in known:
            waiting[job.folder] = former[job.folder]
            log.info("SLURM job %s runs or waits already: %s", former[job.folder], job.folder)
            continue
        with job.present():
            composed = without_hydra(job.config)
            config = due(job.folder, check_config(composed))
            request = request_of(job.config.hydra.launcher)
        if isinstance(config, Outcome):
            continue
        leave_files(job.folder, config, composed=composed, hydra=job.config.hydra)
        alike = next((folders for other, folders in groups if other == request), None)
        if alike is None:
            groups.append((request, [job.folder]))
        else:
            alike.append(job.folder)
    for request, folders in groups:
        try:
            names = submit(folders, request, submitit_folder=submitit_folder, max_num_timeout=max_num_timeout)
        except InputError as error:
            if len(groups) == 1 and not waiting:
                raise
            log.error("%s (%s)", error, ", ".join(map(str, folders)))
            continue
        for folder, name in zip(folders, names, strict=True):
            log.info("SLURM job %s: %s", name, folder)
            waiting[folder] = name
    return waiting


def request_of(launcher: Any) -> Request:
    """Return what a job asks for, from the launcher's node in its own config."""
    node: dict[str, Any] = OmegaConf.to_container(launcher, resolve=True)  # type: ignore[assignment]
    return Request(**{entry.name: node[entry.name] for entry in fields(Request)})


def wait_for(jobs: dict[Path, str]) -> None:
    """Return when SLURM has none of the jobs any more; say when the number of those in each state changes."""
    missing = dict.fromkeys(jobs.values(), 0)
    pause, told = FIRST_POLL_S, ""
    while any(count < GONE_POLLS for count in missing.values()):
        time.sleep(pause)
        try:
            states = slurm.alive([job for job, count in missing.items() if count < GONE_POLLS])
        except OSError as error:
            log.warning("%s; trying again", error)
            states = {job: "UNKNOWN" for job, count in missing.items() if count < GONE_POLLS}
        for job in missing:
            missing[job] = 0 if job in states else missing[job] + 1
        counts = [f"{list(states.values()).count(state)} {state.lower()}" for state in sorted(set(states.values()))]
        now = ", ".join(counts) or "all jobs have left the queue"
        if now != told:
            log.info("%s", now)
        pause, told = FIRST_POLL_S if now != told else min(1.5 * pause, SLOWEST_POLL_S), now


def returned(job: PlannedJob) -> JobReturn:
    """Wrap a job's objective for Hydra's sweepers; one that is not over was lost, and has the worst."""
    value = JobReturn(
        overrides=job.overrides, cfg=without_hydra(job.config), hydra_cfg=job.config, status=JobStatus.COMPLETED
    )
    outcome = read_outcome(job.folder)
    value.return_value = WORST if outcome is None else outcome.value
    return value
