"""The written formats, and the sentences above them."""

import csv
import io
import math
import re

import pytest

from gan_lightning.report import as_csv, as_latex, as_markdown, compare, find_runs
from gan_lightning.report.cells import advice, duration, group_tables, run_table, shared_root
from gan_lightning.report.text import tex

FD = "fd2k_train_digits"
TROUBLE = {
    "kind": "mode_collapse",
    "first_images_seen": 20,
    "last_images_seen": 60,
    "message": "samples are alike",
    "remedy": "penalize gradients",
    "config_key": "model.regularizers",
}


@pytest.fixture
def content(runs):
    return compare(find_runs([runs]), sort=FD)


def test_a_row_shows_what_a_configuration_has_of_its_own(content):
    assert content.differing == ["model.loss._target_"]
    (table,) = group_tables(content)
    wasserstein, hinge, minimax = table.rows
    assert hinge[:2] == ["loss=Hinge", "3\n3 finished"]
    assert hinge[2] == "13 ± 3.6\n[4.043, 21.96]\nbest seed 10"  # 13 +- 4.3027 * sqrt(13 / 3)
    assert hinge[3] == "8 ± 1 best\n[5.516, 10.48]\nbest seed 9"
    assert hinge[4:] == ["0.1 kimg\n50 s\n2 images/s", "-"]
    assert wasserstein[1:3] == ["3\n1 diverged\n1 failed\n1 finished", "11 best"]
    assert minimax[2:4] == ["-", "-"]
    assert table.best == {(0, 2), (1, 3)}


def test_every_run_is_in_the_table_of_runs(content, runs):
    table = run_table(content)
    ends = ["finished", "diverged", "failed", *["finished"] * 3, "running", "damaged"]  # in the order of the groups
    assert [row[3] for row in table.rows] == ends
    assert table.rows[3][:3] == ["hinge/0", "loss=Hinge", "0"]
    assert table.title == f"runs in {runs}/"


@pytest.mark.parametrize(
    ("places", "root"),
    [
        (["a/b/0", "a/b/1"], "a/b/"),
        (["/r/a/0", "/r/ab/1"], "/r/"),
        (["/r/0", "s/1"], ""),
        (["/r/0", "/s/1"], ""),
        (["0", "1"], ""),
        (["a/b"], ""),
        (["a/b", "a/b/c"], "a/"),
    ],
)
def test_the_folder_that_runs_share(places, root):
    assert shared_root(places) == root


def test_verdicts_say_by_how_much_and_whether_seeds_are_enough(content):
    assert content.reasons == [
        "loss=Wasserstein: of 3 runs 1 diverged, 1 failed",
        "loss=Minimax: of 1 run 1 running",
    ]
    (line,) = content.verdicts  # only one configuration has the other score
    assert line == (
        f"{FD} (final, lower is better): loss=Wasserstein has the best mean, 11 over 1 seed; "
        "loss=Hinge is 2 behind over 3 seeds, not enough seeds for a test"
    )


def test_verdicts_tell_differences_from_noise(tmp_path, make):
    for seed in range(4):
        make(f"a{seed}", seed=seed, fd=10.0 + 0.1 * seed)
        make(f"b{seed}", loss="Minimax", seed=seed, fd=10.1 + 0.11 * seed)
        make(f"c{seed}", loss="Wasserstein", seed=seed, fd=20.0 + 0.1 * seed)
        make(f"d{seed}", loss="LeastSquares", seed=seed, fd=math.nan)
    (line,) = compare(find_runs([tmp_path])).verdicts
    _, second, third, last = line.split("; ")
    assert re.fullmatch(r"loss=Minimax is 0\.115 behind over 4 seeds, not significant \(p = 0\.\d+\)", second)
    assert re.fullmatch(r"loss=Wasserstein is 10 behind over 4 seeds, significant \*\*\* \(p = \S+\)", third)
    assert last == "loss=LeastSquares is nan behind over 4 seeds, no test without spread"


