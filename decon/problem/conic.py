"""CVXPY problems solved as tightly as the solver can, or an error that says what went wrong."""

from __future__ import annotations

import enum
import functools
import math
import threading
import warnings
from collections.abc import Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from decon.errors import CostError

if TYPE_CHECKING:
    import cvxpy as cp

__all__ = ["TOLERANCES", "Answer", "solve_tightly"]

TOLERANCES = (1e-12, 1e-10, 1e-8)
"""Tried in turn; the last is Clarabel's own default."""

_SECOND = "SCS"
"""A first-order method, which ends where an interior point's last steps lose their digits."""


_USUAL = 10
"""Powers of two from which on other solvers' tolerances mean nothing."""


class Answer(enum.Enum):
    """How much a solver vouches for what the variables hold."""

    OPTIMAL = "optimal"
    INACCURATE = "optimal_inaccurate"


def solve_tightly(
    problem: cp.Problem,
    what: str,
    *,
    solver: str = "CLARABEL",
    tolerances: Sequence[float] = TOLERANCES,
    inaccurate: bool = False,
    size: float = 1.0,
    unit: float = 1.0,
) -> Answer:
    """Solve ``problem`` to the tightest tolerance that ends with the status *optimal*.

    Parameters
    ----------
    problem : cvxpy.Problem
        Its variables hold the solution afterwards.
    what : str
        Names the problem in errors.
    solver : {"CLARABEL", "OSQP"}
        OSQP starts from the values the variables hold; Clarabel, an interior-point method, has no use for a start.
    tolerances : sequence of float
        Tried in turn, relative and absolute.
    inaccurate : bool
        Take also what only comes near at the last of them, for the caller to check; otherwise SCS is asked, too.
    size, unit : float
        How large the variables and the changes of the objective are: a solver's tolerances know of 1 only.

    Returns
    -------
    Answer

    Raises
    ------
    CostError
        If the problem is unbounded, infeasible, or not solved to the last tolerance; or CVXPY refuses its data.

    Examples
    --------
    >>> import cvxpy as cp
    >>> x = cp.Variable()
    >>> solve_tightly(cp.Problem(cp.Minimize((x - 3) ** 2)), "an example")
    <Answer.OPTIMAL: 'optimal'>
    >>> round(float(x.value), 6)
    3.0
    """
    import cvxpy as cp

    status = "not solved"
    usual = max(abs(math.log2(size)), abs(math.log2(unit))) <= _USUAL
    tries = [(solver if usual else "CLARABEL", tolerance) for tolerance in tolerances]
    if not inaccurate and usual and _SECOND in cp.installed_solvers():
        tries.append((_SECOND, tolerances[-1]))
    for name, tolerance in tries:
        try:
            status = _solved(problem, name, tolerance, size, unit, inaccurate)
        except cp.SolverError as error:
            status = f"a failure of {name} ({_line(error)})"
        except (cp.error.DCPError, cp.error.ParameterError, ArithmeticError, TypeError, ValueError) as error:
            raise CostError(f"{what} cannot be solved: CVXPY says: {_line(error)}") from None
        if status == cp.OPTIMAL:
            return Answer.OPTIMAL
        if status in (cp.UNBOUNDED, cp.INFEASIBLE):
            break
    if inaccurate and status == cp.OPTIMAL_INACCURATE:
        return Answer.INACCURATE
    raise CostError(f"{what} has no minimiser to be found: CVXPY ended with {status}")


def _solved(problem: cp.Problem, solver: str, tolerance: float, size: float, unit: float, near: bool) -> str:
    """Return CVXPY's status after one try."""
    options: dict[str, Any]
    asked: Any = solver
    if solver == "OSQP":
        options = {"eps_abs": tolerance, "eps_rel": tolerance, "max_iter": 100_000, "warm_start": True}
    elif solver == _SECOND:
        options = {"eps_abs": tolerance, "eps_rel": tolerance, "max_iters": 20_000}
    else:
        options = {"tol_gap_abs": tolerance, "tol_gap_rel": tolerance, "tol_feas": tolerance}
        if near:
            options["accept_unknown"] = True  # the last steps lost their digits; what they reached is an answer
        asked = _in_units(size, unit)
    with warnings.catch_warnings():
        # said again, as a status, if no looser tolerance does better
        warnings.filterwarnings("ignore", message="Solution may be inaccurate", category=UserWarning)
        problem.solve(solver=asked, **options)
    return str(problem.status)


_PER_THREAD = threading.local()  # the one solver object of a thread, which CVXPY takes for the key of what it compiled


def _in_units(size: float, unit: float) -> Any:
    """Return Clarabel working on variables / size and objective / unit."""
    if not hasattr(_PER_THREAD, "solver"):
        _PER_THREAD.solver = _clarabel()()
    _PER_THREAD.solver.size, _PER_THREAD.solver.unit = size, unit
    return _PER_THREAD.solver


@functools.cache
def _clarabel() -> type:
    """Return the class, made when first needed: CVXPY is slow to import.

    All cones are alike at all scales, so A x + s = b, s ∈ K, says of x/size and s/size what it says of x and s with b.
    """
    from cvxpy.reductions.solvers.conic_solvers.clarabel_conif import CLARABEL

    class ClarabelInUnits(CLARABEL):  # type: ignore[misc]
        size = unit = 1.0

        def name(self) -> str:
            return "CLARABEL in units"

        def solve_via_data(
            self, data: dict[str, Any], warm_start: bool, verbose: bool, solver_opts: Any, solver_cache: Any = None
        ) -> Any:
            scaled = {**data, "b": data["b"] / self.size, "c": data["c"] * (self.size / self.unit)}
            if "P" in data:
                scaled["P"] = data["P"] * (self.size**2 / self.unit)
            found = super().solve_via_data(scaled, False, verbose, solver_opts)
            return SimpleNamespace(
                status=found.status,
                solve_time=found.solve_time,
                iterations=found.iterations,
                obj_val=None if found.obj_val is None else found.obj_val * self.unit,
                x=None if found.x is None else np.asarray(found.x) * self.size,
                z=None if found.z is None else np.asarray(found.z) * (self.unit / self.size),
            )

    return ClarabelInUnits


def _line(error: Exception) -> str:
    return " ".join(str(error).split())
