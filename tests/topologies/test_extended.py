"""The identities of P1 section 2.1."""

import numpy as np
import pytest

import topologies
from topologies import Topology, TopologyError, extended

GRAPHS = [("ring", 7, {}), ("star", 6, {}), ("erdos_renyi", 12, {}), ("les_miserables", None, {}), ("path", 2, {})]


@pytest.mark.parametrize("dim", [1, 3])
@pytest.mark.parametrize("name, n, params", GRAPHS)
def test_identities(name, n, params, dim):
    topo = topologies.make(name, n, **params)
    m = extended(topo, dim)
    eye = np.eye(dim)
    tight = {"rtol": 0, "atol": 1e-12 * topo.degrees.max()}  # rounding of √w·√w and of sums over neighbours
    for made, incidence, laplacian in (
        (m.L_plus, m.M_plus, topo.L_plus),
        (m.L_minus, m.M_minus, topo.L_minus),
    ):
        np.testing.assert_allclose((incidence @ incidence.T / 2).toarray(), made.toarray(), **tight)
        np.testing.assert_array_equal(made.toarray(), np.kron(laplacian.toarray(), eye))
    np.testing.assert_array_equal(m.M_plus.toarray(), (m.A1.T + m.A2.T).toarray())
    np.testing.assert_array_equal(m.M_minus.toarray(), (m.A1.T - m.A2.T).toarray())
    np.testing.assert_allclose(m.W.toarray(), ((m.L_plus + m.L_minus) / 2).toarray(), **tight)
    np.testing.assert_array_equal(m.W.toarray(), np.kron(np.diag(topo.degrees), eye))
    # eigh of L₋/2 and one product: a few hundred ulp of its norm, 2·d_max
    np.testing.assert_allclose(m.Q @ m.Q, m.L_minus.toarray() / 2, rtol=0, atol=1e-12 * topo.degrees.max())
    np.testing.assert_array_equal(m.Q, m.Q.T)
    values = np.linalg.eigvalsh(m.Q)
    assert values[0] > -1e-10
    assert np.sum(values < 1e-7) == dim  # null(Q) has dimension dim, and 1 ⊗ I lies in it:
    np.testing.assert_allclose(m.Q @ np.kron(np.ones((topo.n, 1)), eye), 0, atol=1e-11 * topo.degrees.max())


def test_blocks_follow_the_arcs():
    topo = Topology.from_edges(3, [[0, 1], [1, 2]], [4.0, 9.0])
    m = extended(topo, 2)
    for arc in range(4):
        for agent in range(3):
            block = (slice(2 * arc, 2 * arc + 2), slice(2 * agent, 2 * agent + 2))
            root = np.sqrt(topo.arc_weights[arc])
            np.testing.assert_array_equal(m.A1.toarray()[block], root * np.eye(2) * (topo.senders[arc] == agent))
            np.testing.assert_array_equal(m.A2.toarray()[block], root * np.eye(2) * (topo.receivers[arc] == agent))


@pytest.mark.parametrize("dim", [0, -1, 1.5, "2"])
def test_bad_dim(dim):
    with pytest.raises(TopologyError, match="dim"):
        extended(topologies.make("ring", 3), dim)
