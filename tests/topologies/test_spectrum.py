"""Spectra against closed forms and LAPACK."""

import networkx as nx
import numpy as np
import pytest
import scipy.sparse.linalg

import topologies
from topologies import Topology
from topologies.cayley import AbelianCayley
from topologies.eigen import extremes


def relabelled(topo, seed):
    order = np.random.default_rng(seed).permutation(topo.n)
    return Topology.from_edges(topo.n, order[topo.edges], topo.weights)


def cosines(n):
    return 2 * np.cos(2 * np.pi * np.arange(n) / n)


def adjacency_of(name, n):
    """Eigenvalues of A from textbooks (Brouwer, Haemers: Spectra of Graphs, chapter 1)."""
    if name == "ring":
        return cosines(n)
    if name == "path":
        return 2 * np.cos(np.pi * np.arange(1, n + 1) / (n + 1))
    if name == "star":
        return np.array([-np.sqrt(n - 1), *[0] * (n - 2), np.sqrt(n - 1)])
    if name == "complete":
        return np.array([n - 1, *[-1] * (n - 1)])
    if name == "hypercube":
        m = n.bit_length() - 1
        return np.array([m - 2 * int(i).bit_count() for i in range(n)])
    if name == "torus":
        rows, cols = {12: (3, 4), 20: (4, 5), 49: (7, 7)}[n]
        return (cosines(rows)[:, None] + cosines(cols)).ravel()
    assert name == "petersen"
    return np.array([3, *[1] * 5, *[-2] * 4])


REGULAR = [("ring", n) for n in (3, 4, 7, 50)] + [("complete", n) for n in (2, 3, 9)]
REGULAR += [("hypercube", n) for n in (2, 4, 32)] + [("torus", n) for n in (12, 20, 49)] + [("petersen", 10)]


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("name, n", REGULAR)
def test_regular_closed_forms(name, n, shuffle):
    topo = topologies.make(name, n)
    if shuffle:  # hides the natural numbering, so the dense way is taken
        topo = relabelled(topo, 1)
    expected = np.sort(adjacency_of(name, n))
    degree = expected[-1]
    s = topo.spectrum
    close = {"abs": 1e-12 * n}  # LAPACK and FFT err by a few ulp of the degree
    assert s.adjacency == pytest.approx(expected, **close)
    assert s.algebraic_connectivity == pytest.approx(degree - expected[-2], **close)
    assert s.signless_max == pytest.approx(2 * degree, **close)
    assert s.signless_min == pytest.approx(degree + expected[0], **close)
    assert s.adjacency_extremes == pytest.approx((expected[0], expected[-2], degree), **close)
    assert s.is_regular
    assert s.is_bipartite == bool(abs(degree + expected[0]) < 1e-9)


@pytest.mark.parametrize("n", [2, 3, 10, 41])
def test_path_and_star(n):
    path, star = topologies.make("path", n).spectrum, topologies.make("star", n).spectrum
    a = 2 - 2 * np.cos(np.pi / n)
    assert (path.algebraic_connectivity, path.signless_max) == pytest.approx((a, 4 - a))
    assert (star.algebraic_connectivity, star.signless_max) == pytest.approx((2 if n == 2 else 1, n))
    assert path.signless_min == star.signless_min == 0
    assert path.adjacency == pytest.approx(np.sort(adjacency_of("path", n)), abs=1e-12)
    assert star.adjacency == pytest.approx(np.sort(adjacency_of("star", n)), abs=1e-12)


def test_grid_and_complete_bipartite():
    grid = topologies.make("grid", 35).spectrum  # 5 × 7: sums of two paths' eigenvalues
    assert grid.algebraic_connectivity == pytest.approx(2 - 2 * np.cos(np.pi / 7))
    assert grid.signless_max == pytest.approx(4 + 2 * np.cos(np.pi / 5) + 2 * np.cos(np.pi / 7))
    both = topologies.make("complete_bipartite", 9, left=4).spectrum
    assert (both.algebraic_connectivity, both.signless_max, both.signless_min) == pytest.approx((4, 9, 0))


@pytest.mark.parametrize(
    "name, params",
    [("ring", {}), ("circulant", {"offsets": [1, 5, 9]}), ("exponential", {}), ("torus", {}), ("complete", {})],
)
def test_closed_form_is_lapack(name, params):
    topo = topologies.make(name, 36, **params)
    s = topo.spectrum
    assert s.method == "closed form"
    minus, plus = (np.linalg.eigvalsh(m.toarray()) for m in (topo.L_minus, topo.L_plus))
    expected = (minus[1], plus[-1], plus[0])
    # rounding of LAPACK, a few ulp of Λ <= 72
    assert (s.algebraic_connectivity, s.signless_max, s.signless_min) == pytest.approx(expected, abs=1e-12)
    assert s.adjacency == pytest.approx(np.linalg.eigvalsh(topo.adjacency.toarray()), abs=1e-12)


def weighted_grid(rows, columns, down, right):
    grid = topologies.make("grid", rows * columns, rows=rows)
    return Topology.from_edges(grid.n, grid.edges, np.where(np.diff(grid.edges)[:, 0] == 1, right, down))


