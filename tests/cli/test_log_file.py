"""The run's log file holds what the terminal showed, and what a user asks of the Trainer is shown."""

from __future__ import annotations

import logging
import re

from tests.cli.conftest import TINY, UNSCORED

KIMG = re.compile(r"^(?:\[\d\d:\d\d:\d\d\] INFO )?(\d.*kimg .*)$", re.MULTILINE)


def test_the_log_file_holds_what_the_terminal_showed(commands, tmp_path):
    words = [*TINY, "budget.kimg=null", "budget.images=160", "logger=none", "hydra.run.dir=run"]
    ended = commands("train", *words, cwd=tmp_path)
    assert ended.code == 0, ended.text
    written = (tmp_path / "run" / "train.log").read_text()
    assert ended.out.index("the run's folder is run\n") < KIMG.search(ended.out).start()
    shown = KIMG.findall(ended.out)
    assert len(shown) >= 2
    assert KIMG.findall(written) == shown
    table = ended.out[ended.out.index("scores of the averaged generator") :]
    assert [line.rstrip() for line in table.splitlines() if line.strip()] == [
        line.rstrip() for line in written[written.index("scores of the averaged") :].splitlines() if line.strip()
    ]


def test_a_profiler_and_a_summary_of_the_model_are_shown(commands, tmp_path, monkeypatch):
    # Lightning is imported before logging is set up here, and then keeps its messages to itself; a command's do not
    monkeypatch.setattr(logging.getLogger("lightning.pytorch"), "propagate", True)
    words = [*UNSCORED, "budget.kimg=null", "budget.images=64", "logger=none", "hydra.run.dir=run"]
    ended = commands("train", *words, "+trainer.profiler=simple", "trainer.enable_model_summary=true", cwd=tmp_path)
    assert ended.code == 0, ended.text
    assert "FIT Profiler Report" in ended.text
    assert "DCGANGenerator" in ended.text
    assert "FIT Profiler Report" in (tmp_path / "run" / "train.log").read_text()
