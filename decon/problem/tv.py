"""The TV-penalised problem that a finite dual bound solves, P2 (4) on any graph: CVXPY's answer, and the threshold."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy.sparse as sp

from decon.costs.base import Array, Costs
from decon.errors import CostError, OptionError
from decon.problem.conic import solve_tightly
from decon.problem.minimizer import minimizer, solve_in_units
from topologies import Topology

__all__ = ["TVMinimizer", "tv_minimizer", "tv_threshold"]


class TVMinimizer(NamedTuple):
    """A solution of min Σ f_i(x_i) + λ Σ_edges ‖x_i - x_j‖₁.

    Attributes
    ----------
    x : (n, N) ndarray
    duals : (arcs, N) ndarray
        η_ij in the topology's arc order: Σ_j η_ij = ∇f_i(x_i), η_ij = -η_ji, |η_ij| ≤ λ.
    """

    x: Array
    duals: Array


def tv_minimizer(topo: Topology, costs: Costs, dual_bound: float) -> TVMinimizer:
    """Solve P2's problem (4) on any graph by CVXPY: what a run with ``dual_bound`` converges to without an attack.

    Edge weights play no part: they scale β_ij, while λ bounds every dual alike.

    Parameters
    ----------
    topo : Topology
    costs : Costs
    dual_bound : float
        λ, positive and finite, in cost per unit of x.

    Raises
    ------
    CostError
        If sizes do not fit or the problem has no minimiser.
    OptionError
        If λ is not positive and finite.

    References
    ----------
    .. [1] Lin, Ling, Li, Xiong (2020). ICASSP, equation (4).

    Examples
    --------
    >>> import topologies
    >>> from decon.costs import Quadratic
    >>> costs = Quadratic([[[1.0]], [[1.0]]], [[0.0], [2.0]])
    >>> tv_minimizer(topologies.make("path", 2), costs, 0.25).x.round(6)
    array([[0.25],
           [1.75]])
    """
    import cvxpy as cp

    _check(topo, costs)
    if not (np.isfinite(dual_bound) and dual_bound > 0):
        raise OptionError(f"the dual bound must be positive and finite, not {dual_bound}")
    rows = [cp.Variable(costs.dim) for _ in range(costs.n)]
    gaps = cp.Variable((topo.n_edges, costs.dim))
    linked = _incidence(topo) @ cp.vstack(rows) == gaps
    local = sum(costs.subset([agent]).expression(row) for agent, row in enumerate(rows))
    problem = cp.Problem(cp.Minimize(local + dual_bound * cp.sum(cp.abs(gaps))), [linked])
    solve_in_units(problem, "the TV problem", costs, lambda: np.mean([row.value for row in rows], axis=0))
    flow = np.asarray(linked.dual_value, dtype=float).reshape(topo.n_edges, costs.dim)
    return TVMinimizer(np.stack([row.value for row in rows]), _both_ways(topo, flow))


def tv_threshold(topo: Topology, costs: Costs) -> float:
    """Return the least λ from which the TV penalty is exact: all x_i agree, on the minimiser of Σ f_i.

    At that minimiser x* the agents need duals with Σ_j η_ij = ∇f_i(x*), η_ij = -η_ji. The threshold is the largest
    entry of the optimal duals, those for which it is least. On a tree there is one choice; on the star it is the
    largest entry of all workers' gradients at x*.

    Parameters
    ----------
    topo : Topology
    costs : Costs

    Raises
    ------
    CostError
        If sizes do not fit or Σ f_i has no unique minimiser.

    References
    ----------
    .. [1] Lin, Ling, Li, Xiong (2020). ICASSP, equation (4).

    Examples
    --------
    >>> import topologies
    >>> from decon.costs import Quadratic
    >>> costs = Quadratic([[[1.0]], [[1.0]]], [[0.0], [2.0]])
    >>> round(tv_threshold(topologies.make("path", 2), costs), 9)
    1.0
    """
    import cvxpy as cp

    _check(topo, costs)
    slopes = costs.gradient(np.tile(minimizer(costs), (costs.n, 1)))
    flow = cp.Variable((topo.n_edges, costs.dim))
    # one agent's equation follows from the others', because the slopes sum to zero
    served = _incidence(topo).T[1:] @ flow == -slopes[1:]
    problem = cp.Problem(cp.Minimize(cp.max(cp.abs(flow))), [served])
    solve_tightly(problem, "the least dual bound", size=float(np.abs(slopes).max()) or 1.0)
    return float(problem.value)


def _check(topo: Topology, costs: Costs) -> None:
    if costs.n != topo.n:
        raise CostError(f"{topo.n} agents need {topo.n} costs, not {costs.n}")


def _incidence(topo: Topology) -> sp.csr_array:
    """Return (E, n) with x_i - x_j for the edge (i, j)."""
    ends = np.arange(topo.n_edges)
    return sp.csr_array(
        (
            np.repeat([1.0, -1.0], topo.n_edges),
            (np.concatenate([ends, ends]), np.concatenate([topo.edges[:, 0], topo.edges[:, 1]])),
        ),
        shape=(topo.n_edges, topo.n),
    )


def _both_ways(topo: Topology, flow: Array) -> Array:
    """Return (arcs, N) duals from the edges' multipliers: -flow at the first end, flow at the other."""
    duals = np.empty((len(topo.receivers), flow.shape[1]))
    first = np.flatnonzero(topo.receivers < topo.senders)
    duals[first] = -flow
    duals[topo.reverse[first]] = flow
    return duals
