"""``metrics.jsonl``: one line of strict JSON per logged step, the run's own record of its scalars."""

from __future__ import annotations

import logging
import os
from argparse import Namespace
from collections.abc import Mapping
from io import FileIO
from typing import Any

from lightning.pytorch.loggers.logger import Logger
from lightning.pytorch.utilities import rank_zero_only

from gan_lightning.core.atomic import write_atomic
from gan_lightning.core.side_files import move_aside
from gan_lightning.core.strict_json import dumps
from gan_lightning.loggers.base import show_picture
from gan_lightning.runs.folder import RunFolder
from gan_lightning.runs.metrics_file import recover_metrics
from gan_lightning.runs.steps import WallClock, images_axis

log = logging.getLogger(__name__)


class JSONLLogger(Logger):
    """Appends each row of metrics to ``<output_dir>/metrics.jsonl``, flushed line by line.

    A row is ``{"images_seen": int, "wall_time_s": float, **scalars}``. Non-finite scalars are the strings
    ``"NaN"``, ``"Infinity"`` and ``"-Infinity"``, because JSON has no numbers for them. Only rank zero writes.
    Nothing is written before the first row.

    Args:
        output_dir: the run's folder.
        clock: the run's clock, shared with its ``RunRecord``; None makes one.
    """

    def __init__(self, *, output_dir: str | os.PathLike[str], clock: WallClock | None = None) -> None:
        super().__init__()
        self.path = RunFolder(output_dir).metrics
        self.clock = WallClock() if clock is None else clock
        self._file: FileIO | None = None
        self._pending = b""
        self._latest = 0
        # images seen where a run resumes, and the keys of each row that it has for that moment already
        self._standing: tuple[int, list[set[str]]] = (-1, [])

    @property
    def name(self) -> str:
        """The logger's name."""
        return "jsonl"

    @property
    def version(self) -> str:
        """Empty: a run has one metrics file, whatever the number of its interruptions."""
        return ""

    @property
    def save_dir(self) -> str:
        """The run's folder."""
        return str(self.path.parent)

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        """Append one row; see ``images_axis`` for its number of images.

        A checkpoint may cut a round of two batches in two, before its row is logged. If the former process still logged
        that row before it was killed, it stands, and the resumed run does not add it again.

        Args:
            metrics: scalars by name.
            step: images seen, used where the row does not say ``images_seen`` itself.
        """
        self._latest = images_axis(metrics, step, self._latest)
        row = {"images_seen": self._latest, "wall_time_s": round(self.clock.elapsed_s(), 3)}
        row.update((key, value) for key, value in metrics.items() if key not in row)
        if self._latest == self._standing[0] and row.keys() in self._standing[1]:
            return
        self._pending += f"{dumps(row)}\n".encode()
        try:
            self._write_pending()
        except OSError as error:
            log.error("could not write to %s; the rows are kept for the next attempt: %s", self.path, error)
            self.close()

    @rank_zero_only
    def log_hyperparams(self, params: dict[str, Any] | Namespace, *args: Any, **kwargs: Any) -> None:
        """Do nothing: the run's configuration is in ``config.yaml``."""

    @rank_zero_only
    def truncate_after(self, images_seen: int) -> None:
        """Drop the rows beyond a checkpoint, and broken lines; the clock continues from the last row kept.

        Args:
            images_seen: number of images seen at the checkpoint that training resumes from; -1 drops every row.
        """
        self.close()
        self._pending = b""
        rows = [row for row in recover_metrics(self.path) if row["images_seen"] <= images_seen]
        if rows or self.path.exists():
            write_atomic(self.path, "".join(dumps(row) + "\n" for row in rows))
        self._standing = (images_seen, [set(row) for row in rows if row["images_seen"] == images_seen])
        self._latest = max((row["images_seen"] for row in rows), default=0)
        self.clock.resume_from(max((row.get("wall_time_s", 0.0) for row in rows), default=0.0))

    @rank_zero_only
    def finalize(self, status: str) -> None:
        """Close the file; a later row opens it again."""
        self.close()

    def _write_pending(self) -> None:
        """Write what is pending; without a buffer it is known which rows came down before an error."""
        file, done = self._file or self._open(), 0
        try:
            while done < len(self._pending):
                done += file.write(self._pending[done:])
        finally:
            self._pending = self._pending[self._pending.rfind(b"\n", 0, done) + 1 :]

    def close(self) -> None:
        """Close the file, if it is open."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open(self) -> FileIO:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self.path.is_dir():
            move_aside(self.path, complaint=f"{self.path} is a folder", consequence="a file takes its place")
        content = self.path.read_bytes() if self.path.is_file() else b""
        if content and not content.endswith(b"\n"):  # a killed process, or a full disk, left a torn line
            os.truncate(self.path, content.rfind(b"\n") + 1)
        self._file = self.path.open("ab", buffering=0)
        return self._file

    def __getstate__(self) -> dict[str, Any]:
        self.close()  # a spawned rank gets a copy of the logger, and an open file cannot travel
        return self.__dict__.copy()


@show_picture.register
def _(logger: JSONLLogger, key: str, image: str | os.PathLike[str], images_seen: int) -> None:
    """Do nothing: pictures lie beside the file already."""
