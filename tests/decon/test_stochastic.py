"""P2's Algorithm 1, held against the ADMM it was simplified from, CVXPY, and the bounds of docs/theory.md section 9."""

from dataclasses import dataclass
from itertools import islice

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import decon
import topologies
from decon.attacks import Attack, Gaussian, NoAttack, SignFlip
from decon.costs import LeastSquares, Quadratic, Ridge, SoftmaxRegression, WithHub
from decon.errors import CostError, OptionError
from decon.methods.local_steps import SquareRoot, Stochastic
from decon.network.edge_links import EdgeLinks
from decon.network.links import LocalLinks
from decon.spec.objects import make_local_step
from decon.streams import minibatch, stream
from tests.decon.problems import admm, in_form, iterate

CLASSES, FEATURES, WORKERS = 3, 4, 6
RIDGE, BATCH = 0.01, 5


def softmax_workers(seed, m=WORKERS, scale=1.0):
    rng = np.random.default_rng(seed)
    counts = rng.integers(8, 20, size=m)
    X = [rng.normal(size=(count, FEATURES)) for count in counts]
    return SoftmaxRegression([scale * x for x in X], [rng.integers(0, CLASSES, size=c) for c in counts], CLASSES)


def star_costs(workers, ridge=RIDGE):
    return WithHub(Ridge(workers.dim, ridge), workers)


def star_method(costs, *, beta, dual_bound, step, byzantine=(), attack=None, seed=0):
    return admm(
        topo=topologies.make("star", costs.n),
        costs=costs,
        penalty=beta / 2,
        byzantine=np.array(byzantine, dtype=np.int64),
        attack=attack or decon.attacks.NoAttack(),
        dual_bound=dual_bound,
        local_step=step,
        seed=seed,
    )


def hub_arcs(topo):
    """Return the arcs at which the hub hears the workers 1 … m, and those at which they hear the hub."""
    held_by_hub = np.flatnonzero(topo.receivers == 0)
    assert topo.senders[held_by_hub].tolist() == list(range(1, topo.n))
    return held_by_hub, topo.reverse[held_by_hub]


def soft(a, threshold):
    return np.sign(a) * np.maximum(np.abs(a) - threshold, 0.0)


class Edge:
    """One end's copies of z(i,0), z(0,i), η(i,0), η(0,i): a Byzantine worker makes the two ends differ."""

    def __init__(self, x_hub, x_workers, eta_worker):
        self.z_hub = self.z_worker = (x_hub + x_workers) / 2  # (12b)
        self.eta_hub, self.eta_worker = -eta_worker, eta_worker  # (12a)

    def advance(self, x_hub, x_workers, beta, dual_bound):
        centre = (x_workers + x_hub) / 2 - (self.eta_worker + self.eta_hub) / (2 * beta)  # (11a)
        half = soft((x_workers - x_hub) / 2 + (self.eta_hub - self.eta_worker) / (2 * beta), dual_bound / beta)  # (11b)
        self.z_worker, self.z_hub = centre + half, centre - half
        self.eta_hub = self.eta_hub + beta * (self.z_hub - x_hub)  # (8c)
        self.eta_worker = self.eta_worker + beta * (self.z_worker - x_workers)  # (8d)


