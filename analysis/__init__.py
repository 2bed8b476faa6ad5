"""What theory says, from spectra: theorems, exact answers, certificates."""

from analysis.certificate import certified_radius, certified_rate
from analysis.consequences import AttackBudget, BoundedErrors, DecayingErrors, corollary1, corollary2, theorem4
from analysis.design import TunedTopology, best_penalty_per_topology, optimal_weights, suggest_edges
from analysis.errors import HypothesisError
from analysis.gaussian import SteadyState, steady_state_covariance
from analysis.lemmas import LemmaResiduals, lemma_residuals
from analysis.neighborhood import Neighborhood, theorem2, theorem3
from analysis.one_step import OneStepBound, theorem1
from analysis.penalty import optimal_penalty
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
    "TunedTopology",
    "WorstCaseRadius",
    "best_penalty_per_topology",
    "certified_radius",
    "certified_rate",
    "corollary1",
    "corollary2",
    "exact_radius",
    "exact_rate",
    "lemma_residuals",
    "optimal_penalty",
    "optimal_weights",
    "steady_state_covariance",
    "suggest_edges",
    "theorem1",
    "theorem2",
    "theorem3",
    "theorem4",
]
