"""Any convex cost one can write in CVXPY, its prox solved as one parametrised problem."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from decon.costs.base import Array, Costs
from decon.errors import CostError
from decon.problem.conic import solve_tightly

if TYPE_CHECKING:
    import cvxpy as cp

__all__ = ["FromCVXPY"]

_SOLVERS = ("CLARABEL", "OSQP")


class FromCVXPY(Costs):
    """Costs given as CVXPY expressions, one an agent.

    The prox of all agents is one problem, canonicalised once (CVXPY's DPP rules); an iteration only changes its
    parameters. It is as exact as the solver (a gap g leaves √(2g/weight): 1e-7 for quadratics, 1e-5 with exponential
    cones), not to rounding; a cost with a class of its own is far faster.

    Parameters
    ----------
    expressions : sequence of n cvxpy.Expression
        Scalar and convex, each in a single variable of shape (N,), which agents may share; constants and parameters
        are the user's to choose. Expressions are copied: the user's variables keep their values.
    strong_convexity, smoothness : float
        ν and ℓ, which CVXPY cannot tell: 0 and infinity unless given.
    solver : {"CLARABEL", "OSQP"}
        OSQP, for costs made of quadratics and absolute values, starts each prox from the last one.

    Raises
    ------
    CostError
        If an expression is not scalar, not convex or not DPP, or does not have exactly one variable of shape (N,),
        or ν, ℓ are not 0 ≤ ν ≤ ℓ; the message names the agent.

    Examples
    --------
    >>> import cvxpy as cp
    >>> x = cp.Variable(2)
    >>> costs = FromCVXPY([cp.norm1(x - 1), cp.sum_squares(x)], smoothness=np.inf)
    >>> costs.prox(np.zeros((2, 2)), np.full(2, 0.5)).round(6) + 0.0
    array([[1., 1.],
           [0., 0.]])
    """

    _CACHED = frozenset({"_problem", "_linear", "_weight", "_root"})

    def __init__(
        self,
        expressions: Sequence[cp.Expression],
        *,
        strong_convexity: float = 0.0,
        smoothness: float = np.inf,
        solver: str = "CLARABEL",
    ) -> None:
        import cvxpy as cp

        if not len(expressions):
            raise CostError("there are no expressions")
        if not 0.0 <= strong_convexity <= smoothness or not np.isfinite(strong_convexity):
            raise CostError(f"0 ≤ ν ≤ ℓ does not hold for ν = {strong_convexity}, ℓ = {smoothness}")
        if solver not in _SOLVERS:
            raise CostError(f"solver must be one of {_SOLVERS}, not {solver!r}")
        self._nu, self._ell, self._solver = float(strong_convexity), float(smoothness), solver
        self.n, self.dim = len(expressions), _only_variable(expressions[0], 0).size
        self._variables, self._expressions = [], []
        for agent, expression in enumerate(expressions):
            variable = cp.Variable(self.dim)
            self._variables.append(variable)
            self._expressions.append(_substituted(expression, agent, self.dim, variable))
        self._problem: cp.Problem | None = None

    accuracy = 1e-7

    @property
    def strong_convexity(self) -> float:
        """ν as given."""
        return self._nu

    @property
    def smoothness(self) -> float:
        """ℓ as given."""
        return self._ell

    def value(self, x: Array, gradient: Array | None = None) -> Array:
        """Return (n,) f_i(x_i), infinity outside a cost's domain."""
        self._place(x)
        with np.errstate(invalid="ignore", divide="ignore"):  # log(-1): said by the answer
            return np.array([_number(expression.value) for expression in self._expressions])

    def gradient(self, x: Array) -> Array:
        """Return (n, N) gradients as CVXPY gives them (at a kink, one subgradient).

        Raises
        ------
        CostError
            If a cost has none at x_i: outside its domain, or for an atom CVXPY cannot differentiate.
        """
        inside = np.isfinite(self.value(x))
        if not inside.all():
            raise CostError(f"the cost of agent {int(np.argmin(inside))} has no gradient at the point asked for")
        out = np.zeros((self.n, self.dim))
        for agent, (expression, variable) in enumerate(zip(self._expressions, self._variables, strict=True)):
            slope = expression.grad.get(variable)
            if slope is None:
                raise CostError(f"the cost of agent {agent} has no gradient at the point asked for")
            out[agent] = np.asarray(slope.todense() if hasattr(slope, "todense") else slope).reshape(-1)
        if not np.isfinite(out).all():
            raise CostError(f"the gradient of agent {np.argwhere(~np.isfinite(out))[0][0]} is not finite")
        return out

    def prox(self, linear: Array, weight: Array, start: Array | None = None) -> Array:
        """Return (n, N) the exact local step, all agents in one problem."""
        if self._problem is None:
            self._problem = self._parametrised()
        self._linear.value = np.asarray(linear, dtype=float)
        self._weight.value = np.asarray(weight, dtype=float)
        if start is not None:
            self._place(start)
        solve_tightly(self._problem, "the local step", solver=self._solver)
        return np.array([variable.value for variable in self._variables], dtype=float)

    def subset(self, agents: Sequence[int] | NDArray[np.intp]) -> FromCVXPY:
        """Return the costs of ``agents`` only."""
        chosen = [self._expressions[int(agent)] for agent in agents]
        return FromCVXPY(chosen, strong_convexity=self._nu, smoothness=self._ell, solver=self._solver)

    def expression(self, variable: cp.Variable) -> cp.Expression:
        """Return Σ_i f_i(variable), each agent's expression with ``variable`` in the place of its own."""
        import cvxpy as cp

        return cp.sum([_substituted(e, i, self.dim, variable) for i, e in enumerate(self._expressions)])

    def _parametrised(self) -> cp.Problem:
        import cvxpy as cp

        self._linear = cp.Parameter((self.n, self.dim))
        self._weight = cp.Parameter(self.n, nonneg=True)
        stacked = cp.vstack(self._variables)
        squares = cp.sum(cp.square(stacked), axis=1)
        objective = (
            cp.sum(self._expressions) + 0.5 * self._weight @ squares - cp.sum(cp.multiply(self._linear, stacked))
        )
        return cp.Problem(cp.Minimize(objective))

    def _place(self, x: Array) -> None:
        for variable, row in zip(self._variables, x, strict=True):
            variable.value = row


def _only_variable(expression: Any, agent: int) -> cp.Variable:
    import cvxpy as cp

    if not isinstance(expression, cp.Expression) or not expression.is_scalar():
        raise CostError(f"the cost of agent {agent} is not a scalar CVXPY expression")
    variables = expression.variables()
    if len(variables) != 1 or variables[0].ndim != 1:
        raise CostError(f"the cost of agent {agent} must have one variable of shape (N,), not {variables}")
    if variables[0].domain:
        raise CostError(f"the variable of agent {agent} carries attributes; agents' variables are free")
    if not expression.is_convex():
        raise CostError(f"the cost of agent {agent} is not convex by CVXPY's rules")
    if not expression.is_dpp():
        raise CostError(f"the cost of agent {agent} does not follow CVXPY's DPP rules for parameters")
    return variables[0]


def _substituted(expression: Any, agent: int, dim: int, variable: cp.Variable) -> cp.Expression:
    own = _only_variable(expression, agent)
    if own.size != dim:
        raise CostError(f"the variable of agent {agent} has {own.size} entries, that of agent 0 has {dim}")
    return expression.tree_copy({id(own): variable})


def _number(value: Any) -> float:
    number = float("nan") if value is None else float(np.asarray(value).reshape(()))
    return float("inf") if np.isnan(number) else number