def unsimplified(costs, x, eta_worker, *, beta, dual_bound, sigma, seed, falsify=None):
    """Yield x of the stochastic ADMM (8)-(11) of P2, before its simplification."""
    m = costs.n - 1
    hub_end, worker_end = Edge(x[0], x[1:], eta_worker), Edge(x[0], x[1:], eta_worker)
    for k in range(1, 1_000_000):
        rows = minibatch(seed, k, costs.samples, BATCH)
        slopes = costs.stochastic_gradient(x, rows)
        s = sigma(k)
        x = np.vstack(
            [
                (s * x[0] + (beta * hub_end.z_hub + hub_end.eta_hub).sum(axis=0) - slopes[0]) / (s + m * beta),
                (s * x[1:] + beta * worker_end.z_worker + worker_end.eta_worker - slopes[1:]) / (s + beta),
            ]
        )  # (9)
        heard = x[1:] if falsify is None else falsify(k, x)
        hub_end.advance(x[0], heard, beta, dual_bound)
        worker_end.advance(x[0], x[1:], beta, dual_bound)
        yield x


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("dual_bound", [0.005, 0.05, 5.0])
def test_star_is_p2s_admm_before_and_after_simplification(seed, dual_bound):
    costs = star_costs(softmax_workers(seed))
    rng = np.random.default_rng(seed)
    x0 = rng.normal(size=(costs.n, costs.dim))
    alpha0 = rng.normal(size=x0.shape) * dual_bound / 20
    alpha0 -= alpha0.mean(axis=0)
    beta, step = 0.3, Stochastic(SquareRoot(0.7), BATCH)
    method = star_method(costs, beta=beta, dual_bound=dual_bound, step=step, seed=seed)
    simplified = islice(iterate(method, x0=x0, alpha0=alpha0), 1, 501)
    full = unsimplified(costs, x0, -alpha0[1:], beta=beta, dual_bound=dual_bound, sigma=step.sigma, seed=seed)
    # 500 steps of rounding; 2e-13 was measured over 2,000
    assert max(np.abs(a.x - b).max() for a, b in zip(simplified, full, strict=False)) <= 1e-12


@pytest.mark.parametrize("attack", [SignFlip(-3.0), Gaussian(std=100.0, replace=True)])
def test_star_is_p2s_admm_under_attack(attack):
    costs, who = star_costs(softmax_workers(0)), [5, 6]
    step = Stochastic(SquareRoot(0.7), BATCH)

    def falsify(k, x):
        sent = x[1:].copy()
        if isinstance(attack, SignFlip):
            sent[4:] *= -3.0
        else:
            sent[4:] = stream(7, "attack", k).normal(0.0, 100.0, size=(2, x.shape[1]))
        return sent

    zero = np.zeros((costs.n, costs.dim))
    method = star_method(costs, beta=0.3, dual_bound=0.05, step=step, byzantine=who, attack=attack, seed=7)
    full = unsimplified(costs, zero, zero[1:], beta=0.3, dual_bound=0.05, sigma=step.sigma, seed=7, falsify=falsify)
    states = islice(iterate(method, x0=zero, alpha0=zero), 1, 401)
    # messages of size 400 pass a clip at 0.05: rounding of β/2 · 400 is 1e-14 a step
    assert max(np.abs(a.x - b).max() for a, b in zip(states, full, strict=False)) <= 1e-11


@pytest.mark.parametrize("graph", ["star", "ring", "erdos_renyi"])
@pytest.mark.parametrize("attack", [SignFlip(-3.0), decon.attacks.NonFinite()])
@pytest.mark.parametrize("step", [Stochastic(3.0), decon.Exact()])
def test_half_the_duals_are_enough_where_everyone_broadcasts(graph, attack, step):
    topo, costs = GRAPHS[graph], quadratics(7)
    rng = np.random.default_rng(7)
    x0, alpha0 = rng.normal(size=(2, costs.n, costs.dim))
    alpha0 -= alpha0.mean(axis=0)
    halved = admm(topo, costs, 0.35, np.array([2, 5]), attack, dual_bound=0.5, local_step=step)
    links = EdgeLinks(topo, halved.byzantine)
    assert len(links.receivers) < len(topo.receivers)
    places = {pair: k for k, pair in enumerate(zip(topo.receivers.tolist(), topo.senders.tolist(), strict=True))}
    kept = [places[pair] for pair in zip(links.receivers.tolist(), links.senders.tolist(), strict=True)]
    both = zip(
        iterate(halved, x0=x0, alpha0=alpha0), iterate(in_form(halved, "arc"), x0=x0, alpha0=alpha0), strict=True
    )
    for half, full in islice(both, 60):  # the same numbers added in the same order: the same bits
        np.testing.assert_array_equal(half.x, full.x)
        np.testing.assert_array_equal(half.inner.total, full.inner.total)
        np.testing.assert_array_equal(half.inner.duals, full.inner.duals[kept])


