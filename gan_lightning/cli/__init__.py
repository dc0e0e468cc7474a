"""The commands: Hydra entry points without maths."""
