"""Local costs, all agents at once."""

from decon.costs.base import Costs
from decon.costs.least_squares import LeastSquares
from decon.costs.quadratic import Quadratic

__all__ = ["Costs", "LeastSquares", "Quadratic"]