def test_invariants_12a_12b_and_the_bound_on_the_duals_hold_at_every_step():
    costs = star_costs(softmax_workers(1))
    rng = np.random.default_rng(1)
    x0, alpha0 = rng.normal(size=(2, costs.n, costs.dim))
    alpha0 = 0.01 * (alpha0 - alpha0.mean(axis=0))
    beta, bound = 0.4, 0.05
    method = star_method(costs, beta=beta, dual_bound=bound, step=Stochastic(SquareRoot(0.5), BATCH))
    method = in_form(method, "arc")  # both ends' duals, to compare them
    at_hub, at_workers = hub_arcs(method.topo)
    before = None
    for state in islice(iterate(method, x0=x0, alpha0=alpha0), 200):
        eta_hub, eta_workers = state.inner.duals[at_hub], state.inner.duals[at_workers]
        assert np.abs(eta_hub + eta_workers).max() <= 1e-12  # (12a); 5e-15 was measured
        assert np.abs(state.inner.duals).max() <= max(bound, np.abs(alpha0).max())
        if before is None:  # η⁻¹ of docs/theory.md section 9, with z⁰ the edge means
            last_workers = eta_workers - beta / 2 * (x0[0] - x0[1:])
            last_hub = -last_workers
        else:
            last_hub, last_workers = before
        z_workers = state.x[1:] + (eta_workers - last_workers) / beta  # (17)
        z_hub = state.x[0] + (eta_hub - last_hub) / beta  # (18)
        assert np.abs(z_hub + z_workers - state.x[0] - state.x[1:]).max() <= 1e-12  # (12b)
        before = eta_hub, eta_workers


GRAPHS = {
    "star": topologies.make("star", 7),
    "ring": topologies.make("ring", 7),
    "erdos_renyi": topologies.make("erdos_renyi", 7, p=0.5, seed=3),
}


def quadratics(seed, n=7, dim=3):
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(n, dim, dim))
    return Quadratic(root @ root.transpose(0, 2, 1) / dim + 0.5 * np.eye(dim), rng.normal(size=(n, dim)))


def settle(topo, costs, *, beta, dual_bound, iterations):
    """Return the last state of a run with full gradients and a constant σ = ℓ."""
    zero = np.zeros((costs.n, costs.dim))
    method = admm(topo, costs, beta / 2, dual_bound=dual_bound, local_step=Stochastic(costs.smoothness))
    return next(islice(iterate(method, x0=zero, alpha0=zero), iterations, None))


@pytest.mark.parametrize("graph", GRAPHS)
@pytest.mark.parametrize("dual_bound", [0.05, 0.5, 5.0, 50.0])
def test_full_gradients_reach_cvxpys_tv_minimizer(graph, dual_bound):
    topo, costs = GRAPHS[graph], quadratics(0)
    truth = decon.tv_minimizer(topo, costs, dual_bound)
    state = settle(topo, costs, beta=1.0, dual_bound=dual_bound, iterations=3000)
    assert np.abs(state.x - truth.x).max() <= 1e-8  # CVXPY at 1e-12 on its objective; 2e-10 was measured
    # the fixed point itself is exact to rounding: ∇f_i = Σ_j η_ij
    assert np.abs(costs.gradient(state.x) - state.inner.total).max() <= 1e-10
    assert np.abs(state.inner.duals).max() <= dual_bound
    # CVXPY's own duals: they balance its gradients, are antisymmetric and bounded
    assert np.abs(truth.duals + truth.duals[topo.reverse]).max() == 0.0
    assert np.abs(truth.duals).max() <= dual_bound * (1 + 1e-7)
    assert np.abs(costs.gradient(truth.x) - LocalLinks(topo).arc_sum(truth.duals)).max() <= 1e-6


def test_softmax_on_the_star_reaches_cvxpys_tv_minimizer():
    workers = softmax_workers(2)
    workers = workers._like(workers._rows, workers._labels, workers._weights, 0.05)
    costs, topo = star_costs(workers, ridge=0.05), topologies.make("star", WORKERS + 1)
    for dual_bound in (0.02, 0.05):
        truth = decon.tv_minimizer(topo, costs, dual_bound)
        state = settle(topo, costs, beta=0.5, dual_bound=dual_bound, iterations=3000)
        assert np.abs(state.x - truth.x).max() <= 1e-5  # exponential cones stop earlier than quadratic ones


