"""Runs that were made up: what is averaged, what is ranked, and what is named instead of dropped."""

import csv
import io
import json
import math
import statistics

import pytest
import yaml

from gan_lightning.tracking.comparison import find_runs, protocol_conflicts, ranked, sections
from gan_lightning.tracking.comparison_report import as_csv, as_markdown, report, row
from gan_lightning.tracking.config_diff import differing_keys, flatten, shown

FD, CS = "fd2k_train_digits", "cs2k_digits"


def score(value, *, higher=False, weights="ema", seed=0):
    return {
        "value": value,
        "stderr": None,
        "higher_is_better": higher,
        "protocol": {"metric": "frechet", "n_generated": 2000, "weights": weights, "seed": seed},
        "images_seen": 100,
    }


def make(
    root, name, *, seed=0, loss="Hinge", status="finished", fd=None, best=None, cs=None, weights="ema", error=None
):
    folder = root / name
    folder.mkdir(parents=True)
    config = {
        "name": "demo",
        "seed": seed,
        "batch_size": 64,
        "output_dir": str(folder),
        "data": {"seed": seed, "batch_size": 64},
        "model": {"loss": {"_target_": f"gan_lightning.losses.{loss}"}},
        "callbacks": {"checkpoint": {"folder": f"{folder}/checkpoints"}},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    final = {} if fd is None else {FD: score(fd, weights=weights, seed=seed)}
    if cs is not None:
        final[CS] = score(cs, higher=True, weights=weights)
    results = {
        "status": status,
        "images_seen": 100,
        "error": error or None,
        "scores": {"final": final, "best": {**final, **({} if best is None else {FD: score(best, weights=weights)})}},
    }
    (folder / "results.json").write_text(json.dumps(results))
    return folder


@pytest.fixture
def runs(tmp_path):
    """Two configurations with three and one seeds, and one of each ending."""
    for seed, fd, best in ((0, 10.0, 9.0), (1, 12.0, 9.0), (2, 17.0, 12.0)):
        make(tmp_path, f"hinge/{seed}", seed=seed, fd=fd, best=best, cs=7.0 + seed)
    make(tmp_path, "wasserstein/0", loss="Wasserstein", fd=11.0, best=11.0)
    make(tmp_path, "wasserstein/1", loss="Wasserstein", seed=1, fd=900.0, status="diverged")
    make(tmp_path, "wasserstein/2", loss="Wasserstein", seed=2, status="failed", error="RuntimeError: disk")
    make(tmp_path, "minimax/0", loss="Minimax", status="running")
    broken = make(tmp_path, "minimax/1", loss="Minimax", fd=3.0)
    (broken / "results.json").write_text('{"status": "fini')
    return tmp_path


def test_mean_and_spread_are_over_the_finished_seeds_of_a_configuration(runs):
    (section,) = sections(find_runs([runs]))
    hinge, minimax, wasserstein = section.groups
    assert [group.seeds for group in section.groups] == [3, 1, 3]
    final, best = hinge.spread(FD, "final"), hinge.spread(FD, "best")
    assert (final.mean, final.count) == (13.0, 3)
    assert final.std == pytest.approx(math.sqrt((9 + 1 + 16) / 2), rel=1e-12)
    assert (best.mean, best.std) == (10.0, pytest.approx(statistics.stdev([9, 9, 12]), rel=1e-12))
    single = wasserstein.spread(FD, "final")
    assert (single.mean, single.std, single.count) == (11.0, None, 1)
    assert minimax.spread(FD, "final") is None
    assert wasserstein.statuses == {"finished": 1, "diverged": 1, "failed": 1}


def test_what_is_not_averaged_is_named(runs):
    notes = report(find_runs([runs])).notes
    for folder, words in {
        "wasserstein/1": ["diverged at 100 images"],
        "wasserstein/2": ["failed", "RuntimeError: disk"],
        "minimax/0": ["running, or killed"],
        "minimax/1": ["damaged", "JSONDecodeError"],
    }.items():
        (note,) = [note for note in notes if note.startswith(f"{runs / folder}:")]
        assert all(word in note for word in words), note
    assert len(notes) == 4


def test_a_row_shows_what_a_configuration_has_of_its_own(runs):
    content = report(find_runs([runs]))
    assert content.differing == ["model.loss._target_"]
    cells = row(content.sections[0].groups[0], content.keys, content.differing)
    assert cells[0].startswith("demo (")
    assert cells[0].endswith("\nmodel.loss=Hinge")
    assert cells[1:] == ["3", "3 finished", "100", "13 ± 3.6", "10 ± 1.7", "8 ± 1", "8 ± 1"]


def test_ranking_follows_the_direction_of_the_score_and_puts_missing_ones_last(tmp_path):
    make(tmp_path, "a", loss="Hinge", fd=10.0, cs=5.0, best=1.0)
    make(tmp_path, "b", loss="Minimax", fd=5.0, cs=3.0)
    make(tmp_path, "c", loss="Wasserstein", status="failed")
    make(tmp_path, "d", loss="LeastSquares", fd=20.0, cs=9.0)
    make(tmp_path, "e", loss="NonSaturating", fd=math.nan, cs=1.0)
    (section,) = sections(find_runs([tmp_path]))

    def order(key, moment="final"):
        return "".join(group.runs[0].folder.name for group in ranked(section, key, moment).groups)

    assert order(FD)[:3] == "bad"
    assert set(order(FD)[3:]) == {"c", "e"}
    assert order(CS) == "dabec"
    assert order(FD, "best")[:3] == "abd"


def test_other_protocols_are_other_sections_and_another_seed_is_none(tmp_path):
    make(tmp_path, "a", fd=10.0, seed=0)
    make(tmp_path, "b", fd=11.0, seed=1)
    make(tmp_path, "c", fd=1.0, seed=2, weights="raw")
    make(tmp_path, "d", seed=3, status="failed")
    make(tmp_path, "e", loss="Minimax", fd=5.0)
    runs = find_runs([tmp_path])
    assert protocol_conflicts(runs) == {FD: ["weights"]}
    assert protocol_conflicts([run for run in runs if run.folder.name != "c"]) == {}
    first, second = sections(runs)
    assert [[run.folder.name for run in group.runs] for group in first.groups] == [["a", "b", "d"], ["e"]]
    assert [[run.folder.name for run in group.runs] for group in second.groups] == [["c"]]
    assert first.groups[0].spread(FD, "final").mean == 10.5
    (note,) = [note for note in report(runs).notes if "was measured by" in note]
    assert FD in note
    assert "weights" in note


def test_a_seed_that_ran_twice_counts_once(tmp_path):
    make(tmp_path, "2026-01-01", fd=10.0)
    make(tmp_path, "2026-01-02", fd=12.0)
    content = report(find_runs([tmp_path]))
    spread = content.sections[0].groups[0].spread(FD, "final")
    assert (spread.mean, spread.std, spread.count) == (12.0, None, 1)
    assert any(str(tmp_path / "2026-01-01") in note and "same seed 0" in note for note in content.notes)


def test_damage_of_every_kind_is_a_damaged_run(tmp_path):
    for name, file, text in (
        ("no-scores", "results.json", '{"status": "finished", "images_seen": 3}'),
        ("list", "results.json", "[]"),
        ("no-config", "config.yaml", "- 3"),
        ("no-yaml", "config.yaml", "{a: ["),
    ):
        (make(tmp_path, name, fd=1.0) / file).write_text(text)
    bare = make(tmp_path, "bare", fd=1.0)
    folder = make(tmp_path, "bare-score", fd=1.0)
    results = json.loads((folder / "results.json").read_text())
    del results["scores"]["final"][FD]["protocol"]
    (folder / "results.json").write_text(json.dumps(results))
    (bare / "results.json").unlink()
    (bare / ".hydra").mkdir()
    assert [(run.folder.name, run.status) for run in find_runs([tmp_path])] == [
        (name, "damaged") for name in ("bare", "bare-score", "list", "no-config", "no-scores", "no-yaml")
    ]
    assert report(find_runs([tmp_path])).sections == []


def test_missing_folders_and_folders_without_runs_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="no folder"):
        find_runs([tmp_path / "nowhere"])
    with pytest.raises(FileNotFoundError, match=r"no results\.json"):
        find_runs([tmp_path])


