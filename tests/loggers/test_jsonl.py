import errno
import json
import math
import pickle

import pytest
import torch
from lightning.pytorch.utilities import rank_zero_only

from gan_lightning.core.side_files import SideFileError
from gan_lightning.loggers import JSONLLogger
from gan_lightning.runs.metrics_file import read_metrics
from gan_lightning.runs.steps import WallClock, images_axis


@pytest.fixture
def logger(tmp_path):
    return JSONLLogger(output_dir=tmp_path)


def rows(logger):
    return read_metrics(logger.path)


def test_a_row_is_on_disk_as_soon_as_it_is_logged(logger):
    logger.log_metrics({"images_seen": 64, "d/loss": torch.tensor(0.5)}, step=64)
    (row,) = rows(logger)
    assert row.pop("wall_time_s") >= 0
    assert row == {"images_seen": 64, "d/loss": 0.5}


def test_non_finite_values_are_strict_json_and_come_back_as_floats(logger):
    logger.log_metrics({"a": math.nan, "b": math.inf, "c": -math.inf}, step=1)
    raw = json.loads(logger.path.read_text(), parse_constant=pytest.fail)
    assert (raw["a"], raw["b"], raw["c"]) == ("NaN", "Infinity", "-Infinity")
    (row,) = rows(logger)
    assert math.isnan(row["a"])
    assert (row["b"], row["c"]) == (math.inf, -math.inf)


def test_a_torn_last_line_is_ignored_by_the_reader_and_repaired_by_the_writer(logger, tmp_path):
    logger.log_metrics({"a": 1}, step=10)
    logger.close()
    with logger.path.open("a") as file:
        file.write('{"images_seen": 20, "a"')
    assert [r["images_seen"] for r in rows(logger)] == [10]
    again = JSONLLogger(output_dir=tmp_path)
    again.log_metrics({"a": 2}, step=30)
    assert [r["images_seen"] for r in rows(logger)] == [10, 30]


def test_a_broken_line_in_the_middle_is_named(logger):
    logger.path.write_text('{"images_seen": 1}\noops\n{"images_seen": 2}\n')
    with pytest.raises(ValueError, match="line 2"):
        rows(logger)


def test_truncation_drops_what_the_checkpoint_has_not_seen(logger, tmp_path):
    for images in (10, 20, 30):
        logger.log_metrics({"a": float(images) if images < 20 else math.nan}, step=images)
    with logger.path.open("a") as file:
        file.write('{"torn')
    again = JSONLLogger(output_dir=tmp_path)
    again.truncate_after(20)
    assert [r["images_seen"] for r in rows(logger)] == [10, 20]
    assert math.isnan(rows(logger)[1]["a"])
    again.log_metrics({"a": 1}, step=25)
    assert [r["images_seen"] for r in rows(logger)] == [10, 20, 25]
    assert [p.name for p in tmp_path.iterdir()] == ["metrics.jsonl"]


