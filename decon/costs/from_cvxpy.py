"""Any convex cost one can write in CVXPY, its prox solved as one parametrised problem."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from decon.arrays import whole_numbers
from decon.costs.base import Array, Costs
from decon.costs.cvxpy_given import is_smooth, only_variable, refuse_unset, require_list, substituted
from decon.costs.cvxpy_prox import LocalProblems
from decon.costs.cvxpy_slope import Slope
from decon.errors import CostError

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

    _CACHED = frozenset({"_steps", "_slopes"})

    def __init__(
        self,
        expressions: Sequence[cp.Expression],
        *,
        strong_convexity: float = 0.0,
        smoothness: float = np.inf,
        solver: str = "CLARABEL",
    ) -> None:
        import cvxpy as cp

        expressions = require_list(expressions)
        strong_convexity, smoothness = _bound("ν", strong_convexity), _bound("ℓ", smoothness)
        if not 0.0 <= strong_convexity <= smoothness or not np.isfinite(strong_convexity):
            raise CostError(f"0 ≤ ν ≤ ℓ does not hold for ν = {strong_convexity}, ℓ = {smoothness}")
        if solver not in _SOLVERS:
            raise CostError(f"solver must be one of {_SOLVERS}, not {solver!r}")
        self._nu, self._ell, self._solver = float(strong_convexity), float(smoothness), solver
        self.n, self.dim = len(expressions), only_variable(expressions[0], 0).size
        self._variables, self._expressions = [], []
        for agent, expression in enumerate(expressions):
            variable = cp.Variable(self.dim)
            self._variables.append(variable)
            self._expressions.append(substituted(expression, agent, self.dim, variable))
        self._steps: LocalProblems | None = None
        self._slopes: list[Slope] | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Return the attributes, less what only spares work."""
        return {**super().__getstate__(), **dict.fromkeys(self._CACHED)}

    accuracy = 1e-7

    @property
    def strong_convexity(self) -> float:
        """ν as given."""
        return self._nu

    @property
    def smoothness(self) -> float:
        """ℓ as given."""
        return self._ell

    @property
    def differentiable(self) -> bool:
        """Whether all costs are made of atoms with gradients, or ℓ says so."""
        return super().differentiable or all(is_smooth(expression) for expression in self._expressions)

    def value(self, x: Array, gradient: Array | None = None) -> Array:
        """Return (n,) f_i(x_i), infinity outside a cost's domain and where x_i is not finite."""
        refuse_unset(self._expressions)
        out = np.full(self.n, np.inf)
        for agent, row in enumerate(self._rows(x)):
            if np.isfinite(row).all():
                self._variables[agent].value = row
                with np.errstate(all="ignore"):  # log(-1): said by the answer
                    out[agent] = _number(self._expressions[agent].value)
        return out

    def gradient(self, x: Array) -> Array:
        """Return (n, N) gradients as CVXPY gives them (at a kink, one subgradient).

        Raises
        ------
        CostError
            If a cost has none at x_i: outside its domain, or for an atom CVXPY cannot differentiate.
        """
        refuse_unset(self._expressions)
        out = np.zeros((self.n, self.dim))
        for agent, row in enumerate(self._rows(x)):
            slope = self._slope(agent, row)
            if slope is None:
                raise CostError(f"the cost of agent {agent} has no gradient at the point asked for")
            out[agent] = slope
        return out

    def prox(self, linear: Array, weight: Array, start: Array | None = None) -> Array:
        """Return (n, N) the exact local steps, to 1e-6 of the size of x where a gradient tells.

        Raises
        ------
        CostError
            If a parameter has no value, or an agent's step could not be solved or certified; the message names it.
        """
        refuse_unset(self._expressions)
        if self._steps is None:
            self._steps = LocalProblems(self._expressions, self._copy, self._slope, self.dim, self._solver)
        return self._steps.solve(linear, weight, start)

    def subset(self, agents: Sequence[int] | NDArray[np.intp]) -> FromCVXPY:
        """Return the costs of ``agents`` only.

        Raises
        ------
        CostError
            If there is no such agent.
        """
        wanted = whole_numbers("agents", agents)
        outside = (wanted < 0) | (wanted >= self.n)
        if outside.any():
            raise CostError(f"there is no agent {wanted[outside][0]} among {self.n}")
        chosen = [self._expressions[agent] for agent in wanted]
        return FromCVXPY(chosen, strong_convexity=self._nu, smoothness=self._ell, solver=self._solver)

    def expression(self, variable: cp.Variable) -> cp.Expression:
        """Return Σ_i f_i(variable), each agent's expression with ``variable`` in the place of its own."""
        import cvxpy as cp

        refuse_unset(self._expressions)
        return cp.sum([substituted(e, i, self.dim, variable) for i, e in enumerate(self._expressions)])

    def _copy(self, agent: int, variable: cp.Expression) -> cp.Expression:
        return substituted(self._expressions[agent], agent, self.dim, variable)

    def _slope(self, agent: int, x: Array) -> Array | None:
        """Return (N,) ∇f_agent(x), None outside its domain or for an atom that CVXPY cannot differentiate."""
        if self._slopes is None:
            self._slopes = [Slope(e, v) for e, v in zip(self._expressions, self._variables, strict=True)]
        return self._slopes[agent].at(x)

    def _rows(self, x: Array) -> Array:
        rows = np.asarray(x, dtype=float)
        if rows.shape != (self.n, self.dim):
            raise CostError(f"x must have shape {(self.n, self.dim)}, not {rows.shape}")
        return rows


def _number(value: Any) -> float:
    number = float("nan") if value is None else float(np.asarray(value).reshape(()))
    return float("inf") if np.isnan(number) else number


def _bound(name: str, value: float) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise CostError(f"{name} must be a number, not {value!r}") from None
