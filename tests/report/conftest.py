"""Runs that were made up, as folders like those that training leaves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from gan_lightning.core.strict_json import dumps

FD, CS = "fd2k_train_digits", "cs2k_digits"
Make = Callable[..., Path]


def score(value: Any, *, higher: bool = False, weights: str = "ema", seed: int = 0) -> dict[str, Any]:
    return {
        "value": value,
        "stderr": None,
        "higher_is_better": higher,
        "protocol": {"metric": "frechet", "n_generated": 2000, "weights": weights, "seed": seed},
        "images_seen": 100,
    }


def make_run(
    root: Path,
    name: str,
    *,
    run_name: str = "demo",
    seed: int = 0,
    loss: str = "Hinge",
    lr: float = 2e-4,
    status: str = "finished",
    fd: float | None = None,
    best: float | None = None,
    cs: float | None = None,
    weights: str = "ema",
    error: str | None = None,
    health: Sequence[Mapping[str, Any]] = (),
    wall_time_s: float = 50.0,
    expected: Sequence[Mapping[str, Any]] | None = None,
    images_seen: int = 100,
    budget: int | None = None,
    parameters: int | None = None,
    every_kimg: float | None = None,
    evaluations: Mapping[int, float] | None = None,
    torch: str | None = None,
    commit: str | None = None,
) -> Path:
    """A run's folder with its configuration and results."""
    folder = root / name
    folder.mkdir(parents=True)
    config = {
        "name": run_name,
        "seed": seed,
        "batch_size": 64,
        "output_dir": str(folder),
        "data": {"seed": seed, "batch_size": 64},
        "model": {
            "loss": {"_target_": f"gan_lightning.losses.{loss}"},
            "generator_optimizer": {"lr": lr, "betas": [0.0, 0.99]},
            "augment": None,
        },
        "callbacks": {"checkpoint": {"output_dir": str(folder)}},
    }
    if every_kimg is not None:
        config["callbacks"]["evaluation"] = {"every_kimg": every_kimg}
    if expected is not None:
        config["expected"] = list(expected)
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    final = {} if fd is None else {FD: score(fd, weights=weights, seed=seed)}
    if cs is not None:
        final[CS] = score(cs, higher=True, weights=weights)
    results = {
        "status": status,
        "images_seen": images_seen,
        "budget_images": budget,
        "wall_time_s": wall_time_s,
        "message": error,
        "scores": {"final": final, "best": {**final, **({} if best is None else {FD: score(best, weights=weights)})}},
        "health": list(health),
        "evaluations": [
            {"images_seen": seen, "scores": {FD: {"value": value, "stderr": None}}}
            for seen, value in (evaluations or {}).items()
        ],
        "segments": [
            {
                "from_images": 0,
                "precision": "32-true",
                "generator_parameters": parameters,
                "versions": {"torch": torch},
                "git_commit": commit,
                "overrides": [f"experiment={run_name}", f"model.loss={loss}", f"seed={seed}"],
            }
        ],
    }
    (folder / "results.json").write_text(dumps(results))
    return folder


@pytest.fixture(scope="session")
def make_below() -> Make:
    """``make_run`` itself."""
    return make_run


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Makes a run below ``tmp_path``, see ``make_run``."""
    return lambda name, **arguments: make_run(tmp_path, name, **arguments)


@pytest.fixture
def runs(tmp_path: Path, make: Make) -> Path:
    """Two configurations with three and one seeds, and one of each ending."""
    for seed, fd, best in ((0, 10.0, 9.0), (1, 12.0, 9.0), (2, 17.0, 12.0)):
        make(f"hinge/{seed}", seed=seed, fd=fd, best=best, cs=7.0 + seed)
    make("wasserstein/0", loss="Wasserstein", fd=11.0, best=11.0)
    make("wasserstein/1", loss="Wasserstein", seed=1, fd=900.0, status="diverged")
    make("wasserstein/2", loss="Wasserstein", seed=2, status="failed", error="RuntimeError: disk")
    make("minimax/0", loss="Minimax", status="running")
    broken = make("minimax/1", loss="Minimax", fd=3.0)
    (broken / "results.json").write_text('{"status": "fini')
    return tmp_path
