"""``gan-train``: compose, check, train, evaluate, record."""

from __future__ import annotations

import sys

from omegaconf import DictConfig

from gan_lightning.cli.entry import is_sweep, launch
from gan_lightning.cli.resume import continued_run


def task(cfg: DictConfig) -> float:
    """Train one run; return its objective, which a sweeper minimises.

    Raises:
        SystemExit: with the run's code unless it is 0; a sweep goes on after a job that diverged.
    """
    from gan_lightning.cli.run import train  # torch and Lightning: seconds that --help need not wait

    outcome = train(cfg)
    if outcome.exit_code and not (is_sweep() and outcome.status == "diverged"):
        raise SystemExit(outcome.exit_code)
    return outcome.objective


def main() -> None:
    """Entry point of the console command."""
    launch("train", task, continued_run(sys.argv[1:]))


if __name__ == "__main__":
    main()
