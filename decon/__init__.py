"""What happens: costs, attacks, engine, screening, studies, command line."""

__version__ = "0.1.0"

from decon import attacks, baselines, costs, datasets, plots
from decon.byzantine import draw_byzantine
from decon.compare import compare
from decon.design import design
from decon.detection import Detection, undetected_harm
from decon.errors import CostError, DataError, DeconError, OptionError, RunError
from decon.local_steps import Exact, SquareRoot, Stochastic
from decon.median_distance import MedianDistance
from decon.minimizer import minimizer
from decon.profiling import Profiling, Road
from decon.rate import fit_rate
from decon.result import Result
from decon.solve import solve
from decon.tradeoff import penalty_tradeoff
from decon.tv import TVMinimizer, tv_minimizer, tv_threshold
from decon.verify import verify

__all__ = [
    "CostError",
    "DataError",
    "DeconError",
    "Detection",
    "Exact",
    "MedianDistance",
    "OptionError",
    "Profiling",
    "Result",
    "Road",
    "RunError",
    "SquareRoot",
    "Stochastic",
    "TVMinimizer",
    "attacks",
    "baselines",
    "compare",
    "costs",
    "datasets",
    "design",
    "draw_byzantine",
    "fit_rate",
    "minimizer",
    "penalty_tradeoff",
    "plots",
    "solve",
    "tv_minimizer",
    "tv_threshold",
    "undetected_harm",
    "verify",
]