BROKEN = {
    "a list": b"[1]",
    "NULs": bytes(50),
    "not JSON": b"oops",
    "no images": b'{"a": 1}',
    "images of another kind": b'{"images_seen": "ten"}',
    "infinite images": b'{"images_seen": 1e999}',
    "infinite time": b'{"images_seen": 15, "wall_time_s": "Infinity"}',
    "time of another kind": b'{"images_seen": 15, "wall_time_s": null}',
    "nested": b'{"images_seen": 15, "a": [1]}',
    "deep": b"[" * 5000,
    "binary": bytes(range(128, 200)),
    "nothing": b"",
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_line_does_not_stop_a_resume_and_costs_no_other(logger, tmp_path, caplog, case):
    for images in (10, 20, 30):
        logger.log_metrics({"a": 1.0}, step=images)
    logger.close()
    lines = logger.path.read_bytes().splitlines(keepends=True)
    content = b"".join([lines[0], BROKEN[case] + b"\n", *lines[1:]])
    logger.path.write_bytes(content)
    with pytest.raises(SideFileError, match=rf"^{logger.path} is damaged: line 2: "):
        rows(logger)
    again = JSONLLogger(output_dir=tmp_path)
    again.truncate_after(20)
    assert [row["images_seen"] for row in rows(logger)] == [10, 20]
    assert (tmp_path / "metrics.jsonl.damaged").read_bytes() == content
    (message,) = [record.getMessage() for record in caplog.records]
    assert message.startswith(f"{logger.path} is damaged: line 2: ")
    assert message.endswith("; it was renamed to metrics.jsonl.damaged; the rows that are whole are kept")
    again.log_metrics({"a": 1}, step=25)
    assert [row["images_seen"] for row in rows(logger)] == [10, 20, 25]


def test_a_folder_in_the_place_of_the_file_is_moved_aside(logger, tmp_path, caplog):
    logger.path.mkdir()
    logger.truncate_after(20)
    logger.log_metrics({"a": 1}, step=25)
    assert [row["images_seen"] for row in rows(logger)] == [25]
    logger.close()
    logger.path.unlink()
    logger.path.mkdir()
    logger.log_metrics({"a": 1}, step=35)  # without a resume
    assert [row["images_seen"] for row in rows(logger)] == [35]
    assert caplog.text.count("is a folder; it was renamed to metrics.jsonl.damaged") == 2


def test_truncation_without_a_file_writes_nothing(logger, tmp_path):
    logger.truncate_after(0)
    assert list(tmp_path.iterdir()) == []


def test_wall_time_continues_over_a_resume_and_does_not_count_the_pause(tmp_path, monkeypatch):
    now = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    first = JSONLLogger(output_dir=tmp_path)
    for images, now in ((10, 1005.0), (20, 1010.0), (30, 1015.0)):  # noqa: B007
        first.log_metrics({}, step=images)
    now = 5000.0
    second = JSONLLogger(output_dir=tmp_path, clock=WallClock())
    second.truncate_after(20)
    now = 5004.0
    second.log_metrics({}, step=30)
    assert [r["wall_time_s"] for r in rows(first)] == [5.0, 10.0, 14.0]


def test_other_ranks_write_nothing(logger, tmp_path, monkeypatch):
    monkeypatch.setattr(rank_zero_only, "rank", 1)
    logger.log_metrics({"a": 1}, step=1)
    logger.truncate_after(0)
    assert list(tmp_path.iterdir()) == []


def test_the_logger_travels_to_another_process(logger):
    logger.log_metrics({"a": 1}, step=1)
    pickle.loads(pickle.dumps(logger)).log_metrics({"a": 2}, step=2)
    assert [r["a"] for r in rows(logger)] == [1, 2]


def test_a_batch_count_never_passes_for_images():
    assert images_axis({"images_seen": 640}, 640, 320) == 640
    assert images_axis({"lr": 1}, 10, 640) == 640  # Lightning's own step: the tenth batch of 64
    assert images_axis({"score": 1}, 704, 640) == 704
    assert images_axis({"score": 1}, None, 640) == 640


class Limited:
    """A file on a disk with little room."""

    def __init__(self, file, room):
        self.file, self.room = file, room

    def write(self, content):
        if not self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        written = self.file.write(content[: self.room])
        self.room -= written
        return written

    def close(self):
        self.file.close()


def test_a_full_disk_delays_rows_and_tears_none(logger, caplog):
    logger.log_metrics({"images_seen": 1, "x": 1.0})
    logger._file = Limited(logger._file, room=10)
    logger.log_metrics({"images_seen": 2, "x": 2.0})
    assert "No space left on device" in caplog.text
    assert [row["images_seen"] for row in rows(logger)] == [1]
    logger.log_metrics({"images_seen": 3, "x": 3.0})
    assert [row["images_seen"] for row in rows(logger)] == [1, 2, 3]


def test_a_row_of_the_moment_of_a_resume_stands_once(tmp_path):
    """As where a checkpoint lies between the two batches of a round, whose row was logged before the kill."""
    first = JSONLLogger(output_dir=tmp_path)
    for seen in (10, 20, 30):
        first.log_metrics({"images_seen": seen, "d/loss": seen / 10})
    again = JSONLLogger(output_dir=tmp_path)
    again.truncate_after(20)
    for row in (
        {"images_seen": 20, "d/loss": 2.0},
        {"images_seen": 20, "score/fd": 5.0},
        {"images_seen": 30, "d/loss": 3.0},
    ):
        again.log_metrics(row)
    shown = [{key: value for key, value in row.items() if key != "wall_time_s"} for row in read_metrics(again.path)]
    assert shown == [
        {"images_seen": 10, "d/loss": 1.0},
        {"images_seen": 20, "d/loss": 2.0},
        {"images_seen": 20, "score/fd": 5.0},
        {"images_seen": 30, "d/loss": 3.0},
    ]
