"""Studies: grids of runs that are named in a TOML file, run in parallel, and resume after a kill."""

from decon.studies.store import Store
from decon.studies.study import Cell, Study
from decon.studies.summary import figure, summarize

__all__ = ["Cell", "Store", "Study", "figure", "summarize"]
