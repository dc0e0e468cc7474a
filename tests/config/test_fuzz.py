"""Whatever a config is changed to, its checks end with messages that name keys, and what they let pass is built."""

from __future__ import annotations

import copy
import math
import random
import warnings
from typing import Any

import pytest
from omegaconf import OmegaConf

from gan_lightning.config import ConfigError, TrainConfig, build_all, inspect_config
from gan_lightning.launch.parts import KINDS
from tests.conftest import LONG_TESTS, compose_train

PARTS = ("data", "model", "evaluator", "callbacks", "logger", "trainer")
NUMBERS = (-1, 0, 1, 2, 3, 7, 64, -(2**63), 2**63, 10**40, -1.0, 0.0, 0.5, 1e-30, math.inf, -math.inf, math.nan)
TEXTS = (
    "",
    "a\0b",
    "caf\udce9",
    "ü💥",
    "\x1b[31m",
    "none",
    "auto",
    "2",
    "/dev/null",
    "a" * 300,
    "???",
    "${nope}",
    "${model}",
)
NODES = (
    {"_target_": "torch.nn.ReLU"},
    {"_target_": "torch.nn.Linear", "_partial_": True},
    {"_target_": "gan_lightning.losses.Hinge"},
    {"_target_": "gan_lightning.losses.Hinge", "_partial_": 1},
    {"_target_": "torch.optim.Adam", "_partial_": True, "lr": -1},
    {"_target_": "torch.optim.SGD", "_args_": 3},
    {"_target_": "a..b"},
    {"_target_": None},
    {"_args_": []},
    {3: 4},
)
OTHERS = (True, False, None, [], [1], [2, 3], [[]], {}, "${seed}", "${data.resolution}")


def keys(value: Any, key: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [key, *(inner for name, item in items for inner in keys(item, (*key, name)))]


def at(config: Any, key: tuple[Any, ...]) -> Any:
    for name in key:
        config = config[name]
    return config


def change(config: dict[str, Any], rng: random.Random) -> None:
    """Replace, remove or add one value, more often by one of its own type than by any other."""
    key = rng.choice([key for key in keys(config) if key and key[0] in (*PARTS, "seed", "batch_size", "paths")])
    parent, old = at(config, key[:-1]), at(config, key)
    similar = {bool: (True, False), int: NUMBERS, float: NUMBERS, str: TEXTS, dict: NODES}.get(type(old), OTHERS)
    action = rng.random()
    if action < 0.5:
        parent[key[-1]] = copy.deepcopy(rng.choice(similar))
    elif action < 0.7:
        parent[key[-1]] = copy.deepcopy(rng.choice((*NUMBERS, *TEXTS, *NODES, *OTHERS)))
    elif action < 0.8:
        parent[key[-1]] = copy.deepcopy(at(config, rng.choice(keys(config)[1:])))
    elif action < 0.9 and isinstance(parent, dict):
        parent[rng.choice(["x", "_x_", "_args_", "_partial_", "ü", "", "a.b", 3])] = rng.choice(NUMBERS)
    else:
        parent.pop(key[-1])


@pytest.mark.parametrize("base", ["demo", "ring_unrolled", "infogan_digits"])
def test_a_changed_config_is_built_or_refused_with_its_keys(base):
    rng = random.Random(base)
    start: Any = OmegaConf.to_container(compose_train(f"experiment={base}"), resolve=False)
    passed = 0
    count = 40 if LONG_TESTS else 20
    for _ in range(count):
        config = copy.deepcopy(start)
        for _ in range(rng.choice([1, 1, 2])):
            change(config, rng)
        cfg = OmegaConf.structured(TrainConfig)
        try:
            cfg = OmegaConf.merge(cfg, OmegaConf.create(config))
        except Exception:  # OmegaConf's own refusals of types, which the command line meets while it is composed
            continue
        values, problems = inspect_config(cfg, kinds=KINDS)
        wrong = {problem.partition("=")[0].partition(":")[0].strip().partition(".")[0] for problem in problems}
        assert wrong <= {*start, "budget"}
        nodes = {key: values[key] for key in PARTS if key not in wrong}
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of odd but possible settings
                rehearsed = build_all(nodes, trust=True, rehearse=True)
                assert rehearsed.keys() == build_all(nodes, trust=True).keys()
                passed += not problems
        except ConfigError as error:
            problems += error.messages
        for problem in ConfigError(problems).messages:
            assert problem.replace("\n", "").replace("\t", "").isprintable()
            assert problem.startswith(tuple(start))
    assert 1 <= passed <= 0.75 * count
