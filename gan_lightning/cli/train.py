"""``gan-train``: compose, check, train, evaluate, record."""

from __future__ import annotations

import sys

from omegaconf import DictConfig

from gan_lightning.cli.entry import launch
from gan_lightning.cli.resume import continued_run

_exit_code = 0


def task(cfg: DictConfig) -> float:
    """Train one run; return its objective, which a sweeper minimises."""
    global _exit_code
    from gan_lightning.cli.run import train  # torch and Lightning: seconds that --help need not wait

    outcome = train(cfg)
    _exit_code = outcome.exit_code
    return outcome.objective


def main() -> None:
    """Entry point of the console command."""
    launch("train", task, continued_run(sys.argv[1:]))
    sweeping = any(argument in ("-m", "--multirun") for argument in sys.argv[1:])
    if _exit_code and not sweeping:
        raise SystemExit(_exit_code)


if __name__ == "__main__":
    main()
