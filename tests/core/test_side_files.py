import json
import logging
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gan_lightning.core.side_files import (
    MOST_DEPTH,
    SideFileError,
    parse_json,
    read_json,
    read_json_lines,
    read_or_move_aside,
    read_yaml,
)

WHOLE = {"json": '{"state": "finished", "scores": [1, 2.5]}', "yaml": "state: finished\nscores:\n- 1\n- 2.5\n"}
READ = {"json": read_json, "yaml": read_yaml}


def put(path, content):
    """Make ``path`` a folder (None) or a file."""
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)


DAMAGES = {
    "empty": b"",
    "NULs": b"\0" * 40,
    "binary": bytes(range(128, 256)),
    "list": b"[1]",
    "number": b"1",
    "folder": None,
}


@pytest.mark.parametrize("format_name", ["json", "yaml"])
@pytest.mark.parametrize("damage", [*DAMAGES, "truncated"])
def test_a_damaged_file_is_moved_aside_with_one_warning(format_name, damage, tmp_path, caplog):
    path = tmp_path / f"side.{format_name}"
    put(path, b'{"state": "fin' if damage == "truncated" else DAMAGES[damage])
    with caplog.at_level(logging.WARNING):
        assert read_or_move_aside(path, READ[format_name], consequence="looking again") is None
    (record,) = caplog.records
    assert str(path) in record.getMessage()
    assert record.getMessage().endswith(f"; it was renamed to {path.name}.damaged; looking again")
    assert [entry.name for entry in tmp_path.iterdir()] == [f"{path.name}.damaged"]

    path.write_text(WHOLE[format_name])
    caplog.clear()
    content = read_or_move_aside(path, READ[format_name], consequence="looking again")
    assert content == {"state": "finished", "scores": [1, 2.5]}
    assert not caplog.records


def test_no_damaged_file_is_lost(tmp_path):
    path = tmp_path / "side.json"
    for number in range(3):
        path.write_text(f"{number}")
        assert read_or_move_aside(path, read_json, consequence="going on") is None
    aside = {entry.name: entry.read_text() for entry in tmp_path.iterdir()}
    assert aside == {"side.json.damaged": "0", "side.json.damaged.2": "1", "side.json.damaged.3": "2"}


@pytest.mark.parametrize("read", [lambda p: read_json(p)["scores"]["fid"], lambda p: dict(**read_json(p)["scores"])])
def test_content_that_cannot_be_taken_apart_is_damage(read, tmp_path, caplog):
    path = tmp_path / "side.json"
    path.write_text(WHOLE["json"])
    assert read_or_move_aside(path, read, consequence="going on") is None
    assert path.with_name("side.json.damaged").is_file()
    assert len(caplog.records) == 1


def test_a_missing_file_is_no_damage(tmp_path, caplog):
    assert read_or_move_aside(tmp_path / "side.json", read_json, consequence="going on") is None
    assert not caplog.records
    assert not list(tmp_path.iterdir())


def test_where_nothing_can_be_renamed_the_program_goes_on(tmp_path, caplog, monkeypatch):
    path = tmp_path / "side.json"
    path.write_text("{")
    monkeypatch.setattr("os.rename", _refused)
    assert read_or_move_aside(path, read_json, consequence="going on") is None
    assert "it cannot be renamed (" in caplog.text
    assert path.is_file()


def _refused(*_):
    raise PermissionError(13, "Permission denied")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_named(tmp_path):
    path = tmp_path / "side.json"
    path.write_text("{}")
    path.chmod(0)
    with pytest.raises(SideFileError, match="cannot be read"):
        read_json(path)


def test_a_pipe_is_not_waited_for(tmp_path):
    path = tmp_path / "side.json"
    os.mkfifo(path)
    with pytest.raises(SideFileError, match="not a regular file"):
        read_json(path)


HOSTILE = {
    "deep JSON": ("json", "[" * 200_000),
    "deep JSON object": ("json", '{"a":' * 900 + "1" + "}" * 900),
    "NaN": ("json", '{"wall_time_s": NaN}'),
    "infinite number": ("json", '{"wall_time_s": 1e999}'),
    "number beyond floats": ("json", '{"wall_time_s": -1' + "0" * 400 + "}"),
    "long number": ("json", '{"wall_time_s": 1' + "0" * 10_000 + "}"),
    "large JSON": ("json", '{"a": "' + "x" * 2**24 + '"}'),
    "deep YAML": ("yaml", "[" * 200_000),
    "nested aliases": ("yaml", "a: &a [x, x]\n" + "".join(f"{n}: &{n} [*a, *a]\n" for n in "bcdef")),
    "an alias of itself": ("yaml", "a: &a [*a]"),
    "many YAML values": ("yaml", "[" + "a," * 400_000 + "]"),
    "large YAML": ("yaml", "a: " + "x" * 2**20),
    "a YAML tag": ("yaml", "a: !!python/object/apply:os.getpid []"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_file_is_refused_by_name(case, tmp_path):
    format_name, content = HOSTILE[case]
    path = tmp_path / f"side.{format_name}"
    path.write_text(content)
    with pytest.raises(SideFileError, match=f"^{path} "):
        READ[format_name](path)


@pytest.mark.parametrize("depth", [MOST_DEPTH, MOST_DEPTH + 1])
def test_the_limit_of_depth_is_the_same_for_json_and_yaml(depth, tmp_path):
    path = tmp_path / "side"
    path.write_text("[" * depth + "]" * depth)
    for read in READ.values():
        if depth == MOST_DEPTH:
            assert read(path, kind=list)
        else:
            with pytest.raises(SideFileError, match="nested more than"):
                read(path, kind=list)


def test_lines_are_read_one_by_one_and_the_torn_last_one_is_left_out(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"a": 1}\n[1]\n\0\0\n{"a": NaN}\n\n{"a": 2}\n{"a": 3')
    lines = dict(read_json_lines(path))
    assert {number: row for number, row in lines.items() if isinstance(row, dict)} == {1: {"a": 1}, 6: {"a": 2}}
    assert [number for number, row in lines.items() if isinstance(row, ValueError)] == [2, 3, 4, 5]


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(plain)
def test_all_plain_data_is_read(value):
    assert parse_json(json.dumps(value)) == value
