"""Whatever a run's record holds stays text: on a terminal, in CSV, in Markdown, in LaTeX and on the page."""

from __future__ import annotations

import copy
import csv
import io
import json
import re

import pytest
import yaml

from gan_lightning.core.foreign_text import csv_cell, markdown, one_line, tex, tex_comment
from gan_lightning.core.terminal import printable
from gan_lightning.report import as_csv, as_html, as_latex, as_markdown, compare, find_runs
from gan_lightning.report.terminal import show
from tests.report.conftest import FD

SCRIPT = "</script><img src=x onerror=pwned=1><b>x</b>"
NASTY = [
    SCRIPT,
    "=HYPERLINK(\"http://evil\",1)",
    "\x1b]8;;http://evil\x07link\x1b]8;;\x07\x1b[2J",
    "[x](javascript:alert(1)) ![x](http://evil/x.png) <javascript:x>",
    "\n[a]: javascript:x\n# heading\n| a | b |",
    "\\input{/etc/passwd} $x$ % & ~ ^ _ # {} \\\\",
    "\n\\input{/etc/passwd}\r\\write18{rm}",
    "[red]x[/red] [/] :smile:",
    "@SUM(1)",
    "\u202egnp.exe",
]  # fmt: skip


def hostile(folder, text, *, key):
    """Put ``text`` wherever a record may hold text."""
    config = yaml.safe_load((folder / "config.yaml").read_text())
    config["name"] = f"{text} name"
    config["model"]["loss"] = {"_target_": f"{text} target"}
    config["model"][f"{key} key"] = f"{text} value"
    config["expected"] = [
        {"key": f"{FD} {key}", "value": 3.0, "source": f"{text} source", "note": f"{text} note"},
        {"key": FD, "value": 3.0, "source": f"{text} source", "note": f"{text} note"},
    ]
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    results = json.loads((folder / "results.json").read_text())
    for table in results["scores"].values():
        entry = copy.deepcopy(table[FD])
        entry["protocol"][f"{text} protocol"] = f"{text} value"
        table[f"{key} score"] = entry
    results["message"] = f"{text} message"
    trouble = {name: f"{text} {name}" for name in ("kind", "message", "remedy", "config_key")}
    results["health"] = [{**trouble, "first_images_seen": 1, "last_images_seen": 2}]
    (folder / "results.json").write_text(json.dumps(results))
    row = {"images_seen": 1, "wall_time_s": 0.1, f"{key} curve": 1.0}
    (folder / "metrics.jsonl").write_text(json.dumps(row) + "\n")


@pytest.fixture(params=NASTY, ids=range(len(NASTY)))
def content(request, tmp_path, make):
    for number, text in enumerate(("plain", request.param)):
        for seed in range(3):
            name = "run" if number == 0 else request.param.replace("/", "|")
            folder = make(
                f"{name}{seed}",
                seed=seed,
                fd=10.0 + number + seed / 10,
                status=["finished", "failed"][seed == 2 and number],
            )
            hostile(folder, text, key=request.param)
    return compare(find_runs([tmp_path]), sort=FD)


def test_every_format_takes_all_text_as_text(content, capsys):
    show(content)
    shown = capsys.readouterr().out
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", shown)
    for row in csv.reader(io.StringIO(as_csv(content))):
        for cell in row:
            assert not re.match(r"[=@+\t\r]|-\D", cell), cell
            assert "\x1b" not in cell
    page = re.sub(r"(?s)<script nonce.*?</script>|<style>.*?</style>", "", as_html(content))
    assert page.count("<script") == 1
    assert "<img" not in page
    assert "<b>" not in page
    text = as_markdown(content)
    assert "<img" not in text
    assert "<b>" not in text
    assert not re.search(r"<(?!br>)[A-Za-z/!?]", text)
    assert not re.search(r"(?<!\\)\]\(|(?<!\\)\]:|(?<!\\)\]\[", text)
    for line in text.splitlines():
        assert line == "" or line.startswith(("- ", "| ", "**", "[a, b")), line
    latex = as_latex(content)
    assert "\\write18" not in re.sub("(?m)^%.*$", "", latex)
    assert "\\input" not in re.sub("(?m)^%.*$", "", latex)
    for line in latex.splitlines():
        assert re.match(r"$|%|\\(begin|toprule|midrule|bottomrule|end)|.* \\\\$", line), line
        assert line.startswith("%") or "\x1b" not in line


def test_the_nonce_of_the_page_is_new_each_time_and_on_every_script(runs):
    first, second = (as_html(compare(find_runs([runs]))) for _ in range(2))
    nonces = [set(re.findall(r"nonce[-=]\"?([\w-]+)", page)) for page in (first, second)]
    assert [len(found) for found in nonces] == [1, 1]
    assert nonces[0] != nonces[1]
    assert "'unsafe-inline'" not in re.search(r"script-src ([^;]*);", first)[1]
    tags = re.findall(r"<script[^>]*>", re.sub(r"(?s)(<script[^>]*>).*?</script>", r"\1", first))
    assert all("nonce=" in tag or "application/json" in tag for tag in tags)


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+cmd|x", "'+cmd|x"),
        ("-2+3", "'-2+3"),
        ("@x", "'@x"),
        ("\t=1", "'\t=1"),
        ("-1.5e-3", "-1.5e-3"),
        ("+3", "+3"),
        ("-inf", "-inf"),
        ("-", "-"),
        (-2.5, -2.5),
        ("a=b", "a=b"),
        ("", ""),
    ],
)
def test_cells_of_csv(value, cell):
    assert csv_cell(value) == cell


def test_markdown_and_latex():
    assert markdown("a_b [1, 2] x*y|z") == r"a_b [1, 2] x\*y\|z"
    assert markdown(r"\](x)") == r"\\\](x)"
    assert markdown("<a href='x'>&lt;") == "&lt;a href='x'>&amp;lt;"
    assert markdown("p < 0.05 & q > 1") == "p < 0.05 & q > 1"
    assert markdown("x\n\n- y") == "x  - y"
    assert tex("a\n\\b") == r"a \textbackslash{}b"
    assert tex_comment("a\u2028\\b\x0b\\c") == r"% a \b \c"
    assert one_line("a\x1b[31m\nb\r\nc\x85d") == r"a\x1b[31m b c d"


def test_printable():
    assert printable("ü💥\ttab\nline [x] \\x1b") == "ü💥\ttab\nline [x] \\x1b"
    assert printable("\x1b[2J\x00\r\x9b\x7f\u202e\udce9") == r"\x1b[2J\x00\r\x9b\x7f\u202e\udce9"