def test_csv_has_plain_numbers_on_three_levels(content):
    rows = list(csv.DictReader(io.StringIO(as_csv(content))))
    groups = [row for row in rows if row["level"] == "group"]
    assert [row["model.loss._target_"].rpartition(".")[2] for row in groups] == ["Wasserstein", "Hinge", "Minimax"]
    assert float(groups[1][f"{FD} final mean"]) == 13.0
    assert float(groups[1][f"{FD} final std"]) == pytest.approx(math.sqrt(13))
    assert float(groups[1][f"{FD} final low"]) == pytest.approx(4.043, abs=1e-3)
    assert (groups[0][f"{FD} final std"], groups[0][f"{FD} final n"], groups[0][f"{FD} final p"]) == ("", "1", "")
    assert groups[0]["status"] == "1 diverged, 1 failed, 1 finished"
    runs = [row for row in rows if row["level"] == "run"]
    assert [row[f"{FD} final mean"] for row in runs] == ["10.0", "12.0", "17.0", "", "", "11.0", "900.0", ""]
    assert runs[-1]["note"] == "RuntimeError: disk"
    assert len([row for row in rows if row["level"] == "note"]) == len(content.notes) == 4


def test_markdown_has_whole_rows_and_all_notes(content):
    lines = as_markdown(content).splitlines()
    tables = [line for line in lines if line.startswith("|")]
    widths = [len(re.findall(r"(?<!\\)\|", line)) for line in tables]
    assert set(widths[:5]) == {7}
    assert len(set(widths[5:])) == 1
    assert "13 ± 3.6<br>[4.043" in tables[3]
    assert sum(line.startswith("- ") for line in lines) == 7


def test_latex_escapes_and_prints_the_best_bold(content):
    text = as_latex(content)
    assert r"fd2k\_train\_digits final" in text
    assert r"\textbf{11 best}" in text
    assert r"\makecell[rt]{13 $\pm$ 3.6 \\ {}[4.043, 21.96] \\ best seed 10}" in text
    body = text[text.index(r"\midrule") : text.index(r"\bottomrule")]
    assert {line.count("&") for line in body.splitlines()[1:] if line} == {5}
    assert tex(r"50% of a_b & {c} ~ \d") == r"50\% of a\_b \& \{c\} \textasciitilde{} \textbackslash{}d"


def test_warnings_of_the_health_monitor_are_counted_and_explained(tmp_path, make):
    make("a", fd=1.0, health=[TROUBLE])
    make("b", seed=1, fd=2.0, health=[TROUBLE, {**TROUBLE, "kind": "oscillation"}])
    content = compare(find_runs([tmp_path]))
    assert group_tables(content)[0].rows[0][-1] == "mode collapse (2)\noscillation (1)"
    assert [row[-1] for row in run_table(content).rows] == ["mode collapse", "mode collapse, oscillation"]
    collapse, oscillation = advice(content)  # one for each kind, and not for each run
    assert collapse == (
        "demo: mode collapse in 2 of 2 runs (seed 0, 1; 0.02 to 0.06 kimg): samples are alike (seed 0). "
        "Try: penalize gradients [model.regularizers]"
    )
    assert oscillation.startswith("demo: oscillation in 1 of 2 runs (seed 1; 0.02 to 0.06 kimg): samples are alike. ")
    assert content.reasons == ["demo: of 2 runs mode collapse in 2, oscillation in 1"]
    assert "samples are alike" in as_markdown(content)


@pytest.mark.parametrize(("seconds", "text"), [(None, "-"), (44.6, "45 s"), (200, "3 min 20 s"), (18720, "5 h 12 min")])
def test_durations(seconds, text):
    assert duration(seconds) == text


def test_names_tell_configurations_apart_where_they_differ(tmp_path, make):
    for index, (run_name, loss) in enumerate((("dcgan", "Hinge"), ("wgan", "Wasserstein"), ("sngan", "Hinge"))):
        make(f"{index}", run_name=run_name, loss=loss, lr=1e-4 * (index + 1), fd=1.0 + index)
    content = compare(find_runs([tmp_path]))
    assert [content.label(group) for group in content.groups] == ["dcgan", "wgan", "sngan"]
    assert content.own(content.groups[1]) == ["wgan", "lr=0.0002", "loss=Wasserstein"]
    make("3", run_name="sngan", loss="Minimax", lr=3e-4)
    content = compare(find_runs([tmp_path]))
    assert content.label(content.groups[2]) == "sngan, lr=0.0003, loss=Hinge"
    alone = compare(find_runs([tmp_path / "0"]))
    assert (alone.label(alone.groups[0]), alone.own(alone.groups[0])) == ("dcgan", ["dcgan"])
