"""The geometric median by smoothed Weiszfeld iterations, with a certificate of how good the result is."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from decon.costs.base import Array
from decon.errors import OptionError
from decon.methods.star.aggregation import as_messages, plausible
from decon.options import POSITIVE, whole

__all__ = ["GeometricMedian", "geometric_median", "weiszfeld"]

_PLAIN_STEPS = 20
"""Weiszfeld's steps are cheaper and mostly enough; after so many, Newton steps are tried too."""


class GeometricMedian(NamedTuple):
    """A point z, and what is known of it as a minimiser of φ(z) = Σ_i ‖z - y_i‖.

    Attributes
    ----------
    point : (N,) ndarray
    residual : float
        ‖Σ_i u_i‖ with u_i = (z - y_i)/max(‖z - y_i‖, μ), the gradient of the smoothed φ. Each message pulls with a
        force of at most 1, and this is what is left of their sum: ``point`` is the exact (smoothed) geometric median
        after one more message of this weight, however far the others are.
    gap : float
        Upper bound of φ(point) - min φ.
    iterations : int
    converged : bool
        Whether the residual passed the tolerance.
    """

    point: Array
    residual: float
    gap: float
    iterations: int
    converged: bool


def geometric_median(messages: Array) -> Array:
    """Return the geometric median, the minimiser of Σ_i ‖z - y_i‖; see :func:`weiszfeld`.

    Parameters
    ----------
    messages : (m, N) ndarray

    Returns
    -------
    (N,) ndarray

    References
    ----------
    .. [1] Chen, Su, Xu (2017). Byzantine gradient descent. arXiv:1705.05491.

    Examples
    --------
    >>> geometric_median(np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])).round(6)
    array([0.5, 0.5])
    """
    return weiszfeld(messages).point


def weiszfeld(messages: Array, *, tolerance: float = 1e-6, iterations: int = 1000) -> GeometricMedian:
    r"""Minimise φ(z) = Σ_i ‖z - y_i‖ by smoothed Weiszfeld iterations.

    If one of the messages is a minimiser it is returned as it is: y_j is one exactly when the unit vectors from the
    other messages sum to a vector no longer than the number of messages equal to y_j, and then it has the least φ of
    all messages, so that only one has to be checked. Otherwise z is averaged with weights 1/max(‖z - y_i‖, μ), which
    are finite also where an iterate meets a message; μ is ``tolerance`` times the median distance from the best
    message, a length that fewer than half of the messages cannot inflate. These steps crawl when the minimiser
    lies close to a message; Newton steps from z and from the best message are tried from the 21st on, and taken when
    they halve the residual.

    Since u_i is a subgradient of ‖z - y_i‖ where that exceeds μ and a μ/4-subgradient elsewhere, and
    ‖z - z*‖ ≤ 2φ(z)/m,  φ(z) - φ* ≤ residual · 2φ(z)/m + (μ/4) · #{i: ‖z - y_i‖ < μ}: that is the ``gap``.

    Parameters
    ----------
    messages : (m, N) ndarray
        Implausible rows are discarded, see :func:`decon.baselines.plausible`.
    tolerance : float
        Of the residual divided by the number of messages; positive.
    iterations : int
        At most so many.

    Raises
    ------
    OptionError
        If the tolerance is not positive or there are no iterations.

    References
    ----------
    .. [1] Weiszfeld (1937). Sur le point pour lequel la somme des distances de n points donnés est minimum.
    .. [2] Vardi, Zhang (2000). The multivariate L1-median and associated data depth. PNAS 97(4).
    .. [3] Pillutla, Kakade, Harchaoui (2022). Robust aggregation for federated learning. IEEE TSP 70.

    Examples
    --------
    >>> result = weiszfeld(np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [9.0, 9.0]]), tolerance=1e-9)
    >>> result.point.round(6), result.converged
    (array([0.5, 0.5]), True)
    """
    from scipy.spatial.distance import pdist, squareform

    if not POSITIVE.accepts(tolerance) or not whole(1).accepts(iterations):
        raise OptionError(f"Weiszfeld needs tolerance > 0 and iterations ≥ 1, not {tolerance!r} and {iterations!r}")
    messages = as_messages(messages)
    kept = plausible(messages)
    m = len(kept)
    if not m:
        return GeometricMedian(np.full(messages.shape[1], np.nan), np.inf, np.inf, 0, False)
    distances = squareform(pdist(kept)) if m > 1 else np.zeros((1, 1))
    best = int(np.argmin(distances.sum(axis=1)))
    from_best = distances[best]
    apart = from_best > 0
    pull = ((kept[apart] - kept[best]) / from_best[apart, None]).sum(axis=0)
    if np.linalg.norm(pull) <= m - np.count_nonzero(apart):
        return GeometricMedian(kept[best].copy(), 0.0, 0.0, 0, True)

    smoothing = max(tolerance * float(np.median(from_best)), np.finfo(float).tiny)
    origin = kept[best]  # seen from there, z can be told apart from a message by far less than a rounding of z
    kept = kept - origin
    at = _Forces.at(np.median(kept, axis=0), kept, smoothing)
    near = _Forces.at(kept[best], kept, smoothing)  # the minimiser may lie in a cluster that plain steps crawl into
    least, done = at.residual, 0
    while at.residual > tolerance * m and done < iterations:
        done += 1
        if done > _PLAIN_STEPS:
            near = _Forces.at(near.newton(), kept, smoothing)
            ahead = min(near, _Forces.at(at.newton(), kept, smoothing), key=lambda forces: forces.residual)
            # at most finitely many such steps are taken, whatever they do to φ; the plain step never raises φ
            if ahead.residual < 0.5 * least:
                at, least = ahead, ahead.residual
                continue
        at = _Forces.at(at.z + at.force / at.weights.sum(), kept, smoothing)
        least = min(least, at.residual)
    residual, lengths = at.residual, at.lengths
    gap = residual * 2 * float(lengths.sum()) / m + smoothing / 4 * np.count_nonzero(lengths < smoothing)
    return GeometricMedian(origin + at.z, residual, gap, done, residual <= tolerance * m)


class _Forces(NamedTuple):
    """How the messages pull at z."""

    z: Array
    offsets: Array
    lengths: Array
    weights: Array
    outside: NDArray[np.bool_]
    force: Array
    residual: float

    @classmethod
    def at(cls, z: Array, messages: Array, smoothing: float) -> _Forces:
        offsets = messages - z
        lengths = np.linalg.norm(offsets, axis=1)
        weights = 1.0 / np.maximum(lengths, smoothing)
        force = weights @ offsets
        return cls(z, offsets, lengths, weights, lengths >= smoothing, force, float(np.linalg.norm(force)))

    def newton(self) -> Array:
        """Return z + (s I - V Vᵀ)⁻¹ force by Woodbury's formula: m × m systems only.

        Far messages make the system nearly singular: a step is kept to the box of the messages, where the minimiser is.
        """
        total = self.weights.sum()
        V = (self.offsets * (self.weights**1.5)[:, None])[self.outside]
        # the shift keeps messages on a line, where the system is singular, solvable
        inner = total * (1 + 1e-12) * np.eye(len(V)) - V @ V.T
        with np.errstate(over="ignore", invalid="ignore"):
            correction: Array = V.T @ np.linalg.solve(inner, V @ self.force)
            step = np.nan_to_num((self.force + correction) / total, nan=0.0)
        return np.asarray(self.z + np.clip(step, self.offsets.min(axis=0), self.offsets.max(axis=0)))
