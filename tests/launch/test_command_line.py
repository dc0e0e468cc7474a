"""What the user types is what the run gets: paths with any characters, and the budget that was typed."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import example, given
from hypothesis import strategies as st
from omegaconf import OmegaConf

from gan_lightning.core.errors import InputError
from gan_lightning.launch.command_line import continued_run, for_hydra, quoted

CHARACTERS = st.text(alphabet=string.printable + "äß漢'\"\\${}[]=,~#", min_size=1, max_size=30)


def as_read(argument: str) -> object:
    """Return the value that Hydra and OmegaConf make of an override."""
    override = OverridesParser.create().parse_override(argument)
    assert not override.is_sweep_override(), argument
    return OmegaConf.create({"value": override.value()}).value


@given(CHARACTERS)
@example("\\\n")
@example("\\")
def test_a_quoted_value_is_read_as_it_was(value):
    assert as_read(f"key={quoted(value)}") == value


@pytest.mark.parametrize(
    "name",
    [
        "budget.kimg=8,seed=0",
        "my photos (1)",
        "Fotos für ä",
        "a'b",
        'a"b',
        "100%",
        "x#y",
        "{a}",
        "1e3",
        "true",
        "null",
        "a, b",
    ],
)
@pytest.mark.parametrize("key", ["ckpt", "data.path", "out", "resume", "real", "+data.path"])
def test_a_path_is_taken_as_it_is_typed(key, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path(name).mkdir()
    for path in (name, f"{name}/below/best.ckpt", str(tmp_path / name)):
        if "," in path and not Path(path).exists() and "=" not in path:
            continue  # several values of a sweep, for all that can be known
        (argument,) = for_hydra([f"{key}={path}"])
        assert as_read(argument) == path


@pytest.mark.parametrize(
    "argument",
    [
        "runs=[a,b]",
        "runs=a,b",
        "data.path='quoted (1)'",
        "paths.cache=${paths.runs}/cache",
        "resume=auto",
        "resume=null",
        "name=a b",
        "runs=wandb:us/gans",
        "--multirun",
        "~data.path",
    ],
)
def test_what_is_no_plain_path_stays(argument, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert for_hydra([argument]) == [argument]


@pytest.mark.parametrize("name", ['q"uote', "back\\", "plain (1)"])
def test_a_folder_is_found_that_lightning_has_quoted_without_escaping(tmp_path, name):
    (tmp_path / name).mkdir()
    (argument,) = for_hydra([f'hydra.run.dir="{tmp_path / name}"'])
    assert as_read(argument) == str(tmp_path / name)


def test_the_home_folder_is_expanded(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    (argument,) = for_hydra(["out=~/scores.json"])
    assert as_read(argument) == f"{tmp_path}/scores.json"


@pytest.mark.parametrize(
    ("typed", "added"),
    [
        (["budget.images=640"], {"budget.epochs=null", "budget.kimg=null"}),
        (["budget.kimg=1,2"], {"budget.epochs=null", "budget.images=null"}),
        (["+budget.epochs=3"], {"budget.images=null", "budget.kimg=null"}),
        (["budget.images=640", "budget.kimg=1"], {"budget.epochs=null"}),  # a contradiction, which is refused later
        (["seed=1"], set()),
    ],
)
def test_the_budget_that_was_typed_replaces_the_configs(typed, added):
    once = for_hydra(typed)
    assert once[: len(typed)] == typed
    assert set(once[len(typed) :]) == added
    assert for_hydra(once) == once  # what Lightning starts other processes with


@pytest.fixture
def former(tmp_path):
    """A run folder whose name Hydra cannot read."""
    folder = tmp_path / "budget.kimg=8,seed=0 (ä)"
    (folder / "checkpoints").mkdir(parents=True)
    (folder / ".hydra").mkdir()
    (folder / ".hydra" / "overrides.yaml").write_text(
        "[experiment=demo, seed=3, budget.kimg=8, overwrite=true, output_dir=x]"
    )
    return folder


@pytest.mark.parametrize("below", ["", "checkpoints"])
@pytest.mark.parametrize("quote", [str, quoted])
def test_a_run_folder_brings_its_overrides_whatever_it_is_called(former, below, quote):
    arguments = continued_run([f"resume={quote(str(former / below))}", "seed=4", "budget.images=64"])
    here = quoted(str(former))
    assert arguments == ["experiment=demo", "seed=4", "budget.images=64", f"resume={here}", f"hydra.run.dir={here}"]
    assert for_hydra(arguments)[: len(arguments)] == arguments


@pytest.mark.parametrize("before", [[], ["-m"], ["--config-dir", "own"]])
@pytest.mark.parametrize("after", [[], ["--cfg", "job"], ["-m"]])
def test_overrides_stay_in_one_piece_between_flags(former, before, after):
    here = [f"resume={quoted(str(former))}", f"hydra.run.dir={quoted(str(former))}"]
    arguments = continued_run([*before, f"resume={former}", "seed=4", *after])
    assert arguments == [*before, "experiment=demo", "budget.kimg=8", "seed=4", *here, *after]
    off = ["budget.epochs=null", "budget.images=null"]
    assert for_hydra(arguments) == [*before, "experiment=demo", "budget.kimg=8", "seed=4", *here, *off, *after]


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("a=1 --cfg job b=2 ~c", "a=1 b=2 ~c --cfg job"),
        ("-m a=1 --config-dir my=conf b=2 -p x", "-m a=1 b=2 --config-dir my=conf -p x"),
        ("--cfg job a=1 b=2", "--cfg job a=1 b=2"),
        ("a=1 b=2 --cfg job", "a=1 b=2 --cfg job"),
        ("--help", "--help"),
    ],
)
def test_overrides_behind_a_flag_come_beside_the_others(typed, read):
    assert for_hydra(typed.split()) == read.split()


@pytest.mark.parametrize("content", ["[1, 2]", "a: b", "[", ""])
def test_overrides_that_cannot_be_read_are_named(former, content):
    stored = former / ".hydra" / "overrides.yaml"
    stored.write_text(content)
    with pytest.raises(InputError, match=re.escape(str(stored))):
        continued_run([f"resume={former}"])


def test_a_checkpoint_file_brings_no_overrides(former):
    arguments = [f"resume={former}/checkpoints/latest.ckpt", "seed=4"]
    assert continued_run(arguments) == arguments


@pytest.mark.parametrize("name", ["a,b", "${x}", "[z]", "a=b,c=d", "x,${y}"])
@pytest.mark.parametrize("key", ["out", "ckpt", "generated"])
def test_a_new_file_in_a_folder_of_any_name_is_taken_as_it_is_typed(tmp_path, monkeypatch, key, name):
    monkeypatch.chdir(tmp_path)
    Path(name).mkdir()
    for path in (name, f"{name}/new.npz", f"{tmp_path}/{name}/below/new.npz"):
        once = for_hydra([f"{key}={path}"])
        assert as_read(once[0]) == path
        assert for_hydra(once) == once


def test_a_list_of_paths_that_hydra_cannot_read_is_one_where_all_of_them_exist(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("ü 1", "x;y"):
        Path(name).mkdir()
    (argument,) = for_hydra(["runs=[ü 1,x;y]"])
    assert OverridesParser.create().parse_override(argument).value() == ["ü 1", "x;y"]
    (argument,) = for_hydra(["out=[ü 1/new.md,x;y/new.csv]"])
    assert OverridesParser.create().parse_override(argument).value() == ["ü 1/new.md", "x;y/new.csv"]
    assert as_read(for_hydra(["runs=[ü 1,nowhere]"])[0]) == "[ü 1,nowhere]"


@pytest.mark.parametrize("argument", ["out=photos/a,photos/b", "out=photos/${seed}.npz", "data.path=photos,paintings"])
def test_what_is_below_an_existing_folder_may_still_be_several_values_or_an_interpolation(
    tmp_path, monkeypatch, argument
):
    monkeypatch.chdir(tmp_path)
    Path("photos").mkdir()
    assert for_hydra([argument]) == [argument]
