"""The local steps of costs given in CVXPY: one scaled, parametrised problem, checked and polished agent by agent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np

from decon.costs.base import Array
from decon.costs.cvxpy_given import is_smooth
from decon.errors import CostError
from decon.problem.conic import TOLERANCES, Answer, solve_tightly
from decon.problem.scaling import turning_length
from decon.problem.stationary import descend

if TYPE_CHECKING:
    import cvxpy as cp

__all__ = ["ENOUGH", "ROUNDING", "LocalProblems"]

ENOUGH = 1e-6
"""Distance to the exact local step that is taken, relative to the size of x."""

ROUNDING = 1e-9
"""Gradient that counts as zero, relative to the terms it is the difference of."""

_LEAST = 1e-4
"""Least size of x, in units of the length over which the costs' gradients turn into others."""

_COARSE = 16.0
"""Units are powers of this: dividing by them rounds nothing."""

_OneGradient = Callable[[int, Array], Array | None]
_Copy = Callable[[int, "cp.Expression"], "cp.Expression"]


class LocalProblems:
    """argmin f_i(x) - ⟨linear_i, x⟩ + (weight_i/2)‖x‖², all agents in one problem in units of their own.

    With x in units of its size s and cost in units of weight_i s² every agent's part has strong convexity 1, so that a
    gap of the solver means the same distance whatever the costs' scale. Where a cost has a gradient,
    ‖∇f_i(x) - linear_i + weight_i x‖ / weight_i bounds the distance to the answer: what exceeds 1e-6 of the size of x
    is polished by Newton steps. Where it has none, the answer counts if the solver calls it optimal.

    Parameters
    ----------
    expressions : sequence of n cvxpy.Expression
        For :func:`decon.costs.cvxpy_given.is_smooth`.
    copy : callable
        (agent, affine expression) → f_agent of it.
    gradient : callable
        (agent, (N,) point) → (N,) gradient, or None where there is none.
    dim : int
    solver : str
    """

    def __init__(
        self, expressions: Sequence[cp.Expression], copy: _Copy, gradient: _OneGradient, dim: int, solver: str
    ) -> None:
        self._n, self._dim, self._copy, self._gradient, self._solver = len(expressions), dim, copy, gradient, solver
        self._smooth = [is_smooth(expression) for expression in expressions]
        self._together: _Scaled | None = None
        self._alone: dict[int, _Scaled] = {}
        self._length: float | None = None

    def solve(self, linear: Array, weight: Array, start: Array | None) -> Array:
        """Return (n, N) the local steps.

        Raises
        ------
        CostError
            If input does not fit, or an agent's step cannot be certified; the message names the agent.
        """
        linear, weight, start = self._checked(linear, weight, start)
        size = self._size(linear, weight, start)
        units = self._units(linear, weight, start, size)
        if self._together is None or not self._together.fits(units):
            self._together = self._scaled(range(self._n), units)
        quick = TOLERANCES[:1] if all(self._smooth) else TOLERANCES  # what is smooth is polished anyway
        answer, x = None, np.zeros((self._n, self._dim)) if start is None else np.array(start, dtype=float)
        with suppress(CostError):  # one agent may stand for all: each is asked alone
            answer, x = self._together.solve(linear, weight, start, size, quick)
        for agent in range(self._n):
            x[agent] = self._agent(agent, answer, x[agent], linear[agent], weight[agent], size, units[agent])
        return x

    def _agent(
        self, agent: int, answer: Answer | None, x: Array, linear: Array, weight: float, size: float, unit: float
    ) -> Array:
        """Return the local step of one agent, ``x`` if that will do."""
        x, certified = self._polished(agent, x, linear, weight, size)
        if certified or (certified is None and answer is Answer.OPTIMAL):
            return x
        alone = self._alone.get(agent)
        if alone is None or not alone.fits(np.array([unit])):
            alone = self._alone[agent] = self._scaled([agent], np.array([unit]))
        for among in (size, self._length or 1.0):
            try:
                _, found = alone.solve(linear[None], np.array([weight]), x[None], among, TOLERANCES, strict=True)
                break
            except CostError as error:
                failure = error
        else:
            raise CostError(f"agent {agent}: {failure}")
        x, certified = self._polished(agent, found[0], linear, weight, size)
        if certified is False:
            raise CostError(
                f"the local step of agent {agent} is not certified: its gradient is not zero to {ROUNDING:g} of its "
                f"terms, nor x within {ENOUGH:g} of its size"
            )
        return x

    def _polished(self, agent: int, x: Array, linear: Array, weight: float, size: float) -> tuple[Array, bool | None]:
        """Return ``x`` after Newton steps where they are needed, and whether its gradient certifies it.

        None instead of an answer where the gradient tells nothing: at kinks, or where CVXPY has none.
        """
        own = self._gradient(agent, x) if self._smooth[agent] else None
        if own is None:
            return x, None

        def slope(at: Array) -> Array | None:
            there = self._gradient(agent, at)
            return None if there is None else there - linear + weight * at

        terms = float(np.linalg.norm(own) + np.linalg.norm(linear) + weight * np.linalg.norm(x))
        enough = max(ENOUGH * weight * size, ROUNDING * terms)
        if np.linalg.norm(own - linear + weight * x) <= enough:
            return x, True
        x, left = descend(slope, x, size, 1e-3 * ROUNDING * terms)
        return x, left <= enough

    def _checked(self, linear: Array, weight: Array, start: Array | None) -> tuple[Array, Array, Array | None]:
        linear, weight = np.asarray(linear, dtype=float), np.asarray(weight, dtype=float)
        start = None if start is None else np.asarray(start, dtype=float)
        shape = self._n, self._dim
        if linear.shape != shape or weight.shape != shape[:1] or (start is not None and start.shape != shape):
            raise CostError(
                f"local steps of {self._n} agents need linear terms and starts of shape {shape} and weights of shape "
                f"({self._n},), not {linear.shape}, {None if start is None else start.shape} and {weight.shape}"
            )
        if not all(np.isfinite(given).all() for given in (linear, weight, start) if given is not None):
            raise CostError("the local step of a cost was given numbers that are not finite")
        if (weight < 0).any():
            raise CostError(f"agent {int(np.argmin(weight))} has the weight {weight.min():.3g}, which is negative")
        return linear, weight, start

    def _units(self, linear: Array, weight: Array, start: Array | None, size: float) -> Array:
        """Return (n,) what costs are measured in, per squared unit of x: the weight, or the slope where there is none.

        They are coarse, so that few problems are made, and depend on these arguments alone.
        """
        units = weight.copy()
        for agent in (int(row) for row in np.flatnonzero(weight == 0)):
            for at in (np.zeros(self._dim) if start is None else start[agent], np.full(self._dim, size)):
                slope = self._gradient(agent, at)
                if slope is not None:
                    units[agent] = max(units[agent], float(np.linalg.norm(slope - linear[agent])) / size)
        units[units == 0] = 1.0
        return np.asarray(_COARSE ** np.round(np.log(units) / np.log(_COARSE)))

    def _size(self, linear: Array, weight: Array, start: Array | None) -> float:
        """Return how large x is: by where steps start, where they would lead without costs, and where costs turn."""
        if self._length is None:
            self._length = turning_length(self._gradients, np.zeros(self._dim)) or 1.0
        weighted = weight > 0
        size = _LEAST * self._length  # x* = 0 has no size of its own
        if start is not None:
            size = max(size, float(np.abs(start).max(initial=0.0)))
        if weighted.any():
            size = max(size, float(np.abs(linear[weighted] / weight[weighted, None]).max(initial=0.0)))
        return size if 1e-100 < size < 1e100 else 1.0  # its square is a number, too

    def _gradients(self, x: Array) -> Array | None:
        found = [self._gradient(agent, x) for agent in range(self._n)]
        return None if any(row is None for row in found) else np.array(found, dtype=float)

    def _scaled(self, agents: Sequence[int], units: Array) -> _Scaled:
        return _Scaled([int(agent) for agent in agents], self._copy, self._dim, units, self._solver)


