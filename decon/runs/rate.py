"""The measured linear rate: a line through the logarithm of the tail, with its error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["LinearFit", "fit_rate"]

_NEAR = 1e3
"""Histories whose least entry is within this factor of the level of rounding may end in a plateau made by rounding."""
_PLATEAU = 30
"""What is within this factor of the least entry then counts as such; of a straight line it only cuts the end off."""


@dataclass(frozen=True)
class LinearFit:
    """A fit d_k ≈ C ρ^k.

    Attributes
    ----------
    rate : float
        ρ; below 1 means linear convergence. NaN if fewer than five points are left to fit.
    error : float
        Standard error of ρ; what oscillates or does not decay geometrically has a large one.
    first, last : int
        Indices of the tail that was fitted.
    """

    rate: float
    error: float
    first: int
    last: int


def fit_rate(distance: ArrayLike, *, iterations: ArrayLike | None = None, floor: float = 1e-12) -> LinearFit:
    """Fit a linear rate to the tail of a history of distances, by least squares on its logarithm.

    The tail is the second half of the entries before rounding takes over: before the history first falls below
    ``floor`` times its largest entry or, where it comes within a thousand times that level, near its least entry
    (a minimiser known to 1e-12 only leaves a plateau above the floor).

    Parameters
    ----------
    distance : (K+1,) array_like
        One entry an iteration, unless ``iterations`` says otherwise.
    iterations : (K+1,) array_like, optional
        The iteration of each entry, ascending; gaps may differ.
    floor : float
        Relative level of rounding.

    Examples
    --------
    >>> fit = fit_rate(0.9 ** np.arange(100))
    >>> round(fit.rate, 6), fit.error < 1e-12
    (0.9, True)
    """
    values = np.asarray(distance, dtype=float)
    finite = np.isfinite(values)
    level = floor * np.max(values, initial=0.0, where=finite)
    least = np.min(values, initial=np.inf, where=finite)
    usable = finite & (values > (max(level, _PLATEAU * least) if least < _NEAR * level else level))
    last = int(np.argmin(usable)) if not usable.all() else len(values)
    first = last // 2
    if last - first < 5:
        return LinearFit(float("nan"), float("nan"), first, last - 1)
    at = np.arange(len(values)) if iterations is None else np.asarray(iterations, dtype=float)
    steps = at[first:last] - at[first:last].mean()
    logs = np.log(values[first:last])
    slope = float(steps @ logs / (steps @ steps))
    residual = logs - logs.mean() - slope * steps
    spread = float(np.sqrt(residual @ residual / ((last - first - 2) * (steps @ steps))))
    rate = float(np.exp(slope))
    return LinearFit(rate, rate * spread, first, last - 1)
