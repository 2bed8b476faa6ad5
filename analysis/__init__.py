"""What theory says, from spectra: theorems, exact answers, certificates."""

from analysis.consequences import AttackBudget, BoundedErrors, DecayingErrors, corollary1, corollary2, theorem4
from analysis.errors import HypothesisError
from analysis.gaussian import SteadyState, steady_state_covariance
from analysis.lemmas import LemmaResiduals, lemma_residuals
from analysis.neighborhood import Neighborhood, theorem2, theorem3
from analysis.one_step import OneStepBound, theorem1
from analysis.quadratic import exact_rate
from analysis.ratio import RatioBound
from analysis.splits import Splits
from analysis.trajectory import Trajectory
from analysis.worst_case import WorstCaseRadius, exact_radius

__all__ = [
    "AttackBudget",
    "BoundedErrors",
    "DecayingErrors",
    "HypothesisError",
    "LemmaResiduals",
    "Neighborhood",
    "OneStepBound",
    "RatioBound",
    "Splits",
    "SteadyState",
    "Trajectory",
    "WorstCaseRadius",
    "corollary1",
    "corollary2",
    "exact_radius",
    "exact_rate",
    "lemma_residuals",
    "steady_state_covariance",
    "theorem1",
    "theorem2",
    "theorem3",
    "theorem4",
]
