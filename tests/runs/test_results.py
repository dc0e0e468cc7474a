"""What is read from a record, and noted in it, from outside of the run."""

import json
import logging

import pytest

from gan_lightning.core.side_files import SideFileError
from gan_lightning.runs.lock import exclusive
from gan_lightning.runs.record import RunRecord
from gan_lightning.runs.results import Outcome, blank, note, note_start, read_outcome, read_results, write_results
from gan_lightning.runs.status import MEANINGS, WORST


@pytest.fixture
def trained(tmp_path):
    """The folder of a run that has trained, and finished."""
    record = RunRecord(tmp_path)
    record.start({"precision": "32-true"}, budget_images=640)
    record.finish(Outcome("finished"), images_seen=640)
    return tmp_path


def status_in(folder):
    return json.loads((folder / "results.json").read_text())["status"]


def test_a_job_that_has_not_begun_has_a_record_of_its_own(tmp_path):
    assert read_outcome(tmp_path / "job") is None
    note(tmp_path / "job", "queued")
    assert read_outcome(tmp_path / "job") == Outcome("queued")
    note_start(tmp_path / "job", Outcome("refused", message="seed = -1\nlr = -1"))
    assert read_outcome(tmp_path / "job") == Outcome("refused", message="seed = -1\nlr = -1")
    assert status_in(tmp_path / "job") == "refused"


@pytest.mark.parametrize("status", ["refused", "failed"])
def test_a_start_that_did_not_train_leaves_a_finished_run_finished(trained, status):
    note_start(trained, Outcome(status, message="no"))
    assert read_outcome(trained) == Outcome(status, message="no")
    assert status_in(trained) == "finished"
    RunRecord(trained).start({}, resumed_at=640)
    assert read_outcome(trained) == Outcome("running")


def test_a_failure_that_the_run_recorded_itself_is_not_entered_twice(trained):
    record = RunRecord(trained)
    record.start({}, resumed_at=640)
    record.finish(Outcome("failed", message="RuntimeError: no"))
    before = (trained / "results.json").read_bytes()
    note_start(trained, Outcome("failed", message="RuntimeError: no"))
    assert (trained / "results.json").read_bytes() == before


def test_a_run_whose_process_is_gone_has_failed(trained):
    RunRecord(trained).start({}, resumed_at=640)
    note_start(trained, Outcome("failed", message="the job's process ended with SIGKILL"))
    assert status_in(trained) == "failed"


def test_the_record_of_a_run_that_another_process_has_is_left_alone(trained):
    before = (trained / "results.json").read_bytes()
    with exclusive(trained):
        note_start(trained, Outcome("refused", message="another process trains in this folder"))
    assert (trained / "results.json").read_bytes() == before


def test_a_note_keeps_what_the_run_recorded(trained):
    note(trained, "preempted", message="hydra.launcher.max_num_timeout is used up")
    content = read_results(trained / "results.json")
    assert (content["status"], content["images_seen"], len(content["segments"])) == ("preempted", 640, 1)


def test_only_a_run_that_ended_in_order_has_a_value():
    assert Outcome("finished", 3.5).value == Outcome("stopped", 3.5).value == 3.5
    assert {Outcome(status, 3.5).value for status, meaning in MEANINGS.items() if meaning.exit_code != 0} == {WORST}
    assert Outcome("finished").value == WORST


@pytest.mark.parametrize("text", ["", "[1]", '{"status": "fini', '{"status": "finished"}', "\0\0\0"])
def test_a_damaged_record_is_named_and_counts_as_none(tmp_path, text, caplog):
    (tmp_path / "results.json").write_text(text)
    with pytest.raises(SideFileError, match=r"results\.json"):
        read_results(tmp_path / "results.json")
    with caplog.at_level(logging.WARNING):
        assert read_outcome(tmp_path) is None
    assert "results.json" in caplog.text


def test_an_unknown_status_is_damage(tmp_path):
    write_results(tmp_path, {**blank("running"), "status": "sleeping"})
    with pytest.raises(SideFileError, match="sleeping"):
        read_results(tmp_path / "results.json")


def test_a_damaged_record_does_not_stop_a_resume(trained, caplog):
    (trained / "results.json").write_text('{"status": "fini')
    RunRecord(trained).start({"precision": "32-true"}, resumed_at=320)
    assert read_outcome(trained) == Outcome("running")
    assert (trained / "results.json.damaged").read_text() == '{"status": "fini'
    assert "scores and settings from before 320 images are no longer in the record" in caplog.text


@pytest.mark.parametrize(
    "changes",
    [
        {"segments": [1]},
        {"segments": None},
        {"segments": [{"from_images": None}]},
        {"segments": {"from_images": 0}},
        {"scores": {"final": {}}},
        {"evaluations": [{"scores": {}}]},
        {"evaluations": [{"images_seen": "64", "scores": {}}]},
        {"tracking": 5},
        {"artefacts": []},
        {"last_start": [1]},
        {"last_start": {"status": "finnished", "message": None}},
        {"objective": "low"},
    ],
    ids=str,
)
def test_a_record_of_valid_json_with_wrong_values_stops_no_start_and_is_kept(trained, changes, caplog):
    content = {**read_results(trained / "results.json"), **changes}
    write_results(trained, content)
    before = (trained / "results.json").read_bytes()
    read_outcome(trained)
    record = RunRecord(trained)
    record.start({"precision": "32-true"}, resumed_at=320)
    record.tracking(["a problem"])
    record.artefact("best", trained / "best.ckpt")
    assert (trained / "results.json.damaged").read_bytes() == before
    assert "results.json is damaged" in caplog.text or "is not a results file" in caplog.text
    assert [segment["precision"] for segment in record.content["segments"]] == ["32-true"]
