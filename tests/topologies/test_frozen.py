"""What is read-only stays so in copies; what is not real numbers is no weight."""

import copy
import pickle

import networkx as nx
import numpy as np
import pytest
import scipy.sparse as sp

import topologies
from topologies import Topology, TopologyError
from topologies.frozen import Frozen, freeze

WAYS = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda value: pickle.loads(pickle.dumps(value)),
    "old pickle": lambda value: pickle.loads(pickle.dumps(value, protocol=2)),
}
CACHED = ["edges", "weights", "degrees", "receivers", "senders", "reverse", "arc_weights", "L_plus", "L_minus"]


def arrays(value):
    return [value.data, value.indices, value.indptr] if sp.issparse(value) else [value]


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_topologies_stay_read_only(way):
    topo = topologies.make("erdos_renyi", 12, seed=1)
    seen = {name: getattr(topo, name) for name in (*CACHED, "adjacency")}
    eigenvalues = topo.spectrum.adjacency
    twin = way(topo)
    for name, value in seen.items():
        for mine, other in zip(arrays(value), arrays(getattr(twin, name)), strict=True):
            assert not mine.flags.writeable
            assert not other.flags.writeable
            np.testing.assert_array_equal(mine, other)
    assert not twin.spectrum.adjacency.flags.writeable
    np.testing.assert_array_equal(twin.spectrum.adjacency, eigenvalues)
    assert twin.labels == topo.labels
    with pytest.raises(ValueError, match="read-only"):
        twin.adjacency.data[0] = 7.0


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_what_could_be_written_to_still_can(way):
    class_ = type("Kept", (Frozen,), {"__module__": __name__, "__qualname__": "Kept"})
    globals()["Kept"] = class_
    owner = class_()
    owner.frozen, owner.scratch, owner.mixed = freeze(np.zeros(2)), np.zeros(2), [freeze(np.zeros(1))]
    twin = way(owner)
    assert set(vars(twin)) == {"frozen", "scratch", "mixed"}
    assert not twin.frozen.flags.writeable
    assert twin.scratch.flags.writeable


@pytest.mark.parametrize(
    "weights",
    [[1 + 1j, 2], np.array([1 + 0j, 2]), ["heavy", 1], [None, 1], np.ma.masked_array([1.0, 2.0], [True, False])],
)
def test_weights_are_real_numbers(weights):
    with pytest.raises(TopologyError, match=r"real numbers|weight nan"):
        Topology.from_edges(3, [[0, 1], [1, 2]], weights)
    with pytest.raises(TopologyError, match="real numbers"):
        Topology(nx.Graph([(0, 1, {"weight": 1 + 1j})]))


def test_a_disconnected_graph_names_two_agents_apart():
    with pytest.raises(TopologyError, match="2 components on 4 nodes, no path from 'a' to 'c'"):
        Topology(nx.Graph([("a", "b"), ("c", "d")]))
    with pytest.raises(TopologyError, match="1 edges cannot connect 1000000000000 nodes"):  # no array of 10¹²
        Topology.from_edges(10**12, [[0, 1]])
