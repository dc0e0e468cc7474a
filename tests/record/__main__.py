"""Record what the commands do into ``tests/golden``, or compare it with what they do now.

    python -m tests.record --check              everything
    python -m tests.record --check --only dcgan
    python -m tests.record --write              make the record anew, where behavior was changed on purpose
"""  # fmt: skip

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.record import golden, records, refusals
from tests.record.cases import CASES, Case
from tests.record.commands import ROOT, CommandFailed

REFUSALS = "refusals"
SHOWN = 12
"""Differences that are shown of each case."""

OTHER_INSTRUCTIONS = {
    "ATEN_CPU_CAPABILITY": "default",
    "ONEDNN_MAX_CPU_ISA": "SSE41",
    "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
    "OPENBLAS_CORETYPE": "Nehalem",
}
"""What makes this processor round as another one would: the oldest instructions that the libraries know."""


def say(text: str) -> None:
    """Show a line at once."""
    print(text, flush=True)  # noqa: T201


def report(name: str, started: float, texts: list[str]) -> None:
    """Show what became of a case."""
    say(f"{name}: {'DIFFERS' if texts else 'ok'} ({time.monotonic() - started:.0f} s)")
    for text in texts[:SHOWN]:
        say(f"  {name}/{text}")
    if len(texts) > SHOWN:
        say(f"  and {len(texts) - SHOWN} more")


def run_case(case: Case, folder: Path, *, write_into: Path | None) -> list[str]:
    """Run a case and write its record, or compare it with that; return what is wrong."""
    made, texts = records.make(case, folder, case.ways)
    if write_into is not None:
        made.write(case.name, write_into)
        return texts
    expected = records.CaseRecord.read(case.name, golden.FOLDER, golden.Renames.read())
    return expected.differences(made, bits=golden.of_this_machine()) + texts


def run_refusals(folder: Path, *, write: bool) -> list[str]:
    """Call every command line that is refused and write how it ends, or compare that; return what is wrong."""
    refusals.prepare(folder)
    expected = refusals.read()
    ends, texts = refusals.end_all(expected, folder)
    if write:
        refusals.write(ends)
        return texts + [f"{end.line}: is not refused" for end in ends if end.code == 0]
    renames = golden.Renames.read()
    for one, other in zip(expected, ends, strict=True):
        texts += refusals.differences(one, other, renames)
    return texts


def add_deviations(names: list[str], base: Path) -> None:
    """Make the cases again by other instructions, in a process of its own, and note in the record what that changes."""
    if not names:
        return
    folder = base / "elsewhere"
    folder.mkdir()
    line = [sys.executable, "-m", "tests.record", "--write-into", str(folder), "--only", *names]
    subprocess.run(line, cwd=ROOT, env={**os.environ, **OTHER_INSTRUCTIONS}, check=True)
    nothing = golden.Renames.none()
    for name in names:
        own, other = (records.CaseRecord.read(name, where, nothing) for where in (golden.FOLDER, folder))
        own.with_deviations(other).write(name, golden.FOLDER)


def main() -> int:
    """Return 1 if anything differs."""
    parser = argparse.ArgumentParser(prog="python -m tests.record", description=__doc__.partition("\n")[0])
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--check", action="store_true", help="compare with the record")
    what.add_argument("--write", action="store_true", help="make the record")
    what.add_argument("--write-into", type=Path, metavar="FOLDER", help="make one that is not compared with anything")
    names = [*sorted(CASES), REFUSALS]
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="NAME")
    options = parser.parse_args()
    if options.check and not golden.of_this_machine():
        say("the record is of another machine: numbers are compared up to their tolerances, not to the bit")
    if options.write:
        if options.only == names:
            golden.begin()
        elif not golden.of_this_machine():
            parser.error("--write --only: the rest of the record is of another machine; make all of it anew")
    failed = False
    with tempfile.TemporaryDirectory() as base:
        for name in options.only:
            started = time.monotonic()
            folder = Path(base) / name
            folder.mkdir()
            into = golden.FOLDER if options.write else options.write_into
            try:
                if name == REFUSALS:
                    texts = run_refusals(folder, write=options.write)
                else:
                    texts = run_case(CASES[name], folder, write_into=into)
            except CommandFailed as failure:
                texts = str(failure).splitlines()
            report(name, started, texts)
            failed = failed or bool(texts)
        if options.write and not failed:
            add_deviations([name for name in options.only if name != REFUSALS], Path(base))
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
