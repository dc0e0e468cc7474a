"""Configurations that ran different races are marked in every output, nothing is tested between them."""

from __future__ import annotations

import csv
import io

import pytest

from gan_lightning.report import as_csv, as_html, as_latex, as_markdown, compare, find_runs
from gan_lightning.report.cells import equal_tables, group_tables
from gan_lightning.report.fairness import Race, differences
from tests.report.conftest import FD

EQUAL = {"images_seen": 64_000, "budget": 64_000, "parameters": 1_000_000, "every_kimg": 32.0}
DIFFERENT = {
    "budget": ({"budget": 128_000}, "budget 64 against 128 kimg"),
    "images seen": ({"images_seen": 128_000}, "images seen 64 against 128 kimg"),
    "evaluation cadence": ({"every_kimg": 16.0}, "evaluation every 32 against 16 kimg"),
    "size of the generator": ({"parameters": 4_000_000}, "generator of 1 against 4 million parameters"),
}


def race_of(make, other, *, seeds=4):
    """Two configurations with values far apart: the first is best."""
    for seed in range(seeds):
        make(f"a{seed}", seed=seed, fd=10.0 + 0.1 * seed, **EQUAL)
        make(f"b{seed}", loss="Minimax", seed=seed, fd=20.0 + 0.1 * seed, **EQUAL | other)


@pytest.mark.parametrize("name", DIFFERENT)
def test_unequal_races_are_said_in_every_output_and_not_tested(name, tmp_path, make):
    other, words = DIFFERENT[name]
    race_of(make, other)
    content = compare(find_runs([tmp_path]), sort=FD)
    (verdict,) = content.verdicts
    assert f"loss=Minimax is 10 behind over 4 seeds, in another race ({words}, the best first)" in verdict
    assert "significant" not in verdict
    assert any(name in note and "not the same race" in note for note in content.notes)
    (table,) = group_tables(content)
    column = table.header.index(f"{FD} final")
    assert [row[column].split("\n")[0].split()[-1] for row in table.rows] == ["best", "≠"]
    for text in (as_markdown(content), as_latex(content)):
        assert "≠" in text
        assert name in text
    groups = [row for row in csv.DictReader(io.StringIO(as_csv(content))) if row["level"] == "group"]
    assert [row[f"{FD} final unequal"] for row in groups] == ["", words]
    assert [row[f"{FD} final p"] for row in groups] == ["", ""]
    page = as_html(content)
    assert '"mark":"\\u2260"' in page.replace(" ", "") or "≠" in page
    assert f"differ in {name}" in page


@pytest.mark.parametrize(
    "other",
    [
        {},
        {"images_seen": 64_064, "budget": 64_000},  # a last batch
        {"parameters": 1_050_000},  # a latent more
        {"parameters": None, "budget": None},  # a record that does not tell
    ],
)
def test_equal_races_are_tested_and_say_over_how_many_seeds(other, tmp_path, make):
    race_of(make, other)
    content = compare(find_runs([tmp_path]), sort=FD)
    (verdict,) = content.verdicts
    assert "loss=Minimax is 10 behind over 4 seeds, significant ***" in verdict
    assert not any("race" in note for note in content.notes)
    assert equal_tables(content) == []


def test_a_table_at_equal_images_stands_beside_that_of_the_ends(tmp_path, make):
    for seed in range(3):
        long, short = 6.0 + 0.1 * seed, 8.0 + 0.1 * seed
        make(
            f"a{seed}", seed=seed, fd=long, images_seen=128_000, evaluations={32_000: 12.0, 64_000: 9.0, 128_000: long}
        )
        make(*(f"b{seed}",), loss="Minimax", seed=seed, fd=short, images_seen=64_064, evaluations={64_064: short})
    content = compare(find_runs([tmp_path]), sort=FD)
    assert "loss=Hinge has the best mean, 6.1" in content.verdicts[0]
    (table,) = equal_tables(content)
    assert table.title == "at 64.06 kimg, the last evaluation that all have passed"
    assert table.header == ["configuration", "seeds", f"{FD} final"]
    first = {row[0]: row[2].split("\n")[0] for row in table.rows}
    assert first["loss=Hinge"].startswith("9 ")  # as it stood at 64,000
    assert first["loss=Minimax"].startswith("8.1 ± 0.1 best")
    for text in (as_markdown(content), as_latex(content), as_html(content)):
        assert "the last evaluation that all have passed" in text


def test_without_a_common_evaluation_there_is_no_such_table(tmp_path, make):
    make("a", fd=6.0, images_seen=128_000, evaluations={100_000: 7.0, 128_000: 6.0})
    make("b", loss="Minimax", fd=8.0, images_seen=64_000, evaluations={64_000: 8.0})
    content = compare(find_runs([tmp_path]), sort=FD)
    assert equal_tables(content) == []
    assert any("images seen" in note for note in content.notes)


def test_races_differ_by_more_than_the_tolerance_only():
    one = Race(budget=100.0, images_seen=100.0, parameters=100.0, cadence=None)
    assert differences(one, one) == []
    assert differences(one, Race(101.0, 99.0, 108.0, 5.0)) == []
    assert len(differences(one, Race(110.0, 90.0, 120.0, None))) == 3


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"torch": "2.13.0", "commit": "a" * 40}, []),
        ({"torch": None, "commit": "a" * 40}, []),
        ({"torch": "2.12.0", "commit": "a" * 40}, ["torch (runs): 2.13.0 (4), 2.12.0 (4)"]),
        ({"torch": "2.13.0", "commit": "b" * 40}, [f"commit (runs): {'a' * 40} (4), {'b' * 40} (4)"]),
        ({"torch": "2.13.0", "commit": "a" * 40 + "-dirty"}, [f"commit (runs): {'a' * 40} (4), {'a' * 40}-dirty (4)"]),
    ],
)
def test_runs_of_different_code_are_said(other, said, tmp_path, make):
    for seed in range(4):
        make(f"a{seed}", seed=seed, fd=10.0 + 0.1 * seed, torch="2.13.0", commit="a" * 40)
        make(f"b{seed}", loss="Minimax", seed=seed, fd=20.0 + 0.1 * seed, **other)
    notes = compare(find_runs([tmp_path]), sort=FD).notes
    assert notes == [f"the finished runs were made with different code, {line}" for line in said]
