"""Topology: arcs, relabelling, refusals."""

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from topologies import Topology, TopologyError


@st.composite
def connected(draw):
    """A random tree plus random edges, with weights."""
    n = draw(st.integers(2, 9))
    edges = {(draw(st.integers(0, i - 1)), i) for i in range(1, n)}
    extra = draw(st.sets(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), max_size=10))
    pairs = np.array(sorted(edges | {(u, v) for u, v in extra if u < v}))
    weights = draw(st.lists(st.floats(0.1, 10), min_size=len(pairs), max_size=len(pairs)))
    return n, pairs, np.array(weights)


@given(connected())
@settings(max_examples=60, deadline=None)
def test_arcs(graph):
    topo = Topology.from_edges(*graph)
    arcs = list(zip(topo.receivers.tolist(), topo.senders.tolist(), strict=True))
    assert arcs == sorted(arcs)
    assert len(set(arcs)) == 2 * topo.n_edges
    np.testing.assert_array_equal(topo.senders[topo.reverse], topo.receivers)
    np.testing.assert_array_equal(topo.receivers[topo.reverse], topo.senders)
    np.testing.assert_array_equal(topo.arc_weights[topo.reverse], topo.arc_weights)
    np.testing.assert_allclose(np.bincount(topo.receivers, topo.arc_weights), topo.degrees, rtol=1e-14)
    np.testing.assert_array_equal(Topology(topo.to_networkx()).adjacency.toarray(), topo.adjacency.toarray())


@given(connected(), st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_relabelling_permutes(graph, random):
    n, edges, weights = graph
    order = np.array(random.sample(range(n), n))
    here, there = Topology.from_edges(n, edges, weights), Topology.from_edges(n, order[edges], weights)
    np.testing.assert_array_equal(there.adjacency.toarray()[np.ix_(order, order)], here.adjacency.toarray())
    np.testing.assert_allclose(there.degrees[order], here.degrees, rtol=1e-14)  # sums in another order
    a, b = here.spectrum, there.spectrum
    assert a.is_bipartite == b.is_bipartite
    # LAPACK's rounding, a few ulp of Λ <= 180
    assert (a.algebraic_connectivity, a.signless_max, a.signless_min) == pytest.approx(
        (b.algebraic_connectivity, b.signless_max, b.signless_min), abs=1e-12 * 180
    )


@given(connected())
@settings(max_examples=30, deadline=None)
def test_weights_one_is_unweighted(graph):
    n, edges, weights = graph
    bare, ones = Topology.from_edges(n, edges), Topology.from_edges(n, edges, np.ones_like(weights))
    np.testing.assert_array_equal(bare.adjacency.toarray(), ones.adjacency.toarray())
    assert bare.spectrum == ones.spectrum


@pytest.mark.parametrize(
    "graph, message",
    [
        (nx.Graph([(0, 1), (2, 3)]), "disconnected"),
        (nx.Graph([("a", "b"), ("b", "b")]), "self-loop at node 'b'"),
        (nx.DiGraph([(0, 1)]), "DiGraph"),
        (nx.MultiGraph([(0, 1)]), "MultiGraph"),
        (nx.empty_graph(0), "n = 0"),
        (nx.empty_graph(1), "n = 1"),
        ([(0, 1)], "list"),
        *(
            (nx.Graph([("a", "b", {"weight": w})]), "weight")
            for w in (-1, 0, float("nan"), float("inf"), "heavy", None, 1j)
        ),
    ],
)
def test_hostile(graph, message):
    with pytest.raises(TopologyError, match=message):
        Topology(graph)


def test_frozen():
    topo = Topology(nx.path_graph(3))
    with pytest.raises(AttributeError):
        topo.n = 4
    for array in (topo.edges, topo.senders, topo.receivers, topo.reverse, topo.degrees, topo.weights, topo.arc_weights):
        with pytest.raises(ValueError):
            array[...] = 0
    with pytest.raises(ValueError):
        topo.adjacency.data[0] = 5
