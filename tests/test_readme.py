"""Every command and program that README and the pages in docs show is run, with a budget of a few steps.

What cannot be run here is checked: see ``documentation.py``.
"""

from __future__ import annotations

import itertools
import json
import multiprocessing
import os
import re
import runpy
import shlex
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hydra import compose, initialize_config_dir
from PIL import Image

from gan_lightning.cli import prefetch, push
from gan_lightning.config import check_config
from gan_lightning.data.digits import load_digits
from gan_lightning.export import save_generator
from gan_lightning.launch.fetchable import FETCHABLE
from gan_lightning.launch.run import train
from tests.cli.conftest import mode_of_the_line
from tests.conftest import compose_train
from tests.contract.variants import build
from tests.documentation import BLOCK, PAGES, ROOT, TEXT, at_row_ends, blocks, lines

RUN = "runs/demo/2026-01-31_12-00-00"
SMALL = [
    "budget.kimg=0.064",
    "budget.epochs=null",
    "budget.images=null",
    "batch_size=32",
    "callbacks.samples.rows=1",
    "+callbacks.progress.log_every_seconds=100",
    "logger=none",
]
SMALL_SCORES = ["evaluator.samples=50"]


def commands() -> list[str]:
    return list(dict.fromkeys([*lines("bash"), *at_row_ends()]))


def evaluations() -> list[str]:
    """The evaluations that need weights or data from elsewhere, which are therefore composed only."""
    return [line for line in lines("console") if line.startswith("gan-evaluate ")]


def with_flags() -> list[str]:
    """The commands that take flags and need a network: that their flags are understood is all that is checked."""
    return [line for line in (*lines("console"), *lines("sh")) if line.startswith(("gan-prefetch ", "gan-push "))]


def experiments_of_the_table() -> list[str]:
    return [line.partition("=")[2] for line in at_row_ends() if re.fullmatch(r"gan-train experiment=\w+", line)]


def run(command: str, folder: Path) -> str:
    words = shlex.split(command)
    extra = []
    if words[0] == "gan-train" and "--cfg" not in words:
        given = {word.split("=")[0] for word in words}
        budget = [w for w in SMALL if not (w.startswith("budget") and any(g.startswith("budget") for g in given))]
        extra = [*budget, *([] if "evaluator=none" in words else SMALL_SCORES)]
        if any(word.startswith("experiment=ring_") for word in words):  # points are shown as one scatter plot
            extra.remove("callbacks.samples.rows=1")
        if "data=folder" in words:
            extra.append("budget.kimg=0.032")
        words = [re.sub(r"budget\.\w+=[\d.]+", "budget.kimg=0.128", word) for word in words]
        words = [re.sub(r"^seed=(\d+),[\d,]+$", r"seed=\1", word) for word in words]  # every seed would take as long
        if any(w == "budget.kimg=0.128" for w in words):
            extra += ["budget.epochs=null"]
    arguments = (f"gan_lightning.cli.{words[0].removeprefix('gan-')}", [*words[1:], *extra])
    return in_a_fork(run_module, arguments, folder, what=command)


def in_a_fork(work: Callable[..., None], arguments: tuple[Any, ...], folder: Path, *, what: str) -> str:
    """Work in a folder and return what is written; what is imported already need not be imported again."""
    log = folder / "command.log"
    child = multiprocessing.get_context("fork").Process(target=into_log, args=(work, arguments, folder, log))
    child.start()
    child.join(timeout=300)
    output = log.read_text(encoding="utf-8")
    assert child.exitcode == 0, f"{what}\n{output[-3000:]}"
    return output


def into_log(work: Callable[..., None], arguments: tuple[Any, ...], folder: Path, log: Path) -> None:
    os.chdir(folder)
    with log.open("w", encoding="utf-8") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", closefd=False)
        try:
            work(*arguments)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()


