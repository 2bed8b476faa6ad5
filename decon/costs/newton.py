"""The prox of sampled losses: Newton's method for all agents at once, each with its own line search."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np

from decon.costs.base import Array
from decon.errors import CostError

if TYPE_CHECKING:
    from decon.costs.samples import SampleCosts

__all__ = ["newton_prox"]

_TOLERANCE = 1e-12
"""Gradient norm at the end, relative to the sum of the norms of the terms it is made of."""

_ROUNDING = 1e-9
"""The same where no step lowers it any more, because rounding is reached."""

_OUTPUT_ROUNDING = 64 * np.finfo(float).eps
"""Outputs X_s x are known to about this times ‖X_s‖‖x‖, and φ' to sup φ'' times that, however large it be."""

_CONJUGATE_STEPS = 500
"""A Newton direction cut short still goes down."""

_ITERATIONS = 200
_SEARCHES = 60

_DENSE_DIM = 128
"""Up to this N a factorised Hessian beats conjugate gradients, which need the data once an iteration."""

_DENSE_NUMBERS = 20_000_000
"""Hessians of all agents together may hold this many numbers (160 MB)."""


def newton_prox(costs: SampleCosts, linear: Array, weight: Array, start: Array) -> Array:
    """Return (n, N) argmin f_i(x) - ⟨linear_i, x⟩ + (weight_i/2)‖x‖².

    Agents that have converged rest; once half have, the others go on alone.

    Raises
    ------
    CostError
        If weight_i + ridge is not positive, input is not finite, or an agent does not converge.
    """
    shift = costs.ridge + np.asarray(weight, dtype=float)
    if not (shift > 0).all():
        raise CostError(
            f"agent {int(np.argmin(shift))} has neither ridge nor weight: its local step has no unique answer"
        )
    if not (np.isfinite(linear).all() and np.isfinite(start).all() and np.isfinite(shift).all()):
        raise CostError("the local step of a cost was given numbers that are not finite")
    result = np.array(start, dtype=float)
    best = np.full(costs.n, np.inf)  # least relative gradient norm so far, where the answer was
    floor = np.zeros(costs.n)  # what counts as rounding there
    held = np.arange(costs.n)
    x, stalls = result.copy(), np.zeros(costs.n, dtype=int)
    for _ in range(_ITERATIONS):
        outputs = costs.project(x)
        slopes = costs.slopes(outputs)
        gradient = costs.collect(slopes) + shift[:, None] * x - linear
        norm = np.linalg.norm(gradient, axis=1)
        scale = _scale(costs, slopes, shift, x, linear)
        relative = norm / scale
        noise = np.maximum(_ROUNDING, _OUTPUT_ROUNDING * costs.roughness * np.linalg.norm(x, axis=1) / scale)
        # near the end progress is large or none at all: three idle rounds mean that rounding is reached
        stalls += (relative < noise) & (relative > 0.5 * best[held])
        better = relative < best[held]
        floor[held[better]] = noise[better]
        result[held[better]], best[held[better]] = x[better], relative[better]
        resting = (relative <= _TOLERANCE) | (stalls >= 3)
        if resting.all():
            break
        if resting.sum() * 2 > len(held):
            going = np.flatnonzero(~resting)
            costs, held, x, stalls = costs.subset(going), held[going], x[going], stalls[going]
            linear, shift = linear[going], shift[going]
            continue
        bend = costs.bend(outputs)
        step = _direction(costs, bend, shift, gradient, norm, norm / scale)
        step[resting] = 0.0
        length = _search(costs, outputs, step, x, shift, linear, gradient)
        x = x + length[:, None] * step
    worst = int(np.argmax(best - floor))
    if not best[worst] <= floor[worst]:
        raise CostError(f"the local step of agent {worst} did not converge: relative gradient {best[worst]:.2g}")
    return result


def _scale(costs: SampleCosts, slopes: Array, shift: Array, x: Array, linear: Array) -> Array:
    """Return (n,) Σ_s ‖φ'_s‖‖X_s‖ weight_s + shift ‖x‖ + ‖linear‖, what the gradient is a difference of."""
    sizes = np.linalg.norm(slopes, axis=1) * costs.row_sizes
    scale: Array = costs.along(sizes) + shift * np.linalg.norm(x, axis=1) + np.linalg.norm(linear, axis=1)
    return np.asarray(np.maximum(scale, np.finfo(float).tiny))


def _direction(costs: SampleCosts, bend: Array, shift: Array, gradient: Array, norm: Array, relative: Array) -> Array:
    """Return (n, N) Newton directions, exact for small N and by conjugate gradients for large."""
    if costs.dim <= _DENSE_DIM and costs.n * costs.dim**2 <= _DENSE_NUMBERS:
        with suppress(np.linalg.LinAlgError):  # the ridge lost against 1e16 times its size: steps need no inverse
            hessian = costs.hessian_of(bend, shift)
            return np.asarray(-np.linalg.solve(hessian, gradient[:, :, None])[:, :, 0], dtype=float)
    goal = norm * np.minimum(0.1, np.sqrt(relative))  # superlinear near the end
    step = np.zeros_like(gradient)
    residual = -gradient
    search = residual.copy()
    energy = norm**2
    for _ in range(min(4 * costs.dim, _CONJUGATE_STEPS)):
        active = np.sqrt(energy) > goal
        if not active.any():
            break
        turned = costs.collect(costs.bent(bend, costs.project(search))) + shift[:, None] * search
        curvature = np.einsum("ij,ij->i", search, turned)
        length = np.where(active, energy / np.where(active, curvature, 1.0), 0.0)[:, None]
        step += length * search
        residual -= length * turned
        fresh = np.einsum("ij,ij->i", residual, residual)
        ratio = np.where(active, fresh / np.where(active, energy, 1.0), 0.0)
        search = np.where(active[:, None], residual + ratio[:, None] * search, search)
        energy = np.where(active, fresh, energy)
    return step


def _search(
    costs: SampleCosts, outputs: Array, step: Array, x: Array, shift: Array, linear: Array, gradient: Array
) -> Array:
    """Return (n,) lengths where the slope along each step has fallen to a third: no value, so no cancellation.

    The slope along a line is increasing (convexity), so doubling and halving bracket its root; in the space of
    outputs each trial costs O(M K), the data being touched once.
    """
    toward = costs.project(step)
    first = np.einsum("ij,ij->i", gradient, step)
    inner = shift * np.einsum("ij,ij->i", x, step) - np.einsum("ij,ij->i", linear, step)
    square = shift * np.einsum("ij,ij->i", step, step)
    low, high, length = np.zeros(costs.n), np.full(costs.n, np.inf), np.ones(costs.n)
    for _ in range(_SEARCHES):
        slopes = costs.slopes(outputs + costs.spread(length)[:, None] * toward)
        slope = costs.along(np.einsum("mk,mk->m", slopes, toward)) + inner + length * square
        open_ = np.abs(slope) > np.abs(first) / 3.0
        if not open_.any():
            break
        low, high = np.where(slope < 0, length, low), np.where(slope > 0, length, high)
        trial = np.where(np.isinf(high), 2.0 * length, 0.5 * (low + np.where(np.isinf(high), 0.0, high)))
        length = np.where(open_, trial, length)
    return length
