"""These tests need SLURM's packages and minutes; ``make test-slurm`` installs the ones and takes the others."""

import os

if os.environ.get("GAN_LIGHTNING_TEST_SLURM") != "1":
    collect_ignore_glob = ["test_*.py"]
