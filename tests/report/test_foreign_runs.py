"""Records that another program wrote, or that were made to harm, among good ones: they are named, and nothing ends."""

from __future__ import annotations

import copy
import itertools
import json
import os
import shutil
import struct
import zlib

import pytest
import yaml

from gan_lightning.report import as_csv, as_html, as_latex, as_markdown, compare, find_runs
from gan_lightning.report.run import score_keys
from tests.conftest import LONG_TESTS
from tests.data.pictures import encoded, noise
from tests.report.conftest import CS, FD

VALUES = [
    *(None, True, -1, 0.5, 10**15, 10**300, 1e308, -1e308),
    *("", "x", "NaN", "Infinity", "-Infinity", "\x1b[31m", "</script>", "1" * 400, "\ud800"),
    *([], {}, [[]], {"a": {"b": [1]}}, [None], [{"kind": "mode_collapse"}]),
]
TROUBLE = {
    "kind": "mode_collapse",
    "first_images_seen": 10,
    "last_images_seen": 100,
    "message": "the samples are alike",
    "remedy": "a lower rate",
    "config_key": "model.lr",
}


def places(value, place=()):
    """Keys that lead to every value of nested data."""
    yield place
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*place, key))


def with_value(content, place, value):
    """A copy in which one value is another one."""
    if not place:
        return value
    changed = copy.deepcopy(content)
    target = changed
    for key in place[:-1]:
        target = target[key]
    target[place[-1]] = value
    return changed


def compared(folder):
    """Do all that ``gan-compare`` does with the runs of a folder, and return them by name."""
    runs = find_runs([folder])
    keys = score_keys(runs)
    content = compare(runs, sort=keys[0] if keys else None)
    for write in (as_csv, as_markdown, as_latex, as_html):
        write(content)
    return {os.path.basename(run.place): run for run in runs}, content


@pytest.fixture
def base(make):
    """A run with everything that a run may have, beside two good ones."""
    for seed in (0, 1):
        make(f"good{seed}", seed=seed, fd=10.0 + seed, cs=3.0)
    folder = make("base", loss="Minimax", fd=11.0, best=9.0, cs=2.0, health=[TROUBLE])
    rows = [{"images_seen": seen, "wall_time_s": seen / 10, "d/loss": 0.5, "x": "NaN"} for seen in (10, 20, 30)]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def check(base, write, places_of):
    """Put each of ``VALUES`` into each place of a file, a run for each value, and compare them.

    Only the long tests try all values in every place; a third of them takes its turn.
    """
    root = base.parent
    for turn, place in enumerate(places_of):
        for number, value in enumerate(VALUES if LONG_TESTS else VALUES[turn % 3 :: 3]):
            folder = root / f"case{number}"
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(base, folder)
            write(folder, place, value)
        found, content = compared(root)
        assert found["good0"].status == found["good1"].status == found["base"].status == "finished", place
        for name, run in found.items():
            if run.status == "damaged":
                assert any(note.startswith(f"{root / name}: damaged: ") for note in content.notes), (place, name)


def test_a_value_of_another_kind_anywhere_in_the_results(base):
    results = json.loads((base / "results.json").read_text())

    def write(folder, place, value):
        (folder / "results.json").write_text(json.dumps(with_value(results, place, value)))

    check(base, write, places(results))


def test_a_value_of_another_kind_anywhere_in_the_configuration(base):
    config = yaml.safe_load((base / "config.yaml").read_text())

    def write(folder, place, value):
        (folder / "config.yaml").write_text(yaml.safe_dump(with_value(config, place, value)))

    check(base, write, places(config))


def test_a_value_of_another_kind_anywhere_in_the_metrics(base):
    row = {"images_seen": 40, "wall_time_s": 5.0, "d/loss": 0.5}

    def write(folder, place, value):
        with (folder / "metrics.jsonl").open("a") as file:
            file.write(json.dumps(with_value(row, place, value)) + "\n")

    check(base, write, places(row))


ALIASES = "a: &a [x, x]\n" + "".join(f"{b}: &{b} [*{a}, *{a}]\n" for a, b in itertools.pairwise("abcdefghi"))
FILES = {
    "nested JSON": ("results.json", "[" * 100_000),
    "a deep record": ("results.json", '{"a":' * 900 + "1" + "}" * 900),
    "infinite wall time": ("results.json", '{"status": "finished", "wall_time_s": Infinity}'),
    "NULs": ("results.json", "\0" * 1000),
    "empty": ("results.json", ""),
    "another program's": ("results.json", '{"config_general": {"lighteval_sha": "x"}, "results": {}}'),
    "nested YAML": ("config.yaml", "[" * 100_000),
    "aliases": ("config.yaml", ALIASES),
    "code": ("config.yaml", "a: !!python/object/apply:os.system [touch hacked]"),
    "empty configuration": ("config.yaml", ""),
}


