r"""Ellipsoids that hold every reachable state of the sector loop under bounded errors.

docs/certificates.md section 4: with X = P⁻¹ the LMI of the radius is X ⪰ Φ(X),

    Φ(X) = A (ρ² X⁻¹ - Eᵀ Λ E)⁻¹ Aᵀ + B_s Λ⁻¹ B_sᵀ + B_e B_eᵀ / (1 - ρ²),

and its least solution is the limit of X ← Φ(X) from X = 0, found by doubling. Every state reached from rest under
‖e‖ ≤ 1 has ξᵀX⁻¹ξ ≤ 1, whatever the costs of the class. What is left of the LMI is a search over ρ and the
multipliers Λ, one gradient costing as much as one equation.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.sector_loop import SectorLoop

__all__ = ["ellipsoid", "peak_gain"]

Array = NDArray[np.float64]

_DOUBLINGS = 50
_SETTLED = 1e-13
_ITERATIONS = 60
_SHARES = (-3.0, -1.0, 1.0, 3.0)
_TRIALS = 24
_FAR = 200.0
_SMOOTH = 16
_ENOUGH = 5e-4
"""The search for ρ and Λ stops when a step tightens the bound by less than this share."""
_RESIDUAL = 1e-8
"""Relative residual up to which X counts as a solution of X = Φ(X); the bound is raised by as much."""


@dataclass(frozen=True, eq=False)
class _Point:
    value: float  # log of the bound, inf where there is no ellipsoid
    gradient: Array


def ellipsoid(loop: SectorLoop, rate: float, multipliers: Array) -> Array | None:
    """Return the least X = Φ(X), None if there is none.

    Parameters
    ----------
    loop : SectorLoop
    rate : float
        ρ, above the certified rate and below one.
    multipliers : (n,) ndarray
        Positive Λ, one a sector.

    Examples
    --------
    >>> import networkx as nx
    >>> from analysis.sector_loop import sector_loop
    >>> from topologies import Topology
    >>> loop = sector_loop(Topology(nx.path_graph(2)), 1.0, 2.0, 0.5, [0])
    >>> ellipsoid(loop, 0.5, np.full(2, 0.1)) is None, ellipsoid(loop, 0.9, np.full(2, 0.01)).shape
    (True, (3, 3))
    """
    step = loop.A / rate
    X = _source(loop, rate, multipliers)
    seen = loop.E.T @ (multipliers[:, None] * loop.E) / rate**2
    identity = np.eye(len(X))
    for _ in range(_DOUBLINGS):
        solved = np.linalg.solve(identity - X @ seen, np.hstack([X, step]))
        grown = X + _even(step @ solved[:, : len(X)] @ step.T)
        seen = seen + _even(step.T @ seen @ solved[:, len(X) :])
        step = step @ solved[:, len(X) :]
        size = np.abs(grown).max()
        if not size < 1e100:  # escaped, NaN included
            return None
        settled = np.abs(grown - X).max() <= _SETTLED * size
        X = grown
        if settled:
            return X if _solves(loop, rate, multipliers, X) else None
    return None


def peak_gain(loop: SectorLoop, rate: float, *, per_agent: bool, starts: Iterable[Array] = ()) -> float:
    """Return the least bound on ‖honest x̃‖ for ‖e‖ ≤ 1 that an ellipsoid gives: upper, for every choice of costs.

    Parameters
    ----------
    loop : SectorLoop
    rate : float
        A certified rate; ρ is searched between it and one.
    per_agent : bool
        One multiplier an agent (the LMI), or one for all (the small gain theorem).
    starts : iterable of (n + 1,) ndarray
        More places to search from with one multiplier an agent: logit of the share of 1 - ρ, then log Λ.

    Returns
    -------
    float
        inf if no ellipsoid was found.
    """
    search = _Search(loop, rate)
    place, here = min((search.first(share) for share in _SHARES), key=lambda end: end[1].value)
    place, here = search.descend(place, here)
    if per_agent:
        wide = [np.append(place[0], np.full(len(loop.E), place[1]))] if np.isfinite(here.value) else []
        for place in [*wide, *starts]:
            search.descend(place, search.evaluate(place))
    return float(np.exp(search.least) * (1 + _RESIDUAL))


class _Search:
    """Minimise the bound over a place (logit of the share of 1 - ρ, log multipliers: one, or one an agent)."""

    def __init__(self, loop: SectorLoop, rate: float) -> None:
        self.loop = loop
        self.rate = rate
        self.least = np.inf
        """Log of the least bound met anywhere on the way."""

    def evaluate(self, place: Array) -> _Point:
        """Return the smoothed bound and its gradient."""
        share = 1 / (1 + np.exp(-place[0]))
        rho = 1 - (1 - self.rate) * share
        if not self.rate < rho < 1 or np.abs(place).max() > _FAR:
            return _Point(np.inf, place)
        multipliers = np.exp(place[1:]) * np.ones(len(self.loop.E))
        X = ellipsoid(self.loop, rho, multipliers)
        if X is None:
            return _Point(np.inf, place)
        top, value, by_rate, by_log = _slope(self.loop, rho, multipliers, X)
        self.least = min(self.least, top)
        by_share = -by_rate * (1 - self.rate) * share * (1 - share)
        return _Point(value, np.append(by_share, by_log if len(place) > 2 else by_log.sum()))

    def first(self, share: float) -> tuple[Array, _Point]:
        """Return the best of a few common multipliers, from the largest that could be feasible down."""
        place, best = np.array([share, 0.0]), _Point(np.inf, np.zeros(2))
        scale = np.log(_multiplier_scale(self.loop, 1 - (1 - self.rate) / (1 + np.exp(-share))))
        for smaller in range(_TRIALS):
            trial = np.array([share, scale - smaller])
            point = self.evaluate(trial)
            if point.value < best.value:
                place, best = trial, point
            elif np.isfinite(best.value):
                break
        return place, best

    def descend(self, place: Array, here: _Point) -> tuple[Array, _Point]:
        """Return where by BFGS with a weak Wolfe search ends, which copes with kinks and with infinity."""
        if not np.isfinite(here.value):
            return place, here
        inverse = np.eye(len(place))
        for _ in range(_ITERATIONS):
            direction = -inverse @ here.gradient
            slope = float(direction @ here.gradient)
            if not slope < 0:
                break
            direction *= min(1.0, 2.0 / np.abs(direction).max())  # two in log scale is a long step
            slope = float(direction @ here.gradient)
            low, high, length, there = 0.0, np.inf, 1.0, here
            for _ in range(15):
                trial = self.evaluate(place + length * direction)
                if not trial.value <= here.value + 1e-4 * length * slope:
                    high = length
                elif trial.gradient @ direction < 0.9 * slope:
                    low, there = length, trial
                else:
                    low, there = length, trial
                    break
                length = (low + high) / 2 if np.isfinite(high) else 2 * low
            if low == 0.0:
                break
            move, turn = low * direction, there.gradient - here.gradient
            gained = here.value - there.value
            place, here = place + move, there
            bend = float(move @ turn)
            if bend > 0:
                left = np.eye(len(place)) - np.outer(move, turn) / bend
                inverse = left @ inverse @ left.T + np.outer(move, move) / bend
            if gained < _ENOUGH:
                break
        return place, here


def _source(loop: SectorLoop, rate: float, multipliers: Array) -> Array:
    return _even((loop.B_sector / multipliers) @ loop.B_sector.T + loop.B_error @ loop.B_error.T / (1 - rate**2))


def _solves(loop: SectorLoop, rate: float, multipliers: Array, X: Array) -> bool:
    """Whether X = Φ(X) to rounding with Λ^½ E X Eᵀ Λ^½ ≺ ρ² I: the certificate itself, however X was found."""
    root = np.sqrt(multipliers)[:, None] * loop.E
    cross = X @ root.T
    room = rate**2 * np.eye(len(root)) - root @ cross
    try:
        np.linalg.cholesky(room)
    except np.linalg.LinAlgError:
        return False
    inner = (X + cross @ np.linalg.solve(room, cross.T)) / rate**2
    image = loop.A @ inner @ loop.A.T + _source(loop, rate, multipliers)
    return bool(np.abs(image - X).max() <= _RESIDUAL * np.abs(X).max())


def _slope(loop: SectorLoop, rate: float, multipliers: Array, X: Array) -> tuple[float, float, float, Array]:
    """Return the log of the bound, of its smooth version, and that one's derivatives by ρ and by log Λ (adjoint)."""
    values, vectors = np.linalg.eigh(X[np.ix_(loop.honest, loop.honest)])
    top = float(values[-1])
    weights = (np.maximum(values, 0.0) / top) ** (_SMOOTH - 1)
    smooth = top * float(np.sum((np.maximum(values, 0.0) / top) ** _SMOOTH)) ** (1 / _SMOOTH)
    weights *= (smooth / top) ** (1 - _SMOOTH)
    Y = np.zeros_like(X)
    Y[np.ix_(loop.honest, loop.honest)] = (vectors * weights) @ vectors.T
    opened = np.linalg.inv(rate**2 * np.eye(len(X)) - X @ loop.E.T @ (multipliers[:, None] * loop.E))
    closed = rate * loop.A @ opened
    for _ in range(_DOUBLINGS):
        grown = Y + closed.T @ Y @ closed
        done = np.abs(grown - Y).max() <= 1e-10 * np.abs(grown).max()
        Y, closed = grown, closed @ closed
        if done or not np.isfinite(Y).all():
            break
    through = loop.A @ opened
    by_rate = -2 * rate * np.sum(Y * (through @ X @ through.T))
    by_rate += 2 * rate / (1 - rate**2) ** 2 * np.sum(loop.B_error * (Y @ loop.B_error))
    sight = loop.E @ (opened @ X) @ loop.A.T
    by_multiplier = np.sum(sight * (sight @ Y), axis=1)
    by_multiplier -= np.sum(loop.B_sector * (Y @ loop.B_sector), axis=0) / multipliers**2
    by_log = multipliers * by_multiplier / (2 * smooth)
    return float(np.log(top)) / 2, float(np.log(smooth)) / 2, float(by_rate) / (2 * smooth), by_log


def _multiplier_scale(loop: SectorLoop, rate: float) -> float:
    """Return 1/‖E X Eᵀ‖ for the ellipsoid of the loop with every sector closed; feasible multipliers are smaller."""
    step, X = loop.A / rate, loop.B_error @ loop.B_error.T / (1 - rate**2)
    for _ in range(_DOUBLINGS):
        X, step = X + step @ X @ step.T, step @ step
        if np.abs(step).max() < 1e-8:
            break
    size = float(np.linalg.norm(loop.E @ X @ loop.E.T, 2))
    return 1 / size if size > 0 else 1.0  # ν = ℓ: there is no sector, and any multiplier will do


def _even(matrix: Array) -> Array:
    return np.asarray((matrix + matrix.T) / 2)