def test_csv_has_plain_numbers_and_markdown_whole_rows(runs):
    content = report(find_runs([runs]))
    rows = list(csv.DictReader(io.StringIO(as_csv(content))))
    assert [entry["model.loss._target_"].rpartition(".")[2] for entry in rows[:3]] == [
        "Hinge",
        "Minimax",
        "Wasserstein",
    ]
    assert float(rows[0][f"{FD} final mean"]) == 13.0
    assert float(rows[0][f"{FD} final std"]) == pytest.approx(math.sqrt(13))
    assert (rows[2][f"{FD} final std"], rows[2][f"{FD} final n"]) == ("", "1")
    assert rows[2]["statuses"] == "diverged:1 failed:1 finished:1"
    assert len([entry for entry in rows if entry["note"]]) == 4
    markdown = as_markdown(content).splitlines()
    assert markdown[2].count("|") == markdown[0].count("|")
    assert "13 ± 3.6" in markdown[2]
    assert sum(line.startswith("- ") for line in markdown) == 4


def test_interpolated_copies_and_arguments_of_exchanged_parts_are_not_repeated():
    def config(batch, loss, **arguments):
        return flatten(
            {"batch_size": batch, "data": {"batch_size": batch}, "model": {"loss": {"_target_": loss, **arguments}}}
        )

    first, second = config(64, "x.Hinge"), config(32, "x.NonSaturating", real_target=1.0)
    assert differing_keys([first, second]) == ["batch_size", "model.loss._target_"]
    assert differing_keys([config(64, "x.Ns", real_target=1.0), config(64, "x.Ns", real_target=0.9)]) == [
        "model.loss.real_target"
    ]
    assert shown("model.loss._target_", "x.y.Hinge") == "model.loss=Hinge"
    assert shown("model.clip", None) == "model.clip=null"
