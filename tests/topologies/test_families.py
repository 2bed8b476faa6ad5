"""Every family: sizes, known counts, connectedness, determinism, refusals."""

from collections import Counter

import networkx as nx
import numpy as np
import pytest

import topologies
from topologies import TopologyError, make
from topologies.random_graphs import _triangle
from topologies.random_regular import regular_edges

FIXED = {"petersen": 10, "karate_club": 34, "les_miserables": 77, "florentine": 15, "davis_women": 32}
RANDOM = [
    "erdos_renyi",
    "random_regular",
    "watts_strogatz",
    "barabasi_albert",
    "random_geometric",
    "stochastic_block",
]


@pytest.mark.parametrize("name", topologies.families())
def test_connected_and_deterministic(name):
    n = FIXED.get(name, 16)
    first, second = make(name, n, seed=4), make(name, n, seed=np.random.default_rng(4))
    assert first.n == n
    assert nx.is_connected(first.to_networkx())
    np.testing.assert_array_equal(first.edges, second.edges)
    assert topologies.families()[name]


@pytest.mark.parametrize("name", RANDOM)
def test_another_seed_another_graph(name):
    assert any(not np.array_equal(make(name, 20, seed=0).edges, make(name, 20, seed=s).edges) for s in (1, 2))


ORACLES = [
    ("ring", 9, {}, nx.cycle_graph(9)),
    ("path", 9, {}, nx.path_graph(9)),
    ("star", 9, {}, nx.star_graph(8)),
    ("complete", 9, {}, nx.complete_graph(9)),
    ("wheel", 9, {}, nx.wheel_graph(9)),
    ("grid", 12, {}, nx.grid_2d_graph(3, 4)),
    ("grid", 12, {"rows": 6}, nx.grid_2d_graph(6, 2)),
    ("torus", 12, {}, nx.grid_2d_graph(3, 4, periodic=True)),
    ("hypercube", 16, {}, nx.hypercube_graph(4)),
    ("binary_tree", 15, {}, nx.balanced_tree(2, 3)),
    ("barbell", 10, {"clique": 4}, nx.barbell_graph(4, 2)),
    ("barbell", 8, {"clique": 4}, nx.barbell_graph(4, 0)),
    ("lollipop", 9, {"clique": 5}, nx.lollipop_graph(5, 4)),
    ("circulant", 11, {"offsets": [1, 3]}, nx.circulant_graph(11, [1, 3])),
    ("circulant", 8, {"offsets": [1, 4, -1, 9]}, nx.circulant_graph(8, [1, 4])),
    ("exponential", 12, {}, nx.circulant_graph(12, [1, 2, 4, 8])),
    ("complete_bipartite", 9, {"left": 3}, nx.complete_bipartite_graph(3, 6)),
    ("petersen", None, {}, nx.petersen_graph()),
    ("watts_strogatz", 12, {"k": 4, "p": 0.0}, nx.circulant_graph(12, [1, 2])),
]


@pytest.mark.parametrize("name, n, params, expected", ORACLES)
def test_is_networkx(name, n, params, expected):
    topo = make(name, n, **params)
    theirs = nx.to_numpy_array(expected)  # nodes in C order in both, apart from NetworkX's barbell with its bridge last
    if name == "barbell":
        assert nx.is_isomorphic(topo.to_networkx(), expected)
    else:
        np.testing.assert_array_equal(topo.adjacency.toarray(), theirs)


def test_margulis_is_networkx():
    theirs = nx.Graph(nx.margulis_gabber_galil_graph(6))
    theirs.remove_edges_from(list(nx.selfloop_edges(theirs)))
    ours = make("margulis", 36)
    assert {(6 * a + b, 6 * c + d) for (a, b), (c, d) in theirs.edges} <= {
        *map(tuple, ours.edges.tolist()),
        *map(tuple, ours.edges[:, ::-1].tolist()),
    }
    assert ours.n_edges == theirs.number_of_edges()


def test_social_weights():
    assert make("karate_club").degrees.sum() == 2 * 231  # Zachary's weighted matrix
    assert make("karate_club", weighted=False).degrees.sum() == 2 * 78


