"""The engine against dense matrices, a textbook ADMM, closed forms and its own other form."""

from __future__ import annotations

from itertools import islice

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import decon
import topologies
from decon import attacks
from decon.runs.round import Moment, Setup
from tests.decon.problems import admm, centred, in_form, iterate, quadratic
from topologies import Topology

ROUNDING = 1e-12  # 200 iterations of sums of about ten terms of order one


def graphs() -> list[Topology]:
    weighted = nx.cycle_graph(7)
    nx.set_edge_attributes(weighted, {edge: 0.3 + i for i, edge in enumerate(weighted.edges)}, "weight")
    return [
        topologies.make("path", 2),
        topologies.make("star", 9),
        topologies.make("erdos_renyi", 12, p=0.4, seed=1),
        topologies.make("complete_bipartite", 8),
        Topology(weighted, name="weighted ring"),
    ]


def states(method: Setup, count: int, x0: np.ndarray, alpha0: np.ndarray) -> list[Moment]:
    return list(islice(iterate(method, x0=x0, alpha0=alpha0), count + 1))


def gap(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.abs(a - b).max() / max(1.0, np.abs(b).max()))


@pytest.mark.parametrize("topo", graphs(), ids=lambda topo: topo.name)
@pytest.mark.parametrize(
    "attack",
    [
        attacks.NoAttack(),
        attacks.Gaussian(1.0, 1.0),
        attacks.SignFlip(-0.5),
        attacks.Constant((1.0, -2.0, 0.5)),
        attacks.Zero(),
        attacks.SameValue(),
        attacks.Outlier(10.0),
        attacks.Decaying(attacks.Gaussian(1.0, 1.0), 0.9),
        attacks.Scheduled(attacks.Gaussian(), start=5, stop=50, every=3),
    ],
    ids=lambda attack: type(attack).__name__,
)
def test_node_form_equals_arc_form(topo: Topology, attack: attacks.Attack) -> None:
    x0, alpha0 = np.random.default_rng(3).normal(size=(topo.n, 3)), centred(topo.n)
    method = admm(topo, quadratic(topo.n), 0.4, np.array([1]), attack, form="node")
    node = states(method, 200, x0, alpha0)
    arc = states(in_form(method, "arc"), 200, x0, alpha0)
    assert max(gap(a.x, b.x) for a, b in zip(node, arc, strict=True)) < ROUNDING
    assert max(gap(a.inner.alpha, b.inner.alpha) for a, b in zip(node, arc, strict=True)) < ROUNDING


@pytest.mark.parametrize("topo", graphs(), ids=lambda topo: topo.name)
def test_equals_p1_in_extended_matrices(topo: Topology) -> None:
    """P1 (6)-(7) with its own nN x nN matrices and its own falsified broadcasts."""
    n, dim, c, who = topo.n, 3, 0.7, np.array([0])
    costs, extended = quadratic(n, dim), topologies.extended(topo, dim)
    L_plus, L_minus, W = (np.asarray(m.todense()) for m in (extended.L_plus, extended.L_minus, extended.W))
    hessian = np.zeros((n * dim, n * dim))
    for i in range(n):
        hessian[i * dim : (i + 1) * dim, i * dim : (i + 1) * dim] = costs.H[i]
    x0, alpha0 = np.random.default_rng(5).normal(size=(n, dim)), centred(n, dim)
    method = admm(topo, costs, c, who, attacks.Gaussian(0.5, 0.2), seed=4)
    ours = states(method, 60, x0, alpha0)
    z, alpha = x0.ravel(), alpha0.ravel()
    for k in range(1, 61):
        x = np.linalg.solve(hessian + 2 * c * W, c * L_plus @ z - alpha + costs.b.ravel())
        error = ours[k].z - ours[k].x
        assert not error[1:].any()
        assert error[0].any()
        z = x + error.ravel()
        alpha = alpha + c * L_minus @ z
        assert gap(ours[k].x.ravel(), x) < ROUNDING
        assert gap(ours[k].inner.alpha.ravel(), alpha) < ROUNDING


@pytest.mark.parametrize("topo", graphs()[:4], ids=lambda topo: topo.name)
def test_equals_textbook_relaxed_edge_admm(topo: Topology) -> None:
    """Edge-form ADMM with penalty ρ and relaxation 1/2, one auxiliary vector an arc, is the node form at c = ρ/2."""
    rho, costs = 0.9, quadratic(topo.n)
    neighbours = [topo.senders[topo.receivers == i] for i in range(topo.n)]
    inbox = {(i, j): np.zeros(3) for i in range(topo.n) for j in neighbours[i]}
    zero = np.zeros((topo.n, 3))
    ours = states(admm(topo, costs, rho / 2), 200, zero, zero)
    for k in range(1, 201):
        x = np.stack(
            [
                np.linalg.solve(
                    costs.H[i] + rho * len(neighbours[i]) * np.eye(3),
                    costs.b[i] + sum(inbox[i, j] for j in neighbours[i]),
                )
                for i in range(topo.n)
            ]
        )
        inbox = {(i, j): 0.5 * inbox[i, j] + 0.5 * (2 * rho * x[j] - inbox[j, i]) for i, j in inbox}
        assert gap(ours[k].x, x) < ROUNDING


