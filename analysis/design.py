"""Better networks: which edges to add, which weights to give, and the best penalty of each candidate."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import networkx as nx
import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

from analysis.certificate import certified_rate
from analysis.errors import HypothesisError
from analysis.hypotheses import require_topology
from analysis.lmi import solved
from analysis.penalty import optimal_penalty
from topologies import Topology

__all__ = ["TunedTopology", "best_penalty_per_topology", "optimal_weights", "suggest_edges"]

Array = NDArray[np.float64]

_SHORTLIST = 12
_NEGLIGIBLE = 1e-6
"""Weights below this share of the largest are the solver's zeros; their edges are dropped."""


@dataclass(frozen=True)
class TunedTopology:
    """A topology with the penalty of least certified rate, and that rate.

    Attributes
    ----------
    topology : Topology
    penalty : float
        c, in the unit of ν and ℓ.
    certified_rate : float
        Upper bound on the rate for every choice of costs in the class.
    """

    topology: Topology
    penalty: float
    certified_rate: float


def best_penalty_per_topology(
    topologies: Iterable[Topology], *, strong_convexity: float, smoothness: float
) -> tuple[TunedTopology, ...]:
    """Return each topology with its best certified penalty, in the order given: a network before and after, compared.

    Parameters
    ----------
    topologies : iterable of Topology
    strong_convexity, smoothness : float
        0 < ν ≤ ℓ, in cost per squared unit of x.

    Raises
    ------
    HypothesisError
        If 0 < ν ≤ ℓ fails.

    Examples
    --------
    >>> path = Topology(nx.path_graph(6))
    >>> before, after = best_penalty_per_topology([path, suggest_edges(path, 1)], strong_convexity=1.0, smoothness=4.0)
    >>> after.certified_rate < before.certified_rate
    True
    """
    tuned = []
    for topo in topologies:
        c = optimal_penalty(topo, strong_convexity=strong_convexity, smoothness=smoothness, method="certified")
        rate = certified_rate(topo, strong_convexity=strong_convexity, smoothness=smoothness, penalty=c)
        tuned.append(TunedTopology(topo, c, rate))
    return tuple(tuned)


def suggest_edges(topo: Topology, k: int) -> Topology:
    r"""Return ``topo`` with k more edges, chosen greedily for a small κ_G = √(Λ/a): a heuristic, no optimum.

    Each new edge has the graph's mean weight w. To first order it changes log(a/Λ) by
    :math:`w (v_i - v_j)^2/a - w (u_i + u_j)^2/\Lambda`, v the Fiedler vector and u the top signless one; the
    twelve best candidates by that score are then judged by their true eigenvalues.

    Parameters
    ----------
    topo : Topology
    k : int
        How many edges, between 0 and the number of missing ones.

    Raises
    ------
    HypothesisError
        If there are not k edges to add; the message says how many there are.

    Examples
    --------
    >>> better = suggest_edges(Topology(nx.path_graph(5)), 1)
    >>> better.n_edges, round(better.spectrum.algebraic_connectivity / 0.381966, 2)
    (5, 3.62)
    """
    require_topology(topo)
    missing = topo.n * (topo.n - 1) // 2 - topo.n_edges
    if not 0 <= k <= missing:
        raise HypothesisError(f"between 0 and {missing} edges can be added, not {k}")
    weight = float(topo.weights.mean())
    adjacency = topo.adjacency.toarray()
    for _ in range(k):
        rows, columns = np.nonzero(np.triu(adjacency == 0, 1))
        degrees = adjacency.sum(axis=1)
        slow, fiedler = eigh(np.diag(degrees) - adjacency, subset_by_index=[1, 1])
        fast, top = eigh(np.diag(degrees) + adjacency, subset_by_index=[topo.n - 1, topo.n - 1])
        v, u = fiedler[:, 0], top[:, 0]
        score = (v[rows] - v[columns]) ** 2 / slow[0] - (u[rows] + u[columns]) ** 2 / fast[0]
        trials = np.argsort(-score, kind="stable")[:_SHORTLIST]
        conditions = [_condition_with(adjacency, rows[t], columns[t], weight) for t in trials]
        best = trials[int(np.argmax(conditions))]
        adjacency[rows[best], columns[best]] = adjacency[columns[best], rows[best]] = weight
    return _rebuilt(topo, adjacency)


def optimal_weights(topo: Topology, *, regular: bool = False) -> Topology:
    r"""Return ``topo`` with the edge weights of largest algebraic connectivity under a degree budget: optimal, by SDP.

    max a over w ≥ 0 with :math:`L(w) \succeq a(I - 11^T/n)` and every weighted degree at most the present largest one,
    so a does not fall and Λ stays below twice that degree. With ``regular`` every weighted degree *equals* it, as for
    the fastest mixing symmetric Markov chain on the edges without loops.

    Parameters
    ----------
    topo : Topology
        Up to some 100 agents; the program is dense.
    regular : bool
        Whether all weighted degrees must be equal. Not possible on every graph, e.g. on no tree but a single edge.

    Raises
    ------
    HypothesisError
        If no weights meet the constraints.

    Examples
    --------
    >>> lollipop = Topology(nx.lollipop_graph(4, 2))
    >>> better = optimal_weights(lollipop)
    >>> round(better.spectrum.algebraic_connectivity / lollipop.spectrum.algebraic_connectivity, 2)
    1.5
    """
    require_topology(topo)
    import cvxpy as cp

    n, edges = topo.n, topo.edges
    budget = float(topo.degrees.max())
    weights = cp.Variable(len(edges), nonneg=True)
    connectivity = cp.Variable()
    ends = np.zeros((n, len(edges)))
    ends[edges[:, 0], range(len(edges))] = 1.0
    signed = ends.copy()
    ends[edges[:, 1], range(len(edges))] = 1.0
    signed[edges[:, 1], range(len(edges))] = -1.0
    laplacian = signed @ cp.diag(weights) @ signed.T
    degrees = ends @ weights
    limit = degrees == budget if regular else degrees <= budget
    problem = cp.Problem(
        cp.Maximize(connectivity), [laplacian - connectivity * (np.eye(n) - np.full((n, n), 1 / n)) >> 0, limit]
    )
    if not solved(problem) or not connectivity.value > 0:
        raise HypothesisError(f"no edge weights give every agent the degree {budget:g} on this graph")
    chosen = np.where(weights.value > _NEGLIGIBLE * weights.value.max(), weights.value, 0.0)
    adjacency = np.zeros((n, n))
    adjacency[edges[:, 0], edges[:, 1]] = adjacency[edges[:, 1], edges[:, 0]] = chosen
    return _rebuilt(topo, adjacency)


def _condition_with(adjacency: Array, i: int, j: int, weight: float) -> float:
    """Return a/Λ after adding one edge."""
    trial = adjacency.copy()
    trial[i, j] = trial[j, i] = weight
    degrees = np.diag(trial.sum(axis=1))
    slow = eigh(degrees - trial, subset_by_index=[1, 1], eigvals_only=True)
    last = len(trial) - 1
    return float(slow[0] / eigh(degrees + trial, subset_by_index=[last, last], eigvals_only=True)[0])


def _rebuilt(topo: Topology, adjacency: Array) -> Topology:
    """Return a topology with new weights and the old labels."""
    graph = nx.from_numpy_array(adjacency)
    return Topology(nx.relabel_nodes(graph, dict(enumerate(topo.labels))))
