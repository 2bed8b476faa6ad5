"""The strongest bounded attack on quadratic costs, and how far it can push the honest agents."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.errors import HypothesisError
from analysis.hypotheses import require_scale
from analysis.linear import LinearIteration, byzantine_rows
from analysis.one_step import theorem1
from analysis.trajectory import dual_energy
from topologies import Topology

__all__ = ["WorstCaseRadius", "exact_radius"]

Array = NDArray[np.float64]

_TAIL = 1e-9
"""The response is followed until what is cut off is at most this part of the radius; ``upper`` counts it in."""
_MOST_ENTRIES = 2**26
"""Largest stored response, half a GiB of doubles; the search holds about three of that size."""


@dataclass(frozen=True, eq=False)
class WorstCaseRadius:
    r"""Worst case of :math:`\|x_H^k-x^*\|` under :math:`\|e^k\|\le\bar e`; see :func:`exact_radius`.

    Attributes
    ----------
    radius : float
        Attained by ``errors``, so a lower bound on the worst case; stacked norm over the honest agents.
    upper : float
        Proved upper bound on the worst case. Where it equals ``radius`` to rounding, both are the exact value.
    error_bound : float
        ē.
    byzantine, honest : (|B|,), (|H|,) ndarray of int
        The agents, sorted; rows of ``errors`` follow ``byzantine``.
    pattern : (horizon, |B|, N) ndarray
        Unit-norm errors by lag: entry j is what to send j + 1 iterations before the one that is to be hit.
    """

    radius: float
    upper: float
    error_bound: float
    byzantine: NDArray[np.intp]
    honest: NDArray[np.intp]
    pattern: Array

    @property
    def mean_radius(self) -> float:
        r"""Upper bound on the worst mean over honest agents of ‖x_i - x*‖, as mean ≤ stacked/√|H|."""
        return self.upper / math.sqrt(len(self.honest))

    def errors(self, iterations: int) -> Array:
        """Return the errors e¹ … e^K that push x^K furthest, K = ``iterations``; each of norm ē or zero.

        A run that starts at its fixed point (x⁰ = x*, α⁰ = -∇f(x*)) and is longer than the horizon ends at
        ‖x_H^K - x*‖ = ``radius`` up to the part of 1e-9 that is cut off. The last error is zero: it comes too late.

        Parameters
        ----------
        iterations : int
            K ≥ 1.

        Returns
        -------
        (K, |B|, N) ndarray
            To be added by the Byzantine agents to what they send; row k - 1 belongs to iteration k.
        """
        errors = np.zeros((iterations, *self.pattern.shape[1:]))
        used = min(len(self.pattern), iterations - 1)
        errors[iterations - 1 - used : iterations - 1] = self.error_bound * self.pattern[:used][::-1]
        return errors


def exact_radius(
    topo: Topology,
    hessians: ArrayLike,
    penalty: float,
    byzantine: Sequence[int] | NDArray[np.intp],
    error_bound: float,
    *,
    dim: int = 1,
) -> WorstCaseRadius:
    r"""Worst case under bounded errors for these quadratic costs, from both sides; docs/theory.md section 6.

    In: errors of the Byzantine agents with stacked norm ‖e^k‖ ≤ ē in every iteration. Out: limsup of ‖x_H^k - x*‖,
    stacked over the honest agents, x* the minimiser of *all* agents' sum (the fixed point of the error-free run; to the
    minimiser of the honest agents' sum it is at most their distance further). With the impulse responses
    :math:`G_k = C M^k B` the worst case is :math:`\bar e\,\max_{\|u\|=1}\sum_k\|G_k^Tu\|`, a convex function maximised
    on a sphere: ``radius`` is the best of several monotone ascents and is attained; ``upper`` is

    .. math:: \min_t \sqrt{\lambda_{\max}\big(\textstyle\sum_k G_kG_k^T/t_k\big)\sum_k t_k}\; +\; \text{tail},

    valid for any t > 0 and equal to the ascent's value where that is a global maximum of the relaxed problem. Theorem 1
    bounds the tail.

    Parameters
    ----------
    topo : Topology
        Any connected graph.
    hessians : (n,) or (n, N, N) array_like
        Positive definite H_i, or scalars h_i for h_i I.
    penalty : float
        c > 0.
    byzantine : sequence of int
        At least one agent, not all.
    error_bound : float
        ē ≥ 0.
    dim : int
        N of the run, where scalar Hessians do not tell. More coordinates can make the worst case larger.

    Returns
    -------
    WorstCaseRadius

    Raises
    ------
    HypothesisError
        If a shape, a Hessian, the penalty, the agents or the bound does not fit, or the response is too long to hold.

    Examples
    --------
    >>> import networkx as nx
    >>> worst = exact_radius(Topology(nx.complete_graph(4)), np.ones(4), 0.25, [0], 1.0)
    >>> round(worst.radius, 3), worst.upper / worst.radius < 1.001
    (1.083, True)
    """
    linear = LinearIteration.of(topo, hessians, penalty)
    liars, honest = byzantine_rows(topo.n, byzantine)
    require_scale("the error bound", error_bound)
    scalar = np.ndim(hessians) == 1
    if dim < 1 or (dim != 1 and not scalar):
        raise HypothesisError(f"dim must be 1 or more, and is told by Hessian matrices themselves; not {dim}")
    response, tail = _responses(linear, liars, honest)
    count, _, inputs = response.shape
    width = dim if scalar else 1
    flat = response.transpose(0, 2, 1).reshape(count * inputs, -1)
    best, upper = _gain(flat, count, width)
    outputs = (flat @ best).reshape(count, inputs, width)
    sizes = np.linalg.norm(outputs, axis=(1, 2))
    pattern = outputs / np.where(sizes > 0, sizes, 1.0)[:, None, None]
    return WorstCaseRadius(
        radius=error_bound * float(sizes.sum()),
        upper=error_bound * (upper + tail),
        error_bound=float(error_bound),
        byzantine=liars,
        honest=honest,
        pattern=pattern.reshape(count, len(liars), -1),
    )


def _responses(linear: LinearIteration, liars: NDArray[np.intp], honest: NDArray[np.intp]) -> tuple[Array, float]:
    """Return (K, |H|N, |B|N) G_0 … G_{K-1} and a bound on Σ_{k≥K} ‖G_k‖."""
    topo, dim = linear.topo, linear.dim
    curvature = np.linalg.eigvalsh(linear.hessians)
    low, high = float(curvature.min()), float(curvature.max())
    slow = 1 - theorem1(topo.spectrum, strong_convexity=low, smoothness=high, penalty=linear.penalty).distance_rate
    if slow <= 0:
        raise HypothesisError(
            f"Theorem 1's rate rounds to 1 (ν = {low:g}, ℓ = {high:g}, c = {linear.penalty:g}): the tail has no bound"
        )
    inputs = len(liars) * dim
    z = np.zeros((topo.n, dim, inputs))
    z[liars] = np.eye(inputs).reshape(len(liars), dim, inputs)
    alpha = linear.ascend(np.zeros_like(z), z)
    kept: list[Array] = []
    total, check, last = 0.0, 64, (0, math.inf)
    while True:
        z = linear.update(z, alpha)
        alpha = linear.ascend(alpha, z)
        kept.append(z[honest].reshape(len(honest) * dim, inputs))
        total += float(np.linalg.norm(kept[-1]))
        if len(kept) < check:
            continue
        # V falls at least at Theorem 1's rate from here on, and ‖x‖² ≤ V/ν one iteration later
        signless = topo.L_plus @ z.reshape(topo.n, -1)
        energy = 0.5 * linear.penalty * float((z.reshape(topo.n, -1) * signless).sum())
        energy += float(dual_energy(topo, alpha.transpose(2, 0, 1), linear.penalty).sum())
        tail = math.sqrt(max(energy, 0.0) / low) / slow
        if tail <= _TAIL * total:
            return np.array(kept), tail
        check += check // 2
        fallen = math.log(last[1] / tail) if len(kept) > max(1000, 10 * topo.n) else math.inf
        pace = fallen / (len(kept) - last[0])
        needed = len(kept) + math.log(tail / (_TAIL * total)) / pace if pace > 0 else math.inf
        last = len(kept), tail
        if max(check, needed) * kept[0].size > _MOST_ENTRIES:
            raise HypothesisError(
                f"the response of {len(honest)} honest to {len(liars)} Byzantine agents is too long to hold: "
                f"{len(kept)} iterations leave {tail / total:.1g} of it"
            )


def _gain(flat: Array, count: int, width: int) -> tuple[Array, float]:
    """Maximise Σ_k ‖G_kᵀU‖_F over ‖U‖_F = 1, U with ``width`` columns; return U and an upper bound on the maximum."""
    size = flat.shape[1]
    leading = np.linalg.eigh(flat.T @ flat)[1][:, ::-1]
    rng = np.random.default_rng(0)
    wide = min(size, 12)
    relaxed = _ascend(flat, count, leading[:, :wide] + 0.1 * rng.standard_normal((size, wide)))
    starts = [rng.standard_normal((size, width)) for _ in range(3)]
    starts += [leading[:, [j]] * np.eye(1, width) for j in range(min(size, 4))]
    principal, weights, _ = np.linalg.svd(relaxed, full_matrices=False)
    rounded = np.zeros((size, width))
    rank = min(width, wide)
    rounded[:, :rank] = principal[:, :rank] * weights[:rank]
    climbs = [_ascend(flat, count, start) for start in (rounded, *starts)]
    best = max(climbs, key=lambda point: float(_sizes(flat, count, point).sum()))
    norms = np.sqrt(np.maximum(_sizes(flat, count, np.eye(size)), 0.0))  # any positive weights would do
    bounds = []
    for weights in (_sizes(flat, count, relaxed), _sizes(flat, count, best), norms**2):
        safe = np.maximum(weights, 1e-6 * norms**2)
        safe = np.maximum(safe, np.finfo(float).tiny ** 0.5)
        scaled = flat / np.sqrt(np.repeat(safe, flat.shape[0] // count))[:, None]
        bounds.append(math.sqrt(float(np.linalg.eigvalsh(scaled.T @ scaled)[-1]) * float(safe.sum())))
    return best, max(min(bounds), float(_sizes(flat, count, best).sum()))


def _sizes(flat: Array, count: int, point: Array) -> Array:
    """Return (K,) ‖G_kᵀU‖_F."""
    return np.asarray(np.linalg.norm((flat @ point).reshape(count, -1), axis=1))


def _ascend(flat: Array, count: int, start: Array) -> Array:
    """Climb by U ← ∇F(U)/‖∇F(U)‖, which never descends because F is convex."""
    point = start / np.linalg.norm(start)
    reached = 0.0
    for _ in range(300):
        moved = flat @ point
        sizes = np.linalg.norm(moved.reshape(count, -1), axis=1)
        value = float(sizes.sum())
        if value <= reached * (1 + 1e-13):
            break
        reached = value
        moved /= np.repeat(np.where(sizes > 0, sizes, 1.0), flat.shape[0] // count)[:, None]
        point = flat.T @ moved
        point /= np.linalg.norm(point)
    return np.asarray(point)
