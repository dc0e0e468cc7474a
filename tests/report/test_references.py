"""What the real images score, beside the reached scores in every format."""

import json

import pytest

from gan_lightning.report import as_markdown, compare, find_runs
from gan_lightning.report.cells import group_tables
from gan_lightning.report.page_data import page_data
from tests.report.conftest import CS, FD

PARTS = {"first": 898, "second": 899, "mean": 5.79446, "std": 0.8713}
TEXT, NOTE = "5.794 ± 0.87", "898 against 899"


@pytest.fixture
def folders(make):
    """Three seeds, of which the second and the third know what real images score."""
    made = [make(f"{seed}", seed=seed, fd=7.0 + seed, cs=5.0) for seed in range(3)]
    for folder in made[1:]:
        enter(folder, {FD: PARTS})
    return made


def enter(folder, parts):
    results = json.loads((folder / "results.json").read_text())
    (folder / "results.json").write_text(json.dumps({**results, "real_parts": parts}))


def test_the_score_of_real_images_is_beside_the_reached_one(folders, tmp_path):
    content = compare(find_runs([tmp_path]))
    (table,) = group_tables(content)
    (row,) = table.rows
    assert row[2].splitlines() == ["8 ± 1 best", "[5.516, 10.48]", "best seed 7", f"real images {TEXT} ({NOTE})"]
    assert "real images" not in row[3]
    assert f"real images {TEXT} ({NOTE})" in as_markdown(content)
    (group,) = page_data(content)[0]["sections"][0]["groups"]
    assert group["beside"] == {FD: [{"name": "real images", "text": TEXT, "note": NOTE, "value": 5.79446}], CS: []}


@pytest.mark.parametrize("parts", [{**PARTS, "mean": "five"}, {**PARTS, "first": 0.5}, {"first": 3}, 7])
def test_what_is_no_score_of_real_images_makes_a_damaged_run(folders, tmp_path, parts):
    enter(folders[0], {FD: parts})
    runs = find_runs([tmp_path])
    assert [run.status for run in runs] == ["damaged", "finished", "finished"]