@pytest.mark.parametrize("n, d", [(6, 1), (7, 2), (10, 3), (50, 6), (9, 8), (20, 15), (1000, 6), (1001, 4)])
def test_regular_invariants(n, d):
    for seed in range(5):
        edges = regular_edges(n, d, np.random.default_rng(seed))
        np.testing.assert_array_equal(np.bincount(edges.ravel(), minlength=n), d)
        assert (edges[:, 0] < edges[:, 1]).all()
        assert len(np.unique(edges, axis=0)) == n * d // 2


def test_regular_is_uniform():
    """All 70 labelled 3-regular graphs on 6 agents (10 K33, 60 prisms) are equally likely."""
    rng = np.random.default_rng(11)
    draws = 700
    counts = Counter(regular_edges(6, 3, rng).tobytes() for _ in range(draws))
    assert len(counts) == 70
    chi2 = sum((c - draws / 70) ** 2 for c in counts.values()) / (draws / 70)
    assert chi2 < 120  # 69 degrees of freedom: exceeded once in 10^4 seeds; the seed is fixed


def test_pairs_are_unranked():
    every = _triangle(np.arange(45))
    np.testing.assert_array_equal(every, np.stack(np.tril_indices(10, -1), axis=1))
    for row in (10**4, 10**6, 10**9):  # where the square root rounds
        start = row * (row - 1) // 2
        np.testing.assert_array_equal(_triangle(np.array([start - 1, start])), [[row - 1, row - 2], [row, 0]])


def test_edge_counts_are_binomial():
    counts = [make("erdos_renyi", 60, p=0.3, seed=s).n_edges for s in range(200)]
    mean, sd = 1770 * 0.3, np.sqrt(1770 * 0.21)
    assert abs(np.mean(counts) - mean) < 5 * sd / np.sqrt(200)  # five standard errors
    assert 0.7 < np.std(counts) / sd < 1.3  # an estimate from 200 draws has 5 % error


@pytest.mark.parametrize(
    "name, n, params, message",
    [
        ("rign", 5, {}, "unknown family 'rign'"),
        ("ring", None, {}, "needs the number"),
        ("ring", 1, {}, "n = 1"),
        ("ring", 2.5, {}, "2.5"),
        ("ring", 5, {"k": 2}, "no parameter 'k'"),
        ("ring", 5, {"rng": 2}, "no parameter 'rng'"),
        ("torus", 10, {}, "n = 10"),
        ("grid", 7, {}, "n = 7"),
        ("grid", 12, {"rows": 5}, "rows = 5"),
        ("hypercube", 12, {}, "12"),
        ("margulis", 15, {}, "15"),
        ("petersen", 11, {}, "10 agents"),
        ("karate_club", 20, {}, "34 agents"),
        ("random_regular", 5, {"d": 3}, "n = 5, d = 3"),
        ("random_regular", 4, {"d": 4}, "d = 4"),
        ("random_regular", 50, {"d": 1}, "d = 1.*raise d"),
        ("erdos_renyi", 20, {"p": 0.0}, "no connected"),
        ("erdos_renyi", 20, {"p": 1.5}, "1.5"),
        ("erdos_renyi", 20, {"p": float("nan")}, "nan"),
        ("erdos_renyi", 20, {"p": "high"}, "high"),
        ("random_geometric", 20, {"radius": 1e-6}, "raise the radius"),
        ("random_geometric", 20, {"radius": float("nan")}, "nan"),
        ("stochastic_block", 20, {"blocks": 0}, "blocks = 0"),
        ("stochastic_block", 20, {"p_out": 0}, "p_out = 0"),
        ("watts_strogatz", 20, {"k": 3}, "k = 3"),
        ("barabasi_albert", 5, {"m": 5}, "m = 5"),
        ("circulant", 6, {"offsets": [6]}, "offsets"),
        ("circulant", 6, {"offsets": []}, "offsets"),
        ("circulant", 6, {"offsets": [2]}, "disconnected"),
        ("barbell", 10, {"clique": 6}, "clique = 6"),
        ("lollipop", 10, {"clique": 1}, "clique = 1"),
        ("complete_bipartite", 10, {"left": 10}, "left = 10"),
    ],
)
def test_refusals(name, n, params, message):
    with pytest.raises(TopologyError, match=message):
        make(name, n, seed=0, **params)


@pytest.mark.parametrize("seed", [-1, "abc", 1.5])
def test_bad_seed(seed):
    with pytest.raises(TopologyError, match="seed"):
        make("erdos_renyi", 10, seed=seed)
