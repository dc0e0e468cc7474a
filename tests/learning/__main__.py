"""Train what the tables of docs/results/learning.md show, a row a call, and enter the row there.

    python -m tests.learning --list
    python -m tests.learning --row cifar_r3gan --cpu-minutes 40 --cifar cifar10.zip --emoji emoji.zip --work DIR
    python -m tests.learning --tables           make the page anew from docs/results/learning.json
    python -m tests.learning --classifier --cifar cifar10.zip       train the classifier anew: no row holds any more

``cifar10.zip`` holds ``train/<class>/*`` and ``test/<class>/*`` (a folder will do, too), ``emoji.zip``
``noto/<category>/*.png``. A row is a file of tests/learning/conf/experiment. Its run lies below ``--work``; a call that
was interrupted goes on there, and a row that the results hold already is not trained again.
"""  # fmt: skip

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.learning import classifier, tables
from tests.learning.rows import CPU_MINUTES, ROWS, Places, train_row


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.learning",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--list", action="store_true", help="name the rows")
    what.add_argument("--row", choices=ROWS, metavar="NAME", help="train a row and enter it")
    what.add_argument("--classifier", action="store_true", help="train what rows are scored on, beside its code")
    what.add_argument("--tables", action="store_true", help="make the page from the results")
    parser.add_argument("--cpu-minutes", type=float, default=CPU_MINUTES, metavar="M", help="about as much training")
    parser.add_argument("--cifar", type=Path, metavar="PATH", help="CIFAR-10: archive or folder")
    parser.add_argument("--emoji", type=Path, metavar="PATH", help="emoji: archive; needed for their rows alone")
    parser.add_argument("--work", type=Path, metavar="DIR", help="folder of runs, classifier and caches")
    parser.add_argument("--results", type=Path, default=tables.RESULTS, metavar="FILE", help="JSON of all rows")
    options = parser.parse_args()
    if options.list:
        print("\n".join(ROWS))  # noqa: T201
    if options.classifier:
        if options.cifar is None:
            parser.error("--classifier needs --cifar")
        classifier.make(options.cifar.resolve())
    if options.row:
        if options.cifar is None or options.work is None:
            parser.error("--row needs --cifar and --work")
        if options.row in tables.read(options.results):
            sys.exit(f"{options.row}: {options.results} holds it already; remove it there to train it again")
        places = Places(work=options.work.resolve(), cifar=options.cifar.resolve(), emoji=options.emoji)
        tables.enter(options.results, *train_row(options.row, places, cpu_minutes=options.cpu_minutes))
    if options.row or options.tables:
        tables.write_page(options.results)


if __name__ == "__main__":
    main()
