"""Checkpointing, evaluation, sample grids, progress."""
