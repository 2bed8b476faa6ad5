"""What happens: costs, attacks, engine, screening, studies, command line."""

from decon import costs, datasets
from decon.errors import CostError, DataError, DeconError, OptionError, RunError
from decon.minimizer import minimizer

__all__ = ["CostError", "DataError", "DeconError", "OptionError", "RunError", "costs", "datasets", "minimizer"]
