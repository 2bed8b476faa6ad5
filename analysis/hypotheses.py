"""The hypotheses all statements share, checked in one place."""

from __future__ import annotations

import math
from numbers import Real

from analysis.errors import HypothesisError

__all__ = ["require_class", "require_penalty", "require_scale"]


def require_class(strong_convexity: float, smoothness: float) -> None:
    """Refuse anything but 0 < ν ≤ ℓ < ∞ (P1 Assumption 1).

    Raises
    ------
    HypothesisError
        If it does not hold; the message names ν and ℓ.

    Examples
    --------
    >>> require_class(1.0, 10.0)
    """
    _require_numbers(strong_convexity, smoothness)
    if not (0 < strong_convexity <= smoothness < math.inf):
        raise HypothesisError(
            f"the costs must satisfy 0 < strong convexity ≤ smoothness < inf, not ν = {strong_convexity:g}, "
            f"ℓ = {smoothness:g}"
        )


def require_penalty(penalty: float) -> None:
    """Refuse anything but 0 < c < ∞.

    Raises
    ------
    HypothesisError
        If it does not hold; the message names c.

    Examples
    --------
    >>> require_penalty(0.3)
    """
    _require_numbers(penalty)
    if not (0 < penalty < math.inf):
        raise HypothesisError(f"the penalty must be positive and finite, not c = {penalty:g}")


def require_scale(name: str, value: float) -> None:
    """Refuse a negative or non-finite size, such as an error bound.

    Raises
    ------
    HypothesisError
        If ``value`` is negative, infinite or NaN; the message names it.

    Examples
    --------
    >>> require_scale("the error bound", 0.5)
    """
    _require_numbers(value)
    if not (0 <= value < math.inf):
        raise HypothesisError(f"{name} must be finite and not negative, not {value:g}")


def _require_numbers(*values: object) -> None:
    for value in values:
        if not isinstance(value, Real):
            raise HypothesisError(f"a real number is needed, not {value!r}")
