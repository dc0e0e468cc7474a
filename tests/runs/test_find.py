import pytest

from gan_lightning.loggers.wandb_sync import find_tracked
from gan_lightning.report import find_runs
from gan_lightning.runs.find import find_folders
from gan_lightning.runs.folder import RunFolder


@pytest.fixture
def tree(tmp_path):
    """Two runs, the second with W&B's segments, and a folder of links: to the first, to both, up, and to nothing."""
    for number, name in enumerate(("a", "b")):
        run = RunFolder(tmp_path / "runs" / name)
        run.wandb.mkdir(parents=True)
        run.results.write_text("{}")
        if number:
            run.wandb_segments.write_text("{}")
        (run.checkpoints / "copied").mkdir(parents=True)
        (run.checkpoints / "copied" / "results.json").write_text("{}")
    links = tmp_path / "links"
    links.mkdir()
    for name, target in {"first": "../runs/a", "all": "../runs", "up": "..", "loop": "loop", "gone": "nowhere"}.items():
        (links / name).symlink_to(target)
    return tmp_path


def found(*roots):
    return [str(path) for path in find_folders(roots, RunFolder.holds_run)]


def test_links_are_followed_and_a_run_counts_once(tree, monkeypatch):
    assert sorted(path.resolve().name for path in find_folders([tree / "links"], RunFolder.holds_run)) == ["a", "b"]
    monkeypatch.chdir(tree)
    runs = tree / "runs"
    assert sorted(found(runs, tree / "links", runs / "a", runs / ".." / "runs")) == [str(runs / "a"), str(runs / "b")]
    assert len(find_runs(["runs", runs, "./links", "links/first", runs / "a" / "checkpoints"])) == 2
    assert find_tracked(["links", runs, "runs"])[0].resolve() == runs / "b"
    assert len(find_tracked(["links", runs, "runs"])) == 1


def test_what_is_no_folder_holds_nothing(tree):
    assert found(tree / "links" / "gone", tree / "links" / "loop", tree / "runs" / "a" / "results.json") == []
