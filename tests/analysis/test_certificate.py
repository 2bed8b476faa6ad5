"""Certified rates and radii against grids, closed forms, the LMI and the quadratic costs they must cover."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis import HypothesisError, certified_radius, certified_rate, exact_radius, exact_rate
from analysis.certificate import _irregular_rate
from analysis.circle import Circle
from analysis.circle_regular import regular_rate
from analysis.lmi import lmi_peak_gain, lmi_rate
from analysis.reach import ellipsoid, peak_gain
from analysis.sector_loop import sector_loop
from topologies import Topology, make

GRAPHS = {
    "edge": nx.path_graph(2),
    "path": nx.path_graph(5),
    "star": nx.star_graph(5),
    "ring": nx.cycle_graph(6),
    "complete": nx.complete_graph(5),
    "erdos_renyi": nx.gnp_random_graph(8, 0.5, seed=3),
    "tree": nx.random_labeled_tree(9, seed=1),
}


def weighted(graph: nx.Graph, seed: int) -> Topology:
    rng = np.random.default_rng(seed)
    copy = graph.copy()
    for edge in copy.edges:
        copy.edges[edge]["weight"] = float(rng.uniform(0.2, 3))
    return Topology(copy)


def least_singular(topo: Topology, nu: float, ell: float, c: float, zeta: np.ndarray) -> np.ndarray:
    """σ_min(mI + c p(ζ)D - c g(ζ)A) at each ζ, straight from theory.md section 7."""
    p = 2 - 1 / zeta + 1 / (zeta - 1)
    g = 1 / zeta + 1 / (zeta - 1)
    matrices = (
        (nu + ell) / 2 * np.eye(topo.n)
        + c * p[:, None, None] * np.diag(topo.degrees)
        - c * g[:, None, None] * topo.adjacency.toarray()
    )
    return np.linalg.svd(matrices, compute_uv=False)[:, -1]


@pytest.mark.parametrize("name", ["path", "star", "erdos_renyi", "edge"])
@pytest.mark.parametrize(("c", "ell"), [(0.1, 3.0), (1.0, 10.0), (4.0, 3.0)])
def test_rate_is_where_the_circle_touches_the_ball(name: str, c: float, ell: float) -> None:
    topo = Topology(GRAPHS[name])
    rate = certified_rate(topo, strong_convexity=1.0, smoothness=ell, penalty=c)
    radius = (ell - 1) / 2
    turn = np.exp(1j * np.linspace(0, np.pi, 10_001))
    above = least_singular(topo, 1.0, ell, c, rate * turn).min()
    assert above >= radius * (1 - 1e-12)  # a proof holds at every grid point; 1e-12 for the SVD's rounding
    lower = rate - 1e-4 * (1 - rate)
    nominal = exact_rate(topo, np.full(topo.n, (1 + ell) / 2), c)
    fails = least_singular(topo, 1.0, ell, c, lower * turn).min() < radius
    assert fails or nominal > lower  # and 1e-4 below, the test must fail: the rate is the least one


@pytest.mark.parametrize("name", ["ring", "complete", "edge"])
@pytest.mark.parametrize("c", [0.05, 0.7, 6.0])
@pytest.mark.parametrize("ell", [1.0, 1.3, 50.0])
def test_scalar_and_matrix_tests_agree_on_regular_graphs(name: str, c: float, ell: float) -> None:
    topo = Topology(GRAPHS[name])
    scalar = certified_rate(topo, strong_convexity=1.0, smoothness=ell, penalty=c)
    matrix = _irregular_rate(topo, 1.0, ell, c)
    assert scalar == pytest.approx(matrix, abs=2e-8 if ell == 1.0 else 3e-9)  # eigvals of a double root: √eps


@pytest.mark.parametrize("name", sorted(GRAPHS))
def test_equal_curvature_makes_it_exact(name: str) -> None:
    topo = Topology(GRAPHS[name])
    for c in (0.05, 0.5, 5.0):
        rate = certified_rate(topo, strong_convexity=2.0, smoothness=2.0, penalty=c)
        assert rate == pytest.approx(exact_rate(topo, np.full(topo.n, 2.0), c), abs=2e-8)  # double roots: √eps


@pytest.mark.parametrize("name", ["edge", "path", pytest.param("erdos_renyi", marks=pytest.mark.slow)])
@pytest.mark.parametrize(("c", "ell"), [(0.3, 10.0), (1.5, 3.0)])
def test_frequency_test_and_lmi_agree(name: str, c: float, ell: float) -> None:
    topo = weighted(GRAPHS[name], seed=4)
    rate = certified_rate(topo, strong_convexity=1.0, smoothness=ell, penalty=c)
    lmi = lmi_rate(topo, strong_convexity=1.0, smoothness=ell, penalty=c, tolerance=2e-4)
    assert lmi == pytest.approx(rate, abs=1e-3)  # bisection 2e-4 plus the solver's margin near singularity


@given(
    name=st.sampled_from(sorted(GRAPHS)),
    seed=st.integers(0, 2**32 - 1),
    c=st.floats(-3, 2).map(lambda e: 10.0**e),
    ratio=st.floats(-3, 0).map(lambda e: 10.0**e),
)
@settings(max_examples=40, deadline=None)
def test_never_below_any_quadratic_cost(name: str, seed: int, c: float, ratio: float) -> None:
    rng = np.random.default_rng(seed)
    topo = weighted(GRAPHS[name], seed) if seed % 2 else Topology(GRAPHS[name])
    rate = certified_rate(topo, strong_convexity=ratio, smoothness=1.0, penalty=c)
    assert 0 < rate <= 1
    corners = np.where(rng.random(topo.n) < 0.5, ratio, 1.0)
    inside = ratio + (1 - ratio) * rng.random(topo.n)
    eigenvalues = ratio + (1 - ratio) * rng.random((topo.n, 2))
    eigenvalues[rng.random((topo.n, 2)) < 0.5] = ratio
    turns = np.linalg.qr(rng.standard_normal((topo.n, 2, 2)))[0]
    matrices = turns @ (eigenvalues[:, :, None] * turns.transpose(0, 2, 1))
    matrices = (matrices + matrices.transpose(0, 2, 1)) / 2
    for hessians in (np.full(topo.n, ratio), np.ones(topo.n), corners, inside, matrices):
        # never below by more than eigvals' error at a near-double root, √(n eps)
        assert exact_rate(topo, hessians, c) <= rate * (1 + 1e-9) + 3e-8 * (1 - rate)


@pytest.mark.parametrize("name", sorted(GRAPHS))
@pytest.mark.parametrize("gap", [1e-6, 1e-9, 1e-12])
def test_almost_equal_curvature_ends_and_is_almost_exact(name: str, gap: float) -> None:
    """Margins are down to rounding along whole arcs of the circle; the proof must not search them for ever."""
    topo = Topology(GRAPHS[name])
    rate = certified_rate(topo, strong_convexity=1 - gap, smoothness=1.0, penalty=1.0)
    exact = exact_rate(topo, np.ones(topo.n), 1.0)
    assert exact - 1e-7 <= rate  # eigvals at a near-double root
    assert 1 - rate >= (1 - exact) * (1 - 1e-3)  # a double root moves by the root of the gap, 1e-3


def test_logistic_costs_converge_at_the_certified_rate() -> None:
    topo = Topology(GRAPHS["erdos_renyi"])
    rng = np.random.default_rng(0)
    slope = rng.uniform(0.5, 2, topo.n)
    shift = rng.normal(size=topo.n)
    nu, ell, c = 0.2, 0.2 + float(slope.max() ** 2) / 4, 0.3

    def gradient(x: np.ndarray) -> np.ndarray:
        return slope / (1 + np.exp(-slope * (x - shift))) + nu * x

    def hessian(x: np.ndarray) -> np.ndarray:
        s = 1 / (1 + np.exp(-slope * (x - shift)))
        return slope**2 * s * (1 - s) + nu

    target = np.zeros(topo.n)
    for _ in range(60):
        target = target - gradient(target).sum() / hessian(target).sum()
    L_plus, L_minus = topo.L_plus.toarray(), topo.L_minus.toarray()
    z, alpha, gaps = rng.normal(size=topo.n), np.zeros(topo.n), []
    for _ in range(101):
        x = z.copy()
        right = c * L_plus @ z - alpha
        for _ in range(40):
            x = x - (gradient(x) + 2 * c * topo.degrees * x - right) / (hessian(x) + 2 * c * topo.degrees)
        z, alpha = x, alpha + c * L_minus @ x
        gaps.append(np.linalg.norm(z - target))
    rate = certified_rate(topo, strong_convexity=nu, smoothness=ell, penalty=c)
    measured = (gaps[100] / gaps[10]) ** (1 / 90)
    assert gaps[100] > 1e-11  # above rounding, so the measured rate means something
    assert measured <= rate


@pytest.mark.parametrize("name", ["star", "ring", "tree"])
def test_rate_grows_with_the_class_and_ignores_names(name: str) -> None:
    topo = weighted(GRAPHS[name], seed=2)
    rates = [certified_rate(topo, strong_convexity=1.0, smoothness=ell, penalty=0.8) for ell in (1, 1.5, 4, 20, 200)]
    assert (np.diff(rates) >= -1e-9).all()  # a larger class cannot be faster; 1e-9 is the proof's gap
    graph = topo.to_networkx()
    order = list(np.random.default_rng(5).permutation(topo.n))
    shuffled = nx.Graph()
    shuffled.add_nodes_from(order)
    shuffled.add_weighted_edges_from((u, v, w["weight"]) for u, v, w in graph.edges(data=True))
    other = certified_rate(Topology(shuffled), strong_convexity=1.0, smoothness=4.0, penalty=0.8)
    assert other == pytest.approx(rates[2], abs=1e-8)
    scaled = certified_rate(topo, strong_convexity=7.0, smoothness=28.0, penalty=5.6)
    assert scaled == pytest.approx(rates[2], abs=1e-8)  # only ν : ℓ : c matters


def test_diagonal_scaling_cannot_tighten_the_test() -> None:
    """docs/certificates.md section 2: T is complex symmetric, so no Λ makes ‖Λ^½ T Λ^-½‖ smaller than ‖T‖."""
    topo = weighted(GRAPHS["tree"], seed=3)
    rng = np.random.default_rng(1)
    for zeta in 0.9 * np.exp(1j * rng.uniform(0, np.pi, 10)):
        p, g = 2 - 1 / zeta + 1 / (zeta - 1), 1 / zeta + 1 / (zeta - 1)
        T = np.linalg.inv(2 * np.eye(topo.n) + 0.4 * (p * np.diag(topo.degrees) - g * topo.adjacency.toarray()))
        norm = np.linalg.norm(T, 2)
        for spread in (0.01, 0.3, 2.0):
            root = np.exp(spread * rng.standard_normal(topo.n))
            assert np.linalg.norm(root[:, None] * T / root, 2) >= norm * (1 - 1e-12)  # rounding


def test_bernstein_proof_never_contradicts_a_grid() -> None:
    topo = Topology(GRAPHS["tree"])
    circle = Circle(topo, 1.0, 3.0, 4.0)
    turn = np.exp(1j * np.linspace(0, np.pi, 2001))
    for rate in np.linspace(0.5, 0.999, 25):
        margin = least_singular(topo, 1.0, 3.0, 4.0, rate * turn).min() - 1.0
        if abs(margin) > 1e-4:  # a grid of 2001 points misses dips of about this depth
            assert circle.holds(rate) == (margin > 0)


def test_large_regular_graph_needs_its_spectrum_only() -> None:
    theta = 2 * np.cos(2 * np.pi * np.arange(100_000) / 100_000)
    ring = make("ring", 100_000).spectrum
    kwargs = {"strong_convexity": 1.0, "smoothness": 3.0, "penalty": 2.0}
    rate = certified_rate(ring, **kwargs)
    assert 1 - rate == pytest.approx(1 - regular_rate(theta, 2.0, 1.0, 3.0, 2.0), rel=1e-6)  # d - θ cancels to 1e-7
    # the slowest mode of the flattest or the steepest costs, to first order 1 - ρ = c a / ℓ
    assert 1 - rate == pytest.approx(2.0 * ring.algebraic_connectivity / 3.0, rel=1e-6)


@pytest.mark.parametrize(("name", "byzantine"), [("path", [0]), ("star", [1, 2]), ("erdos_renyi", [0, 3])])
@pytest.mark.parametrize(("c", "ell"), [(0.3, 3.0), (2.0, 10.0)])
@pytest.mark.parametrize("method", ["small_gain", pytest.param("lmi", marks=pytest.mark.slow)])
def test_radius_covers_quadratic_worst_cases(
    name: str, byzantine: list[int], c: float, ell: float, method: str
) -> None:
    topo = Topology(GRAPHS[name])
    bound = certified_radius(
        topo, strong_convexity=1.0, smoothness=ell, penalty=c, byzantine=byzantine, error_bound=0.5, method=method
    )
    rng = np.random.default_rng(0)
    for hessians in (np.ones(topo.n), np.full(topo.n, ell), *np.where(rng.random((4, topo.n)) < 0.5, 1.0, ell)):
        assert exact_radius(topo, hessians, c, byzantine, 0.5, dim=2).radius <= bound
    assert bound < np.inf


def test_riccati_and_semidefinite_program_find_the_same_ellipsoid() -> None:
    topo = weighted(GRAPHS["erdos_renyi"], seed=1)
    rate = certified_rate(topo, strong_convexity=1.0, smoothness=5.0, penalty=0.6)
    rho = (1 + rate) / 2
    peak, multipliers = lmi_peak_gain(topo, rho, strong_convexity=1.0, smoothness=5.0, penalty=0.6, byzantine=[0, 3])
    loop = sector_loop(topo, 1.0, 5.0, 0.6, [0, 3])
    X = ellipsoid(loop, rho, multipliers)
    assert X is not None
    bound = np.sqrt(np.linalg.eigvalsh(X[np.ix_(loop.honest, loop.honest)])[-1])
    assert bound == pytest.approx(peak, rel=1e-3)  # the interior-point solver's accuracy
    assert peak_gain(loop, rate, per_agent=True) <= bound * 1.05  # ρ is searched too, down to a share of 5e-4 a step


def test_radius_is_linear_in_the_errors_and_refuses_nonsense() -> None:
    topo = Topology(GRAPHS["star"])
    kwargs = {"strong_convexity": 1.0, "smoothness": 2.0, "penalty": 0.5, "method": "small_gain"}
    one = certified_radius(topo, **kwargs, byzantine=[1], error_bound=1.0)
    assert certified_radius(topo, **kwargs, byzantine=[1], error_bound=3.0) == pytest.approx(3 * one, rel=1e-12)
    assert certified_radius(topo, **kwargs, byzantine=[1], error_bound=0.0) == 0.0
    for byzantine, error_bound in (([], 1.0), ([9], 1.0), (range(6), 1.0), ([1], -1.0), ([1], np.nan)):
        with pytest.raises(HypothesisError):
            certified_radius(topo, **kwargs, byzantine=list(byzantine), error_bound=error_bound)
    for nu, ell, c in ((0.0, 1.0, 1.0), (2.0, 1.0, 1.0), (1.0, np.inf, 1.0), (1.0, 2.0, 0.0), (np.nan, 2.0, 1.0)):
        with pytest.raises(HypothesisError):
            certified_rate(topo, strong_convexity=nu, smoothness=ell, penalty=c)
    with pytest.raises(HypothesisError, match="Topology itself"):
        certified_rate(topo.spectrum, strong_convexity=1.0, smoothness=2.0, penalty=1.0)