class _Scaled:
    """The problem of some agents, each part divided by its unit."""

    def __init__(self, agents: list[int], copy: _Copy, dim: int, units: Array, solver: str) -> None:
        import cvxpy as cp

        self._solver, self.units = solver, units
        self._x = cp.Variable((len(agents), dim))
        self._linear = cp.Parameter((len(agents), dim))
        self._weight = cp.Parameter(len(agents), nonneg=True)
        costs = [copy(agent, self._x[row]) / self.units[row] for row, agent in enumerate(agents)]
        squares = cp.sum(cp.square(self._x), axis=1)
        objective = cp.sum(costs) + 0.5 * self._weight @ squares - cp.sum(cp.multiply(self._linear, self._x))
        self._problem = cp.Problem(cp.Minimize(objective))

    def fits(self, units: Array) -> bool:
        """Whether the units are still these."""
        return np.array_equal(units, self.units)

    def solve(
        self,
        linear: Array,
        weight: Array,
        start: Array | None,
        size: float,
        tolerances: Sequence[float],
        *,
        strict: bool = False,
    ) -> tuple[Answer, Array]:
        """Return how CVXPY ended, and (agents, N) its answer."""
        self._linear.value = linear / self.units[:, None]
        self._weight.value = weight / self.units
        if start is not None:
            self._x.value = start
        answer = solve_tightly(
            self._problem,
            "the local step",
            solver=self._solver,
            tolerances=tolerances,
            inaccurate=not strict,
            size=size,
            unit=size**2,
        )
        return answer, np.asarray(self._x.value, dtype=float)
