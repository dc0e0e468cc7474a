"""Shared helpers: compose a config as the commands do, and train it in this process."""

from __future__ import annotations

import functools
import gc
import importlib
import importlib.metadata
import os
import pickle
import random
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

os.environ.setdefault("WANDB_MODE", "offline")

# One thread, here and in every process that a test starts: workers that each use every core slow one another down, and
# a fork of a process whose thread pool has begun waits for ever in its first parallel operation.
os.environ["OMP_NUM_THREADS"] = "1"

# Workers, which start after this, keep the memory that a tensor leaves behind for the next one. To give it back to the
# system and ask for it again is about a tenth of the time where networks are built and trained.
os.environ.setdefault("MALLOC_MMAP_THRESHOLD_", str(2**25))
os.environ.setdefault("MALLOC_TRIM_THRESHOLD_", str(2**30))

# A shell lets what it starts in the background ignore these.
for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)

# No test cuts the power, so nothing has to reach the disk.
os.fsync = lambda descriptor: None

CONF = Path(__file__).parent.parent / "conf"

LONG_TESTS = "GAN_LIGHTNING_LONG_TESTS" in os.environ
"""Whether tests that take long run as well."""

LONG = [pytest.mark.long, pytest.mark.skipif(not LONG_TESTS, reason="set GAN_LIGHTNING_LONG_TESTS=1")]
"""Marks of a test that takes long and has a quick relative."""


def pytest_configure(config: pytest.Config) -> None:
    """Import what every test needs where tests run, which is not the process that hands them to workers."""
    if getattr(config.option, "numprocesses", None):
        return
    import torch

    import gan_lightning  # noqa: F401  (before Lightning: it repairs torchvision where that is needed)
    from tests import composing

    torch.set_num_threads(1)
    composing.be_quick()
    # Every Trainer asks what is installed for callbacks, which takes longer than the rest of its constructor.
    registry = importlib.import_module("lightning.fabric.utilities.registry")
    registry.entry_points = functools.cache(importlib.metadata.entry_points)  # type: ignore[attr-defined]


def takes_long(test: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a test with ``LONG``."""
    for mark in LONG:
        test = mark(test)
    return test


SHARED_WORK = (
    "tests/cli/test_sample.py",
    "tests/cli/test_tracking.py",
    "tests/contract/test_data_parallel.py",
    "tests/metrics/test_translation.py",
    "tests/metrics/test_world.py",
    "tests/models/test_phases.py",
    "tests/report/test_browser.py",
    "tests/test_packaging.py",
    "tests/test_readme.py",
    "tests/test_structure.py",
)
"""Modules of which one worker takes all tests, before others: they share what takes long, or one of them takes long."""

SHARED_CONFIGS = ("tests/test_conf.py", "tests/test_paper_experiments.py")
"""Modules whose tests of one parameter compose the same config."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Let a worker take a module of ``SHARED_WORK`` whole, a parameter of ``SHARED_CONFIGS``, and any other test alone.

    The mark ``xdist_group`` says the same, but pytest-xdist 3.8 does not see it under pytest 9.2.
    """
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            module = nodeid.partition("::")[0]
            if module in SHARED_CONFIGS and "[" in nodeid:
                return nodeid.partition("[")[2]
            return module if module in SHARED_WORK else nodeid

        def mark_test_complete(self, node: Any, item_index: int, duration: float = 0) -> None:
            super().mark_test_complete(node, item_index, duration)
            scope = self._split_scope(self.registered_collections[node][item_index])
            if all(self.assigned_work[node][scope].values()):
                del self.assigned_work[node][scope]  # else all are counted again after each test

    return Scheduling(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Keep the garbage collector from looking at 700,000 objects that all stay, while they are made and later on."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()
        gc.set_threshold(10_000, 10, 10)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Let no test draw other numbers because others ran before it."""
    import numpy as np
    import torch

    random.seed(0)
    np.random.seed(0)  # noqa: NPY002  (the libraries' own generator)
    torch.manual_seed(0)


@pytest.fixture(autouse=True)
def _environment_left_as_it_was() -> Iterator[None]:
    """Undo what a test or a library did to the environment, which the processes of later tests would inherit.

    Lightning leaves ``LOCAL_RANK`` and its relatives behind; a run of two processes that finds them waits for others.
    """
    before = dict(os.environ)
    yield
    for name in os.environ.keys() - before.keys():
        del os.environ[name]
    os.environ.update(before)


@pytest.fixture(scope="session", autouse=True)
def _merged_configs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Share them between the workers, each of which has a folder in the folder of all."""
    from tests import composing

    base = tmp_path_factory.getbasetemp()
    with composing.sharing((base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "merged_configs"):
        yield


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GAN_LIGHTNING_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture(autouse=True)
def _no_hydra_left_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no test see a run that Hydra was told of in an earlier one of the same process."""
    from hydra.core.hydra_config import HydraConfig

    monkeypatch.setattr(HydraConfig.instance(), "cfg", None)


def compose_train(*overrides: str, output_dir: Path | None = None) -> Any:
    """Compose the training config; ``output_dir`` stands in for Hydra's."""
    cfg = pickle.loads(_composed(overrides))
    cfg.output_dir = str(output_dir or "unused")
    return cfg


@functools.cache
def _composed(overrides: tuple[str, ...]) -> bytes:
    from hydra import compose, initialize_config_dir

    import gan_lightning.config  # noqa: F401  (registers the schemas)

    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        return pickle.dumps(compose("train", overrides=["output_dir=unused", "name=test", *overrides]))


@pytest.fixture
def train_config(tmp_path: Path) -> Callable[..., Any]:
    """Compose with overrides; the run's folder is ``tmp_path / "run"`` unless ``output_dir`` is given."""

    def build(*overrides: str, output_dir: Path | None = None) -> Any:
        return compose_train(*overrides, output_dir=output_dir or tmp_path / "run")

    return build
