"""``gan-prefetch``: fetch weights and data sets into the cache folder, to be carried to a machine without a network."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from gan_lightning.core.version import __version__
from gan_lightning.runs.status import BAD_INPUT

USAGE = """\
Usage: gan-prefetch NAME [NAME ...] [--into FOLDER]
       gan-prefetch --list
"""
EPILOG = """\
The folder is $GAN_LIGHTNING_CACHE, else ~/.cache/gan_lightning, unless --into names another. Carry it to the other
machine and let GAN_LIGHTNING_CACHE point to it there: every command looks in it before it asks a network.
"""


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    made = argparse.ArgumentParser(
        prog="gan-prefetch",
        usage=argparse.SUPPRESS,
        description=f"gan-prefetch: fetch weights and data sets before they are needed.\n\n{USAGE}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=EPILOG,
    )
    made.add_argument("names", nargs="*", metavar="NAME", help="what to fetch; see --list")
    made.add_argument("--into", type=Path, metavar="FOLDER", help="the cache folder to fill")
    made.add_argument("--version", action="version", version=f"gan-lightning {__version__}")
    made.add_argument("--list", action="store_true", help="print the names, and what is in the folder already")
    return made


def main(argv: Sequence[str] | None = None) -> None:
    """Run the console command."""
    given = parser().parse_args(argv)
    if not given.list and not given.names:
        parser().error("name something to fetch, or ask for --list")
    if given.into is not None:
        from gan_lightning.core.cache import CACHE_VARIABLE

        try:
            os.environ[CACHE_VARIABLE] = str(given.into.absolute())
        except FileNotFoundError:
            complain(f"--into {given.into}: the present folder, which it starts from, has been removed")
    from gan_lightning.launch.fetchable import FETCHABLE

    if given.list:
        for name, item in FETCHABLE.items():
            print(f"{name:<18} {'here' if item.is_here() else '-':<5} {item.title}")
        return
    unknown = [name for name in given.names if name not in FETCHABLE]
    if unknown:
        complain(f"{', '.join(unknown)}: no such name; there are {', '.join(FETCHABLE)}")
    failed = False
    for name in dict.fromkeys(given.names):
        item = FETCHABLE[name]
        try:
            place = item.fetch()
        except (ValueError, OSError) as error:
            print(f"{name}: {error}", file=sys.stderr)
            failed = True
        else:
            print(f"{name}: {item.title} is in {place}")
    if failed:
        raise SystemExit(1)


def complain(message: str) -> None:
    """Print a message and end with the code of bad input."""
    print(message, file=sys.stderr)
    raise SystemExit(BAD_INPUT)


if __name__ == "__main__":
    main()
