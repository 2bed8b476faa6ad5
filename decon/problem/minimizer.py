"""The minimiser of the sum of local costs: a linear system, or CVXPY's answer, polished to rounding level."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from decon.costs.base import Array, Costs
from decon.errors import CostError
from decon.problem.conic import solve_tightly
from decon.problem.scaling import length_scale, slope_scale, slopes
from decon.problem.stationary import curvature, descend
from decon.problem.unique import refuse_several

if TYPE_CHECKING:
    import cvxpy as cp

__all__ = ["minimizer", "solve_in_units"]

_DENSE_BELOW = 1000
"""Above this N neither a conic solver nor a dense Hessian is practical."""

_CONIC_BELOW = 100_000
"""Rows of a conic program times unknowns: Clarabel takes some 3 s for this many, 140 s for digits' 11 million."""

_HESSIAN_WORK = 10_000_000_000
"""Multiplications a dense Hessian may take, some seconds, for the last steps after the matrix-free Newton method."""

_ROUNDS = 5
_DRIFT = 10
"""Powers of two from which on a solver's tolerances have to be helped by other units."""

_SIZES = (1.0, 2.0**16, 2.0**-16, 2.0**32, 2.0**-32)
"""Of x, tried in turn for a first answer."""

_CERTIFIED = 1e-9
"""The gradient of the sum that counts as zero, relative to the agents' own."""

_SHORT = 1e-6
"""A Newton step that counts as none, relative to the size of x; both are seldom more than rounding."""

_SINGULAR = 1e-9
"""Eigenvalues of a Hessian by differences that are its own error, relative to the greatest."""

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
        return _settled(costs)
    if total.strong_convexity <= 0.0:
        return _polish(total, _by_cvxpy(costs))
    if 0 < costs.conic_rows * costs.dim <= _CONIC_BELOW and costs.dim <= _DENSE_BELOW:
        with suppress(CostError):  # a minimiser exists, whatever a solver says of badly scaled data
            return _polish(total, _by_cvxpy(costs))
    alone: Array = total.prox(np.zeros((1, costs.dim)), np.zeros(1))[0]
    dense = costs.dim <= _DENSE_BELOW and costs.conic_rows * costs.dim**2 <= _HESSIAN_WORK
    return _polish(total, alone) if dense else alone


def _settled(costs: Costs) -> Array:
    """Return CVXPY's minimiser of a sum without a Hessian, polished where it has a gradient, if it is the only one."""
    x = _by_cvxpy(costs)
    size = length_scale(costs, x, 1.0)
    if costs.differentiable:
        x = _certified(costs, x, size)
    refuse_several(costs, x, size, slope_scale(costs, x, size) * size)
    return x


def _certified(costs: Costs, x: Array, size: float) -> Array:
    """Return ``x`` after Newton steps, if the gradient of the sum is zero there or the next step would be short."""

    def total(at: Array) -> Array | None:
        found = slopes(costs, at)
        return None if found is None else np.asarray(found.sum(axis=0))

    x, left = descend(total, x, size)
    own, slope = slopes(costs, x), total(x)
    if own is None or slope is None:  # the border of a domain, or an atom that CVXPY cannot differentiate
        return x
    scale = float(np.linalg.norm(own, axis=1).sum())
    hessian = curvature(total, x, slope, size)
    step = np.inf if hessian is None else np.linalg.norm(np.linalg.pinv(hessian, rcond=_SINGULAR) @ slope)
    if not (left <= _CERTIFIED * scale or step <= _SHORT * size):
        raise CostError(
            f"the minimiser of the sum of the costs is not certified: gradients of size {scale:.2g} sum to {left:.2g}, "
            f"and a Newton step would be {step:.2g} long (is there a minimiser?)"
        )
    return x


def _by_cvxpy(costs: Costs) -> Array:
    """Return CVXPY's minimiser."""
    import cvxpy as cp

    variable = cp.Variable(costs.dim)
    problem = cp.Problem(cp.Minimize(costs.expression(variable)))
    solve_in_units(problem, "the sum of the costs", costs, lambda: np.asarray(variable.value, dtype=float))
    return np.asarray(variable.value, dtype=float)


def solve_in_units(problem: cp.Problem, what: str, costs: Costs, where: Callable[[], Array]) -> None:
    """Solve a problem made of ``costs`` in units of x and of cost that its last answer tells, until these stay.

    Parameters
    ----------
    problem : cvxpy.Problem
    what : str
        Names it in errors.
    costs : Costs
    where : callable
        Returns (N,) the point where costs are to be looked at, once the problem has been solved.

    Raises
    ------
    CostError
        As :func:`decon.problem.conic.solve_tightly` does, in whatever units. Of an answer nothing is certified here.
    """
    size, unit = _first(problem, what, costs)
    for _ in range(_ROUNDS):
        length = length_scale(costs, where(), size)
        now = _near_one(length), _near_one(slope_scale(costs, where(), length) * length)
        if max(abs(np.log2(now[0] / size)), abs(np.log2(now[1] / unit))) <= _DRIFT:
            return
        before = [(variable, variable.value) for variable in problem.variables()]
        try:
            solve_tightly(problem, what, size=now[0], unit=now[1])
        except CostError:  # what little is left at the minimiser tells no units
            for variable, value in before:
                variable.value = value
            return
        size, unit = now


def _first(problem: cp.Problem, what: str, costs: Costs) -> tuple[float, float]:
    """Return units that a solver can do with, when it has."""
    failures = []
    for size in _SIZES:
        unit = _near_one(slope_scale(costs, np.zeros(costs.dim), size) * size)
        try:
            solve_tightly(problem, what, size=size, unit=unit)
        except CostError as error:
            failures.append(error)
        else:
            return size, unit
    raise failures[0]


def _near_one(value: float) -> float:
    """Return a power of two, which rounds nothing; 1 for what a solver takes as it is."""
    near = float(2.0 ** np.round(np.log2(value))) if 0.0 < value < np.inf else 1.0
    return 1.0 if abs(np.log2(near)) <= _DRIFT else near


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
