"""What theory says, from spectra: theorems, exact answers, certificates."""

from analysis.errors import HypothesisError

__all__ = ["HypothesisError"]
