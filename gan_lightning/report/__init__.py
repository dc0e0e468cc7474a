"""The comparison of runs: read, grouped by configuration, tested against the noise of seeds, and written down."""

from gan_lightning.report.conditions import select
from gan_lightning.report.content import Comparison, compare
from gan_lightning.report.folders import find_runs
from gan_lightning.report.page import as_html
from gan_lightning.report.run import Run
from gan_lightning.report.text import as_csv, as_latex, as_markdown

__all__ = ["Comparison", "Run", "as_csv", "as_html", "as_latex", "as_markdown", "compare", "find_runs", "select"]