LONG = {"iterations": 6000, "tol": 5e-11, "record_every": 10}
FAMILIES_AT_16 = sorted(name for name in topologies.families() if topologies.fixed_size(name) in (None, 16))


@pytest.mark.parametrize("name", FAMILIES_AT_16)
def test_reaches_the_cvxpy_minimizer_on_every_family(name: str) -> None:
    topo = topologies.make(name, 16, seed=2)
    result = decon.solve(topo, quadratic(16), penalty=1.5 / topo.degrees.mean(), **LONG)
    assert result.distance[-1] <= 1e-10


@pytest.mark.parametrize("name", sorted(name for name in topologies.families() if topologies.fixed_size(name)))
def test_reaches_the_cvxpy_minimizer_on_real_graphs(name: str) -> None:
    topo = topologies.make(name)
    result = decon.solve(topo, quadratic(topo.n), penalty=1.5 / topo.degrees.mean(), **LONG)
    assert result.distance[-1] <= 1e-10


def smooth_costs(kind: str, n: int) -> decon.costs.Costs:
    rng = np.random.default_rng(8)
    X = rng.normal(size=(n, 12, 2))
    if kind == "logistic":
        return decon.costs.LogisticRegression(X, np.where(rng.random((n, 12)) < 0.5, -1, 1), ridge=0.3)
    return decon.costs.SoftmaxRegression(X, rng.integers(0, 3, size=(n, 12)), classes=3, ridge=0.3)


@pytest.mark.parametrize("kind", ["logistic", "softmax"])
@pytest.mark.parametrize("name", ["ring", "star", "erdos_renyi", "barbell"])
def test_reaches_the_minimizer_of_smooth_costs(kind: str, name: str) -> None:
    topo = topologies.make(name, 16, seed=0)
    costs = smooth_costs(kind, 16)
    result = decon.solve(topo, costs, penalty=0.3, iterations=5000, tol=1e-9)
    assert result.distance[-1] <= 1e-8


def section_6(theta: float, degree: int, h: float, c: float) -> tuple[float, float]:
    """Return p and q of μ² - pμ + q = 0, docs/theory.md section 6."""
    weight = h + 2 * c * degree
    return 1 + 2 * c * theta / weight, c * (degree + theta) / weight


REGULAR = [("ring", 12, 2), ("complete", 12, 11), ("hypercube", 16, 4), ("torus", 12, 4), ("petersen", 10, 3)]


@pytest.mark.parametrize(("name", "n", "degree"), REGULAR)
def test_every_eigenmode_follows_section_6(name: str, n: int, degree: int) -> None:
    """Equal Hessians h on a regular graph: y_{k+1} = p y_k - q y_{k-1} along each eigenvector of A."""
    topo, h, c = topologies.make(name, n), 1.3, 0.2
    eigenvalues, modes = np.linalg.eigh(topo.adjacency.toarray())
    costs = decon.costs.Quadratic(np.full((n, 1, 1), h), np.zeros((n, 1)))
    x0 = np.random.default_rng(0).normal(size=(n, 1))
    runs = np.stack([s.x.ravel() for s in states(admm(topo, costs, c), 12, x0, centred(n, 1))]) @ modes
    for theta, y in zip(eigenvalues[:-1], runs.T[:-1], strict=True):
        p, q = section_6(theta, degree, h, c)
        assert np.abs(y[3:] - p * y[2:-1] + q * y[1:-2]).max() < ROUNDING
    only_root = 2 * c * degree / (h + 2 * c * degree)  # of the consensus mode
    assert np.abs(runs[2:, -1] - only_root * runs[1:-1, -1]).max() < ROUNDING