@pytest.mark.parametrize("case", [*FILES, *(f"{name} is a folder" for name in ("results.json", "config.yaml"))])
def test_a_file_that_cannot_be_used_is_named_below_the_table(base, case, monkeypatch):
    monkeypatch.chdir(base.parent)
    name = FILES[case][0] if case in FILES else case.split()[0]
    (base / name).unlink()
    if case in FILES:
        (base / name).write_text(FILES[case][1])
    else:
        (base / name).mkdir()
        (base / ".hydra").mkdir()
    found, content = compared(base.parent)
    assert found["base"].status == "damaged"
    (note,) = [note for note in content.notes if note.startswith(f"{base}: damaged: ")]
    assert name in note or "its record has no" in note or case == "another program's"
    assert found["good0"].status == "finished"
    assert not (base.parent / "hacked").exists()
    assert (base / name).exists()  # it is not this program's to move


@pytest.mark.parametrize("content", ["[1]\n", "\0\0\n", "[" * 5000 + "\n", '{"images_seen": 1e999}\n', "{}\n", None])
def test_metrics_that_cannot_be_used_are_named_on_the_page(base, content):
    path = base / "metrics.jsonl"
    if content is None:
        path.unlink()
        path.mkdir()
    else:
        path.write_text('{"images_seen": 1}\n' + content + '{"images_seen": 2}\n')
    page = as_html(compare(find_runs([base.parent])))
    assert ("its curves are missing" in page) is (content is not None)


def test_a_run_of_very_many_scalars_does_not_fill_the_page(base):
    rows = [{"images_seen": seen, **{f"k{seen}_{number}": 1 for number in range(600)}} for seen in range(20)]
    (base / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    page = as_html(compare(find_runs([base.parent])))
    assert f"{base.name}: it has 12000 curves, of which the first 1000 are shown" in page
    assert len(page) < 3_000_000 + len(as_html(compare(find_runs([base.parent / "good0"]))))


def bomb() -> bytes:
    """A PNG file of a few bytes that says it is of 30,000 by 30,000 pixels."""
    pixels = struct.pack(">IIBBBBB", 30_000, 30_000, 1, 0, 0, 0, 0)
    parts = [(b"IHDR", pixels), (b"IDAT", zlib.compress(b"")), (b"IEND", b"")]
    chunks = [struct.pack(">I", len(d)) + t + d + struct.pack(">I", zlib.crc32(t + d)) for t, d in parts]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("pipe", "is not a regular file"),
        ("device", "is not a regular file"),
        ("folder", "is a folder"),
        ("bomb", "DecompressionBombError"),
        ("endless", "has more than"),
        ("text", "it is not an image"),
        ("cut", "Error"),
    ],
)
def test_a_picture_that_cannot_be_used_is_named_on_the_page(base, kind, reason):
    (base / "samples").mkdir()
    path = base / "samples" / "000000010.png"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "folder":
        path.mkdir()
    elif kind == "endless":
        path.touch()
        os.truncate(path, 2**27)
    else:
        whole = encoded(noise(0, (64, 64)))
        path.write_bytes({"bomb": bomb(), "text": b"<svg onload=alert(1)>", "cut": whole[: len(whole) // 2]}[kind])
    page = as_html(compare(find_runs([base.parent])))
    assert f"{base.name}: the picture at 10 images cannot be read: " in page
    assert reason in page


@pytest.mark.parametrize("value", ["x" * 10**6, [1] * 10**6])
def test_a_long_value_is_not_quoted_as_a_whole(base, value):
    record = json.loads((base / "results.json").read_text())
    (base / "results.json").write_text(json.dumps(record | {"images_seen": value}))
    found, content = compared(base.parent)
    assert found["base"].status == "damaged"
    (note,) = [note for note in content.notes if note.startswith(f"{base}: damaged: ")]
    assert 300 < len(note) < 600


@pytest.mark.parametrize("name", ["²", "9" * 200, "-1", "x"])
def test_pictures_of_other_names_are_passed_over(base, name):
    (base / "samples").mkdir()
    (base / "samples" / f"{name}.png").write_bytes(b"x")
    (run,) = [run for run in find_runs([base.parent]) if run.place == str(base)]
    assert run.details.picture_moments() == []
    assert FD in run.scores["final"]
    assert CS in run.scores["final"]


def test_a_folder_whose_name_is_no_utf_8_is_shown_all_the_same(base):
    os.rename(base, os.fsencode(base.parent) + b"/odd\xff")
    runs, content = compared(base.parent)
    assert set(runs) == {"good0", "good1", "odd?"}
    for write in (as_csv, as_markdown, as_latex, as_html):
        write(content).encode()
