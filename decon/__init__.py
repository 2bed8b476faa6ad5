"""What happens: costs, attacks, engine, screening, studies, command line."""

from decon import attacks, costs
from decon.errors import CostError, DeconError, OptionError, RunError
from decon.local_steps import Exact
from decon.rate import fit_rate
from decon.result import Result

__version__ = "0.1.0"

from decon.solve import solve

__all__ = [
    "CostError",
    "DeconError",
    "Exact",
    "OptionError",
    "Result",
    "RunError",
    "attacks",
    "costs",
    "fit_rate",
    "solve",
]
