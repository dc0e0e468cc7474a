"""The HTML file as text: complete in itself, and safe from what runs are called."""

import base64
import json
import re
import shlex

import numpy as np
import pytest

from gan_lightning.report import as_html, compare, find_runs
from gan_lightning.report.page import MAX_COLUMNS, SCRIPTS, STYLES, _asset
from gan_lightning.report.page_data import letters, page_data

FD = "fd2k_train_digits"


def data_of(page: str) -> dict:
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)[1])


def unpacked(packed: dict[str, str]) -> np.ndarray:
    return np.frombuffer(base64.b64decode(packed["bdata"]), "<" + packed["dtype"])


@pytest.fixture
def logged(runs):
    for seed in range(3):
        rows = [{"images_seen": 10 * i, "wall_time_s": 1.0 * i, "d/loss": seed + i} for i in range(5)]
        (runs / f"hinge/{seed}/metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (runs / "wasserstein/0/metrics.jsonl").write_text('{"images_seen"\n{"images_seen": 3}\n')
    return runs


def test_the_data_hold_groups_runs_marks_and_bands(logged):
    data, problems = page_data(compare(find_runs([logged])))
    hinge, _, wasserstein = data["sections"][0]["groups"]
    assert (hinge["id"], hinge["label"], hinge["settings"]) == ("A", "loss=Hinge", {"model.loss": "Hinge"})
    assert data["settings"] == [{"key": "model.loss", "name": "loss"}]
    assert hinge["scores"][FD]["final"]["mean"] == 13.0
    assert [run["scores"][FD].get("final") for run in hinge["runs"]] == [10.0, 12.0, 17.0]
    assert wasserstein["scores"][FD]["final"]["mark"] == "best"
    assert [run["status"] for run in wasserstein["runs"]] == ["finished", "diverged", "failed"]
    curve = hinge["curves"]["d/loss"]
    np.testing.assert_array_equal(unpacked(curve["x"]), [0, 10, 20, 30, 40])
    np.testing.assert_array_equal(unpacked(curve["mean"]), [1, 2, 3, 4, 5])
    np.testing.assert_array_equal(unpacked(curve["low"]), unpacked(curve["runs"][0]))
    np.testing.assert_array_equal(unpacked(curve["high"]), unpacked(curve["runs"][2]))
    (problem,) = problems
    assert str(logged / "wasserstein/0") in problem
    assert "line 1" in problem


def test_nothing_is_loaded_from_anywhere(logged):
    page = as_html(compare(find_runs([logged])))
    tags = re.sub(r"(?s)<script[^>]*>.*?</script>|<style>.*?</style>", "", page)
    assert not re.findall(r"(?:src|href)\s*=\s*[\"'](?!#|data:)", tags)
    assert "default-src 'none'" in tags
    assert "connect-src" not in tags
    assert "sourceMappingURL" not in re.sub(r"(?s)<script>/\*\*.*?</script>", "", page[-600_000:])
    for name in (*SCRIPTS, *STYLES):
        assert _asset(name) in page
        assert not re.search(r"https?://", _asset(name))


def test_verdicts_notes_and_troubles_are_readable_without_scripts(logged):
    content = compare(find_runs([logged]))
    text = re.sub(r"(?s)<script.*?</script>|<style>.*?</style>", "", as_html(content))
    assert "model.loss" in text
    assert "did not" not in text
    assert text.count("RuntimeError: disk") == 1  # among what went wrong, and not once more among the notes
    assert "of 3 runs 1 diverged, 1 failed" in text
    for verdict in content.verdicts:
        assert verdict.split("; ")[0] in text


def test_names_cannot_become_markup(tmp_path, make):
    folder = make("</script><b>x", status="failed", error="<img src=x>")
    text = (folder / "config.yaml").read_text().replace("name: demo", "name: '<i>n</i></script>'")
    (folder / "config.yaml").write_text(text)
    page = as_html(compare(find_runs([tmp_path])), title="<u>")
    assert "<img" not in page.replace('element("img"', "")
    assert "<title>&lt;u&gt;</title>" in page
    assert data_of(page)["sections"][0]["groups"][0]["label"] == "<i>n</i></script>"


def test_more_groups_than_columns_and_letters(tmp_path, make):
    for index in range(MAX_COLUMNS + 2):
        make(f"{index}", lr=1e-4 * (index + 1), fd=float(index))
    page = as_html(compare(find_runs([tmp_path])))
    assert "2 more configurations are not in this table" in page
    assert [group["id"] for group in data_of(page)["sections"][0]["groups"]][24:28] == ["Y", "Z", "AA", "AB"]
    assert len(set(letters(1000))) == 1000


def test_only_damaged_runs_make_a_page_too(make, tmp_path):
    (make("a") / "results.json").write_text("{")
    page = as_html(compare(find_runs([tmp_path])))
    assert data_of(page)["sections"] == []
    assert "damaged: results.json is damaged: it is not JSON" in page


def test_a_row_has_what_repeats_it_and_what_draws_from_it(make):
    folder = make("it's here/0", fd=3.0)
    (folder / "checkpoints").mkdir()
    (folder / "checkpoints" / "latest.ckpt").touch()
    (run,) = find_runs([folder])
    data, _ = page_data(compare([run]))
    (shown,) = data["sections"][0]["groups"][0]["runs"]
    assert shlex.split(shown["copies"]["command"]) == ["gan-train", "experiment=demo", "model.loss=Hinge", "seed=0"]
    assert shlex.split(shown["copies"]["sample"]) == ["gan-sample", f"ckpt={folder}/checkpoints/latest.ckpt"]
    (folder / "checkpoints" / "best.ckpt").touch()
    assert find_runs([folder])[0].checkpoint == f"{folder}/checkpoints/best.ckpt"
