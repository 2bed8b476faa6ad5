"""In which units a sum of costs is to be given to a solver, whose tolerances know of 1 only."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from decon.costs.base import Array, Costs
from decon.errors import CostError

__all__ = ["length_scale", "slope_scale", "slopes", "turning_length"]

_AT_REST = 1e-3
"""Gradients this much smaller than those nearby may be what a solver left of zero: all agents agree there."""

_UNBALANCED = 0.1
"""Gradients that sum to less of their size balance each other, and are no rounding."""

_NEARBY = 2.0**-6
"""How far away, of the size of x: exponentials may be astronomical a whole size away."""

_TURNED = 0.75
"""Share of all gradients that have changed: at the median of five, going past a single agent's point turns 0.4."""

_NOISE = 1e-6
"""What is this small beside the size at which it was solved may be what is left of zero."""

_POWERS = (-60, 60)
"""Of two: lengths that are looked at."""


def slopes(costs: Costs, x: Array) -> Array | None:
    """Return (n, N) ∇f_i(x), None where there is no finite gradient."""
    try:
        with np.errstate(all="ignore"):
            found = costs.gradient(np.tile(x, (costs.n, 1)))
    except CostError:
        return None
    return found if np.isfinite(found).all() else None


def slope_scale(costs: Costs, x: Array, size: float) -> float:
    """Return Σ‖∇f_i(x)‖ in cost per unit of x; what it is a little away, of ``size``, where all agents rest at x.

    It is 1 where no gradient can be had.

    Examples
    --------
    >>> from decon.costs import Quadratic
    >>> costs = Quadratic([[[0.5]], [[0.5]]], [[0.0], [1.0]])
    >>> slope_scale(costs, np.ones(1), 1.0), slope_scale(Quadratic([[[4.0]]], [[0.0]]), np.zeros(1), 1.0)
    (1.0, 0.0625)
    """
    here = _length(slopes(costs, x))
    least = _nearby(costs, x, size)
    return (least or 1.0) if _at_rest(costs, x, least) else here


def length_scale(costs: Costs, x: Array, usual: float) -> float:
    """Return how large x is: its greatest entry or, where that is less, how far gradients stay about the same.

    Parameters
    ----------
    costs : Costs
    x : (N,) ndarray
    usual : float
        Returned where both tell nothing, as with Σ‖x‖ at zero, which looks alike at any scale.

    Examples
    --------
    >>> from decon.costs import Quadratic
    >>> costs = Quadratic([[[1.0]], [[1.0]]], [[-1e-6], [1e-6]])
    >>> f"{length_scale(costs, np.zeros(1), 1.0):.0e}"
    '1e-06'
    """
    large = float(np.abs(x).max(initial=0.0))
    here = slopes(costs, x)
    if here is None or _at_rest(costs, x, _nearby(costs, x, usual)):
        return max(large, usual)
    turning = turning_length(lambda at: slopes(costs, at), x)
    if turning is None:
        return large if large > _NOISE * usual else usual
    return max(large, turning)


def turning_length(gradients: Callable[[Array], Array | None], x: Array) -> float | None:
    """Return how far from x the agents' gradients have become others; None if that tells no length.

    Parameters
    ----------
    gradients : callable
        (N,) → (n, N), or None outside a domain.
    x : (N,) ndarray

    Examples
    --------
    >>> turning_length(lambda x: 2 * np.array([x - 1e-3, x + 1e-3]), np.zeros(1))
    0.0009765625
    """
    here = gradients(x)
    if here is None or not here.any():
        return None
    whole, signs = np.abs(here).sum(), np.random.default_rng(0).choice([-1.0, 1.0], size=len(x))

    def turned(power: int) -> bool:
        there = gradients(x + 2.0**power * signs)
        return there is None or bool(np.abs(there - here).sum() >= _TURNED * whole)

    low, high = _POWERS
    if turned(low) or not turned(high):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if turned(middle) else (middle, high)
    return float(2.0**high)


def _at_rest(costs: Costs, x: Array, nearby: float) -> bool:
    """Whether every agent's gradient is next to nothing, and not the others' balance."""
    found = slopes(costs, x)
    length = _length(found)
    if found is None or length == 0.0:
        return True
    return length <= _AT_REST * nearby and bool(np.linalg.norm(found.sum(axis=0)) >= _UNBALANCED * length)


def _nearby(costs: Costs, x: Array, size: float) -> float:
    """Return the least Σ‖∇f_i‖, if any, at two points a little away."""
    away = _NEARBY * size * np.random.default_rng(0).choice([-1.0, 1.0], size=len(x))
    lengths = [_length(slopes(costs, at)) for at in (x + away, x - away)]
    return min((length for length in lengths if length > 0.0), default=0.0)


def _length(found: Array | None) -> float:
    return 0.0 if found is None else float(np.linalg.norm(found, axis=1).sum())
