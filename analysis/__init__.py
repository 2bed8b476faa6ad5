"""What theory says, from spectra: theorems, exact answers, certificates."""

from analysis.consequences import AttackBudget, BoundedErrors, DecayingErrors, corollary1, corollary2, theorem4
from analysis.errors import HypothesisError
from analysis.lemmas import LemmaResiduals, lemma_residuals
from analysis.neighborhood import Neighborhood, theorem2, theorem3
from analysis.one_step import OneStepBound, theorem1
from analysis.ratio import RatioBound
from analysis.splits import Splits
from analysis.trajectory import Trajectory

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
    "Trajectory",
    "corollary1",
    "corollary2",
    "lemma_residuals",
    "theorem1",
    "theorem2",
    "theorem3",
    "theorem4",
]
