"""The comparison of runs: read, grouped by configuration, tested against the noise of seeds, and written down."""

from gan_lightning.tracking.report.conditions import select
from gan_lightning.tracking.report.content import Comparison, compare
from gan_lightning.tracking.report.folders import find_runs
from gan_lightning.tracking.report.page import as_html
from gan_lightning.tracking.report.run import Run
from gan_lightning.tracking.report.text import as_csv, as_latex, as_markdown

__all__ = ["Comparison", "Run", "as_csv", "as_html", "as_latex", "as_markdown", "compare", "find_runs", "select"]
