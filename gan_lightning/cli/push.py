"""``gan-push``: share a run's model on the Hugging Face Hub, with its scores and samples on the card."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gan_lightning.core.terminal import printable
from gan_lightning.core.version import __version__
from gan_lightning.runs.status import BAD_INPUT

USAGE = """\
Usage: gan-push RUN USER/NAME [--license ID] [--private]
       gan-push RUN --out FOLDER
"""


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    made = argparse.ArgumentParser(
        prog="gan-push",
        usage=argparse.SUPPRESS,
        description=f"gan-push: share a run's model on the Hugging Face Hub.\n\n{USAGE}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="It asks for the token that `hf auth login` stored, or HF_TOKEN. Anybody can then use the model as "
        "ckpt=hf://USER/NAME.",
    )
    made.add_argument(
        "run", metavar="RUN", help="a run's folder, for its best checkpoint or its latest, or a checkpoint"
    )
    made.add_argument("repository", nargs="?", metavar="USER/NAME", help="where to; it is made where it is missing")
    made.add_argument("--out", type=Path, metavar="FOLDER", help="write the files here, and upload nothing")
    made.add_argument("--license", metavar="ID", help="an identifier of the Hub, such as mit; none is named without it")
    made.add_argument("--private", action="store_true", help="make it a private repository")
    made.add_argument("--trust", action="store_true", help="build whatever the checkpoint names")
    made.add_argument("--version", action="version", version=f"gan-lightning {__version__}")
    return made


def main(argv: Sequence[str] | None = None) -> None:
    """Run the console command."""
    given = parser().parse_args(argv)
    if (given.repository is None) == (given.out is None):
        parser().error("name either the repository, USER/NAME, or a folder, --out FOLDER")
    from gan_lightning.core.atomic import whole_folder
    from gan_lightning.core.errors import InputError
    from gan_lightning.models.loading import load_model
    from gan_lightning.runs.checkpoints import checkpoint_in

    try:
        path = checkpoint_in(given.run)
        model = load_model(path, trust=given.trust)
        about = {**told_by_run(path), "license": given.license}
        if given.out is not None:
            if os.path.lexists(given.out) and not (given.out.is_dir() and not any(given.out.iterdir())):
                raise InputError(f"--out {given.out}: it is there already, and is not replaced; choose another name")
            with whole_folder(given.out) as folder:
                model.save_pretrained(folder, **about)
            print(printable(f"{path} written to {given.out}"))
        else:
            url = model.push_to_hub(given.repository, private=given.private, **about)
            print(printable(f"{path} uploaded to {url}"))
    except (InputError, ValueError) as error:  # CheckpointError and ConfigError are among these
        print(printable(str(error)), file=sys.stderr)
        raise SystemExit(BAD_INPUT) from None
    except OSError as error:
        print(printable(f"{given.out or given.repository}: {error.strerror or error}"), file=sys.stderr)
        raise SystemExit(BAD_INPUT) from None


def told_by_run(checkpoint: Path) -> dict[str, Any]:
    """Return scores and picture of the state in a checkpoint, as far as the run beside it has them."""
    from gan_lightning.core.side_files import SideFileError
    from gan_lightning.runs.folder import BEST, SAMPLES, RunFolder
    from gan_lightning.runs.results import read_results

    run = RunFolder(checkpoint.parent.parent)
    if checkpoint.parent != run.checkpoints:
        return {}
    pictures = list(run.pictures_by_images(SAMPLES).values())
    try:
        table = read_results(run.results)["scores"]["best" if checkpoint.name == BEST else "final"]
    except (FileNotFoundError, SideFileError):
        table = {}
    kept = ("value", "stderr", "protocol")
    scores = [{"key": key, **{name: entry.get(name) for name in kept}} for key, entry in table.items()]
    return {"scores": scores, "picture": pictures[-1] if pictures else None}


if __name__ == "__main__":
    main()
