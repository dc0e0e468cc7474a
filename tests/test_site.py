"""What the site's hook makes of ``conf``; ``make docs`` builds the site itself."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from tests.conftest import CONF

ROOT = CONF.parent
NAV = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:\n")[2]


@pytest.fixture(scope="module")
def hooks() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_hooks", ROOT / "docs" / "hooks.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_config_file_stands_on_a_page_as_it_is(hooks: ModuleType):
    pages = "\n".join(hooks.config_page(group) for group in hooks.groups())
    for path in CONF.rglob("*.yaml"):
        assert f"\n{path.read_text(encoding='utf-8').rstrip()}\n```\n" in pages, path


def test_every_link_to_an_option_leads_to_one_place(hooks: ModuleType):
    for group in hooks.groups():
        page = hooks.config_page(group)
        places = re.findall(r"^### .* \{ #([\w-]+) \}$", page, flags=re.MULTILINE)
        assert len(places) == len(set(places)) == len(hooks.files_of(group))
        assert set(re.findall(r"\]\(#([\w-]+)\)", page)) == set(places)


def test_the_table_of_groups_leads_to_every_group(hooks: ModuleType):
    rows = re.findall(r"^\| \[`(.*)=`\]\((\w+)\.md#([\w-]+)\)", hooks.table_of_groups(), flags=re.MULTILINE)
    folders = {path.parent.relative_to(CONF).as_posix() for path in CONF.rglob("*.yaml")} - {"."}
    assert sorted(name for name, _, _ in rows) == sorted(folders)
    for name, page, anchor in rows:
        assert f"\n## {name} {{ #{anchor} }}\n" in hooks.config_page(page)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("# @package _global_\n# A run of seconds, to see.\n\nname: debug\n", "A run of seconds, to see"),
        ("# one device, the\n# fastest there is\n_target_: Trainer\n# not this\n", "one device, the fastest there is"),
        ("# SNGAN (Miyato 2018)\n# As published, it has no average.\n", "SNGAN (Miyato 2018)"),
        ("# a | b <c>\n", "a \\| b &lt;c>"),
        ("defaults:\n  - auto\n", ""),
    ],
)
def test_an_option_is_described_by_the_comment_at_its_head(hooks: ModuleType, text: str, said: str):
    assert hooks.description(text) == said


def test_the_table_of_variants_has_every_model(hooks: ModuleType):
    shown = re.findall(r"^\| [^|]* \| [^|]* \| `(\w+)` \|", hooks.table_of_variants(), flags=re.MULTILINE)
    assert sorted(shown) == sorted(path.stem for path in (CONF / "model").glob("*.yaml"))


def test_every_published_score_is_in_the_table(hooks: ModuleType):
    table = hooks.published_scores()
    published = {path: yaml.safe_load(path.read_text())["expected"] for path in with_scores()}
    assert len(published) > 10
    for path, scores in published.items():
        rows = [line.split(" | ") for line in table.splitlines() if line.startswith(f"| `{path.stem}` ")]
        assert [(row[1].strip("`"), row[2].split(" ± ")[0]) for row in rows] == [
            (score["key"], str(score["value"])) for score in scores
        ]


def with_scores() -> list[Path]:
    files = (CONF / "experiment").glob("*.yaml")
    return [path for path in files if yaml.safe_load(path.read_text(encoding="utf-8")).get("expected")]


def test_the_navigation_names_pages_that_are_there_and_leaves_none_out(hooks: ModuleType):
    named = re.findall(r"[\w/-]+\.(?:md|ipynb)", NAV)
    pages = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    pages |= {path.relative_to(ROOT).as_posix() for path in hooks.notebooks()}
    pages |= {f"reference/config/{group}.md" for group in hooks.groups()}
    assert len(named) == len(set(named))
    assert set(named) == pages
