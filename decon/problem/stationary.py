"""Newton's method for a convex function of which only the gradient is known: its last digits, and what is left over."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

__all__ = ["curvature", "descend"]

Array = NDArray[np.float64]
Gradient = Callable[[Array], Array | None]

_STEPS = 50
_HALVINGS = 40
_DIFFERENCE = 1e-6
"""Length of a difference, relative to x: its error and that of rounding leave seven digits of a Hessian."""

_MOST = 500
"""Above this N a Hessian by differences takes too many gradients."""


def descend(gradient: Gradient, x: Array, size: float, enough: float = 0.0) -> tuple[Array, float]:
    """Return the point that Newton steps from ``x`` lead to, and the norm of the gradient there.

    A step counts only if it lowers that norm, so the point is no worse than ``x``. Where the function is convex, any
    subgradient of norm g bounds the distance to the minimiser by g over the strong convexity.

    Parameters
    ----------
    gradient : callable
        (N,) → (N,), or None outside the domain.
    x : (N,) ndarray
    size : float
        Of x, for the lengths of differences.
    enough : float
        A norm at which to stop.

    Examples
    --------
    >>> x, left = descend(lambda x: np.exp(x) - 2.0, np.array([0.5]), 1.0)
    >>> float(x[0].round(12)), left < 1e-12
    (0.69314718056, True)
    """
    slope = gradient(x)
    if slope is None:
        return x, np.inf
    norm = float(np.linalg.norm(slope))
    for _ in range(_STEPS if len(x) <= _MOST else 0):
        if norm <= enough:
            break
        step = _direction(curvature(gradient, x, slope, size), slope)
        found = None if step is None else _shorter(gradient, x, step, norm)
        if found is None:
            break
        x, slope = found
        norm = float(np.linalg.norm(slope))
    return x, norm


def curvature(gradient: Gradient, x: Array, slope: Array, size: float) -> Array | None:
    """Return the (N, N) Hessian at ``x`` by differences of gradients, None where they leave the domain."""
    out = np.empty((len(x), len(x)))
    for j, at in enumerate(x):
        for length in (_DIFFERENCE * max(abs(at), size), -_DIFFERENCE * max(abs(at), 1e-3 * size)):
            moved = x.copy()
            moved[j] += length
            there = gradient(moved)
            if there is not None:
                out[j] = (there - slope) / (moved[j] - at)
                break
        else:
            return None
    return 0.5 * (out + out.T)


def _direction(hessian: Array | None, slope: Array) -> Array | None:
    if hessian is None or not np.isfinite(hessian).all():
        return None
    try:
        return np.asarray(-np.linalg.solve(hessian, slope))
    except np.linalg.LinAlgError:
        return None


def _shorter(gradient: Gradient, x: Array, step: Array, norm: float) -> tuple[Array, Array] | None:
    """Return the first of x + step, x + step/2, … with a smaller gradient, and it."""
    length = 1.0
    for _ in range(_HALVINGS):
        there = gradient(x + length * step)
        if there is not None and np.linalg.norm(there) < (1.0 - 1e-4 * length) * norm:
            return x + length * step, there
        length /= 2
    return None
