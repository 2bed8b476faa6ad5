"""Errors of the analysis package."""

__all__ = ["HypothesisError"]


class HypothesisError(ValueError):
    """A statement was asked for outside its hypotheses; the message names the one that fails and the value."""
