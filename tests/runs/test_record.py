import errno
import json
import math

import pytest
from lightning.pytorch.utilities import rank_zero_only

from gan_lightning.metrics.scores import Score
from gan_lightning.runs import results
from gan_lightning.runs.record import RunRecord
from gan_lightning.runs.results import Outcome, read_outcome, read_results
from gan_lightning.runs.steps import WallClock

SEGMENT = {"precision": "32-true", "config_hash": "0123456789ab"}


def frechet(value, **protocol):
    return Score("fd2k_train_digits", value, None, False, {"samples": 2000, **protocol})


def evaluate(record, images_seen, scores, **arguments):
    """Do what the evaluation callback does."""
    record.best.enter(images_seen, scores)
    record.scores(images_seen, scores, **arguments)


def classifier(value, stderr=0.1):
    return Score("cs2k_digits", value, stderr, True, {"samples": 2000})


@pytest.fixture
def record(tmp_path):
    record = RunRecord(tmp_path)
    record.start(SEGMENT)
    return record


def test_a_started_run_says_so_and_where_it_comes_from(record):
    content = read_results(record.folder.results)
    assert content["status"] == "running"
    assert content["images_seen"] == 0
    (segment,) = content["segments"]
    assert segment.pop("started_at").endswith("+00:00")
    assert segment == {"from_images": 0, **SEGMENT}


def test_final_and_best_scores_have_their_protocol_and_direction(record):
    for images, fd, cs in ((100, 5.0, 6.0), (200, 3.0, 8.0), (300, 4.0, 7.0)):
        evaluate(record, images, [frechet(fd), classifier(cs)], skipped={"fid50k": "no weights"})
    content = read_results(record.folder.results)
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


def test_scores_of_real_images_are_kept_and_older_records_have_none(record):
    parts = {"fd2k_train_digits": {"first": 898, "second": 899, "mean": 5.8, "std": 0.9}}
    record.real_parts(parts)
    assert read_results(record.folder.results)["real_parts"] == parts
    older = json.loads(record.folder.results.read_text())
    del older["real_parts"]
    record.folder.results.write_text(json.dumps(older))
    assert read_results(record.folder.results)["real_parts"] == {}


def test_a_score_under_another_protocol_is_not_compared_with_the_old_best(record):
    evaluate(record, 100, [frechet(1.0)])
    evaluate(record, 200, [frechet(9.0, split="heldout")])
    assert read_results(record.folder.results)["scores"]["best"]["fd2k_train_digits"]["value"] == 9.0


def test_nan_is_written_strictly_and_never_the_best(record):
    evaluate(record, 100, [frechet(math.nan)])
    evaluate(record, 200, [frechet(2.0)])
    evaluate(record, 300, [frechet(math.nan)])
    json.loads(record.folder.results.read_text(), parse_constant=pytest.fail)
    content = read_results(record.folder.results)
    assert content["scores"]["best"]["fd2k_train_digits"]["value"] == 2.0
    assert math.isnan(content["scores"]["final"]["fd2k_train_digits"]["value"])


def test_a_resumed_run_forgets_the_scores_beyond_its_checkpoint(record, tmp_path):
    for images, cs in ((100, 6.0), (200, 5.0), (300, 9.0)):
        evaluate(record, images, [classifier(cs, stderr=cs / 10)])
    record.artefact("checkpoint", tmp_path / "checkpoints" / "latest.ckpt")
    again = RunRecord(tmp_path)
    again.start(SEGMENT, resumed_at=200)
    content = read_results(again.folder.results)
    assert content["images_seen"] == 200
    assert [e["images_seen"] for e in content["evaluations"]] == [100, 200]
    best = content["scores"]["best"]["cs2k_digits"]
    assert (best["value"], best["stderr"], best["images_seen"], best["protocol"]) == (6.0, 0.6, 100, {"samples": 2000})
    assert content["scores"]["final"]["cs2k_digits"]["value"] == 5.0
    assert content["artefacts"] == {"checkpoint": "checkpoints/latest.ckpt"}


