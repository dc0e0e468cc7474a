"""Record what the commands do into ``tests/golden``, or compare it with what they do now.

    python -m tests.record --check              everything
    python -m tests.record --check --only dcgan
    python -m tests.record --write              make the record anew, where behavior was changed on purpose
"""  # fmt: skip

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

from tests.record import case_record, golden
from tests.record.cases import CASES, Case
from tests.record.differences import REL

SHOWN = 12
"""Differences that are shown of each case."""


def case_differences(case: Case, folder: Path, *, write: bool) -> list[str]:
    """Run a case and write it, or compare it with its record."""
    made, texts = case_record.make(case, folder, case.ways)
    if write:
        made.write(case)
        return texts
    expected = case_record.CaseRecord.read(case, golden.Renames.read())
    return expected.differences(made, bits=golden.of_this_machine()) + texts


def say(text: str) -> None:
    """Show a line at once."""
    print(text, flush=True)  # noqa: T201


def main() -> int:
    """Return 1 if anything differs."""
    parser = argparse.ArgumentParser(prog="python -m tests.record", description=__doc__.partition("\n")[0])
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--write", action="store_true", help="make the record")
    what.add_argument("--check", action="store_true", help="compare with the record")
    parser.add_argument("--only", nargs="+", choices=sorted(CASES), default=sorted(CASES), metavar="NAME")
    options = parser.parse_args()
    if options.write:
        golden.FOLDER.mkdir(exist_ok=True)
        (golden.FOLDER / "machine.json").write_text(json.dumps(golden.machine(), indent=1) + "\n")
    elif not golden.of_this_machine():
        say(f"another machine than that of the record: {REL:g} instead of bits")
    failed = 0
    with tempfile.TemporaryDirectory() as base:
        for name in options.only:
            started = time.monotonic()
            folder = Path(base) / name
            folder.mkdir()
            texts = case_differences(CASES[name], folder, write=options.write)
            failed += bool(texts)
            say(f"{name}: {'DIFFERS' if texts else 'ok'} ({time.monotonic() - started:.0f} s)")
            for text in texts[:SHOWN]:
                say(f"  {name}/{text}")
            if len(texts) > SHOWN:
                say(f"  and {len(texts) - SHOWN} more")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
