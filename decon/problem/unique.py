"""Whether a minimiser is the only one: how far points of nearly the least cost lie apart."""

from __future__ import annotations

import numpy as np

from decon.costs.base import Array, Costs
from decon.errors import CostError
from decon.problem.conic import solve_tightly
from decon.problem.scaling import slopes
from decon.problem.stationary import curvature

__all__ = ["refuse_several"]

_DIRECTIONS = 2
"""Random ones: a segment of minimisers is nearly across one by chance, hardly across both."""

_TRIES = 5

_LEVELS = ((1e-5, 1e-7, 1e-9), (1e-4, 1e-6, 1e-8), (1e-4, 10**-5.5, 1e-7), (1e-3, 10**-4.5, 1e-6))
"""Excess costs, in units of the cost's change over the size of x; the later ones where a solver does no better."""

_KEPT = 1.2
"""By how much more a point may exceed the least cost than it was asked to."""

_TOLERANCES = (1e-10, 1e-8)
"""Of the solver: with an excess of 1e-9 they leave three digits of a length."""

_ROOM = 10.0
"""How far from x*, in units of its size, minimisers are looked for."""

_SHARP = 1e-5
"""Points of nearly least cost this near each other, in units of the size of x, are one."""

_CURVED = 1e-6
"""Least over greatest eigenvalue of a Hessian by differences that is surely not rounding: they carry seven digits."""


def refuse_several(costs: Costs, x: Array, size: float, unit: float) -> None:
    """Refuse a sum of costs whose minimiser ``x`` is one of several.

    A differentiable sum with a Hessian that is clearly positive definite has one. Otherwise the length, along random
    directions, of {F ≤ F(x) + τ} is found for three small τ. A lone minimiser's tends to zero with τ, as √τ for a
    quadratic and as τ at a kink; the extrapolated limit tells a flat piece from slow growth.

    Parameters
    ----------
    costs : Costs
    x : (N,) ndarray
        A minimiser.
    size : float
        Of x, in which widths are measured.
    unit : float
        How much the sum changes over that size.

    Raises
    ------
    CostError
        If points farther apart than 1e-5 of that size have the least cost.

    Examples
    --------
    >>> import cvxpy as cp
    >>> from decon.costs import FromCVXPY
    >>> u = cp.Variable(1)
    >>> refuse_several(FromCVXPY([cp.norm1(u), cp.norm1(u - 1)]), np.array([0.5]), 1.0, 2.0)
    Traceback (most recent call last):
    ...
    decon.errors.CostError: the minimiser of the sum of the costs is not unique: points 1 apart have the least cost, ...
    """
    if costs.strong_convexity > 0.0 or (costs.differentiable and _curved(costs, x, size)):
        return
    rng, told = np.random.default_rng(0), 0
    for _ in range(_TRIES):
        try:
            limit = _limit(_Widths(costs, x, size, unit, rng.standard_normal(len(x))))
        except CostError:  # a solver's bad luck, which another direction may not have
            continue
        told += 1
        if limit > _SHARP:
            raise CostError(
                f"the minimiser of the sum of the costs is not unique: points {limit * size:.2g} apart have the least "
                "cost, as far as a solver tells; add a ridge"
            )
        if told == _DIRECTIONS:
            return
    if not told:
        raise CostError("the minimiser of the sum of the costs cannot be told from points nearby; add a ridge")


def _curved(costs: Costs, x: Array, size: float) -> bool:
    def total(at: Array) -> Array | None:
        found = slopes(costs, at)
        return None if found is None else found.sum(axis=0)

    here = total(x)
    hessian = None if here is None else curvature(total, x, here, size)
    if hessian is None or not np.isfinite(hessian).all():
        return False
    values = np.linalg.eigvalsh(hessian)
    return bool(values[0] > _CURVED * values[-1])


def _limit(widths: _Widths) -> float:
    """Return the length for τ → 0 from the smallest excesses that the solver keeps to."""
    for levels in _LEVELS:
        found: list[float] = []
        for level in levels:
            length = widths.at(level)
            if length is None:
                break
            if length <= _SHARP:
                return 0.0
            found.append(length)
        if len(found) == len(levels):
            return _extrapolated(*found)
    raise CostError("the solver keeps to none of the excesses")


def _extrapolated(first: float, second: float, third: float) -> float:
    """Return Aitken's limit of three lengths, exact for w + cτ^p; 0 where it is not clearly above zero."""
    fallen, falling = first - second, second - third
    if falling <= 0.01 * third:  # no longer shrinking
        return third
    limit = third - falling**2 / (fallen - falling) if fallen > falling else 0.0
    return limit if limit > 0.5 * third else 0.0


class _Widths:
    """Lengths of the sets {F ≤ F(x) + τ} along one direction, within a box around x."""

    def __init__(self, costs: Costs, x: Array, size: float, unit: float, direction: Array) -> None:
        import cvxpy as cp

        self._costs, self._x, self._size, self._unit = costs, x, size, unit
        self._away = cp.Variable(len(x))
        self._excess = cp.Parameter(nonneg=True)
        self._least = costs.total_value(np.tile(x, (costs.n, 1)))
        within = [
            (costs.expression(x + self._away) - self._least) * (size / unit) <= self._excess,
            cp.abs(self._away) <= _ROOM * size,
        ]
        self._problems = [cp.Problem(cp.Minimize(sign * direction @ self._away), within) for sign in (1, -1)]

    def at(self, excess: float) -> float | None:
        """Return how far the two ends of {F ≤ F(x) + excess} are apart, in units of the size.

        None if F itself says that a solver's end is not in the set.
        """
        self._excess.value = excess * self._size
        ends = []
        for problem in self._problems:
            try:
                solve_tightly(
                    problem, "a point of nearly least cost", tolerances=_TOLERANCES, inaccurate=True,
                    size=self._size, unit=self._size,
                )  # fmt: skip
            except CostError:  # bad luck, which another excess may not have
                return None
            end = np.array(self._away.value)
            if not self._costs.total_value(np.tile(self._x + end, (self._costs.n, 1))) - self._least <= (
                _KEPT * excess * self._unit
            ):
                return None
            ends.append(end)
        return float(np.linalg.norm(ends[1] - ends[0])) / self._size
