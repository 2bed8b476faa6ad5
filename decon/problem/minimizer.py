"""The minimiser of the sum of local costs: a linear system, or CVXPY's answer, polished to rounding level."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from decon.costs.base import Array, Costs
from decon.errors import CostError
from decon.problem.conic import solve_tightly

__all__ = ["minimizer"]

_DENSE_BELOW = 1000
"""Above this N neither a conic solver nor a dense Hessian is practical."""

_CONIC_BELOW = 100_000
"""Rows of a conic program times unknowns: Clarabel takes some 3 s for this many, 140 s for digits' 11 million."""

_HESSIAN_WORK = 10_000_000_000
"""Multiplications a dense Hessian may take, some seconds, for the last steps after the matrix-free Newton method."""

_POLISHING_STEPS = 20
"""Newton from CVXPY's answer needs two or three; the rest is for badly scaled data."""


def minimizer(costs: Costs, agents: Sequence[int] | NDArray[np.intp] | None = None, *, polish: bool = True) -> Array:
    """Return the minimiser x* of Σ f_i over ``agents``.

    The sum is solved by CVXPY (Clarabel) as one stacked expression. Where the costs have a Hessian, Newton steps then
    take ‖Σ∇f_i‖ down to rounding; a step is kept only if it lowers that norm, so the answer is no worse than CVXPY's.
    A strongly convex quadratic sum is one linear system, whose solution the same steps refine: no solver is asked.
    Where a conic solver is out of reach (more than 1,000 unknowns, or 100,000 numbers in its cones) or gives up,
    and the sum is strongly convex, the costs' own Newton method runs alone, to a gradient of 1e-12 of its terms:
    ‖x - x*‖ ≤ ‖Σ∇f_i(x)‖ / Σν then certifies the answer without CVXPY.

    Parameters
    ----------
    costs : Costs
    agents : sequence of int, optional
        Whose costs to sum, all of them unless given.
    polish : bool
        False returns CVXPY's answer as it is, whatever the size and the costs.

    Returns
    -------
    (N,) ndarray

    Raises
    ------
    CostError
        If an agent does not exist, or the sum is unbounded or infeasible, or so flat that its minimiser is not unique.

    Examples
    --------
    >>> from decon.costs import Quadratic
    >>> minimizer(Quadratic([[[1.0]], [[3.0]]], [[2.0], [6.0]]))
    array([2.])
    """
    if agents is not None:
        if not len(agents):
            raise CostError("the costs of no agents have no minimiser")
        chosen = np.asarray(agents)
        if not np.issubdtype(chosen.dtype, np.integer) or chosen.min() < 0 or chosen.max() >= costs.n:
            raise CostError(f"agents must be indices in 0 … {costs.n - 1}, not {agents!r}")
        costs = costs.subset(chosen)
    if not polish:
        return _by_cvxpy(costs)
    try:
        total = costs.pooled()
    except CostError:  # no smooth form to polish with
        return _by_cvxpy(costs)
    if total.strong_convexity <= 0.0:
        return _polish(total, _by_cvxpy(costs))
    if 0 < costs.conic_rows * costs.dim <= _CONIC_BELOW and costs.dim <= _DENSE_BELOW:
        with suppress(CostError):  # a minimiser exists, whatever a solver says of badly scaled data
            return _polish(total, _by_cvxpy(costs))
    alone: Array = total.prox(np.zeros((1, costs.dim)), np.zeros(1))[0]
    dense = costs.dim <= _DENSE_BELOW and costs.conic_rows * costs.dim**2 <= _HESSIAN_WORK
    return _polish(total, alone) if dense else alone


def _by_cvxpy(costs: Costs) -> Array:
    import cvxpy as cp

    variable = cp.Variable(costs.dim)
    solve_tightly(cp.Problem(cp.Minimize(costs.expression(variable))), "the sum of the costs")
    return np.asarray(variable.value, dtype=float)


def _polish(total: Costs, x: Array) -> Array:
    """Return ``x`` after Newton steps on the single agent ``total``, as long as they lower the gradient's norm."""
    gradient = total.gradient(x[None])[0]
    step = np.zeros_like(x)
    for _ in range(_POLISHING_STEPS):
        hessian = total.hessian(x[None])[0]
        curvature = np.linalg.eigvalsh(hessian)
        if curvature[0] <= 10 * len(x) * np.finfo(float).eps * curvature[-1]:  # the eigenvalues' own rounding
            raise CostError(
                f"the sum of the costs is flat at its minimiser (Hessian eigenvalues from {curvature[0]:.2g} to "
                f"{curvature[-1]:.2g}), so the minimiser is not unique; add a ridge"
            )
        step = np.linalg.solve(hessian, gradient)
        candidate = x - step
        slope = total.gradient(candidate[None])[0]
        if not np.linalg.norm(slope) < np.linalg.norm(gradient):
            break
        x, gradient = candidate, slope
    if np.linalg.norm(step) > 1e-6 * (1.0 + np.linalg.norm(x)):  # Newton converged would have left far less
        raise CostError(
            f"the sum of the costs has no minimiser within reach: Newton steps are still {np.linalg.norm(step):.2g} "
            "long (separable data without a ridge?)"
        )
    return x