def test_the_objective_is_the_best_of_the_first_score_with_its_sign(record):
    assert read_results(record.folder.results)["objective"] is None
    evaluate(record, 100, [classifier(6.0), frechet(5.0)])
    evaluate(record, 200, [classifier(5.0), frechet(3.0)])
    content = read_results(record.folder.results)
    assert (content["objective"], content["objective_score"]) == (-6.0, "cs2k_digits")
    assert read_outcome(record.folder.path).objective == -6.0


def test_the_same_evaluation_once_more_replaces_the_former_one(record):
    evaluate(record, 100, [frechet(5.0)])
    evaluate(record, 200, [frechet(4.0)])
    evaluate(record, 200, [frechet(4.0)])
    assert [entry["images_seen"] for entry in read_results(record.folder.results)["evaluations"]] == [100, 200]


def test_each_segment_keeps_what_it_ran_with(record, tmp_path):
    for resumed_at, precision in ((300, "bf16-mixed"), (200, "16-mixed"), (640, "32-true")):
        RunRecord(tmp_path).start({"precision": precision}, resumed_at=resumed_at)
    segments = read_results(record.folder.results)["segments"]
    # nothing of the one from 300 images on is in the state at 640
    assert [(segment["from_images"], segment["precision"]) for segment in segments] == [
        (0, "32-true"),
        (200, "16-mixed"),
        (640, "32-true"),
    ]
    RunRecord(tmp_path).start({"precision": "32-true"})
    assert [segment["from_images"] for segment in read_results(record.folder.results)["segments"]] == [0]


def test_troubles_replace_those_entered_before(record):
    assert read_results(record.folder.results)["health"] == []
    record.health([{"kind": "oscillation", "last_images_seen": 64}])
    record.health([{"kind": "oscillation", "last_images_seen": 128}])
    assert read_results(record.folder.results)["health"] == [{"kind": "oscillation", "last_images_seen": 128}]


def test_a_fresh_run_in_a_used_folder_starts_from_nothing(record, tmp_path):
    evaluate(record, 100, [classifier(6.0)])
    RunRecord(tmp_path).start(SEGMENT)
    assert read_results(record.folder.results)["scores"] == {"final": {}, "best": {}}


def test_the_end_of_a_run_and_its_error(record, monkeypatch):
    record.finish(Outcome("failed", message="RuntimeError: out of memory"), images_seen=640)
    content = read_results(record.folder.results)
    assert (content["status"], content["images_seen"]) == ("failed", 640)
    assert content["message"] == "RuntimeError: out of memory"
    with pytest.raises(ValueError, match="running"):
        record.finish(Outcome("running"))


def test_wall_time_is_the_clock_of_the_run(tmp_path, monkeypatch):
    now = 50.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    record = RunRecord(tmp_path, clock=WallClock(already_s=7.0))
    record.start(SEGMENT)
    now = 53.0
    record.finish(Outcome("finished"))
    assert read_results(record.folder.results)["wall_time_s"] == 10.0


def test_artifacts_elsewhere_keep_their_full_path(record, tmp_path):
    record.artefact("other", tmp_path.parent / "x.png")
    assert read_results(record.folder.results)["artefacts"] == {"other": str((tmp_path.parent / "x.png").resolve())}


def test_other_ranks_write_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(rank_zero_only, "rank", 1)
    record = RunRecord(tmp_path)
    record.start(SEGMENT)
    evaluate(record, 1, [classifier(1.0)])
    record.finish(Outcome("finished"))
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_does_not_end_the_run(record, monkeypatch, caplog):
    write = results.write_atomic

    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(results, "write_atomic", full)
    evaluate(record, 10, [frechet(1.0)])
    assert "No space left on device" in caplog.text
    assert read_results(record.folder.results)["evaluations"] == []
    monkeypatch.setattr(results, "write_atomic", write)
    record.progress(20)
    assert [entry["images_seen"] for entry in read_results(record.folder.results)["evaluations"]] == [10]
    monkeypatch.setattr(results, "write_atomic", full)
    with pytest.raises(OSError, match="No space"):
        record.start(SEGMENT)