@pytest.mark.parametrize(("name", "n", "degree"), REGULAR)
def test_measured_rate_is_the_root_of_section_6(name: str, n: int, degree: int) -> None:
    """Started in the slowest mode with real roots, the other root is gone before the fitted tail begins."""
    topo, h, c = topologies.make(name, n), 1.3, 0.05
    eigenvalues, modes = np.linalg.eigh(topo.adjacency.toarray())
    roots = [np.roots([1.0, -p, q]).max() for p, q in (section_6(t, degree, h, c) for t in eigenvalues[:-1])]
    roots.append(2 * c * degree / (h + 2 * c * degree))
    assert np.isreal(roots).all()
    slowest = int(np.argmax(roots))
    costs = decon.costs.Quadratic(np.full((n, 1, 1), h), np.zeros((n, 1)))
    result = decon.solve(topo, costs, penalty=c, x0=modes[:, [slowest]], iterations=400)
    assert result.rate().rate == pytest.approx(roots[slowest], abs=1e-6)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_relabelling_the_agents_permutes_the_result(seed: int) -> None:
    rng = np.random.default_rng(seed)
    topo = topologies.make("erdos_renyi", 8, p=0.5, seed=seed)
    order = rng.permutation(8)
    back = np.argsort(order)
    moved = Topology.from_edges(8, back[topo.edges])
    costs = quadratic(8, seed=seed)
    first = decon.solve(topo, costs, penalty=0.3, iterations=30, byzantine=[2], attack=attacks.SignFlip(-0.5))
    second = decon.solve(
        moved, costs.subset(order), penalty=0.3, iterations=30, byzantine=[back[2]], attack=attacks.SignFlip(-0.5)
    )
    assert gap(second.x, first.x[order]) < ROUNDING


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([np.inf, 0.3]))
def test_zero_attack_is_no_attack_and_unit_weights_are_none(seed: int, bound: float) -> None:
    topo = topologies.make("watts_strogatz", 9, seed=seed)
    costs = quadratic(9, seed=seed)
    options = {"penalty": 0.3, "iterations": 25, "dual_bound": bound}
    plain = decon.solve(topo, costs, **options)
    nothing = decon.solve(topo, costs, byzantine=[0, 4], attack=attacks.Constant(0.0), **options)
    unit = decon.solve(Topology.from_edges(9, topo.edges, np.ones(topo.n_edges)), costs, **options)
    assert np.array_equal(plain.x, nothing.x)
    assert np.array_equal(plain.x, unit.x)


def test_same_seed_same_bytes_and_another_seed_differs() -> None:
    topo, costs = topologies.make("ring", 8), quadratic(8)

    def run(seed: int) -> decon.Result:
        return decon.solve(
            topo, costs, penalty=0.3, byzantine=[1], attack=attacks.Gaussian(), x0="normal", alpha0="normal", seed=seed
        )

    assert run(3).x.tobytes() == run(3).x.tobytes()
    assert run(3).distance.tobytes() == run(3).distance.tobytes()
    assert run(3).x.tobytes() != run(4).x.tobytes()


@settings(max_examples=40, deadline=None)
@given(st.floats(allow_nan=True, allow_infinity=True), st.sampled_from([0.01, 1.0, 50.0]))
def test_finite_dual_bound_limits_every_message(value: float, bound: float) -> None:
    """|η| ≤ λ and honest agents stay finite, whatever one agent sends (docs/theory.md section 9)."""
    topo = topologies.make("star", 6)
    attack = attacks.Outlier(value) if np.isfinite(value) else attacks.NonFinite(value)
    method = admm(topo, quadratic(6), 0.5, np.array([5]), attack, dual_bound=bound)
    zero = np.zeros((6, 3))
    for state in states(method, 20, zero, zero):
        assert np.abs(state.inner.duals).max() <= bound
        assert np.isfinite(state.x[:5]).all()


def test_large_finite_bound_is_the_unbounded_method() -> None:
    topo, costs = topologies.make("erdos_renyi", 10, p=0.5, seed=0), quadratic(10)
    bounded = decon.solve(topo, costs, penalty=0.3, dual_bound=1e6, iterations=200)
    assert gap(bounded.x, decon.solve(topo, costs, penalty=0.3, iterations=200).x) < ROUNDING


def test_duals_stay_antisymmetric_and_multipliers_sum_to_zero() -> None:
    topo = topologies.make("erdos_renyi", 10, p=0.5, seed=0)
    method = admm(topo, quadratic(10), 0.3, dual_bound=0.4, form="arc")
    for state in states(method, 50, np.zeros((10, 3)), centred(10)):
        assert gap(state.inner.duals, -state.inner.duals[topo.reverse]) < ROUNDING
        assert np.abs(state.inner.alpha.sum(axis=0)).max() < ROUNDING


def test_gradient_of_the_exact_step_is_the_gradient() -> None:
    topo, costs = topologies.make("ring", 8), quadratic(8)
    for state in states(admm(topo, costs, 0.3), 20, np.zeros((8, 3)), centred(8))[1:]:
        assert state.gradient is not None
        assert gap(state.gradient, costs.gradient(state.x)) < ROUNDING
