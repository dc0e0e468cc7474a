"""Hydra's way to the search with Optuna: it accepts sweepers of this namespace only."""
