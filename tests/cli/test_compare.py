"""``gan-compare`` as it is typed."""

from __future__ import annotations

import csv
import io
import shutil

import pytest

from gan_lightning.cli.compare import command_line
from gan_lightning.report.cells import Table
from gan_lightning.report.terminal import narrowed
from tests.report.conftest import make_run

FD = "fd2k_train_digits"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a sweep and a single run."""
    folder = tmp_path_factory.mktemp("compare")
    for index, loss in enumerate(("Hinge", "NonSaturating")):
        for seed in range(3):
            make_run(folder, f"sweep/{3 * index + seed}", loss=loss, seed=seed, fd=10.0 * (index + 1) + 0.1 * seed)
    make_run(folder, "single", loss="Wasserstein", lr=1e-2, fd=1.0, status="diverged")
    return folder


def test_the_verdict_the_tables_and_the_problems_are_printed(commands, place):
    ended = commands("compare", "runs=[sweep,single]", f"sort={FD}", cwd=place)
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    (verdict,) = [line for line in lines if line.startswith(FD)]  # the answer comes last
    assert "lr=0.0002, loss=Hinge has the best mean, 10.1" in verdict
    assert "lr=0.0002, loss=NonSaturating is 10 behind over 3 seeds, significant ***" in verdict
    assert lines.index(verdict) > max(n for n, line in enumerate(lines) if line.startswith("single: "))
    assert any(line.startswith("single: diverged at 100 images") for line in lines)
    settings = [line.split()[1] for line in lines if line.startswith("│ loss=")]
    assert settings == ["loss=Hinge", "loss=NonSaturating", "loss=Wasserstein"]


def test_damaged_and_foreign_runs_are_named_and_end_nothing(commands, place, tmp_path):
    shutil.copytree(place, tmp_path / "runs")
    contents = {"nested": "[" * 100_000, "infinite": '{"wall_time_s": Infinity}', "foreign": '{"results": {}}'}
    for name, content in contents.items():
        (make_run(tmp_path, f"runs/{name}", fd=1.0) / "results.json").write_text(content)
    ended = commands("compare", "runs=runs", cwd=tmp_path)
    assert (ended.code, ended.err) == (0, "")
    notes = {line.split(":")[0]: line for line in ended.out.splitlines() if ": damaged: " in line}
    assert notes.keys() == {f"runs/{name}" for name in contents}
    assert "results.json is damaged: it is nested more than 64 levels deep" in notes["runs/nested"]
    assert "results.json is damaged: it holds the number Infinity" in notes["runs/infinite"]
    assert "its record has no 'scores'" in notes["runs/foreign"]


def test_one_call_writes_every_format(commands, place, tmp_path):
    names = ("report.html", "table.md", "table.csv", "table.tex")
    out = ",".join(str(tmp_path / name) for name in names)
    ended = commands("compare", "runs=.", f"out=[{out}]", "by=best", cwd=place)
    assert ended.code == 0, ended.text
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)
    assert (tmp_path / "report.html").read_text().startswith("<!doctype html>")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "table.csv").read_text())))
    assert [row["level"] for row in rows] == ["group"] * 3 + ["run"] * 7 + ["note"]
    assert "toprule" in (tmp_path / "table.tex").read_text()
    assert f"{FD} best" in (tmp_path / "table.md").read_text()


@pytest.mark.parametrize(
    ("where", "names"),
    [
        ("where=model.loss=hinge", {"sweep/0", "sweep/1", "sweep/2"}),
        ("where=model.loss=saturating,seed=1", {"sweep/4"}),
        ("where=model.generator_optimizer.lr>=1e-3", {"single"}),
        ("where='status=diverged'", {"single"}),
        ('where=["status=finished","seed=2"]', {"sweep/2", "sweep/5"}),
    ],
)
def test_runs_are_filtered(commands, place, where, names):
    ended = commands("compare", "runs=.", where, cwd=place)
    assert ended.code == 0, ended.text
    lines = ended.out.splitlines()
    (folder,) = [line.split()[2] for line in lines if line.startswith("runs in ")] or [""]
    end = next(n for n, line in enumerate(lines) if line.startswith("└"))  # the table of runs comes first
    assert {folder + line.split()[1] for line in lines[:end] if line.startswith("│ ")} == names


@pytest.mark.parametrize(
    ("argv", "parts"),
    [
        (["where=model.los=hinge"], ["where = 'model.los=hinge'", "did you mean 'model.loss'"]),
        (["where=3"], ["KEY=VALUE"]),
        (["sort=fid"], ["sort = 'fid'", FD]),
        (["out=[a.html,b.pdf]"], ["out = b.pdf", ".html, .md, .csv, .tex"]),
        (["out=/dev/null/table.md"], ["out = /dev/null/table.md: cannot be written"]),
        (["by=last"], ["by", "final"]),
        (["runs=wandb:gans"], ["wandb:ENTITY/PROJECT"]),
        (["runs=wandb:team/gans"], ["no W&B login"]),
    ],
)
def test_bad_input_ends_with_a_message_and_code_2_and_writes_nothing(commands, place, monkeypatch, argv, parts):
    for name in ("WANDB_API_KEY", "WANDB_IDENTITY_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NETRC", str(place / "nowhere"))
    before = sorted(path.name for path in place.iterdir())
    ended = commands("compare", *([] if argv[0].startswith("runs") else ["runs=."]), *argv, cwd=place)
    assert ended.code == 2
    assert "Traceback" not in ended.err
    assert all(part in ended.err for part in parts), ended.err
    assert sorted(path.name for path in place.iterdir()) == before


def test_conditions_are_quoted_for_hydra():
    assert command_line(["where=model.loss=hinge,seed=0"]) == ["where='model.loss=hinge,seed=0'"]
    assert command_line([r"where=a='b\c'"]) == [r"where='a=\'b\c\''"]
    for word in ("where=null", "where='a=b'", "where=[x]", "where=", "runs=[a,b]", "--help"):
        assert command_line([word]) == [word]


def test_a_narrow_terminal_leaves_out_what_matters_least():
    table = Table("", ["run", "seed", "a_very_long_score", "kimg"], [["x" * 30, "0", "1.5", "6"]], frozenset({(0, 2)}))
    assert narrowed(table, 200) == (table, [])
    narrow, dropped = narrowed(table, 63)
    assert (narrow, dropped) == (table, [])
    narrow, dropped = narrowed(table, 40)
    assert (narrow.header, dropped) == (["seed", "a_very_long_score", "kimg"], ["run"])
    assert (narrow.rows, narrow.best) == ([["0", "1.5", "6"]], {(0, 1)})
    assert narrowed(table, 1)[1] == ["run", "kimg"]  # never the seed and the scores
