"""Command lines that nobody types on purpose, drawn from the schemas, the config groups and what people mistype."""

# ruff: noqa: E501 (tables)

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import yaml

from gan_lightning.config import SCHEMAS, conf_dir, root_keys

FLAGS = {
    "train": [[], [], [], ["--cfg", "job"], ["-m"], ["--cfg", "job", "--resolve"], ["-m"], ["--info", "x"]],
    "evaluate": [[], ["--cfg", "job"]],
    "sample": [[], ["--cfg", "job"], ["--cfg", "job", "-p", "mode"]],
    "compare": [[], ["--cfg", "all"]],
}  # fmt: skip
NUMBERS = [
    "0",
    "1",
    "-1",
    "2",
    "3",
    "7",
    "64",
    "100000",
    "-0.0",
    "0.5",
    "1.5",
    "1e-30",
    "1e400",
    "-1e400",
    "nan",
    "inf",
    "-inf",
    "9223372036854775808",
    "0x10",
    "1_000",
]
TEXTS = [
    "", "null", "true", "none", "auto", "best", "ema", "x", "ü💥", "caf\udce9", "a b", "a\\b", "\x1b[31mred", "$HOME",
    "~", "/dev/null", ".", "..", "n" * 300, "???", "${seed}", "${nope}", "${hydra:x}", "${oc.env:NOPE}", "${model}",
    "${", "}", "'", '"', "'quoted'", '"a\nb"', "a,b", "a=b", "a:b", "%s", "{}", "\\", "#", "*", "@x", "+x", "=x",
]  # fmt: skip
STRUCTURES = [
    "[]", "[1]", "[1,2]", "[[1],[2]]", "[a,[b,{c:1}]]", "{}", "{a:1}", "{a:{b:[1,2]}}", "{_target_:torch.nn.ReLU}",
    "{_target_:torch.nn.Linear,_partial_:true}", "{_target_:torch.optim.Adam,_partial_:true,lr:-1}", "{_target_:a..b}",
    "{_target_:null}", "{_args_:[1]}", "{3:4}", "[", "{", "[" * 50 + "]" * 50, "{a:" * 60 + "1" + "}" * 60,
]  # fmt: skip
SWEEPS = [
    "1,2", "a,b", "choice(1,2)", "range(1,4)", "range(4)", "range(1,inf)", "interval(0,1)", "glob(*)", "glob([a*,b])",
    "sort(3,1)", "shuffle(1,2)", "tag(x,1,2)", "int(1.5)", "float(x)", "str(1)", "bool(2)", "json_str(1)", "extend_list(1)",
    "nope(1)", "choice(", "choice()",
]  # fmt: skip
STRAY = [
    "word",
    "ü",
    "-x",
    "--frobnicate",
    "--",
    "-",
    "",
    "=",
    "=1",
    "~",
    "~model",
    "~data=x",
    "+",
    "+=1",
    "a b c",
    "run.ckpt",
]


@cache
def groups() -> dict[str, list[str]]:
    """Names of the config groups to those of their options."""
    found: dict[str, list[str]] = {}
    for path in sorted(conf_dir().rglob("*.yaml")):
        group = str(path.parent.relative_to(conf_dir()))
        if group != ".":
            found.setdefault(group, []).append(path.stem)
    return found


@cache
def keys(command: str) -> list[str]:
    """Dotted keys of a command's config: its schema's, and those of the files of all groups below them."""
    roots = root_keys(SCHEMAS[f"{command}_schema"])
    found = list(roots)
    for group, options in groups().items():
        root = group.split("/")[0]
        if root in roots:
            for option in options:
                content = yaml.safe_load((conf_dir() / group / f"{option}.yaml").read_text())
                found += [f"{root}.{key}" for key in dotted(content)]
    found += [
        "hydra.run.dir",
        "hydra.sweep.dir",
        "hydra.job.name",
        "hydra.verbose",
        "hydra.launcher",
        "hydra",
        "budget.kimg",
    ]
    return sorted(set(found))


def dotted(content: object) -> Iterator[str]:
    """Yield the dotted keys of nested mappings."""
    for name, value in content.items() if isinstance(content, dict) else ():
        if isinstance(name, str) and name != "defaults":
            yield name
            yield from (f"{name}.{inner}" for inner in dotted(value))


def value(rng: random.Random) -> str:
    """Draw a value."""
    return rng.choice(rng.choice([NUMBERS, NUMBERS, TEXTS, STRUCTURES, SWEEPS]))


def argument(command: str, rng: random.Random) -> str:
    """Draw an argument: a key with a value, a group with an option, or neither."""
    kind = rng.random()
    sign = rng.choice(["", "", "", "", "", "+", "++", "~"])
    if kind < 0.55:
        key = rng.choice(keys(command))
        if rng.random() < 0.15:
            key += rng.choice([".x", ".0", "x", "[0]", ".", "..y", "@z", ".ü", " ", "/x"])
        return f"{sign}{key}={value(rng)}"
    if kind < 0.9:
        group = rng.choice(list(groups()))
        options = groups()[group] if rng.random() < 0.7 else groups()[rng.choice(list(groups()))]
        option = rng.choice(options) if rng.random() < 0.8 else value(rng)
        package = rng.choice(["", "", "", f"@{rng.choice(keys(command))}", "@_global_", "@x.y", "@"])
        return f"{sign}{group}{package}={option}"
    return rng.choice(STRAY)


def command_line(command: str, rng: random.Random, runs: Path) -> list[str]:
    """Draw the arguments of a command.

    Args:
        command: "train", "evaluate", "sample" or "compare".
        rng: draws.
        runs: a folder of runs, which a comparison reads more often than others.
    """
    usual = {
        "train": [[], ["experiment=demo"], ["experiment=ring_gan"], ["model=gan", "data=digits"]],
        "evaluate": [["ckpt=no.ckpt"], [f"generated={runs}"], []],
        "sample": [["ckpt=no.ckpt"], [f"ckpt={runs}"], []],
        "compare": [[f"runs={runs}"], [f"runs={runs}"], []],
    }
    drawn = [argument(command, rng) for _ in range(rng.choice([1, 1, 1, 2, 3]))]
    words = [*rng.choice(usual[command]), *drawn]
    if rng.random() < 0.1:
        rng.shuffle(words)
    return [*rng.choice(FLAGS[command]), *words]