@pytest.mark.parametrize("graph", GRAPHS)
def test_the_penalty_is_exact_from_the_threshold_on_and_not_below(graph):
    topo, costs = GRAPHS[graph], quadratics(1)
    consensus = decon.minimizer(costs)
    threshold = decon.tv_threshold(topo, costs)
    above = settle(topo, costs, beta=1.0, dual_bound=1.01 * threshold, iterations=6000).x
    below = settle(topo, costs, beta=1.0, dual_bound=0.9 * threshold, iterations=6000).x
    assert np.abs(above - consensus).max() <= 1e-7  # 3e-11 was measured; slow modes near the threshold
    gap = np.abs(decon.tv_minimizer(topo, costs, 0.9 * threshold).x - consensus).max()
    assert gap > 1e-2  # a tenth of the threshold, ℓ of order 1
    assert np.abs(below - consensus).max() == pytest.approx(gap, abs=1e-7)


@pytest.mark.parametrize("graph", GRAPHS)
def test_the_threshold_is_the_largest_entry_of_the_optimal_duals(graph):
    topo, costs = GRAPHS[graph], quadratics(2)
    threshold = decon.tv_threshold(topo, costs)
    if graph == "star":
        slopes = costs.gradient(np.tile(decon.minimizer(costs), (costs.n, 1)))
        assert threshold == pytest.approx(np.abs(slopes[1:]).max(), rel=1e-8)  # the only duals of a tree
    duals = decon.tv_minimizer(topo, costs, 1.0001 * threshold).duals
    assert np.abs(duals).max() == pytest.approx(threshold, rel=1e-3)  # room between threshold and λ, solver noise


@dataclass(frozen=True, eq=False)
class Say(Attack):
    """Send the given rows, whatever they hold."""

    rows: np.ndarray

    def __call__(self, view, rng):
        return self.rows[(view.k - 1) % len(self.rows)]


HOSTILE = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True, width=64),
    st.sampled_from([np.nan, np.inf, -np.inf, 1e300, -1e300, 1e308, -1.7e308, 5e-324]),
)


@settings(deadline=None)
@given(
    rows=hnp.arrays(float, (4, 2, CLASSES * FEATURES), elements=HOSTILE),
    bound=st.floats(1e-6, 1e3),
    beta=st.floats(1e-4, 1e2),
    scale=st.floats(1e-3, 1e2),
)
def test_no_message_moves_a_dual_or_the_hub_beyond_its_bound(rows, bound, beta, scale):
    costs = star_costs(softmax_workers(3))
    step = Stochastic(SquareRoot(scale), BATCH)
    method = star_method(costs, beta=beta, dual_bound=bound, step=step, byzantine=[5, 6], attack=Say(rows))
    zero = np.zeros((costs.n, costs.dim))
    last = None
    for state in islice(iterate(method, x0=zero, alpha0=zero), 9):
        assert np.isfinite(state.x).all()
        assert state.poisoned is None
        assert np.abs(state.inner.duals).max() <= bound  # a NaN would fail
        if last is not None:
            limit = (3 * WORKERS * bound + RIDGE * np.abs(last.x[0]).max()) / (step.sigma(state.k) + WORKERS * beta)
            assert np.abs(state.x[0] - last.x[0]).max() <= limit * (1 + 1e-12)  # rounding of the bound itself
        last = state


@settings(deadline=None)
@given(rows=hnp.arrays(float, (3, 2, 3), elements=HOSTILE), bound=st.floats(1e-6, 1e3))
def test_no_message_moves_an_honest_agent_of_any_graph_beyond_its_bound(rows, bound):
    topo, costs, beta, sigma = GRAPHS["erdos_renyi"], quadratics(4), 0.7, 3.0
    method = admm(topo, costs, beta / 2, np.array([1, 4]), Say(rows), dual_bound=bound, local_step=Stochastic(sigma))
    zero = np.zeros((costs.n, costs.dim))
    last = None
    for state in islice(iterate(method, x0=zero, alpha0=zero), 8):
        assert np.abs(state.inner.duals).max() <= bound
        if last is not None:
            slope = np.abs(costs.gradient(last.x)).max(axis=1)
            limit = (3 * topo.degrees * bound + slope) / (sigma + topo.degrees * beta)
            assert (np.abs(state.x - last.x).max(axis=1) <= limit * (1 + 1e-12)).all()
        last = state


