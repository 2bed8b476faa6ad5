"""Exact rates, worst cases and steady states against long runs, dense algebra and closed forms."""

import networkx as nx
import numpy as np
import pytest

import analysis
import topologies
from analysis.linear import LinearIteration
from tests.analysis import runs
from topologies import Topology

# closed form, LAPACK and ARPACK each carry about κ_eig·1e-16; a double root costs half the digits, so 1e-7 covers all
RATE = 1e-7


@pytest.mark.parametrize(
    "graph", [nx.cycle_graph(7), nx.complete_graph(6), nx.hypercube_graph(3), nx.grid_2d_graph(4, 4, periodic=True)]
)
@pytest.mark.parametrize("penalty", [1e-3, 0.05, 0.3, 2.0, 50.0])
@pytest.mark.parametrize("curvature", [0.1, 1.0])
def test_regular_closed_form_is_the_dense_spectral_radius(graph, penalty, curvature):
    topo = Topology(graph)
    dense = np.abs(np.linalg.eigvals(LinearIteration.of(topo, np.full(topo.n, curvature), penalty).matrix())).max()
    assert analysis.exact_rate(topo, np.full(topo.n, curvature), penalty) == pytest.approx(dense, abs=RATE)


def test_equal_matrix_hessians_on_a_regular_graph_use_every_curvature():
    topo = Topology(nx.cycle_graph(5))
    hessian = np.array([[1.0, 0.3], [0.3, 0.2]])
    whole = np.abs(np.linalg.eigvals(LinearIteration.of(topo, [hessian] * 5, 0.2).matrix())).max()
    assert analysis.exact_rate(topo, [hessian] * 5, 0.2) == pytest.approx(whole, abs=RATE)


def test_two_agents_by_hand():
    # one edge, h = 1, c = ½: consensus 2c/(1 + 2c) = ½; θ = -1 has roots 0 and 1/(1 + 2c) = ½
    assert analysis.exact_rate(Topology(nx.path_graph(2)), [1.0, 1.0], 0.5) == pytest.approx(0.5, abs=1e-15)


@pytest.mark.parametrize("seed", range(12))
def test_rate_is_what_a_long_run_shows_and_arpack_agrees(monkeypatch, seed):
    rng = np.random.default_rng(seed)
    topo = runs.graph(str(rng.choice(runs.FAMILIES)), int(rng.integers(5, 16)), rng, weighted=bool(seed % 2))
    hessians = runs.hessians(topo.n, 2, 0.2, 1.0, rng)
    penalty = float(10 ** rng.uniform(-1, 0))
    rate = analysis.exact_rate(topo, hessians, penalty)
    first, last = (int(np.log(size) / np.log(rate)) for size in (1e-4, 1e-11))  # past the start, before rounding
    run = runs.run(
        topo, runs.Quadratics(hessians, np.zeros((topo.n, 2))), penalty, np.zeros((last + 1, topo.n, 2)),
        rng.standard_normal((topo.n, 2)),
    )  # fmt: skip
    size = np.sqrt(run.energy)
    # seven decades of decay; a close second eigenvalue or a swinging complex pair leaves a factor of a few: a tenth
    assert np.log(size[last] / size[first]) / (last - first) == pytest.approx(np.log(rate), rel=0.1)
    monkeypatch.setattr("analysis.radius._DENSE_FIRST", 0)
    monkeypatch.setattr("analysis.radius._DENSE_AFTER", 0)
    assert analysis.exact_rate(topo, hessians, penalty) == pytest.approx(rate, abs=RATE)


def test_relabelling_the_agents_changes_nothing():
    rng = np.random.default_rng(3)
    graph = nx.gnp_random_graph(9, 0.5, seed=2)
    order = rng.permutation(9)
    hessians = rng.uniform(0.1, 1, 9)
    topo, moved = Topology(graph), Topology(nx.relabel_nodes(graph, dict(enumerate(order.tolist()))))
    places = [list(moved.labels).index(order[i]) for i in range(9)]
    shuffled = np.empty(9)
    shuffled[places] = hessians
    assert analysis.exact_rate(moved, shuffled, 0.3) == pytest.approx(
        analysis.exact_rate(topo, hessians, 0.3), abs=RATE
    )
    one = analysis.exact_radius(topo, hessians, 0.3, [1, 4], 1.0)
    two = analysis.exact_radius(moved, shuffled, 0.3, [places[1], places[4]], 1.0)
    assert one.radius == pytest.approx(two.radius, rel=1e-6)  # both are local climbs; here they reach the top


def injected(topo, hessians, penalty, worst, iterations):
    """Run from the fixed point with the worst errors; return ‖x_H^K - x*‖."""
    blocks = hessians if np.ndim(hessians) == 3 else hessians[:, None, None] * np.eye(worst.pattern.shape[2])
    costs = runs.Quadratics(blocks, np.zeros(blocks.shape[:2]))
    errors = np.zeros((iterations + 1, *blocks.shape[:2]))
    errors[1:, worst.byzantine] = worst.errors(iterations)
    run = runs.run(topo, costs, penalty, errors)
    assert run.error_norm.max() <= worst.error_bound * (1 + 1e-12)
    return np.linalg.norm(run.x[-1][worst.honest])


