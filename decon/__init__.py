"""What happens: costs, attacks, engine, screening, studies, command line."""

__version__ = "0.1.0"

from decon import attacks, baselines, costs, datasets
from decon.errors import CostError, DataError, DeconError, OptionError, RunError
from decon.local_steps import Exact
from decon.minimizer import minimizer
from decon.rate import fit_rate
from decon.result import Result
from decon.solve import solve

__all__ = [
    "CostError",
    "DataError",
    "DeconError",
    "Exact",
    "OptionError",
    "Result",
    "RunError",
    "attacks",
    "baselines",
    "costs",
    "datasets",
    "fit_rate",
    "minimizer",
    "solve",
]
