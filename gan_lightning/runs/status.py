"""How a run can end, and the exit code that says so."""

BAD_INPUT = 2
EXIT_CODES = {"finished": 0, "failed": 1, "refused": BAD_INPUT, "diverged": 3, "interrupted": 130, "preempted": 143}

FAILURES = ("failed", "refused")
"""Endings that an error brought about; the others every process of a run reaches together."""

WORST = 1e9
"""Objective of a job without a score: finite, since a NaN would end a whole sweep."""