@pytest.mark.parametrize("seed", range(15))
def test_worst_case_is_attained_from_below_and_closed_from_above(seed):
    rng = np.random.default_rng(seed)
    topo = runs.graph(str(rng.choice(runs.FAMILIES)), int(rng.integers(3, 13)), rng, weighted=bool(seed % 2))
    scalar, dim = seed % 3 == 0, 1 + seed % 2
    hessians = rng.uniform(0.2, 1, topo.n) if scalar else runs.hessians(topo.n, dim, 0.2, 1.0, rng)
    liars = rng.permutation(topo.n)[: max(1, topo.n // 4)]
    worst = analysis.exact_radius(topo, hessians, 0.3, liars, 0.7, dim=dim if scalar else 1)
    # the horizon cuts 1e-9 off
    assert injected(topo, hessians, 0.3, worst, len(worst.pattern) + 1) == pytest.approx(worst.radius, rel=1e-8)
    assert worst.radius <= worst.upper <= worst.radius * 1.05  # closed to rounding on most networks, to 2% on trees
    bound = analysis.theorem3(
        topo.spectrum, strong_convexity=0.2, smoothness=1.0, penalty=0.3, objective="radius"
    ).radius(0.7)
    assert worst.upper <= bound


@pytest.mark.parametrize("seed", range(5))
def test_no_bounded_attack_found_by_search_beats_the_upper_bound(seed):
    rng = np.random.default_rng(seed)
    topo = runs.graph("gnp", 8, rng)
    hessians = runs.hessians(8, 2, 0.3, 1.0, rng)
    worst = analysis.exact_radius(topo, hessians, 0.2, [0, 5], 1.0)
    costs = runs.Quadratics(hessians, np.zeros((8, 2)))
    for kind in range(6):
        signal = rng.standard_normal((301, 2, 2))
        signal = np.broadcast_to(signal[:1], signal.shape) if kind == 0 else signal
        signal = signal[:1] * np.cos(np.arange(301) * kind / 3)[:, None, None] if kind > 2 else signal
        errors = np.zeros((301, 8, 2))
        errors[:, [0, 5]] = signal / np.linalg.norm(signal, axis=(1, 2), keepdims=True)
        run = runs.run(topo, costs, 0.2, errors)
        assert np.linalg.norm(run.x[1:, worst.honest], axis=(1, 2)).max() <= worst.upper * (1 + 1e-9)


def test_worst_case_scales_with_the_bound_and_dimension_can_only_help_the_attack():
    topo = Topology(nx.path_graph(5))
    curvatures = np.array([0.2, 1.0, 0.4, 0.7, 0.3])
    one = analysis.exact_radius(topo, curvatures, 0.3, [2], 1.0)
    two = analysis.exact_radius(topo, curvatures, 0.3, [2], 2.0)
    wide = analysis.exact_radius(topo, curvatures, 0.3, [2], 1.0, dim=3)
    assert two.radius == pytest.approx(2 * one.radius, rel=1e-12)
    assert one.radius * (1 - 1e-9) <= wide.radius <= one.upper * (1 + 1e-9)
    assert one.mean_radius == pytest.approx(one.upper / 2)


def test_one_honest_agent_is_a_plain_sum():
    # a scalar output has the gain Σ_k ‖G_k‖, no direction to choose
    topo = Topology(nx.complete_graph(3))
    linear = LinearIteration.of(topo, [1.0, 0.5, 2.0], 0.3)
    z, alpha, total = np.array([0, 1.0, 0])[:, None, None], np.zeros((3, 1, 1)), 0.0
    others = np.array([0, 0, 1.0])[:, None, None]
    z = np.concatenate([z, others], axis=2)
    alpha = linear.ascend(np.zeros_like(z), z)
    for _ in range(400):
        z = linear.update(z, alpha)
        alpha = linear.ascend(alpha, z)
        total += np.linalg.norm(z[0])
    worst = analysis.exact_radius(topo, [1.0, 0.5, 2.0], 0.3, [1, 2], 1.0)
    assert worst.radius == pytest.approx(total, rel=1e-8)
    assert worst.upper == pytest.approx(total, rel=1e-6)


def test_steady_state_is_the_time_average_of_a_long_run():
    rng = np.random.default_rng(0)
    topo = Topology(nx.wheel_graph(6))
    hessians = runs.hessians(6, 1, 0.5, 1.0, rng)
    state = analysis.steady_state_covariance(topo, hessians, 0.2, [0, 3], 0.5, mean=0.3)
    errors = np.zeros((60001, 6, 1))
    errors[:, [0, 3]] = 0.3 + 0.5 * rng.standard_normal((60001, 2, 1))
    run = runs.run(topo, runs.Quadratics(hessians, np.zeros((6, 1))), 0.2, errors)
    sample = run.x[500:, :, 0]
    # correlated over tens of iterations, 6e4 samples are worth a few thousand: 1/√3000 ≈ 2%, times three
    assert np.allclose(sample.mean(axis=0), state.mean[:, 0], atol=0.06 * np.sqrt(np.diag(state.covariance)).max())
    assert np.allclose(np.cov(sample.T), state.covariance, atol=0.06 * np.diag(state.covariance).max())
    assert state.mean_square(range(6)) == pytest.approx(np.trace(state.covariance) + (state.mean**2).sum())


def test_steady_state_variance_is_the_sum_of_squared_responses():
    topo = Topology(nx.path_graph(4))
    curvatures = np.array([1.0, 0.4, 0.8, 0.6])
    state = analysis.steady_state_covariance(topo, curvatures, 0.3, [1], 2.0)
    worst = analysis.exact_radius(topo, curvatures, 0.3, [1], 1.0)
    linear = LinearIteration.of(topo, curvatures, 0.3)
    z = np.eye(4)[:, [1]][:, None]
    alpha = linear.ascend(np.zeros_like(z), z)
    total = 0.0
    for _ in range(len(worst.pattern)):
        z = linear.update(z, alpha)
        alpha = linear.ascend(alpha, z)
        total += float((z[worst.honest] ** 2).sum())
    assert state.mean_square(worst.honest) == pytest.approx(4 * total, rel=1e-9)


@pytest.mark.parametrize(
    "call, named",
    [
        (lambda t: analysis.exact_rate(t, np.ones(3), 0.3), r"shape \(4,\)"),
        (lambda t: analysis.exact_rate(t, [1, 1, np.nan, 1], 0.3), "agent 2 is not finite"),
        (lambda t: analysis.exact_rate(t, [1, 1, 1, -9], 0.3), "agent 3 has no minimiser"),
        (lambda t: analysis.exact_rate(t, np.ones(4), 0.0), "c = 0"),
        (lambda t: analysis.exact_rate(t, [[[1, 2], [0, 1]]] * 4, 1.0), "not symmetric"),
        (lambda t: analysis.exact_radius(t, np.ones(4), 0.3, [4], 1.0), "distinct indices"),
        (lambda t: analysis.exact_radius(t, np.ones(4), 0.3, [], 1.0), "must be Byzantine, not 0"),
        (lambda t: analysis.exact_radius(t, np.ones(4), 0.3, [1], -1.0), "error bound"),
        (lambda t: analysis.exact_radius(t, [0.0, 1, 1, 1], 0.3, [1], 1.0), "ν = 0"),
        (lambda t: analysis.exact_radius(t, np.ones((4, 1, 1)), 0.3, [1], 1.0, dim=2), "dim"),
        (lambda t: analysis.steady_state_covariance(t, np.ones(4), 0.3, [1], np.inf), "standard deviation"),
        (lambda t: analysis.steady_state_covariance(t, [-0.1] * 4, 0.3, [1], 1.0), "no steady state"),
    ],
)
def test_outside_the_hypotheses_it_refuses(call, named):
    with pytest.raises(analysis.HypothesisError, match=named):
        call(Topology(nx.path_graph(4)))


def test_rate_where_arnoldi_does_not_settle_is_lapack_s():
    # a ring of 20 agents with N = 31 and Hessians of rank 2: the leading eigenvalues are 0.999691 and 0.999701
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(20, 2, 31))
    hessians = rows.transpose(0, 2, 1) @ rows / 2
    # simple roots whose condition is below 1e5 leave eleven digits
    topo = topologies.make("ring", 20)
    dense = np.abs(np.linalg.eigvals(LinearIteration.of(topo, hessians, 0.01).matrix())).max()
    assert analysis.exact_rate(topo, hessians, 0.01) == pytest.approx(dense, abs=1e-10)


def test_rate_beyond_lapack_by_powers_of_the_iteration(monkeypatch):
    monkeypatch.setattr("analysis.radius._DENSE_AFTER", 0)
    curvature = np.zeros(300)
    curvature[0] = 1.0  # one agent has all: leading eigenvalues crowd below 1
    topo = topologies.make("path", 300)
    dense = np.abs(np.linalg.eigvals(LinearIteration.of(topo, curvature, 100.0).matrix())).max()
    assert analysis.exact_rate(topo, curvature, 100.0) == pytest.approx(dense, abs=1e-8)  # the certified residual


def test_a_rate_that_nothing_certifies_is_an_error(monkeypatch):
    monkeypatch.setattr("analysis.radius._DENSE_AFTER", 0)
    monkeypatch.setattr("analysis.radius._CERTIFIED", -1.0)
    monkeypatch.setattr("analysis.radius._TRIES", ((1, 40),))
    with pytest.raises(RuntimeError, match=r"no rate of Topology\('star'.* with N = 1 could be certified"):
        analysis.exact_rate(topologies.make("star", 300), np.ones(300), 1.0)
