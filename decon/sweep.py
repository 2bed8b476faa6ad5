"""Studies: every cell of a grid, in parallel, to be taken up again at any time."""

from decon.studies.sweeping import Outcome, run

__all__ = ["Outcome", "run"]