def test_scaling_the_features_is_a_change_of_units_to_the_last_bit():
    s = 1 / 16  # a power of two, so that no product rounds
    zero = np.zeros((WORKERS + 1, CLASSES * FEATURES))
    runs = []
    for scale in (1.0, s):
        method = star_method(
            star_costs(softmax_workers(5, scale=scale), ridge=scale**2 * RIDGE),
            beta=scale**2 * 0.3,
            dual_bound=scale * 0.05,
            step=Stochastic(SquareRoot(scale**2 * 0.5), BATCH),
            byzantine=[6],
            attack=Gaussian(std=100.0 / scale, replace=True),
        )
        runs.append(next(islice(iterate(method, x0=zero, alpha0=zero), 100, None)).x * scale)
    np.testing.assert_array_equal(runs[0], runs[1])


def test_relabelling_the_agents_permutes_the_result():
    costs, topo = quadratics(6), GRAPHS["erdos_renyi"]
    order = np.random.default_rng(0).permutation(7)
    place = np.argsort(order)
    moved = topologies.Topology.from_edges(7, place[topo.edges])
    a = settle(topo, costs, beta=1.0, dual_bound=0.3, iterations=50).x
    b = settle(moved, costs.subset(order), beta=1.0, dual_bound=0.3, iterations=50).x
    np.testing.assert_allclose(b, a[order], rtol=0, atol=1e-13)  # sums in another order


def test_solve_takes_the_stochastic_step_and_repeats_to_the_byte(tmp_path):
    costs, topo = star_costs(softmax_workers(0)), topologies.make("star", WORKERS + 1)
    options = {
        "penalty": 0.15,
        "byzantine": [6],
        "attack": SignFlip(-3.0),
        "dual_bound": 0.05,
        "local_step": Stochastic(SquareRoot(0.5), 4),
        "iterations": 60,
    }
    first, again = decon.solve(topo, costs, **options), decon.solve(topo, costs, **options)
    other = decon.solve(topo, costs, **{**options, "seed": 1})
    np.testing.assert_array_equal(first.x, again.x)
    assert (first.x != other.x).any()
    honest = decon.solve(topo, costs, **{**options, "attack": NoAttack()})
    nobody = decon.solve(topo, costs, **{**options, "byzantine": [], "attack": None})
    np.testing.assert_array_equal(honest.x, nobody.x)  # no attackers equals no attack
    kept = decon.Result.load(first.save(tmp_path / "run"))
    assert kept.manifest["local_step"]["batch_size"] == 4


def test_hub_costs_are_hub_and_workers():
    rng = np.random.default_rng(0)
    workers = LeastSquares(rng.normal(size=(4, 6, 3)), rng.normal(size=(4, 6)))
    costs = WithHub(Ridge(3, 2.0), workers)
    x = rng.normal(size=(5, 3))
    assert costs.value(x)[0] == pytest.approx(x[0] @ x[0])  # ridge/2 = 1
    np.testing.assert_array_equal(costs.gradient(x)[1:], workers.gradient(x[1:]))
    np.testing.assert_array_equal(costs.hessian(x)[0], 2.0 * np.eye(3))
    rows = minibatch(0, 1, costs.samples, 2)
    np.testing.assert_array_equal(costs.stochastic_gradient(x, rows)[0], 2.0 * x[0])
    np.testing.assert_array_equal(costs.stochastic_gradient(x, rows)[1:], workers.stochastic_gradient(x[1:], rows))
    # prox by its optimality condition
    linear, weight = rng.normal(size=(5, 3)), rng.uniform(0.5, 2.0, size=5)
    best = costs.prox(linear, weight)
    assert np.abs(costs.gradient(best) - linear + weight[:, None] * best).max() <= 1e-12  # condition below 1e2
    # the sum's minimiser in closed form, with the hub and without
    honest = np.linalg.solve(workers.H[[0, 2]].sum(0) + 2.0 * np.eye(3), workers.b[[0, 2]].sum(0))
    assert np.abs(decon.minimizer(costs, [0, 1, 3]) - honest).max() <= 1e-12
    assert np.abs(decon.minimizer(costs, [1, 3]) - decon.minimizer(workers, [0, 2])).max() == 0.0
    assert np.abs(decon.minimizer(costs, [0])).max() <= 1e-9  # CVXPY's zero, then Newton


