"""How small and how large a number may be that theory computes with."""

__all__ = ["LEAST", "MOST", "in_range"]

LEAST, MOST = 1e-30, 1e30
"""Weights, curvatures and penalties beyond these are mistakes, and products of a few leave the range of doubles."""


def in_range(value: float) -> bool:
    """Whether a positive number is of a size to compute with.

    Examples
    --------
    >>> in_range(1.0), in_range(1e200), in_range(float("nan"))
    (True, False, False)
    """
    return bool(LEAST <= value <= MOST)
