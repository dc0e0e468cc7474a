"""Decode a set once, in parallel, and keep the pixels on disk under a key made of all that determines them."""

from __future__ import annotations

import hashlib
import json
import logging
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import __version__ as pillow_version
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor

from gan_lightning.core.kept import keep_container, keep_json, read_kept_container, read_kept_json
from gan_lightning.core.side_files import read_or_move_aside
from gan_lightning.data.images import pixels_fingerprint
from gan_lightning.data.loading import Loading, locked
from gan_lightning.data.preflight import Finding, Report, examine, summary
from gan_lightning.data.source import ImageSource, integers
from gan_lightning.data.transform import Transform
from gan_lightning.data.workers import parallel

log = logging.getLogger(__name__)

FORMAT_VERSION = 1
"""Raised whenever the same source and transform give other pixels."""

FOLDER = "images"
_MOST_REPORT_BYTES = 2**30  # it may name every image of a large set
_CHUNK = 64
_WORTH_WORKERS = 1024  # images; fewer are decoded before processes have started


@dataclass(frozen=True)
class Looked:
    """A split whose images have all been checked.

    Attributes:
        source: the good images.
        transform: what is done to each.
        report: on all of them.
        fingerprint: sha256 over all that determines the pixels.
        labels: int64 ``(N,)``, or None.
        pixels: uint8 ``(N, C, R, R)``, mapped from disk where that was possible; None: to be read from ``source``.
    """

    source: ImageSource
    transform: Transform
    report: Report
    fingerprint: str
    labels: Tensor | None
    pixels: Tensor | None

    def __len__(self) -> int:
        return self.report.images


def key_of(source: ImageSource, transform: Transform, min_size: int | None) -> str:
    """Return the SHA-256 of all that determines the result."""
    facts = [FORMAT_VERSION, pillow_version, source.key, transform.facts(), min_size]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def look(source: ImageSource, transform: Transform, loading: Loading, *, min_size: int | None, what: str) -> Looked:
    """Look at every image of a split, unless that was done before; keep the pixels if they fit.

    Args:
        source: all images of the split.
        transform: what is done to each.
        loading: what fits, and where it is kept.
        min_size: least height and width of an image as stored, or None.
        what: the split's name for progress and log.
    """
    key = key_of(source, transform, min_size)
    folder = loading.folder(FOLDER)
    if loading.memory_fraction > 0:
        path = folder / f"{key}.pt"
        if (kept := read_pixels(path, source, transform)) is not None:
            return kept
        if len(source) * transform.bytes_per_image <= loading.limit_bytes:
            with locked(path):  # the other processes of this machine wait for the first
                kept = read_pixels(path, source, transform)
                return kept or decode(source, transform, loading, path, min_size=min_size, what=what)
    path = folder / f"{key}.json"
    with locked(path):
        report = read_report(path)
        if report is None:
            examiner = Examiner(source=source, transform=transform, min_size=min_size, keep=False)
            _, report = run_all(examiner, loading.processes, None, what=f"checking {what}")
            if loading.keep:
                keep_json(path, asdict(report))
    if report.bad:
        source = source.only(integers([i for i in range(len(source)) if source.name(i) not in report.bad]))
    fingerprint = hashlib.sha256(f"{key} streamed".encode()).hexdigest()
    return Looked(source, transform, report, fingerprint, source.labels, None)


def decode(
    source: ImageSource, transform: Transform, loading: Loading, path: Path, *, min_size: int | None, what: str
) -> Looked:
    """Decode all images, and keep them at ``path``, if that is wanted and possible."""
    side = transform.resolution
    images = torch.empty((len(source), transform.channels, side, side), dtype=torch.uint8)
    examiner = Examiner(source=source, transform=transform, min_size=min_size, keep=True)
    findings, report = run_all(examiner, loading.processes, images, what=f"decoding {what}")
    labels = source.labels
    if report.bad:
        rows = integers([index for index, finding in enumerate(findings) if finding.problem is None])
        images, labels = images[rows], None if labels is None else labels[rows]
    fresh = Looked(source, transform, report, pixels_fingerprint(images), labels, images)
    if not loading.keep or report.images == 0:
        return fresh
    content = {"images": images, "labels": labels, "report": report.to_json(), "fingerprint": fresh.fingerprint}
    keep_container(path, content)
    return read_pixels(path, source, transform) or fresh


def read_pixels(path: Path, source: ImageSource, transform: Transform) -> Looked | None:
    """Map kept images from disk; None if there are none, or the file is damaged and was moved aside."""

    def read(path: Path) -> Looked:
        kept = read_kept_container(path, mapped=True)
        report = Report.from_json(kept["report"])
        return Looked(source, transform, report, kept["fingerprint"], kept["labels"], kept["images"])

    return read_or_move_aside(path, read, consequence="the images are decoded again")


def read_report(path: Path) -> Report | None:
    """Read a kept report; None if there is none, or it is damaged and was moved aside."""
    return read_or_move_aside(
        path, lambda path: Report(**read_kept_json(path, most_bytes=_MOST_REPORT_BYTES)), consequence="looking again"
    )


@dataclass(frozen=True, kw_only=True)
class Examiner:
    """Examines some images of a source, in any process.

    Args:
        source: the images.
        transform: what is done to each.
        min_size: least height and width of an image as stored, or None.
        keep: whether to return the pixels.
    """

    source: ImageSource
    transform: Transform
    min_size: int | None
    keep: bool

    def __call__(self, rows: list[int]) -> tuple[list[Finding], Tensor | None]:
        """Return what was found, and uint8 ``(n, C, R, R)`` or None."""
        side = self.transform.resolution
        pixels = np.zeros((len(rows), self.transform.channels, side, side), np.uint8) if self.keep else None
        findings = [
            examine(
                self.source, row, self.transform, min_size=self.min_size, out=None if pixels is None else pixels[place]
            )
            for place, row in enumerate(rows)
        ]
        return findings, None if pixels is None else torch.from_numpy(pixels)


def run_all(examiner: Examiner, workers: int, out: Tensor | None, *, what: str) -> tuple[list[Finding], Report]:
    """Examine every image, in parallel if there are many.

    Args:
        examiner: what is done to them.
        workers: number of processes.
        out: uint8 ``(N, C, R, R)`` for the results, or None.
        what: for progress and log.
    """
    total, started = len(examiner.source), time.monotonic()
    chunks = [list(range(start, min(start + _CHUNK, total))) for start in range(0, total, _CHUNK)]
    results = parallel(examiner, chunks, workers=workers if total >= _WORTH_WORKERS else 0)
    findings: list[Finding] = []
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(file=sys.stderr), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(what, total=total)
        for found, pixels in results:
            if out is not None and pixels is not None:
                out[len(findings) : len(findings) + len(found)] = pixels
            findings += found
            bar.update(task, completed=len(findings))
    log.info("%s: %d images in %.1f s", what, total, time.monotonic() - started)
    return findings, summary(findings, examiner.source)