def test_a_large_hub_sum_is_minimised_without_a_conic_solver():
    rng = np.random.default_rng(0)
    workers = SoftmaxRegression(rng.normal(size=(2, 10, 600)), rng.integers(0, 2, size=(2, 10)), 2)
    costs = star_costs(workers, ridge=0.1)
    x = decon.minimizer(costs)
    assert np.abs(costs.gradient(np.tile(x, (3, 1))).sum(0)).max() <= 1e-10  # the Newton method's own tolerance


def test_bad_options_are_refused_by_name():
    for sigma in (0.0, -1.0, np.nan, np.inf):
        with pytest.raises(OptionError, match="sigma"):
            Stochastic(sigma)
        with pytest.raises(OptionError, match="scale"):
            SquareRoot(sigma)
    for size in (0, -3, 2.5, True):
        with pytest.raises(OptionError, match="batch_size"):
            Stochastic(1.0, size)
    costs = quadratics(0)
    zero = np.zeros((7, 3))
    with pytest.raises(OptionError, match="sigma at iteration 1"):
        next(islice(iterate(admm(GRAPHS["ring"], costs, 1.0, local_step=Stochastic(lambda k: k - 1.0)),
                            x0=zero, alpha0=zero), 1, None))  # fmt: skip
    with pytest.raises(CostError, match="not a sum over samples"):
        next(islice(iterate(admm(GRAPHS["ring"], costs, 1.0, local_step=Stochastic(1.0, 2)),
                            x0=zero, alpha0=zero), 1, None))  # fmt: skip
    with pytest.raises(CostError, match="one agent"):
        WithHub(costs, costs)
    with pytest.raises(CostError, match="length"):
        WithHub(Ridge(2, 1.0), costs)
    with pytest.raises(CostError, match="come first"):
        WithHub(Ridge(3, 1.0), costs).subset([1, 0])
    with pytest.raises(CostError, match="no agent 8"):
        WithHub(Ridge(3, 1.0), costs).subset([8])
    with pytest.raises(OptionError, match="dual bound"):
        decon.tv_minimizer(GRAPHS["ring"], costs, np.inf)
    with pytest.raises(CostError, match="7 agents"):
        decon.tv_threshold(GRAPHS["ring"], quadratics(0, n=5))


def test_words_name_the_local_step_as_the_constructor_does():
    def ell():
        return 7.0

    assert make_local_step("exact", ell) == decon.Exact()
    assert make_local_step("stochastic", ell) == Stochastic(SquareRoot(7.0), 32)
    assert make_local_step("stochastic:sigma=4.0,batch_size=None", ell) == Stochastic(4.0)
    for text, words in (
        ("stochatic", "did you mean 'stochastic'"),
        ("exact:sigma=1", "it takes none"),
        ("stochastic:batch=3", "did you mean 'batch_size'"),
        ("stochastic:sigma=1,scale=1", "both"),
        ("stochastic:scale=-1", "scale"),
    ):
        with pytest.raises(OptionError, match=words):
            make_local_step(text, ell)


def test_tv_on_two_agents_in_closed_form():
    # ½x² + ½(y - 2)² + λ|x - y|: each moves by λ until they meet at 1
    costs, topo = Quadratic([[[1.0]], [[1.0]]], [[0.0], [2.0]]), topologies.make("path", 2)
    for bound, expected in ((0.3, [0.3, 1.7]), (0.99, [0.99, 1.01]), (3.0, [1.0, 1.0])):
        np.testing.assert_allclose(decon.tv_minimizer(topo, costs, bound).x.ravel(), expected, atol=1e-7)
        state = settle(topo, costs, beta=1.0, dual_bound=bound, iterations=500)
        np.testing.assert_allclose(state.x.ravel(), expected, atol=1e-12)  # rounding
    assert decon.tv_threshold(topo, costs) == pytest.approx(1.0, abs=1e-9)  # ∇f at 1
