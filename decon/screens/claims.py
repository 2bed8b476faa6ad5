"""Claims of gradients, and whether two of them can be those of one cost."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from decon.costs.base import Array, lengths
from decon.screens.public import Statement

__all__ = ["Claim", "Kept", "claims_of", "contradiction", "widened"]

_BLOCK = 1 << 15
"""Numbers compared at a time, so that they stay in the cache."""


class Kept(NamedTuple):
    """A claim as it is kept: of g at z, u = g - νz and v = z - g/ℓ, with the errors that rounding allows either.

    Attributes
    ----------
    k : (n,) ndarray of int
        Iteration of each agent's claim; 0 where there is none.
    u, v : (n, N) ndarray
    errors : pair of (n,) ndarray
        Of u and of v.
    some : bool
        Whether any agent has a claim here.
    """

    k: NDArray[np.int64]
    u: Array
    v: Array
    errors: tuple[Array, Array]
    some: bool = True


class Claim(NamedTuple):
    """The newest claims: :class:`Kept`, and what they are made of.

    Attributes
    ----------
    kept : Kept
    point, gradient : (n, N) ndarray
    gradient_error : (n,) ndarray
    relative : float
        The allowance that errors are made of.
    """

    kept: Kept
    point: Array
    gradient: Array
    gradient_error: Array
    relative: float


def claims_of(said: Statement, low: float, high: float, relative: float) -> Claim:
    """Return the claims in double precision, with their errors.

    g is off from a gradient at z by at most ``relative`` times what it is a difference of, the step's own residual, and
    ℓ times the rounding of z.
    """
    z, g = said.point.astype(float, copy=False), said.gradient.astype(float, copy=False)
    inverse = 0.0 if np.isinf(high) else 1.0 / high
    place = relative * lengths(z)
    base = relative * said.size + said.error
    slope = base + (low if np.isinf(high) else high) * place
    errors = slope, inverse * base + place
    u, v = low * z, inverse * g if inverse else z
    np.subtract(g, u, out=u)
    if inverse:
        np.subtract(z, v, out=v)
    kept = Kept(np.full(len(z), said.k), u, v, errors)
    return Claim(kept, z, g, slope, relative)


def contradiction(
    claim: Claim, held: tuple[Kept, ...], inverse: float, judged: NDArray[np.bool_]
) -> tuple[Array | None, NDArray[np.int64]]:
    """Return (n,) by how many times the tolerance the worst pair violates ⟨u - u', v - v'⟩ ≥ 0, and its iteration.

    The tolerance is e_u‖v - v'‖ + e_v‖u - u'‖, e the sums of both claims' errors; 0 where nothing
    is violated, None if nothing is by anyone.
    """
    n, dim = claim.kept.u.shape
    excess: Array | None = None
    other = np.zeros(n, dtype=np.int64)
    several = [one for one in held if one.some]
    if not several:
        return excess, other
    rows = max(1, _BLOCK // (len(several) * dim))
    ones = np.ones(dim)
    for first in range(0, n, rows):
        here = slice(first, first + rows)
        du = np.array([one.u[here] for one in several])
        dv = np.array([one.v[here] for one in several])
        np.subtract(claim.kept.u[here], du, out=du)
        np.subtract(claim.kept.v[here], dv, out=dv)
        inner = np.multiply(du, dv) @ ones
        bad = inner < 0
        if not bad.any():
            continue
        which, who = np.nonzero(bad)
        place = who + first
        times = np.array([one.k[here] for one in several])[which, who]
        ours = claim.kept.errors
        slack = [np.array([one.errors[e][here] for one in several])[which, who] + ours[e][place] for e in (0, 1)]
        room = slack[0] * lengths(dv[which, who]) + slack[1] * lengths(du[which, who])
        with np.errstate(over="ignore"):  # however far beyond
            ratio = -inner[which, who] / np.maximum(room, np.finfo(float).tiny)
        ratio[~judged[place] | (times == 0)] = 0.0
        order = np.argsort(ratio, kind="stable")  # the worst of an agent is written last
        better = order[ratio[order] > 0]
        excess = np.zeros(n) if excess is None else excess
        excess[place[better]], other[place[better]] = ratio[better], times[better]
    return excess, other


def widened(
    claim: Claim, held: tuple[Kept, ...], other: NDArray[np.int64], rows: NDArray[np.intp], low: float, high: float
) -> Array:
    """Return (2, n) the shortest [ν', ℓ'] ⊇ [ν, ℓ] in which the agents ``rows`` could be honest, by their worst pair.

    With p = ⟨d, y⟩/‖y‖² and q² = ‖d‖²/‖y‖² - p² the pair wants (p - ν')(ℓ' - p) ≥ q².
    """
    found = np.full((2, len(other)), np.nan)
    for agent in rows.tolist():  # few, once in a run
        pair = next(one for one in held if one.k[agent] == other[agent])
        du, dv = claim.kept.u[agent] - pair.u[agent], claim.kept.v[agent] - pair.v[agent]
        share = 0.0 if np.isinf(high) else low / high
        y = (dv + (0.0 if np.isinf(high) else du / high)) / (1.0 - share) if share < 1 else dv * np.nan
        d = du + low * y
        size = float(y @ y)
        if not size > 0:
            found[:, agent] = -np.inf, np.inf
            continue
        p = float(d @ y) / size
        q = float(np.sqrt(max(float(d @ d) / size - p * p, 0.0)))
        if p - q <= low and p + q >= high:
            found[:, agent] = p - q, p + q
        elif p - q > low:
            found[:, agent] = low, max(high, p + q * q / (p - low))
        else:
            found[:, agent] = (p if np.isinf(high) else p - q * q / (high - p)), high
    return found
