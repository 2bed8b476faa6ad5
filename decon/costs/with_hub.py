"""A hub with a cost of its own in front of the workers': the costs of P2's star."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from decon.arrays import whole_numbers
from decon.costs.base import Array, Costs
from decon.costs.ridge import Ridge
from decon.errors import CostError

if TYPE_CHECKING:
    import cvxpy as cp

__all__ = ["WithHub"]


class WithHub(Costs):
    """The hub's cost f_0 at agent 0, then one cost a worker: P2 (1), for ``topologies.make("star", m + 1)``.

    With minibatches the hub takes its full gradient and draws nothing: ``samples`` and the rows of
    :meth:`stochastic_gradient` are the workers' alone, so worker i meets the same draws with or without a hub.

    Parameters
    ----------
    hub : Costs
        Of one agent; P2's f_0 is ``Ridge(dim, 0.01)``.
    workers : Costs
        Of m agents, numbered 1 … m from here on.

    Raises
    ------
    CostError
        If one of them is no cost, the hub is not one agent or its N is not the workers'.

    Examples
    --------
    >>> from decon.costs import LeastSquares
    >>> costs = WithHub(Ridge(1, 0.5), LeastSquares([[[1.0]], [[1.0]]], [[1.0], [3.0]]))
    >>> costs.gradient(np.full((3, 1), 2.0)).ravel(), costs.samples
    (array([ 1.,  1., -1.]), array([1, 1]))
    """

    def __init__(self, hub: Costs, workers: Costs) -> None:
        for name, given in (("the hub", hub), ("the workers", workers)):
            if not isinstance(given, Costs):
                raise CostError(f"{name} must have costs of decon.costs, not {given!r}")
        if hub.n != 1:
            raise CostError(f"a hub is one agent, not {hub.n}")
        if hub.dim != workers.dim:
            raise CostError(f"the hub's variable has length {hub.dim}, the workers' {workers.dim}")
        self.hub, self.workers = hub, workers
        self.n, self.dim = workers.n + 1, workers.dim
        self.iterative = hub.iterative or workers.iterative
        self.accuracy = max(hub.accuracy, workers.accuracy)

    @property
    def strong_convexity(self) -> float:
        """ν, the least of all."""
        return min(self.hub.strong_convexity, self.workers.strong_convexity)

    @property
    def smoothness(self) -> float:
        """ℓ, the largest of all."""
        return max(self.hub.smoothness, self.workers.smoothness)

    @property
    def differentiable(self) -> bool:
        """Whether both have gradients."""
        return self.hub.differentiable and self.workers.differentiable

    def value(self, x: Array, gradient: Array | None = None) -> Array:
        """Return (m+1,) f_0(x_0), f_1(x_1), …."""
        first, rest = (None, None) if gradient is None else (gradient[:1], gradient[1:])
        return np.concatenate([self.hub.value(x[:1], first), self.workers.value(x[1:], rest)])

    def gradient(self, x: Array) -> Array:
        """Return (m+1, N) all full gradients."""
        return np.concatenate([self.hub.gradient(x[:1]), self.workers.gradient(x[1:])])

    def hessian(self, x: Array) -> Array:
        """Return (m+1, N, N) all Hessians."""
        return np.concatenate([self.hub.hessian(x[:1]), self.workers.hessian(x[1:])])

    def prox(self, linear: Array, weight: Array, start: Array | None = None) -> Array:
        """Return (m+1, N) the exact local steps."""
        first, rest = (None, None) if start is None else (start[:1], start[1:])
        return np.concatenate(
            [self.hub.prox(linear[:1], weight[:1], first), self.workers.prox(linear[1:], weight[1:], rest)]
        )

    @property
    def samples(self) -> NDArray[np.intp]:
        """(m,) number of samples of each *worker*."""
        return self.workers.samples

    def stochastic_gradient(self, x: Array, rows: NDArray[np.intp]) -> Array:
        """Return (m+1, N) the hub's full gradient and the workers' minibatch gradients from ``rows`` (m, batch)."""
        return np.concatenate([self.hub.gradient(x[:1]), self.workers.stochastic_gradient(x[1:], rows)])

    @property
    def conic_rows(self) -> int:
        """Number of rows the sum's expression adds to a conic program."""
        return self.hub.conic_rows + self.workers.conic_rows

    def subset(self, agents: Sequence[int] | NDArray[np.intp]) -> Costs:
        """Return the costs of ``agents`` only, in that order; the hub has to come first if it is one of them.

        Raises
        ------
        CostError
            If the hub is listed at another place, or a worker does not exist.
        """
        chosen = whole_numbers("agents", agents)
        outside = (chosen < 0) | (chosen >= self.n)
        if outside.any():
            raise CostError(f"there is no agent {chosen[outside][0]} among {self.n}")
        if (chosen[1:] == 0).any():
            raise CostError("the hub, agent 0, has to come first and once")
        if not chosen.size or chosen[0] > 0:
            return self.workers.subset(chosen - 1)
        return self.hub.subset([0]) if chosen.size == 1 else WithHub(self.hub, self.workers.subset(chosen[1:] - 1))

    def pooled(self) -> Costs:
        """Return Σ_i f_i as one agent."""
        return _Sum(self.hub.pooled(), self.workers.pooled())

    def expression(self, variable: cp.Variable) -> cp.Expression:
        """Return Σ_i f_i(variable)."""
        return self.hub.expression(variable) + self.workers.expression(variable)


class _Sum(Costs):
    """The sum of two costs of one agent."""

    n = 1

    def __init__(self, hub: Costs, total: Costs) -> None:
        self.hub, self.total, self.dim = hub, total, total.dim

    @property
    def strong_convexity(self) -> float:
        """ν of a sum is at least the sum."""
        return self.hub.strong_convexity + self.total.strong_convexity

    @property
    def smoothness(self) -> float:
        """ℓ of a sum is at most the sum."""
        return self.hub.smoothness + self.total.smoothness

    def value(self, x: Array, gradient: Array | None = None) -> Array:
        """Return (1,) the sum of the values."""
        return self.hub.value(x) + self.total.value(x)

    def gradient(self, x: Array) -> Array:
        """Return (1, N) the sum of the gradients."""
        return self.hub.gradient(x) + self.total.gradient(x)

    def hessian(self, x: Array) -> Array:
        """Return (1, N, N) the sum of the Hessians."""
        return self.hub.hessian(x) + self.total.hessian(x)

    def prox(self, linear: Array, weight: Array, start: Array | None = None) -> Array:
        """Return (1, N) the prox of the sum, where the hub's cost is a ridge."""
        if not isinstance(self.hub, Ridge):
            raise CostError(f"the sum of the workers' costs and a {type(self.hub).__name__} at the hub has no prox")
        return self.total.prox(linear, weight + self.hub.ridge, start)

    def subset(self, agents: Sequence[int] | NDArray[np.intp]) -> Costs:
        """Return this one agent's cost."""
        return self

    def expression(self, variable: cp.Variable) -> cp.Expression:
        """Return the sum of the expressions."""
        return self.hub.expression(variable) + self.total.expression(variable)
