"""CVXPY problems solved as tightly as the solver can, or an error that says what went wrong."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from decon.errors import CostError

if TYPE_CHECKING:
    import cvxpy as cp

__all__ = ["solve_tightly"]

_TOLERANCES = (1e-12, 1e-10, 1e-8)
"""Tried in turn; the last is Clarabel's own default."""


def solve_tightly(problem: cp.Problem, what: str, *, solver: str = "CLARABEL") -> None:
    """Solve ``problem`` to the tightest tolerance that ends with the status *optimal*.

    Parameters
    ----------
    problem : cvxpy.Problem
        Its variables hold the solution afterwards.
    what : str
        Names the problem in errors.
    solver : {"CLARABEL", "OSQP"}
        OSQP starts from the values the variables hold; Clarabel, an interior-point method, has no use for a start.

    Raises
    ------
    CostError
        If the problem is unbounded, infeasible, or not solved to 1e-8.

    Examples
    --------
    >>> import cvxpy as cp
    >>> x = cp.Variable()
    >>> solve_tightly(cp.Problem(cp.Minimize((x - 3) ** 2)), "an example")
    >>> round(float(x.value), 6)
    3.0
    """
    import cvxpy as cp

    status = "not solved"
    for tolerance in _TOLERANCES:
        if solver == "OSQP":
            options = {"eps_abs": tolerance, "eps_rel": tolerance, "max_iter": 100_000, "warm_start": True}
        else:
            options = {"tol_gap_abs": tolerance, "tol_gap_rel": tolerance, "tol_feas": tolerance}
        try:
            with warnings.catch_warnings():
                # said again, as a status below, if no looser tolerance does better
                warnings.filterwarnings("ignore", message="Solution may be inaccurate", category=UserWarning)
                problem.solve(solver=solver, **options)
        except cp.SolverError as error:
            status = f"a failure of {solver} ({error})"
            continue
        status = str(problem.status)
        if status == cp.OPTIMAL:
            return
        if status in (cp.UNBOUNDED, cp.INFEASIBLE):
            break
    raise CostError(f"{what} has no minimiser to be found: CVXPY ended with {status}")
