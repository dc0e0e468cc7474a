import itertools
import multiprocessing
import os
import signal
import subprocess
import sys
import time

import pytest
import torch

from gan_lightning.core.machine import memory_bytes
from gan_lightning.data import workers
from gan_lightning.data.archive import open_files
from gan_lightning.data.arrangement import arrange
from gan_lightning.data.errors import DataError
from gan_lightning.data.loader import InMemoryLoader
from gan_lightning.data.loading import Loading
from gan_lightning.data.store import look
from gan_lightning.data.stream import StreamedImages, StreamLoader
from gan_lightning.data.transform import Transform
from gan_lightning.data.workers import IGNORED, parallel
from tests.data.pictures import classes, write, write_zip

SIZE = Transform(8)


@pytest.fixture
def found(tmp_path):
    path = write_zip(tmp_path / "set.zip", classes({"cat": 7, "dog": 4}))
    source = arrange(open_files(path), split="auto", heldout_fraction=0, labeled=True, classes=2).splits["train"]
    return look(source, SIZE, Loading(cache_dir=str(tmp_path / "cache"), workers=0), min_size=None, what="x")


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("options", [{"flip": True, "balance": True}, {"window": 5, "start": 17}])
def test_a_stream_has_the_batches_of_memory(found, workers, options):
    arguments = {"batch_size": 6, "seed": 3, **options}
    memory = InMemoryLoader(found.pixels, found.labels, **arguments)
    stream = StreamLoader(found.source, SIZE, Loading(workers=workers), **arguments)
    for expected, batch in itertools.islice(zip(memory, stream, strict=False), 7):
        assert torch.equal(expected.images, batch.images)
        assert torch.equal(expected.labels, batch.labels)


def test_ranks_share_every_global_batch(found):
    loading = Loading(workers=1)
    alone = next(iter(InMemoryLoader(found.pixels, found.labels, batch_size=6)))
    ranks = [
        next(iter(StreamLoader(found.source, SIZE, loading, batch_size=6, rank=rank, world_size=2))) for rank in (0, 1)
    ]
    assert torch.equal(alone.images, torch.cat([batch.images for batch in ranks]))


def test_streaming_touches_no_random_state(found):
    before = torch.get_rng_state()
    next(iter(StreamLoader(found.source, SIZE, Loading(workers=1), batch_size=2)))
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("world_size", [1, 2, 3])
def test_evaluation_sees_every_image_once_in_order(found, world_size):
    images = StreamedImages(found.source, SIZE, Loading(workers=0), name="x", split="train", fingerprint="f")
    assert len(images) == 11
    for rank in range(world_size):
        got = torch.cat(list(images.batches(3, rank=rank, world_size=world_size)))
        assert torch.equal(got, found.pixels[rank::world_size])
    center = StreamedImages(found.source, SIZE, Loading(workers=0), name="x", split="train", fingerprint="f", window=4)
    assert torch.equal(next(center.batches(11)), found.pixels[:, :, 2:6, 2:6])


def test_an_image_that_breaks_during_the_run_is_named(tmp_path):
    path = write(tmp_path / "set", classes({"cat": 2}))
    source = arrange(open_files(path), split="auto", heldout_fraction=0, labeled=False).splits["train"]
    (path / "cat/1.png").write_bytes(b"")
    (path / "cat/0.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"\d\.png cannot be read any more: ValueError: empty file"):
        next(iter(StreamLoader(source, SIZE, Loading(workers=0), batch_size=2)))


def this_process(rows):
    return os.getpid()


def test_workers_outlive_the_signals_that_stop_the_training():
    results = iter(parallel(this_process, itertools.repeat([0]), workers=1))
    worker = next(results)
    assert worker != os.getpid()
    for name in (*IGNORED, "SIGTERM"):  # from a third process, as a cluster's
        subprocess.run(["kill", f"-{name}", str(worker)], check=True)
    assert [next(results) for _ in range(8)] == [worker] * 8


def test_the_training_process_can_end_its_workers():
    results = iter(parallel(this_process, itertools.repeat([0]), workers=1))
    number = next(results)
    (worker,) = [child for child in multiprocessing.active_children() if child.pid == number]
    worker.terminate()
    worker.join(timeout=20)
    assert worker.exitcode == 0


LEAVE = """
import itertools
import gan_lightning
from gan_lightning.data.workers import IGNORED, parallel
results = iter(parallel(sum, itertools.repeat([1]), workers=2))
next(results)
raise SystemExit(7)
"""


def test_a_process_that_leaves_in_the_middle_takes_its_workers_along():
    assert subprocess.run([sys.executable, "-c", LEAVE], timeout=100, check=False).returncode == 7


def test_the_memory_of_a_control_group_counts(tmp_path):
    (tmp_path / "limit").write_text("123456\n")
    (tmp_path / "none").write_text("max\n")
    assert memory_bytes((tmp_path / "limit",)) == 123456
    assert memory_bytes((tmp_path / "none", tmp_path / "missing")) > 2**26


def make_slowly(rows):
    time.sleep(0.02)
    return rows, os.getpid()


def test_workers_that_are_killed_are_started_again_with_what_they_owe(caplog):
    results = parallel(make_slowly, ([number] for number in range(30)), workers=2)
    made = [next(results) for _ in range(5)]
    handler = signal.getsignal(signal.SIGCHLD)
    for worker in {worker for _, worker in made}:
        os.kill(worker, signal.SIGKILL)
    made += results
    assert [rows for rows, _ in made] == [[number] for number in range(30)]
    assert len({worker for _, worker in made}) == 4
    assert "a process that reads images was killed" in caplog.text
    assert signal.getsignal(signal.SIGCHLD) == handler == signal.SIG_DFL


def die_at_once(rows):
    os.kill(os.getpid(), signal.SIGKILL)


def test_workers_that_are_killed_again_and_again_are_said(monkeypatch):
    monkeypatch.setattr(workers, "_MOST_DEATHS", 0)  # torch looks every five seconds
    with pytest.raises(DataError, match="keep being killed"):
        next(parallel(die_at_once, iter([[0], [1]]), workers=1))
