"""Hydra's way to the SLURM launcher: it accepts launchers of this namespace only."""
