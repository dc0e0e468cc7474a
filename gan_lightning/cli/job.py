"""``python -m gan_lightning.cli.job FOLDER``: train the configuration that lies in a folder.

That is how a job of a sweep gets processes of its own: Lightning starts them by repeating the command line, and that
of a sweep would be the sweep.
"""

from __future__ import annotations

import sys
from pathlib import Path

from gan_lightning.launch.job import train_folder


def main() -> None:
    """Train the folder that the command line names, and end with the job's exit code."""
    raise SystemExit(train_folder(Path(sys.argv[1])).exit_code)


if __name__ == "__main__":
    main()
