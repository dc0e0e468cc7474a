"""What the site gets beside its own pages: notebooks, the config tree, and tables that have their source elsewhere.

MkDocs calls ``on_files`` and ``on_page_markdown``. Everything else is a pure function of files, which tests call
without MkDocs.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
CONF = ROOT / "conf"
SOURCE = "https://github.com/gan-lightning/gan-lightning/blob/main/"
ROOT_GROUP = "commands"
"""Name of the page that shows the primary configs."""


def on_files(files: Any, config: Any) -> Any:
    """Add the notebooks and the pages of the config tree."""
    from mkdocs.structure.files import File

    for notebook in notebooks():
        place = notebook.relative_to(ROOT).as_posix()
        files.append(File(place, str(ROOT), config["site_dir"], config["use_directory_urls"]))

    for group in groups():
        files.append(File.generated(config, f"reference/config/{group}.md", content=config_page(group)))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Fill in the tables that a page asks for, and lead links to notebooks to where the site has them."""
    markdown = markdown.replace("](../../notebooks/", "](../notebooks/")
    tables = {
        "<!-- table of groups -->": table_of_groups,
        "<!-- table of published scores -->": published_scores,
        "<!-- table of variants -->": table_of_variants,
    }
    for mark, make in tables.items():
        if mark in markdown:
            markdown = markdown.replace(mark, make())
    return markdown


def notebooks() -> list[Path]:
    """Return the notebooks, which lie beside ``docs``."""
    return sorted((ROOT / "notebooks").glob("*.ipynb"))


def groups() -> list[str]:
    """Return the pages: the primary configs, and each top-level config group."""
    return [ROOT_GROUP, *sorted(path.name for path in CONF.iterdir() if path.is_dir())]


def files_of(group: str) -> list[Path]:
    """Return the YAML files that a page shows, those of one subgroup together."""
    if group == ROOT_GROUP:
        return sorted(CONF.glob("*.yaml"))
    return sorted((CONF / group).rglob("*.yaml"), key=lambda path: (path.parent, path.name))


def description(text: str) -> str:
    """Return the first sentence of the comment at the head of a YAML file; empty where there is none."""
    head = itertools.takewhile(lambda line: line.startswith("#"), text.splitlines())
    lines = [line.removeprefix("#").strip() for line in head if not line.startswith("# @package")]
    first = re.split(r"(?<=[.:;])\s|\n(?=[A-Z])", "\n".join(lines), maxsplit=1)[0].replace("\n", " ")
    return first.rstrip(".:;").replace("|", "\\|").replace("<", "&lt;")


def config_page(group: str) -> str:
    """Return the page of a config group, as Markdown: what each option is, and each file as it stands."""
    parts = [f"# {'Primary configs' if group == ROOT_GROUP else f'conf/{group}'}\n"]
    for folder, paths in _by_folder(files_of(group)):
        name = folder.relative_to(CONF).as_posix()
        if name != ".":
            parts.append(f"## {name} {{ #group-{_slug(name)} }}\n\nChoose with `{name}=OPTION`.\n")
        rows = [
            f"| [`{path.stem}`](#{_anchor(path)}) | {description(path.read_text(encoding='utf-8'))} |" for path in paths
        ]
        parts.append("\n".join(["| option | what it is |", "|---|---|", *rows]) + "\n")
        for path in paths:
            place = path.relative_to(ROOT).as_posix()
            title = f"{name}={path.stem}" if name != "." else path.stem
            parts.append(
                f"### {title} {{ #{_anchor(path)} }}\n\n[{place}]({SOURCE}{place})\n\n"
                f"```yaml\n{path.read_text(encoding='utf-8').rstrip()}\n```\n"
            )
    return "\n".join(parts)


def table_of_groups() -> str:
    """Return the table of all config groups and their options, as Markdown."""
    rows = []
    for page in groups():
        for folder, paths in _by_folder(files_of(page)):
            name = folder.relative_to(CONF).as_posix()
            if name != ".":
                options = ", ".join(f"`{path.stem}`" for path in paths)
                rows.append(f"| [`{name}=`]({page}.md#group-{_slug(name)}) | {options} |")
    return "\n".join(["| group | options |", "|---|---|", *rows])


def published_scores() -> str:
    """Return the table of the published scores that experiments carry, as Markdown."""
    rows = []
    for path in sorted((CONF / "experiment").glob("*.yaml")):
        for score in yaml.safe_load(path.read_text(encoding="utf-8")).get("expected") or []:
            spread = "" if score.get("spread") is None else f" ± {score['spread']}"
            length = "" if score.get("kimg") is None else f"{score['kimg']:,}"
            cells = (f"`{path.stem}`", f"`{score['key']}`", f"{score['value']}{spread}", length, score["source"])
            rows.append("| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |")
    head = ["| experiment | score | published | after kimg | source |", "|---|---|--:|--:|---|"]
    return "\n".join([*head, *rows])


def table_of_variants() -> str:
    """Return the README's table of variants."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    return readme[readme.index("| variant |") :].partition("\n\n")[0]


def _by_folder(paths: list[Path]) -> Iterator[tuple[Path, list[Path]]]:
    folders = dict.fromkeys(path.parent for path in paths)
    return ((folder, [path for path in paths if path.parent == folder]) for folder in folders)


def _anchor(path: Path) -> str:
    return _slug(path.relative_to(CONF).with_suffix("").as_posix())


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9_-]", "", name.replace("/", "-").lower())
