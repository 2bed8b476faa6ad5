"""Statements of docs/theory.md that are oracles by themselves: altered costs, recovery, the star of two eigenvalues."""

import networkx as nx
import numpy as np
import pytest

from analysis.linear import LinearIteration
from analysis.quadratic import regular_rate
from tests.analysis import runs
from topologies import Topology


def test_a_constant_lie_is_an_honest_run_with_another_cost():
    """Section 8, (8.1): the network agrees on the minimiser of the altered sum."""
    rng = np.random.default_rng(0)
    topo = Topology(nx.wheel_graph(7))
    costs = runs.Quadratics(runs.hessians(7, 2, 0.3, 1.0, rng), rng.standard_normal((7, 2)))
    shift = np.zeros((7, 2))
    shift[[1, 4]] = rng.standard_normal((2, 2))
    penalty = 0.2
    run = runs.run(topo, costs, penalty, np.broadcast_to(shift, (601, 7, 2)))
    right = np.einsum("nij,nj->i", costs.hessians, costs.targets + shift)
    right += 2 * penalty * (topo.degrees[:, None] * shift).sum(axis=0)
    predicted = np.linalg.solve(costs.hessians.sum(axis=0), right)
    # linear convergence at about 0.9 leaves rounding after 600 iterations
    assert np.allclose(run.z[-1], predicted, atol=1e-10)
    assert np.linalg.norm(predicted - run.minimizer) > 0.1


def test_duals_that_sum_to_zero_on_the_honest_graph_lead_to_its_minimiser_and_others_do_not():
    """Section 8: the sum of the honest duals is the linear term that is left in the limit."""
    rng = np.random.default_rng(1)
    topo = Topology(nx.cycle_graph(5))
    costs = runs.Quadratics(runs.hessians(5, 1, 0.5, 1.0, rng), rng.standard_normal((5, 1)))
    alpha = rng.standard_normal((5, 1))
    warm = runs.run(topo, costs, 0.3, np.zeros((801, 5, 1)), rng.standard_normal((5, 1)), alpha - alpha.mean())
    assert np.allclose(warm.x[-1], costs.minimizer, atol=1e-12)
    wrong = runs.iterate(topo, costs, 0.3, np.zeros((801, 5, 1)), alpha0=alpha)[0][-1]
    left = np.einsum("nij,nj->i", costs.hessians, costs.targets) - alpha.sum(axis=0)
    assert np.allclose(wrong, left / costs.hessians.sum(axis=0)[0], atol=1e-12)


@pytest.mark.parametrize("seed", range(20))
def test_two_adjacency_eigenvalues_decide_on_regular_graphs(seed):
    """Section 6: weighted circulants have any spectrum they like, so this tries the proof's both cases."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(4, 12))
    weights = 10 ** rng.uniform(-2, 0, n // 2)
    graph = nx.Graph()
    for step, weight in enumerate(weights, start=1):
        graph.add_weighted_edges_from((i, (i + step) % n, float(weight)) for i in range(n))
    topo = Topology(graph)
    h, c = 10 ** rng.uniform(-2, 1, 2)
    dense = np.abs(np.linalg.eigvals(LinearIteration.of(topo, np.full(n, h), float(c)).matrix())).max()
    assert regular_rate(topo.spectrum, float(h), float(c)) == pytest.approx(dense, abs=1e-7)  # as in test_quadratic