def run_module(module: str, arguments: list[str]) -> None:
    """Be a command."""
    sys.argv = [module, *arguments]
    with mode_of_the_line():
        runpy.run_module(module, run_name="__main__", alter_sys=True)


def run_program(text: str) -> None:
    exec(compile(text, "page.md", "exec"), {"__name__": "__main__"})


def test_the_readme_shows_what_this_test_knows_how_to_run():
    programs = {shlex.split(command)[0] for command in commands()}
    assert programs <= {"make", "gan-train", "gan-sample", "gan-evaluate", "gan-compare", "gan-prefetch", "gan-push"}
    assert len(commands()) > 20


class MyNetwork(torch.nn.Module):
    """Stands in for the reader's own."""


@pytest.mark.parametrize("command", evaluations())
def test_an_evaluation_of_the_readme_composes(command: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "my_package", SimpleNamespace(MyNetwork=MyNetwork))
    with initialize_config_dir(version_base="1.3", config_dir=str(ROOT / "conf")):
        check_config(compose("evaluate", shlex.split(command)[1:]))


def test_the_readme_names_every_kind_of_features():
    (sentence,) = re.findall(r"\*\*Features\*\* are chosen by `evaluator/extractor=`: (.*?)\.", TEXT, flags=re.DOTALL)
    options = {path.stem for path in (ROOT / "conf" / "evaluator" / "extractor").glob("*.yaml")}
    assert set(re.findall(r"`(\w+)`", sentence)) == options
    asked = {name for command in evaluations() for name in re.findall(r"evaluator/(extractor|similarity)=", command)}
    assert asked == {"extractor", "similarity"}


