"""What must be quick: help, the composed config and shell completion, none of which waits for torch."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import subprocess
import sys

import pytest
from omegaconf import OmegaConf

import gan_lightning
from gan_lightning.__main__ import COMMANDS as MODULES
from gan_lightning.cli import compare
from gan_lightning.config import SCHEMAS, conf_dir, root_keys
from gan_lightning.launch.command import flush_output
from tests.cli.conftest import root_logging

COMMANDS = ("train", "evaluate", "sample", "compare", "prefetch", "push")

SCRIPT = """
import contextlib, importlib, io, json, sys, time
found, started = {}, time.process_time()
for command in ("train", "evaluate", "sample", "compare", "prefetch", "push"):
    out, code = io.StringIO(), 0
    sys.argv = [f"gan-{command}", "--help"]
    with contextlib.redirect_stdout(out):
        try:
            importlib.import_module(f"gan_lightning.cli.{command}").main()
        except SystemExit as ending:
            code = ending.code
    found[command] = {"code": code, "out": out.getvalue(), "cpu_s": time.process_time() - started}
    started = time.process_time()
heavy = ("torch", "lightning", "wandb", "torchvision", "sklearn", "matplotlib")
print(json.dumps({"found": found, "heavy": [name for name in heavy if name in sys.modules]}))
"""


@pytest.fixture(scope="module")
def helps():
    return json.loads(subprocess.check_output([sys.executable, "-c", SCRIPT], text=True))


def test_help_imports_nothing_heavy(helps):
    assert helps["heavy"] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_help_is_quick_and_says_how_to_begin(helps, command):
    found = helps["found"][command]
    assert found["code"] in (0, None)
    assert found["cpu_s"] < 2.0
    assert f"gan-{command}" in found["out"]
    assert "Usage: " in found["out"]


@pytest.mark.parametrize(("command", "group"), [("evaluate", "evaluator"), ("sample", "mode")])
def test_help_explains_every_key_and_every_option_that_the_command_has(helps, command, group):
    text = helps["found"][command]["out"]
    begun = [line.split()[0] for line in text.splitlines() if line.startswith("  ") and len(line.split()) > 1]
    options = [path.stem for path in (conf_dir() / group).glob("*.yaml")]
    keys = [key for key in root_keys(SCHEMAS[f"{command}_schema"]) if key != group]
    assert set(begun) >= {*options, *keys}
    assert "experiment:" not in text  # groups of other commands
    for option in options if command == "sample" else []:
        line = next(line for line in text.splitlines() if line.split()[:1] == [option])
        config = OmegaConf.to_container(OmegaConf.load(conf_dir() / group / f"{option}.yaml"), resolve=False)
        own = {f"mode.{key}" for key in config if key not in {"_target_", *keys}}
        assert {word for word in line.split() if word.startswith("mode.")} == own


def test_the_composed_config_can_be_looked_at(commands, tmp_path):
    ended = commands("train", "experiment=demo", "--cfg", "job", cwd=tmp_path)
    assert (ended.code, ended.err) == (0, "")
    assert "_target_: gan_lightning.models.DCGAN" in ended.out
    assert list(tmp_path.iterdir()) == []


def test_shell_completion_prints_a_script(commands, tmp_path):
    ended = commands("train", "-sc", "install=bash", cwd=tmp_path)
    assert ended.code == 0, ended.text
    assert "complete -o nospace" in ended.out
    assert "gan-train" in ended.out


@pytest.mark.parametrize("argv", [["--help"], ["--cfg", "job"]])
def test_a_reader_that_has_gone_ends_a_command_quietly(argv, monkeypatch, capfd):
    reader, writer = os.pipe()
    os.close(reader)
    monkeypatch.setattr("sys.argv", ["gan-compare", *argv])
    with os.fdopen(writer, "w") as gone, contextlib.redirect_stdout(gone), root_logging():
        with pytest.raises(SystemExit) as ending:
            compare.main()
        gone.flush()  # what was left goes nowhere
    assert ending.value.code == 128 + signal.SIGPIPE
    assert capfd.readouterr().err == ""


def test_a_broken_pipe_that_is_not_the_output_is_no_quiet_end():
    assert flush_output() is None


@pytest.mark.parametrize("command", COMMANDS)
def test_the_version_is_that_of_this_package(command, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", [f"gan-{command}", "--version"])
    main = importlib.import_module(f"gan_lightning.cli.{command}").main
    with contextlib.suppress(SystemExit):
        main()
    assert capsys.readouterr().out == f"gan-lightning {gan_lightning.__version__}\n"


def module(*argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "gan_lightning", *argv], capture_output=True, text=True)


def test_the_package_runs_every_command_as_a_module(tmp_path):
    shown = module()
    assert shown.returncode == 0
    assert all(f"\n  {command} " in shown.stdout for command in COMMANDS)
    assert sorted(MODULES) == sorted(COMMANDS)
    composed = module("train", "experiment=demo", "--cfg", "job", "--package", "budget")
    assert (composed.returncode, composed.stderr) == (0, "")
    assert "kimg: 128" in composed.stdout
    wrong = module("trian")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "train" in wrong.stderr


def test_without_posix_signals_the_commands_say_where_they_run():
    code = "import os, pathlib; os.name = 'nt'; import gan_lightning.cli.train"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == "gan-lightning runs on Linux and macOS; on Windows, run it in WSL.\n"
