"""What is said while a sweep runs, and at its end."""

from gan_lightning.launch.sweep_report import SweepProgress, answer, report
from gan_lightning.runs.results import note
from tests.report.conftest import FD, make_run


def test_the_time_left_is_that_of_the_jobs_of_this_start(tmp_path):
    folders = [tmp_path / f"{number}" for number in range(6)]
    note(folders[0], "finished")  # by an earlier start
    note(folders[1], "running")
    progress = SweepProgress(folders, started_s=1000.0)
    assert progress.describe(1300.0) == "1 of 6 jobs done"
    note(folders[1], "diverged")
    note(folders[2], "failed")
    assert progress.describe(1300.0) == "3 of 6 jobs done, about 7 min 30 s left"
    for folder in folders:
        note(folder, "finished")
    assert progress.describe(1300.0) == "6 of 6 jobs done"


def test_a_sweep_ends_with_its_answer(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    folders = []
    for loss, fd in (("Hinge", 10.0), ("Wasserstein", 20.0)):
        for seed in range(3):
            folders.append(make_run(tmp_path, f"runs/a/{loss}{seed}", loss=loss, seed=seed, fd=fd + 0.1 * seed))
    assert report([*folders, tmp_path / "runs" / "a" / "lost"]) == 1
    out = capsys.readouterr().out
    assert f"{FD} (final, lower is better): loss=Hinge has the best mean, 10.1" in out
    assert "loss=Wasserstein is 10 behind over 3 seeds, significant ***" in out
    assert out.rstrip().endswith("more: gan-compare runs=runs/a out=report.html")
    assert answer([]) == []
