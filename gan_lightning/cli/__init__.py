"""The commands: Hydra entry points without math."""

import os
import sys

if os.name != "posix":  # before anything is imported that needs POSIX signals and file locks
    print("gan-lightning runs on Linux and macOS; on Windows, run it in WSL.", file=sys.stderr)
    raise SystemExit(2)
