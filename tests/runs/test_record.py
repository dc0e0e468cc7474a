import errno
import json
import math

import pytest
from lightning.pytorch.utilities import rank_zero_only

from gan_lightning.metrics.scores import Score
from gan_lightning.runs import record as results
from gan_lightning.runs.provenance import PACKAGES, config_hash, versions
from gan_lightning.runs.record import RunRecord, is_better, read_results
from gan_lightning.runs.steps import WallClock

CONFIG = {"seed": 3, "model": {"lr": 0.1}}


def frechet(value, **protocol):
    return Score("fd2k_train_digits", value, None, False, {"samples": 2000, **protocol})


def classifier(value, stderr=0.1):
    return Score("cs2k_digits", value, stderr, True, {"samples": 2000})


@pytest.fixture
def record(tmp_path):
    record = RunRecord(tmp_path)
    record.start(CONFIG)
    return record


def test_a_started_run_says_so_and_where_it_comes_from(record):
    content = read_results(record.path)
    assert content["status"] == "running"
    assert content["images_seen"] == 0
    assert content["config_hash"] == config_hash(CONFIG)
    assert content["versions"] == versions()
    assert set(content["versions"]) == {"python", "gan_lightning", *PACKAGES}
    assert all(content["versions"][name] for name in ("python", "gan_lightning"))


def test_final_and_best_scores_have_their_protocol_and_direction(record):
    for images, fd, cs in ((100, 5.0, 6.0), (200, 3.0, 8.0), (300, 4.0, 7.0)):
        record.scores(images, [frechet(fd), classifier(cs)], skipped={"fid50k": "no weights"})
    content = read_results(record.path)
    protocol = {"samples": 2000}
    assert content["scores"]["final"]["fd2k_train_digits"] == {
        "value": 4.0,
        "stderr": None,
        "higher_is_better": False,
        "protocol": protocol,
        "images_seen": 300,
    }
    best = content["scores"]["best"]
    assert (best["fd2k_train_digits"]["value"], best["fd2k_train_digits"]["images_seen"]) == (3.0, 200)
    assert (best["cs2k_digits"]["value"], best["cs2k_digits"]["stderr"]) == (8.0, 0.1)
    assert content["images_seen"] == 300
    assert content["skipped"] == {"fid50k": "no weights"}
    assert [e["scores"]["cs2k_digits"]["value"] for e in content["evaluations"]] == [6.0, 8.0, 7.0]
    assert record.best("cs2k_digits") == 8.0
    assert record.best("unknown") is None


def test_a_score_under_another_protocol_is_not_compared_with_the_old_best(record):
    record.scores(100, [frechet(1.0)])
    record.scores(200, [frechet(9.0, split="heldout")])
    assert record.best("fd2k_train_digits") == 9.0


def test_nan_is_written_strictly_and_never_the_best(record):
    record.scores(100, [frechet(math.nan)])
    record.scores(200, [frechet(2.0)])
    record.scores(300, [frechet(math.nan)])
    json.loads(record.path.read_text(), parse_constant=pytest.fail)
    content = read_results(record.path)
    assert content["scores"]["best"]["fd2k_train_digits"]["value"] == 2.0
    assert math.isnan(content["scores"]["final"]["fd2k_train_digits"]["value"])


@pytest.mark.parametrize("higher", [True, False])
def test_the_direction_decides(higher):
    assert is_better(2.0, 1.0, higher_is_better=higher) is higher
    assert is_better(1.0, 2.0, higher_is_better=higher) is not higher
    assert not is_better(1.0, 1.0, higher_is_better=higher)
    assert not is_better(math.nan, 1.0, higher_is_better=higher)
    assert not is_better(math.nan, math.nan, higher_is_better=higher)
    assert is_better(1.0, math.nan, higher_is_better=higher)


def test_a_resumed_run_forgets_the_scores_beyond_its_checkpoint(record, tmp_path):
    for images, cs in ((100, 6.0), (200, 5.0), (300, 9.0)):
        record.scores(images, [classifier(cs, stderr=cs / 10)])
    record.artefact("checkpoint", tmp_path / "checkpoints" / "latest.ckpt")
    again = RunRecord(tmp_path)
    again.start(CONFIG, resumed_at=200)
    content = read_results(again.path)
    assert content["images_seen"] == 200
    assert [e["images_seen"] for e in content["evaluations"]] == [100, 200]
    best = content["scores"]["best"]["cs2k_digits"]
    assert (best["value"], best["stderr"], best["images_seen"], best["protocol"]) == (6.0, 0.6, 100, {"samples": 2000})
    assert content["scores"]["final"]["cs2k_digits"]["value"] == 5.0
    assert content["artefacts"] == {"checkpoint": "checkpoints/latest.ckpt"}


def test_troubles_replace_those_entered_before(record):
    assert read_results(record.path)["health"] == []
    record.health([{"kind": "oscillation", "last_images_seen": 64}])
    record.health([{"kind": "oscillation", "last_images_seen": 128}])
    assert read_results(record.path)["health"] == [{"kind": "oscillation", "last_images_seen": 128}]


def test_a_fresh_run_in_a_used_folder_starts_from_nothing(record, tmp_path):
    record.scores(100, [classifier(6.0)])
    RunRecord(tmp_path).start(CONFIG)
    assert read_results(record.path)["scores"] == {"final": {}, "best": {}}


def test_the_end_of_a_run_and_its_error(record, monkeypatch):
    record.finish("failed", images_seen=640, error=RuntimeError("out of memory"))
    content = read_results(record.path)
    assert (content["status"], content["images_seen"]) == ("failed", 640)
    assert content["error"] == "RuntimeError: out of memory"
    with pytest.raises(ValueError, match="running"):
        record.finish("running")


def test_wall_time_is_the_clock_of_the_run(tmp_path, monkeypatch):
    now = 50.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    record = RunRecord(tmp_path, clock=WallClock(already_s=7.0))
    record.start(CONFIG)
    now = 53.0
    record.finish("finished")
    assert read_results(record.path)["wall_time_s"] == 10.0


def test_artefacts_elsewhere_keep_their_full_path(record, tmp_path):
    record.artefact("other", tmp_path.parent / "x.png")
    assert read_results(record.path)["artefacts"] == {"other": str((tmp_path.parent / "x.png").resolve())}


def test_other_ranks_write_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(rank_zero_only, "rank", 1)
    record = RunRecord(tmp_path)
    record.start(CONFIG)
    record.scores(1, [classifier(1.0)])
    record.finish("finished")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_does_not_end_the_run(record, monkeypatch, caplog):
    write = results.write_atomic

    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(results, "write_atomic", full)
    record.scores(10, [frechet(1.0)])
    assert "No space left on device" in caplog.text
    assert read_results(record.path)["evaluations"] == []
    monkeypatch.setattr(results, "write_atomic", write)
    record.progress(20)
    assert [entry["images_seen"] for entry in read_results(record.path)["evaluations"]] == [10]
    monkeypatch.setattr(results, "write_atomic", full)
    with pytest.raises(OSError, match="No space"):
        record.start({})