JOINS = [(name, n, {}) for name in ("star", "wheel") for n in (4, 5, 6, 12, 13, 40)] + [
    ("star", 2, {}),
    ("star", 3, {}),
]
JOINS += [("complete_bipartite", n, {"left": left}) for n, left in ((5, 2), (9, 8), (30, 11))]
PATHS = [("path", n, {}) for n in (3, 4, 9, 40)] + [("grid", n, {"rows": r}) for n, r in ((6, 2), (12, 6), (35, 5))]
COMPOSED = [topologies.make(name, n, **params) for name, n, params in JOINS + PATHS] + [
    Topology(nx.windmill_graph(5, 4), name="windmill"),  # hub and five triangles
    Topology(nx.windmill_graph(6, 3), name="friendship"),
    Topology(nx.complete_multipartite_graph(1, 1, 1, 4), name="split"),  # a triangle, all joined to four
    Topology.from_edges(9, (wheel := topologies.make("wheel", 9)).edges, np.where(wheel.edges[:, 0] == 0, 0.3, 2.0)),
    Topology.from_edges(9, 8 - wheel.edges, np.where(wheel.edges[:, 0] == 0, 3.0, 0.5), name="hub last"),
    weighted_grid(4, 7, 0.2, 3.0),
    weighted_grid(7, 4, 1.5, 0.1),
]


@pytest.mark.parametrize("topo", COMPOSED, ids=lambda topo: f"{topo.name}-{topo.n}-{topo.n_edges}")
def test_joins_and_grids_are_lapack(topo):
    s = topo.spectrum
    assert s.method == "closed form"
    minus, plus = (np.linalg.eigvalsh(m.toarray()) for m in (topo.L_minus, topo.L_plus))
    # rounding of LAPACK, a few ulp of Λ <= 45
    near = {"abs": 1e-12}
    assert (s.algebraic_connectivity, s.signless_max, s.signless_min) == pytest.approx(
        (minus[1], plus[-1], plus[0]), **near
    )
    assert s.adjacency == pytest.approx(np.linalg.eigvalsh(topo.adjacency.toarray()), **near)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", ["wheel", "path", "grid", "star", "complete_bipartite"])
def test_joins_and_grids_need_every_arc(name, seed):
    """One changed weight, one edge more or another numbering, and LAPACK decides."""
    rng = np.random.default_rng(seed)
    topo = topologies.make(name, 12, **({"left": 5} if name == "complete_bipartite" else {}))
    weights = np.ones(topo.n_edges)
    weights[rng.integers(topo.n_edges)] = 2
    missing = np.argwhere(np.triu(topo.adjacency.toarray() == 0, 1))
    more = np.vstack([topo.edges, missing[rng.integers(len(missing))]])
    for changed in (
        Topology.from_edges(12, topo.edges, weights),
        Topology.from_edges(12, more),
        relabelled(topo, seed),
    ):
        minus, plus = (np.linalg.eigvalsh(m.toarray()) for m in (changed.L_minus, changed.L_plus))
        s = changed.spectrum
        found = (s.algebraic_connectivity, s.signless_max, s.signless_min)
        assert found == pytest.approx((minus[1], plus[-1], plus[0]), abs=1e-12)  # rounding of LAPACK


def test_closed_form_needs_every_arc():
    """One moved edge or one changed weight of a ring is noticed."""
    edges = np.stack([np.arange(12), (np.arange(12) + 1) % 12], axis=1)
    weights = np.ones(12)
    assert AbelianCayley.find(Topology.from_edges(12, edges, weights)) is not None
    weights[5] = 2
    assert AbelianCayley.find(Topology.from_edges(12, edges, weights)) is None
    for seed in range(5):
        regular = topologies.make("random_regular", 12, d=4, seed=seed)
        dense = np.sort(np.linalg.eigvalsh(regular.adjacency.toarray()))
        assert regular.spectrum.adjacency == pytest.approx(dense, abs=1e-12)


@pytest.mark.parametrize(
    "name, n, params",
    [
        ("ring", 301, {}),
        ("ring", 300, {}),
        ("grid", 300, {}),
        ("star", 300, {}),
        ("binary_tree", 300, {}),
        ("random_regular", 300, {"d": 6}),
        ("barabasi_albert", 300, {}),
        ("random_geometric", 300, {}),
        ("erdos_renyi", 300, {}),
    ],
)
@pytest.mark.parametrize("fill", [0, 10**12], ids=["lanczos", "inverse"])
@pytest.mark.parametrize("weighted", [False, True])
def test_sparse_is_dense(monkeypatch, name, n, params, fill, weighted):
    """The sparse solvers, both ways, against LAPACK, where LAPACK is still quick."""
    monkeypatch.setattr("topologies.eigen._WORK", fill if fill else -1)
    topo = topologies.make(name, n, seed=3, **params)
    if weighted:
        topo = Topology.from_edges(n, topo.edges, np.random.default_rng(0).uniform(0.5, 2, topo.n_edges))
    dense = topo.spectrum
    least, smallest, largest, residual = extremes(topo, regular=dense.is_regular, bipartite=dense.is_bipartite)
    minus, plus = (np.linalg.eigvalsh(m.toarray()) for m in (topo.L_minus, topo.L_plus))
    # an eigenvalue lies within the residual; Λ·1e-12 is LAPACK's own rounding
    slack = largest * (residual + 1e-12)
    assert least == pytest.approx(minus[1], abs=slack)
    assert largest == pytest.approx(plus[-1], abs=slack)
    assert smallest == pytest.approx(0 if dense.is_bipartite else plus[0], abs=slack)
    assert residual <= 1e-6  # the solver is asked for 1e-7 of its own operator's norm


