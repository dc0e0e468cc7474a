"""Whatever is typed, a command ends with 0 or 2, with a message, and without a traceback or a file."""

from __future__ import annotations

import random
import shlex

import pytest

from gan_lightning.launch import preflight
from gan_lightning.launch.start import check
from tests.cli.command_lines import FLAGS, command_line
from tests.conftest import takes_long
from tests.report.conftest import make_run


@pytest.fixture
def rehearsed(monkeypatch):
    """A run or a sweep that was checked in every way ends there with 0."""

    def checked(config):
        check(config)
        raise SystemExit(0)

    monkeypatch.setattr(preflight, "_started", checked)
    checks = preflight.Preflight.on_multirun_start

    def on_multirun_start(self, config, **kwargs):
        checks(self, config, **kwargs)
        raise SystemExit(0)

    monkeypatch.setattr(preflight.Preflight, "on_multirun_start", on_multirun_start)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    root = tmp_path_factory.mktemp("runs")
    for seed in (0, 1):
        make_run(root, f"hinge{seed}", seed=seed, fd=10.0 + seed)
        make_run(root, f"minimax{seed}", seed=seed, fd=12.0 + seed, loss="Minimax")
    return root


def misbehavior(commands, command, argv, cwd):
    """Say what is wrong with how a command ends, or return None."""
    try:
        ended = commands(command, *argv, cwd=cwd)
    except BaseException as error:  # what reaches here would be a traceback
        if isinstance(error, KeyboardInterrupt):
            raise
        return f"{type(error).__name__}: {error}"
    if ended.code not in (0, 2):
        return f"exit code {ended.code}: {ended.text[-1500:]}"
    if "Traceback" in ended.text or "Error executing job" in ended.text:
        return ended.text[-1500:]
    if ended.code == 2 and not ended.err.strip():
        return "no message"
    if any(character in ended.err for character in "\x1b\x00"):
        return f"control characters: {ended.err!r}"
    if ended.code == 2 and (left := sorted(path.name for path in cwd.iterdir())):
        return f"left behind: {left}"
    return None


def tried(commands, count, seed, tmp_path, runs):
    rng = random.Random(seed)
    found = []
    for number in range(count):
        command = rng.choices(list(FLAGS), [6, 1, 2, 1])[0]
        argv = command_line(command, rng, runs)
        cwd = tmp_path / f"{number}"
        cwd.mkdir()
        complaint = misbehavior(commands, command, argv, cwd)
        if complaint is not None:
            found.append(f"gan-{command} {shlex.join(argv)}\n    {complaint}")
    return found


def test_a_few_command_lines(commands, rehearsed, tmp_path, runs):
    assert tried(commands, 10, 1, tmp_path, runs) == []


@takes_long
@pytest.mark.parametrize("seed", range(10))
def test_a_thousand_command_lines(commands, rehearsed, tmp_path, runs, seed):
    assert "\n".join(tried(commands, 120, 100 + seed, tmp_path, runs)) == ""
