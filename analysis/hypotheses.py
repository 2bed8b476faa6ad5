"""The hypotheses all statements share, checked in one place."""

from __future__ import annotations

from numbers import Real

from analysis.errors import HypothesisError
from topologies import Spectrum, Topology
from topologies.magnitudes import LEAST, MOST, in_range

__all__ = ["require_class", "require_penalty", "require_scale", "require_spectrum", "require_topology"]

_RANGE = f"from {LEAST:g} to {MOST:g}"


def require_spectrum(given: object) -> Spectrum:
    """Refuse anything but a spectrum, and return it.

    Raises
    ------
    HypothesisError
        One line that says what to pass instead.

    Examples
    --------
    >>> require_spectrum("ring")
    Traceback (most recent call last):
    analysis.errors.HypothesisError: a topologies.Spectrum is needed (topo.spectrum), not str
    """
    if not isinstance(given, Spectrum):
        raise HypothesisError(f"a topologies.Spectrum is needed (topo.spectrum), not {type(given).__name__}")
    return given


def require_topology(given: object) -> Topology:
    """Refuse anything but a topology, and return it.

    Raises
    ------
    HypothesisError
        One line that says what to pass instead.

    Examples
    --------
    >>> require_topology(3)
    Traceback (most recent call last):
    analysis.errors.HypothesisError: a topologies.Topology is needed, not int
    """
    if not isinstance(given, Topology):
        raise HypothesisError(f"a topologies.Topology is needed, not {type(given).__name__}")
    return given


def require_class(strong_convexity: float, smoothness: float) -> None:
    """Refuse anything but 0 < ν ≤ ℓ < ∞ (P1 Assumption 1), of sizes to compute with.

    Raises
    ------
    HypothesisError
        If it does not hold; the message names ν and ℓ.

    Examples
    --------
    >>> require_class(1.0, 10.0)
    """
    _require_numbers(strong_convexity, smoothness)
    if not (0 < strong_convexity <= smoothness < float("inf")):
        raise HypothesisError(
            f"the costs must satisfy 0 < strong convexity ≤ smoothness < inf, not ν = {strong_convexity:g}, "
            f"ℓ = {smoothness:g}"
        )
    if not (in_range(strong_convexity) and in_range(smoothness)):
        raise HypothesisError(
            f"strong convexity and smoothness must lie {_RANGE}, not ν = {strong_convexity:g}, ℓ = {smoothness:g}; "
            "choose other units"
        )


def require_penalty(penalty: float) -> None:
    """Refuse anything but 0 < c < ∞, of a size to compute with.

    Raises
    ------
    HypothesisError
        If it does not hold; the message names c.

    Examples
    --------
    >>> require_penalty(0.3)
    """
    _require_numbers(penalty)
    if not (0 < penalty < float("inf")):
        raise HypothesisError(f"the penalty must be positive and finite, not c = {penalty:g}")
    if not in_range(penalty):
        raise HypothesisError(f"the penalty must lie {_RANGE}, not c = {penalty:g}; choose other units")


def require_scale(name: str, value: float) -> None:
    """Refuse a negative or non-finite size, such as an error bound.

    Raises
    ------
    HypothesisError
        If ``value`` is negative, NaN or above 1e30; the message names it.

    Examples
    --------
    >>> require_scale("the error bound", 0.5)
    """
    _require_numbers(value)
    if not (0 <= value <= MOST):
        raise HypothesisError(f"{name} must be finite and not negative, at most {MOST:g}, not {value:g}")


def _require_numbers(*values: object) -> None:
    for value in values:
        if not isinstance(value, Real):
            raise HypothesisError(f"a real number is needed, not {value!r}")
