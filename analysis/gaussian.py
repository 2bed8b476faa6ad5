"""The steady state that Gaussian errors leave a run with quadratic costs in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import helmert, solve_discrete_lyapunov

from analysis.errors import HypothesisError
from analysis.hypotheses import require_scale
from analysis.linear import LinearIteration, byzantine_rows
from topologies import Topology

__all__ = ["SteadyState", "steady_state_covariance"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SteadyState:
    """Limit law of x^k - x*: Gaussian, with this mean and covariance.

    Attributes
    ----------
    mean : (n, N) ndarray
        Of x^k - x*, x* the minimiser of all agents' sum.
    covariance : (nN, nN) ndarray
        Of the stacked x^k, agent by agent.
    """

    mean: Array
    covariance: Array

    def mean_square(self, agents: Sequence[int] | NDArray[np.intp]) -> float:
        """Return E Σ_{i in agents} ‖x_i - x*‖², the variance and the squared offset."""
        rows = np.asarray(agents, dtype=np.intp)
        variances = np.diag(self.covariance).reshape(self.mean.shape)
        return float((variances[rows] + self.mean[rows] ** 2).sum())


def steady_state_covariance(
    topo: Topology,
    hessians: ArrayLike,
    penalty: float,
    byzantine: Sequence[int] | NDArray[np.intp],
    std: float,
    *,
    mean: float = 0.0,
) -> SteadyState:
    r"""Exact steady state for these quadratic costs under Gaussian errors; docs/theory.md section 6.

    Every entry of every Byzantine agent's error is drawn N(mean, std²), independently, in every iteration. The state
    covariance solves :math:`\Pi = M\Pi M^T + \sigma^2BB^T`. Dense: for (2n - 1)N up to about two thousand.

    Parameters
    ----------
    topo : Topology
        Any connected graph.
    hessians : (n,) or (n, N, N) array_like
        H_i, or scalars h_i for h_i I, whose coordinates are independent copies of the N = 1 answer.
    penalty : float
        c > 0.
    byzantine : sequence of int
        At least one agent, not all.
    std : float
        σ ≥ 0.
    mean : float
        Mean of every entry.

    Returns
    -------
    SteadyState

    Raises
    ------
    HypothesisError
        If an argument does not fit, or the iteration has no steady state (a non-convex cost).

    Examples
    --------
    >>> import networkx as nx
    >>> state = steady_state_covariance(Topology(nx.complete_graph(4)), np.ones(4), 0.25, [0], 1.0)
    >>> round(state.mean_square([1, 2, 3]), 3)
    0.274
    """
    linear = LinearIteration.of(topo, hessians, penalty)
    liars, _ = byzantine_rows(topo.n, byzantine)
    require_scale("the standard deviation", std)
    if not np.isfinite(mean):
        raise HypothesisError(f"the mean of the errors must be finite, not {mean:g}")
    n, dim = topo.n, linear.dim
    step = linear.matrix()
    rate = float(np.abs(np.linalg.eigvals(step)).max())
    if rate >= 1 - 1e-12:  # the covariance grows like 1 / (1 - ρ) and would be rounding
        raise HypothesisError(f"the iteration does not contract (its rate is {rate:.12g}), so it has no steady state")
    inputs = len(liars) * dim
    z = np.zeros((n, dim, inputs))
    z[liars] = np.eye(inputs).reshape(len(liars), dim, inputs)
    duals = np.tensordot(helmert(n), linear.ascend(np.zeros_like(z), z), axes=1)
    enter = np.concatenate([z.reshape(n * dim, inputs), duals.reshape((n - 1) * dim, inputs)])
    output = step[: n * dim]  # x^{k+1} is the first block of M times the state at k
    covariance = output @ solve_discrete_lyapunov(step, std**2 * enter @ enter.T) @ output.T
    offset = output @ np.linalg.solve(np.eye(len(step)) - step, enter @ np.full(inputs, mean))
    return SteadyState(offset.reshape(n, dim), 0.5 * (covariance + covariance.T))
