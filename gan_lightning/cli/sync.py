"""``gan-compare sync``: upload what W&B recorded offline, each run as one run."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

FAILED, BAD_INPUT = 1, 2


def parser() -> argparse.ArgumentParser:
    """Return the parser of the sub-command's arguments."""
    made = argparse.ArgumentParser(
        prog="gan-compare sync",
        description="Upload the W&B segments that runs recorded offline, in order, so that a run that was requeued "
        "is one run on the server. What was uploaded is not uploaded again.",
    )
    made.add_argument("folders", nargs="+", metavar="FOLDER", help="run folders, or folders with runs below them")
    made.add_argument("--dry-run", action="store_true", help="list what would be uploaded")
    made.add_argument(
        "--running",
        action="store_true",
        help="also upload the last segment of runs that are recorded as running, because their jobs were killed",
    )
    return made


def main(argv: Sequence[str]) -> None:
    """Run the sub-command.

    Args:
        argv: its arguments.

    Raises:
        SystemExit: 1 if something could not be uploaded, 2 for bad input.
    """
    options = parser().parse_args(argv)
    from gan_lightning.loggers.wandb_login import has_login, server_answers
    from gan_lightning.loggers.wandb_segments import read_segments
    from gan_lightning.loggers.wandb_sync import find_tracked, sync_runs

    try:
        runs = find_tracked(options.folders)
    except FileNotFoundError as error:
        stop(f"FOLDER: {error}")
    if not runs:
        stop(f"FOLDER: W&B recorded no run below {' or '.join(options.folders)}")
    if options.dry_run:
        for run in runs:
            try:
                segments = [s for s in read_segments(run) if s.mode == "offline" and s.uploaded == "none"]
            except ValueError as error:
                stop(str(error))
            print(f"{run}: {len(segments)} to upload", *(segment.folder for segment in segments), sep="\n  ")
        return
    if not has_login(os.environ):
        stop("no login: set WANDB_API_KEY or run `wandb login`")
    if not server_answers():
        stop(f"the W&B server does not answer: {os.environ.get('WANDB_BASE_URL') or 'https://api.wandb.ai'}", FAILED)
    failed = False
    for done in sync_runs(runs, running=options.running):
        parts = [f"{done.whole} uploaded"] if done.whole else []
        parts += [f"{done.cut} cut off by a kill, uploaded up to there"] if done.cut else []
        parts += ["1 left: its job runs, or was killed (then add --running)"] if done.waiting else []
        parts += [f"{done.failed} failed: {done.problem}"] if done.problem else []
        print(f"{done.run}: {', '.join(parts) or 'nothing new'}")
        failed = failed or done.problem is not None
    if failed:
        raise SystemExit(FAILED)


def stop(message: str, code: int = BAD_INPUT) -> None:
    """Print a message and end."""
    print(message, file=sys.stderr)
    raise SystemExit(code)
