"""Local costs, all agents at once."""

from decon.costs.base import Costs
from decon.costs.from_cvxpy import FromCVXPY
from decon.costs.huber import Huber
from decon.costs.least_squares import LeastSquares
from decon.costs.logistic import LogisticRegression
from decon.costs.quadratic import Quadratic
from decon.costs.ridge import Ridge
from decon.costs.softmax import SoftmaxRegression
from decon.costs.with_hub import WithHub

__all__ = [
    "Costs",
    "FromCVXPY",
    "Huber",
    "LeastSquares",
    "LogisticRegression",
    "Quadratic",
    "Ridge",
    "SoftmaxRegression",
    "WithHub",
]