def test_large_ring_in_any_numbering():
    n = 100_001
    exact = 4 * np.sin(np.pi / n) ** 2, 4 * np.sin(np.pi / (2 * n)) ** 2
    ring = topologies.make("ring", n)
    assert (ring.spectrum.algebraic_connectivity, ring.spectrum.signless_min) == pytest.approx(exact, rel=1e-12)
    hidden = relabelled(ring, 0).spectrum
    assert hidden.method == "sparse"
    # cond(L) is about n² = 1e10, so a solve loses ten of sixteen digits; the Rayleigh quotient squares what is left
    assert (hidden.algebraic_connectivity, hidden.signless_min) == pytest.approx(exact, rel=1e-8)


@pytest.mark.parametrize("n", [5000, 5001])
def test_clustered_eigenvalues_of_a_large_wheel(n):
    """The eigenvalues next to the least differ by 1e-6 of it, too little for Lanczos: it takes the bisection.

    The same wheel in its natural numbering has a closed form.
    """
    s, rim = relabelled(topologies.make("wheel", n), 0).spectrum, n - 1
    known = topologies.make("wheel", n).spectrum
    hub = np.linalg.eigvalsh([[rim, np.sqrt(rim)], [np.sqrt(rim), 5]])
    expected = 1 + 4 * np.sin(np.pi / rim) ** 2, hub[1], 3 + 2 * np.cos(2 * np.pi * (rim // 2) / rim)
    # Λ = n makes a unit in the last place of L 1e-12; a Rayleigh quotient errs by the residual² over the gap
    assert (s.algebraic_connectivity, s.signless_max, s.signless_min) == pytest.approx(expected, abs=1e-10, rel=1e-12)
    assert (known.algebraic_connectivity, known.signless_max, known.signless_min) == pytest.approx(expected, rel=1e-12)
    assert (s.method, known.method) == ("sparse", "closed form")


def test_large_regular_graph_is_an_expander():
    s = topologies.make("random_regular", 20_000, d=6, seed=0).spectrum
    ramanujan = 2 * np.sqrt(5)
    # Friedman (2008): both nontrivial ends of A lie within o(1) of ±2√(d-1)
    assert s.adjacency_extremes == pytest.approx((-ramanujan, ramanujan, 6), abs=0.05)
    assert s.adjacency is None
    assert 0 < s.residual < 1e-6


@pytest.mark.parametrize("seed", range(5))
def test_bipartite_is_what_networkx_says(seed):
    for name in ("barabasi_albert", "erdos_renyi", "binary_tree", "complete_bipartite"):
        topo = topologies.make(name, 12, seed=seed)
        assert topo.spectrum.is_bipartite == nx.is_bipartite(topo.to_networkx())


def test_weak_odd_cycle_is_not_bipartite():
    """An eigenvalue test would call this bipartite; a search does not."""
    weak = Topology.from_edges(4, [[0, 1], [1, 2], [2, 3], [0, 2]], [1, 1, 1, 1e-14])
    assert not weak.spectrum.is_bipartite


def test_where_sparse_eigensolvers_do_not_settle_lapack_answers(monkeypatch):
    def gives_up(*_args, **_options):
        raise scipy.sparse.linalg.ArpackNoConvergence("no", np.empty(0), np.empty((0, 0)))

    topo = topologies.make("barabasi_albert", 300, seed=1)
    dense = topo.spectrum
    monkeypatch.setattr("topologies.spectrum._DENSE", 0)
    monkeypatch.setattr("topologies.eigen.eigsh", gives_up)
    found = Topology.from_edges(300, topo.edges).spectrum
    assert found == dense  # the same matrices, the same bits
    monkeypatch.setattr("topologies.spectrum._DENSE_AFTER", 299)
    with pytest.raises(RuntimeError, match=r"the spectrum of Topology\(.*n=300.* did not converge"):
        _ = Topology.from_edges(300, topo.edges).spectrum


def test_an_eigenvector_with_too_large_a_residual_is_no_answer(monkeypatch):
    monkeypatch.setattr("topologies.spectrum._DENSE", 0)
    monkeypatch.setattr("topologies.eigen._CERTIFIED", 0.0)
    topo = topologies.make("barabasi_albert", 300, seed=1)
    assert topo.spectrum.method == "dense"
