"""What happens: costs, attacks, engine, screening, studies, command line."""

from decon import costs
from decon.errors import CostError, DeconError, OptionError, RunError

__all__ = ["CostError", "DeconError", "OptionError", "RunError", "costs"]
