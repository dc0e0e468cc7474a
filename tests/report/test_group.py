"""What is averaged, what is ranked, and what is named instead of dropped."""

import json
import math
import statistics
from pathlib import Path

import pytest

from gan_lightning.report import compare, find_runs
from gan_lightning.report.group import ordered, ranked, sections
from gan_lightning.report.run import protocol_conflicts
from gan_lightning.report.standing import standing

FD, CS = "fd2k_train_digits", "cs2k_digits"


def name(run):
    return Path(run.place).name


def test_mean_and_spread_are_over_the_finished_seeds_of_a_configuration(runs):
    (section,) = sections(find_runs([runs]))
    hinge, minimax, wasserstein = section.groups
    assert [group.seeds for group in section.groups] == [3, 1, 3]
    final, best = hinge.spread(FD, "final"), hinge.spread(FD, "best")
    assert (final.mean, final.count, final.best) == (13.0, 3, 10.0)
    assert hinge.spread(CS, "final").best == 9.0
    assert final.std == pytest.approx(math.sqrt((9 + 1 + 16) / 2), rel=1e-12)
    assert (best.mean, best.std) == (10.0, pytest.approx(statistics.stdev([9, 9, 12]), rel=1e-12))
    single = wasserstein.spread(FD, "final")
    assert (single.mean, single.std, single.count) == (11.0, None, 1)
    assert minimax.spread(FD, "final") is None
    assert wasserstein.statuses == {"finished": 1, "diverged": 1, "failed": 1}
    assert (hinge.wall_time_s, hinge.images_per_second) == (50.0, 2.0)


def test_what_is_not_averaged_is_named(runs):
    notes = compare(find_runs([runs])).notes
    for folder, words in {
        "wasserstein/1": ["diverged at 100 images"],
        "wasserstein/2": ["failed", "RuntimeError: disk"],
        "minimax/0": ["running, or killed"],
        "minimax/1": ["damaged: results.json is damaged: it is not JSON"],
    }.items():
        (note,) = [note for note in notes if note.startswith(f"{runs / folder}:")]
        assert all(word in note for word in words), note
    assert len(notes) == 4


def test_ranking_follows_the_direction_of_the_score_and_puts_missing_ones_last(tmp_path, make):
    make("a", loss="Hinge", fd=10.0, cs=5.0, best=1.0)
    make("b", loss="Minimax", fd=5.0, cs=3.0)
    make("c", loss="Wasserstein", status="failed")
    make("d", loss="LeastSquares", fd=20.0, cs=9.0)
    make("e", loss="NonSaturating", fd=math.nan, cs=1.0)
    (section,) = sections(find_runs([tmp_path]))

    def order(key, moment="final"):
        return "".join(name(group.runs[0]) for group in ranked(section, key, moment).groups)

    assert order(FD)[:3] == "bad"
    assert set(order(FD)[3:]) == {"c", "e"}
    assert order(CS) == "dabec"
    assert order(FD, "best")[:3] == "abd"
    assert section.groups[standing(section, CS, "final").best].runs[0].seed == 0
    assert name(section.groups[standing(section, FD, "final").best].runs[0]) == "b"


def test_groups_are_sorted_by_a_key_of_their_configuration(tmp_path, make):
    for folder, lr in (("a", 1e-2), ("b", 2e-4), ("c", 1e-3)):
        make(folder, lr=lr)
    (section,) = sections(find_runs([tmp_path]))
    order = [name(group.runs[0]) for group in ordered(section, "model.generator_optimizer.lr").groups]
    assert order == ["b", "c", "a"]
    assert [g.key for g in compare(find_runs([tmp_path]), sort="model.generator_optimizer.lr").groups] == [
        g.key for g in ordered(section, "model.generator_optimizer.lr").groups
    ]
    with pytest.raises(ValueError, match=r"did you mean 'model\.generator_optimizer\.lr'"):
        compare(find_runs([tmp_path]), sort="model.generator_optimizer.l")


def test_other_protocols_are_other_sections_and_another_seed_is_none(tmp_path, make):
    make("a", fd=10.0, seed=0)
    make("b", fd=11.0, seed=1)
    make("c", fd=1.0, seed=2, weights="raw")
    make("d", seed=3, status="failed")
    make("e", loss="Minimax", fd=5.0)
    runs = find_runs([tmp_path])
    assert protocol_conflicts(runs) == {FD: ["weights"]}
    assert protocol_conflicts([run for run in runs if name(run) != "c"]) == {}
    first, second = sections(runs)
    assert [[name(run) for run in group.runs] for group in first.groups] == [["a", "b", "d"], ["e"]]
    assert [[name(run) for run in group.runs] for group in second.groups] == [["c"]]
    assert first.groups[0].spread(FD, "final").mean == 10.5
    content = compare(runs)
    (note,) = [note for note in content.notes if "was measured by" in note]
    assert FD in note
    assert "weights" in note
    (verdict,) = content.verdicts
    assert verdict.startswith("section 1, ")
    assert "1 [" not in verdict


def test_a_seed_that_ran_twice_counts_once(tmp_path, make):
    make("2026-01-01", fd=10.0)
    make("2026-01-02", fd=12.0)
    content = compare(find_runs([tmp_path]))
    spread = content.groups[0].spread(FD, "final")
    assert (spread.mean, spread.std, spread.count) == (12.0, None, 1)
    assert any(str(tmp_path / "2026-01-01") in note and "same seed 0" in note for note in content.notes)


def test_damage_of_every_kind_is_a_damaged_run(tmp_path, make):
    for folder, file, text in (
        ("no-scores", "results.json", '{"status": "finished", "images_seen": 3}'),
        ("list", "results.json", "[]"),
        ("no-config", "config.yaml", "- 3"),
        ("no-yaml", "config.yaml", "{a: ["),
    ):
        (make(folder, fd=1.0) / file).write_text(text)
    bare = make("bare", fd=1.0)
    folder = make("bare-score", fd=1.0)
    results = json.loads((folder / "results.json").read_text())
    del results["scores"]["final"][FD]["protocol"]
    (folder / "results.json").write_text(json.dumps(results))
    (bare / "results.json").unlink()
    (bare / ".hydra").mkdir()
    make("bad-health", health=[{"kind": "mode_collapse"}])
    assert [(name(run), run.status) for run in find_runs([tmp_path])] == [
        (folder, "damaged")
        for folder in ("bad-health", "bare", "bare-score", "list", "no-config", "no-scores", "no-yaml")
    ]
    assert compare(find_runs([tmp_path])).sections == []


def test_a_job_of_a_sweep_that_never_began_is_named_and_jobs_are_in_the_order_of_their_numbers(tmp_path, make):
    for job in (10, 9, 1):
        make(f"sweep/{job}", seed=job, fd=1.0)
        (tmp_path / f"sweep/{job}/.hydra").mkdir()
    (tmp_path / "sweep/2/.hydra").mkdir(parents=True)
    make("alone", fd=2.0)
    found = find_runs([tmp_path / "sweep", tmp_path])
    assert [name(run) for run in found] == ["alone", "1", "2", "9", "10"]
    assert [run.status for run in found] == ["finished", "finished", "damaged", "finished", "finished"]
    assert "did not begin" in found[2].problem


def test_missing_folders_and_folders_without_runs_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="no folder"):
        find_runs([tmp_path / "nowhere"])
    with pytest.raises(FileNotFoundError, match=r"no results\.json"):
        find_runs([tmp_path])
