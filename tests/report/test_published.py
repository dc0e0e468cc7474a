"""The comparison with published scores: beside the reached mean, or why not, in every format."""

import csv
import io
import re

from gan_lightning.report import as_csv, as_html, as_latex, as_markdown, compare, find_runs
from gan_lightning.report.cells import group_tables
from gan_lightning.report.page_data import page_data

FD, CS = "fd2k_train_digits", "cs2k_digits"
PUBLISHED = {"key": FD, "value": 12.5, "spread": 0.5, "source": "a paper <i>", "note": None}
LONGER = {**PUBLISHED, "kimg": 5}
FEWER = {**PUBLISHED, "key": "fd500_train_digits"}
MEAN = "fd2k_train_digits: reached 13 [4.043, 21.96] over 3 seeds, published 12.5 ± 0.5 (a paper <i>)"


def hinge(make, *expected, **arguments):
    for seed, fd in enumerate((10.0, 12.0, 17.0)):
        make(f"hinge/{seed}", seed=seed, fd=fd, expected=expected, **arguments)


def test_the_mean_stands_beside_what_is_published(tmp_path, make):
    hinge(make, PUBLISHED)
    make("wasserstein/0", loss="Wasserstein", fd=11.0)
    content = compare(find_runs([tmp_path]), sort=FD)
    assert content.published == [f"loss=Hinge: {MEAN}"]
    (table,) = group_tables(content)
    assert [row[2] for row in table.rows] == [
        "11 best",
        "13 ± 3.6\n[4.043, 21.96]\nbest seed 10\npublished 12.5 ± 0.5",
    ]


def test_another_protocol_and_a_shorter_run_are_told_apart(tmp_path, make):
    hinge(make, LONGER, FEWER)
    content = compare(find_runs([tmp_path]))
    assert content.published == [
        "demo: fd2k_train_digits: published 12.5 ± 0.5 (a paper <i>), not compared: "
        "budget not reached: stopped at 0.1 of 5 kimg",
        "demo: fd500_train_digits: published 12.5 ± 0.5 (a paper <i>), not compared: "
        "fd2k_train_digits has another protocol: number of samples 2k, not 500",
    ]
    assert "published" not in str(group_tables(content)[0].rows)


def test_a_configuration_without_a_finished_run_is_not_compared(tmp_path, make):
    make("a", fd=11.0, status="stopped", expected=[PUBLISHED])
    make("b", seed=1, status="failed", expected=[FEWER])
    (sentence,) = compare(find_runs([tmp_path])).published
    assert sentence.endswith("not compared: no run is finished")


def test_runs_differ_in_nothing_if_only_one_knows_what_is_published(tmp_path, make):
    make("old", fd=11.0)
    make("new", seed=1, fd=12.0, expected=[PUBLISHED])
    content = compare(find_runs([tmp_path]))
    assert [len(group.runs) for group in content.groups] == [2]
    assert content.differing == []
    assert "reached 11.5" in content.published[0]


def test_a_record_with_another_form_of_it_is_damaged(tmp_path, make):
    make("a", fd=11.0, expected=[{"key": FD}])
    (run,) = find_runs([tmp_path])
    assert run.status == "damaged"
    assert "expected[0].value = null" in str(run.problem)


def test_every_format_has_the_sentence(tmp_path, make):
    hinge(make, PUBLISHED)
    content = compare(find_runs([tmp_path]))
    assert f"- demo: {MEAN.replace('<i>', '&lt;i>')}" in as_markdown(content).splitlines()
    assert f"% demo: {MEAN}" in as_latex(content).splitlines()
    rows = list(csv.DictReader(io.StringIO(as_csv(content))))
    assert [row["note"] for row in rows if row["level"] == "published"] == [f"demo: {MEAN}"]
    page = re.sub(r"(?s)<script.*?</script>|<style>.*?</style>", "", as_html(content))
    assert f"<li>demo: {MEAN.replace('<', '&lt;').replace('>', '&gt;')}</li>" in page
    assert page.count('href="#published"') == page.count('id="published"') == 1
    beside = page_data(content)[0]["sections"][0]["groups"][0]["beside"]
    assert beside[FD] == [{"name": "published", "text": "12.5 ± 0.5", "note": "", "value": 12.5}]


def test_nothing_is_said_where_nothing_is_published(tmp_path, make):
    hinge(make)
    content = compare(find_runs([tmp_path]))
    assert content.published == []
    for text in (as_markdown(content), as_latex(content), as_csv(content)):
        assert "published" not in text
    assert 'id="published"' not in as_html(content)
    assert page_data(content)[0]["sections"][0]["groups"][0]["beside"][FD] == []
