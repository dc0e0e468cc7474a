"""``python -m gan_lightning train ...``: the commands where their scripts are not on the path."""

from __future__ import annotations

import runpy
import sys

from gan_lightning.core.version import __version__

COMMANDS = {
    "train": "train a model, alone or in a sweep",
    "sample": "draw samples, walks and traversals, translate images, export a generator",
    "evaluate": "score a checkpoint or folders of images",
    "compare": "compare runs",
    "push": "share a model on the Hugging Face Hub",
    "prefetch": "download weights for machines without a network",
}


def main() -> None:
    """Hand on to the command that the first argument names."""
    name, *rest = sys.argv[1:] or ["--help"]
    if name in ("-h", "--help"):
        width = max(map(len, COMMANDS))
        print("usage: python -m gan_lightning COMMAND ...\n\nThe same as gan-COMMAND:\n")
        print("\n".join(f"  {command:<{width}}  {meaning}" for command, meaning in COMMANDS.items()))
    elif name == "--version":
        print(f"gan-lightning {__version__}")
    elif name in COMMANDS:
        sys.argv[1:] = rest
        # as __main__, by whose name Lightning starts the other processes of a run
        runpy.run_module(f"gan_lightning.cli.{name}", run_name="__main__", alter_sys=True)
    else:
        print(f"{name}: no such command; the commands are {', '.join(COMMANDS)}", file=sys.stderr)
        raise SystemExit(2)


if __name__ == "__main__":
    main()