def test_make_targets_exist():
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    shown = {word for c in commands() if c.startswith("make ") for word in c.split()[1:]}
    assert shown
    assert shown <= set(targets)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the run that the README names exists."""
    path = tmp_path_factory.mktemp("readme")
    run(f"gan-train experiment=demo hydra.run.dir={RUN}", path)
    make_pictures(path)
    make_digits(path)
    make_domains(path)
    run(f"gan-train experiment=pix2pix_photos hydra.run.dir={RUN.replace('demo', 'pix2pix_photos')}", path)
    return path


def make_digits(folder: Path) -> None:
    """Make the images in files that the chapter on evaluation speaks of."""
    images = load_digits(split="heldout").images
    np.savez(folder / "made.npz", images[:100].permute(0, 2, 3, 1).numpy())
    (folder / "digits_folder").mkdir()
    for index, image in enumerate(images[100:200]):
        Image.fromarray(image[0].numpy()).save(folder / "digits_folder" / f"{index:03d}.png")


def make_domains(folder: Path) -> None:
    """Make the pairs and the domains that the chapter on translation speaks of."""
    random = np.random.default_rng(1)
    for name, width in {"facades/train": 80, "facades/test": 80, "horses/trainA": 40, "horses/trainB": 44}.items():
        (folder / name).mkdir(parents=True)
        for index in range(6):
            pixels = random.integers(0, 256, (40, width, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{index}.png")


def make_pictures(folder: Path) -> None:
    """Make the pictures that the chapter on own images speaks of."""
    random = np.random.default_rng(0)
    for split, kind, index in itertools.product(("train", "test"), ("cat", "dog"), range(12)):
        pixels = random.integers(0, 256, (40 + index, 50, 3), dtype=np.uint8)
        for path in (
            folder / "photos" / f"{split}_{kind}_{index}.png",
            folder / "pets" / split / kind / f"{index}.png",
        ):
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(path)
    for name in ("photos", "pets"):
        shutil.make_archive(str(folder / name), "zip", folder / name)


@pytest.mark.slow
@pytest.mark.parametrize(
    "command", [c for c in commands() if c.startswith("gan-") and c.split("=")[-1] not in experiments_of_the_table()]
)
def test_a_command_of_the_readme(command: str, folder: Path, tmp_path: Path):
    if "resume=" in command:
        shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
        folder = tmp_path
    run(command, folder)


@pytest.mark.slow
@pytest.mark.parametrize("experiment", sorted(set(experiments_of_the_table())))
def test_an_experiment_of_the_table(experiment: str, tmp_path: Path):
    overrides = ["logger=none", "evaluator.samples=50", "batch_size=16", "callbacks.samples.rows=1", "trainer=cpu"]
    outcome = train(
        compose_train(f"experiment={experiment}", "budget.kimg=0.08", *overrides, output_dir=tmp_path / "run")
    )
    assert outcome.status == "finished"
    assert (tmp_path / "run" / "samples" / "000000080.png").is_file()


def make_emoji(folder: Path) -> None:
    """Make what the chapter on emoji unpacks, with an animal, a hand, and an emoji that has no image."""
    images = folder / "package" / "img" / "google" / "64"
    images.mkdir(parents=True)
    kinds = {"1f400.png": "Animals & Nature", "1f44b.png": "People & Body", "1f3f4.png": "Flags"}
    entries = [
        {"image": name, "category": category, "has_img_google": category != "Flags"} for name, category in kinds.items()
    ]
    (folder / "package" / "emoji.json").write_text(json.dumps(entries))
    for name in list(kinds)[:2]:
        Image.new("RGBA", (64, 64)).save(images / name)


def test_the_emoji_are_those_without_people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (program,) = (block for block in blocks("python") if "emoji.json" in block)
    make_emoji(tmp_path)
    monkeypatch.chdir(tmp_path)
    exec(compile(program, "emoji.md", "exec"), {})
    assert [path.name for path in (tmp_path / "emoji").iterdir()] == ["1f400.png"]


def test_the_program_that_loads_a_generator_draws_the_same_samples_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (program,) = (block for block in blocks("py") if "load_generator" in block)
    save_generator(build("dcgan")[0], tmp_path / "generator.safetensors")
    monkeypatch.chdir(tmp_path)
    names: dict[str, torch.Tensor] = {}
    exec(compile(program, "sample.md", "exec"), names)
    assert len(names["samples"]) == 16
    assert torch.equal(names["samples"], names["same"])


@pytest.mark.slow
@pytest.mark.parametrize("program", [block for block in blocks("python") if "emoji.json" not in block])
def test_a_program_of_the_readme(program: str, tmp_path: Path):
    in_a_fork(run_program, (program,), tmp_path, what=program)


def test_links_to_files_of_the_repository_hold():
    made = {"docs/reference/config/commands.md"}  # by docs/hooks.py
    wrong = []
    for page, text in PAGES.items():
        for link in re.findall(r"\]\((?!http|#)([^)#]+)[^)]*\)", text):
            target = (page.parent / link).resolve()
            if target.relative_to(ROOT).as_posix() not in made and not target.exists():
                wrong.append(f"{page}: {link}")
        own = re.findall(r"github\.com/gan-lightning/gan-lightning/blob/main/([^)\s#\"]+)", text)
        own += re.findall(r"raw\.githubusercontent\.com/gan-lightning/gan-lightning/main/([^)\s#\"]+)", text)
        wrong += [f"{page}: {link}" for link in own if not (ROOT / link).exists()]
    assert wrong == []


def test_every_block_has_a_language_that_says_what_is_done_with_it():
    known = {"bash", "python", "sh", "console", "py", "text", "yaml"}
    assert {language for text in PAGES.values() for language, _ in BLOCK.findall(text)} <= known
    assert not [line for kind in ("text", "py") for line in "\n".join(blocks(kind)).splitlines() if line[:4] == "gan-"]


@pytest.mark.parametrize("line", with_flags())
def test_a_command_with_flags_is_understood(line: str):
    program, *words = shlex.split(line)
    given = {"gan-prefetch": prefetch, "gan-push": push}[program].parser().parse_args(words)
    assert program != "gan-prefetch" or set(given.names) <= set(FETCHABLE)
