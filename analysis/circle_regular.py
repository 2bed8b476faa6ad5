r"""The frequency test on a regular graph: exact, one quadratic polynomial per adjacency eigenvalue.

With ω = ζ - 1 and δ = d - θ the scalar condition |m + c p d - c g θ| ≥ ρ_f of docs/certificates.md becomes, after a
factor |ζω|², |(m + 2cd) ω² + (m + 2cδ) ω + cδ| ≥ ρ_f |ζω|, and on |ζ| = ρ both sides squared are polynomials of
degree two in s = 1 - cos φ. The least value over the circle is therefore known in closed form.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["regular_rate"]

Array = NDArray[np.float64]

_STEPS = 60
"""Bisection steps: 2^-60 of the unit interval is below the spacing of doubles near the rate."""

_ROUNDING = 32 * float(np.finfo(float).eps)
"""Relative rounding of the polynomial's coefficients, about thirty operations each."""


def regular_rate(
    eigenvalues: Array, degree: float, strong_convexity: float, smoothness: float, penalty: float
) -> float:
    r"""Return the least certified rate of a regular graph, to rounding and never below it.

    Parameters
    ----------
    eigenvalues : (n,) ndarray
        All eigenvalues of the adjacency matrix, in any order; the largest is the degree.
    degree : float
        Weighted degree d of every agent.
    strong_convexity, smoothness, penalty : float
        0 < ν ≤ ℓ and c > 0.

    Examples
    --------
    >>> round(regular_rate(np.array([-1.0, 1.0]), 1.0, 1.0, 1.0, 0.5), 6)  # two agents, equal Hessians
    0.5
    """
    nu, ell, c = strong_convexity, smoothness, penalty
    m, radius = (nu + ell) / 2, (ell - nu) / 2
    gaps = np.sort(np.maximum(degree - np.asarray(eigenvalues, dtype=float), 0.0))[1:]
    consensus = 2 * c * degree / (nu + 2 * c * degree)
    low = min(1.0, max(consensus, *(_equal_hessians(gaps, degree, h, c) for h in (nu, m, ell))))  # 1 is certain
    if radius == 0.0:
        return low
    high = low + 1e-12 * (1 - low)
    open_gaps = gaps[_failing(high, gaps, degree, m, radius, c)]
    if open_gaps.size == 0:
        return high
    low, high = high, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        failing = _failing(middle, open_gaps, degree, m, radius, c)
        if failing.any():  # a mode certified at one rate stays so at larger ones (maximum modulus)
            low, open_gaps = middle, open_gaps[failing]
        else:
            high = middle
        if high - low < 1e-13 * (1 - low):
            break
    return high


def _equal_hessians(gaps: Array, degree: float, h: float, c: float) -> float:
    """Return the exact rate of the disagreement modes when every Hessian is h (theory.md section 6)."""
    a, b, e = h + 2 * c * degree, h + 2 * c * gaps, c * gaps
    root = np.sqrt((b * b - 4 * a * e).astype(complex))
    return float(np.abs(1 + np.stack([-b + root, -b - root]) / (2 * a)).max())


def _failing(rate: float, gaps: Array, degree: float, m: float, radius: float, c: float) -> NDArray[np.bool_]:
    """Return which modes do not keep their distance on the circle of ``rate`` for sure, rounding included."""
    a, b, e = m + 2 * c * degree, m + 2 * c * gaps, c * gaps
    eps = 1 - rate
    # |ω|² = w0 + w1 s and Re ω = -(v0 + v1 s) with s = 1 - cos φ in [0, 2]
    w0, w1, v0, v1 = eps * eps, 2 * rate, eps, rate
    slope = b * b - 2 * a * e - radius**2 * rate**2  # of |ω|²; Re ω² = 2 (Re ω)² - |ω|²
    k0 = a * a * w0 * w0 + slope * w0 + e * e - 2 * a * b * w0 * v0 + 4 * a * e * v0 * v0 - 2 * b * e * v0
    k1 = 2 * a * a * w0 * w1 + slope * w1 - 2 * a * b * (w0 * v1 + w1 * v0) + 8 * a * e * v0 * v1 - 2 * b * e * v1
    k2 = a * a * w1 * w1 - 2 * a * b * w1 * v1 + 4 * a * e * v1 * v1
    s = np.clip(np.divide(-k1, 2 * k2, out=np.zeros_like(k1), where=k2 > 0), 0.0, 2.0)
    spots = np.stack([np.zeros_like(s), s, np.full_like(s, 2.0)])
    least = k0 + spots * (k1 + spots * k2)
    w, v = w0 + w1 * spots, v0 + v1 * spots
    size = a * a * w * w + (b * b + 2 * a * e) * w + e * e + 2 * a * b * w * v + 4 * a * e * v * v + 2 * b * e * v
    return np.asarray((least < _ROUNDING * size).any(axis=0))
