"""What happens: costs, attacks, engine, screening, studies, command line."""

__version__ = "0.1.0"

from decon import attacks, baselines, costs, datasets, plots
from decon.attacks.liars import draw_byzantine
from decon.errors import CostError, DataError, DeconError, OptionError, RunError
from decon.methods import Admm
from decon.methods.local_steps import Exact, SquareRoot, Stochastic
from decon.problem.minimizer import minimizer
from decon.problem.tv import TVMinimizer, tv_minimizer, tv_threshold
from decon.runs.rate import fit_rate
from decon.runs.result import Result
from decon.runs.solve import solve
from decon.runs.stopping import Residuals
from decon.screens.consistency import Consistency
from decon.screens.detection import Detection, undetected_harm
from decon.screens.median_distance import MedianDistance
from decon.screens.profiling import Profiling, Road
from decon.spec.experiment import Experiment
from decon.spec.registry import register
from decon.studies.comparison import compare
from decon.studies.improvement import design
from decon.studies.tradeoff import penalty_tradeoff
from decon.studies.verification import verify

__all__ = [
    "Admm",
    "Consistency",
    "CostError",
    "DataError",
    "DeconError",
    "Detection",
    "Exact",
    "Experiment",
    "MedianDistance",
    "OptionError",
    "Profiling",
    "Residuals",
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
    "register",
    "solve",
    "tv_minimizer",
    "tv_threshold",
    "undetected_harm",
    "verify",
]
