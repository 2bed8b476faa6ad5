"""Logistic, softmax and Huber costs against differences, CVXPY and plain loops."""

import tracemalloc

import cvxpy as cp
import numpy as np
import pytest
from scipy.optimize import root

import decon
from decon.costs import Huber, LeastSquares, LogisticRegression, SoftmaxRegression
from decon.errors import CostError

COUNTS = (6, 3, 6, 9, 1)
KINDS = ["logistic", "softmax", "huber"]


def draw(kind, seed=0, counts=COUNTS, width=3, ridge=0.1, scale=1.0):
    rng = np.random.default_rng(seed)
    X = [scale * rng.normal(size=(m, width)) for m in counts]
    if kind == "logistic":
        return LogisticRegression(X, [rng.choice([-1, 1], size=m) for m in counts], ridge=ridge)
    if kind == "softmax":
        return SoftmaxRegression(X, [rng.integers(4, size=m) for m in counts], classes=4, ridge=ridge)
    return Huber(X, [3 * rng.normal(size=m) for m in counts], delta=0.7, ridge=ridge)


def differences(function, x, h=1e-5):
    """(n, N, ...) central differences of ``function`` (n, ...) in each coordinate of ``x`` (n, N)."""
    columns = []
    for j in range(x.shape[1]):
        move = np.zeros_like(x)
        move[:, j] = h
        columns.append((function(x + move) - function(x - move)) / (2 * h))
    return np.stack(columns, axis=1)


@pytest.mark.parametrize("kind", KINDS)
def test_gradient_and_hessian_are_the_differences(kind):
    costs = draw(kind)
    x = np.random.default_rng(1).normal(size=(costs.n, costs.dim))
    # central differences: h²/6 f''' + 1e-16 f / h, at most 1e-9 here
    np.testing.assert_allclose(costs.gradient(x), differences(costs.value, x), atol=1e-8)
    np.testing.assert_allclose(costs.hessian(x), differences(costs.gradient, x), atol=1e-8)


def test_values_are_the_means_and_sums_a_loop_gives():
    rng = np.random.default_rng(2)
    X = [rng.normal(size=(m, 3)) for m in COUNTS]
    signs, classes = [rng.choice([0, 1], size=m) for m in COUNTS], [rng.integers(3, size=m) for m in COUNTS]
    x, theta = rng.normal(size=(5, 3)), rng.normal(size=(5, 9))
    logistic, softmax, huber = [], [], []
    for i in range(5):
        logistic.append(np.mean(np.log1p(np.exp(-(2 * signs[i] - 1) * (X[i] @ x[i])))) + 0.1 * x[i] @ x[i])
        logits = X[i] @ theta[i].reshape(3, 3).T  # one row of features a class
        entropy = np.log(np.exp(logits).sum(1)) - logits[np.arange(COUNTS[i]), classes[i]]
        softmax.append(entropy.mean() + 0.1 * theta[i] @ theta[i])
        r = X[i] @ x[i] - signs[i]
        huber.append(np.where(abs(r) <= 0.5, r * r / 2, 0.5 * abs(r) - 0.125).sum() + 0.1 * x[i] @ x[i])
    # sums of at most 9 terms of order 1
    np.testing.assert_allclose(LogisticRegression(X, signs, ridge=0.2).value(x), logistic, atol=1e-13)
    np.testing.assert_allclose(SoftmaxRegression(X, classes, 3, ridge=0.2).value(theta), softmax, atol=1e-13)
    np.testing.assert_allclose(Huber(X, signs, delta=0.5, ridge=0.2).value(x), huber, atol=1e-13)


@pytest.mark.parametrize("kind", KINDS)
def test_ragged_agents_are_what_each_is_alone(kind):
    costs = draw(kind)
    x = np.random.default_rng(3).normal(size=(costs.n, costs.dim))
    weight = np.linspace(0.1, 2, costs.n)
    for agents in ([3, 0, 4], [2], range(5)):
        part, some = costs.subset(list(agents)), list(agents)
        np.testing.assert_array_equal(part.samples, costs.samples[some])
        # the same sums, in another batch: rounding
        np.testing.assert_allclose(part.value(x[some]), costs.value(x)[some], rtol=1e-14)
        np.testing.assert_allclose(part.gradient(x[some]), costs.gradient(x)[some], atol=1e-14)
        np.testing.assert_allclose(part.prox(x[some], weight[some]), costs.prox(x, weight)[some], atol=1e-10)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("weight", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize("scale", [1e-2, 1.0, 30.0])
def test_prox_is_stationary(kind, weight, scale):
    costs = draw(kind, scale=scale, ridge=0.01)
    rng = np.random.default_rng(4)
    linear, start = rng.normal(size=(costs.n, costs.dim)), 5 * rng.normal(size=(costs.n, costs.dim))
    weights = weight * rng.uniform(0.5, 2, size=costs.n)
    x = costs.prox(linear, weights, start)
    gradient = costs.gradient(x)
    residual = np.linalg.norm(gradient + weights[:, None] * x - linear, axis=1)
    sizes = (1 + scale * 3 * costs.samples) + weights * np.linalg.norm(x, axis=1) + np.linalg.norm(linear, axis=1)
    assert (residual <= 1e-12 * sizes).all()  # what the local step promises
    again = costs.prox(linear, weights)  # the start does not matter: strong convexity turns residual into distance
    assert (np.linalg.norm(again - x, axis=1) <= 2e-12 * sizes / (weights + 0.01)).all()


@pytest.mark.parametrize("kind", KINDS)
def test_prox_is_what_cvxpy_finds(kind):
    costs = draw(kind, seed=5)
    rng = np.random.default_rng(6)
    linear, weight = rng.normal(size=(costs.n, costs.dim)), rng.uniform(0.3, 3, size=costs.n)
    x = costs.prox(linear, weight)
    for i in range(costs.n):
        v = cp.Variable(costs.dim)
        objective = costs.subset([i]).expression(v) - linear[i] @ v + weight[i] / 2 * cp.sum_squares(v)
        cp.Problem(cp.Minimize(objective)).solve(solver="CLARABEL", tol_gap_abs=1e-11, tol_gap_rel=1e-11)
        assert np.abs(v.value - x[i]).max() <= 1e-5  # a gap g leaves √(2g/w): 1e-5


@pytest.mark.parametrize("kind", KINDS)
def test_prox_without_a_neighbour_needs_a_ridge(kind):
    costs = draw(kind, ridge=0.1)
    x = costs.prox(np.zeros((5, costs.dim)), np.zeros(5))
    assert np.linalg.norm(costs.gradient(x)) <= 1e-11
    with pytest.raises(CostError, match="neither ridge nor weight"):
        draw(kind, ridge=0.0).prox(np.zeros((5, costs.dim)), np.array([1, 1, 0, 1, 1.0]))
    with pytest.raises(CostError, match="not finite"):
        costs.prox(np.full((5, costs.dim), np.nan), np.ones(5))


@pytest.mark.parametrize("kind", KINDS)
def test_curvature_bounds_hold_for_sampled_hessians(kind):
    costs = draw(kind)
    rng = np.random.default_rng(7)
    for size in (0.0, 0.1, 1.0, 10.0):
        eigenvalues = np.linalg.eigvalsh(costs.hessian(size * rng.normal(size=(costs.n, costs.dim))))
        assert eigenvalues.min() >= costs.strong_convexity - 1e-12  # eigenvalue rounding
        assert eigenvalues.max() <= costs.smoothness + 1e-12


def test_logistic_smoothness_is_attained_at_zero():
    costs = draw("logistic")
    # φ'' = ¼ at 0: the bound is exact
    np.testing.assert_allclose(np.linalg.eigvalsh(costs.hessian(np.zeros((5, 3)))).max(), costs.smoothness, rtol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_minibatches_estimate_the_gradient(kind):
    costs = draw(kind)
    x = np.random.default_rng(8).normal(size=(costs.n, costs.dim))
    batches = np.stack([np.arange(36) % m for m in costs.samples])  # every row equally often: the expectation
    np.testing.assert_allclose(costs.stochastic_gradient(x, batches), costs.gradient(x), atol=1e-12)
    rows = np.array([[5], [0], [2], [8], [0]])
    one = costs.stochastic_gradient(x, rows)
    weights = costs.samples if kind == "huber" else np.ones(5)  # a sum is m_i times a mean
    X = [costs._rows.stacked[s + r] for s, r in zip(costs._rows.starts, rows[:, 0], strict=True)]
    for i in range(5):
        alone = costs.subset([i])
        # the same sample as an agent of its own
        label = [[costs._labels[costs._rows.starts[i] + rows[i, 0]]]]
        if kind == "softmax":
            single = SoftmaxRegression([[X[i]]], label, 4)
        else:
            single = LogisticRegression([[X[i]]], label) if kind == "logistic" else Huber([[X[i]]], label, 0.7)
        expected = weights[i] * single.gradient(x[[i]])[0] + alone.ridge * x[i]
        np.testing.assert_allclose(one[i], expected, atol=1e-13)
    with pytest.raises(CostError, match="agent 4"):
        costs.stochastic_gradient(x, rows + np.array([[0], [0], [0], [0], [1]]))


@pytest.mark.parametrize("kind", ["logistic", "softmax"])
def test_logits_of_ten_thousand(kind):
    costs = draw(kind, scale=1e4, ridge=1e-3)
    rng = np.random.default_rng(9)
    x = rng.normal(size=(costs.n, costs.dim))
    assert np.abs(costs.project(x)).max() > 1e4
    assert np.isfinite(costs.value(x)).all()
    assert np.isfinite(costs.gradient(x)).all()
    assert np.isfinite(costs.hessian(x)).all()
    # away from the kinks the loss is linear there: its differences are exact to rounding of values of 1e4
    away = differences(costs.value, x, h=1e-3)
    np.testing.assert_allclose(costs.gradient(x), away, rtol=1e-6, atol=1e-6)
    weight = rng.uniform(0.1, 2, size=costs.n)
    y = costs.prox(x, weight, start=x)
    residual = np.linalg.norm(costs.gradient(y) + weight[:, None] * y - x, axis=1)
    assert (residual <= 1e-12 * 1e4 * 4).all()  # terms of the gradient are of size 1e4


def test_huber_with_a_large_delta_is_least_squares():
    rng = np.random.default_rng(10)
    A, y = [rng.normal(size=(m, 3)) for m in COUNTS], [rng.normal(size=m) for m in COUNTS]
    huber, squares = Huber(A, y, delta=1e6, ridge=0.1), LeastSquares(A, y, ridge=0.1)
    x, weight = rng.normal(size=(5, 3)), np.ones(5)
    np.testing.assert_allclose(huber.value(x), squares.value(x), rtol=1e-12)  # rounding of both
    np.testing.assert_allclose(huber.gradient(x), squares.gradient(x), atol=1e-12)
    np.testing.assert_allclose(huber.prox(x, weight), squares.prox(x, weight), atol=1e-11)
    np.testing.assert_allclose(huber.smoothness, squares.smoothness, rtol=1e-12)


def test_softmax_of_two_classes_is_logistic_on_the_difference():
    rng = np.random.default_rng(11)
    X, y = rng.normal(size=(3, 8, 2)), rng.integers(2, size=(3, 8))
    theta = rng.normal(size=(3, 4))
    pair = SoftmaxRegression(X, y, classes=2).gradient(theta)
    single = LogisticRegression(X, y).gradient(theta[:, 2:] - theta[:, :2])
    np.testing.assert_allclose(pair, np.hstack([-single, single]), atol=1e-14)


@pytest.mark.parametrize("kind", KINDS)
def test_large_dimensions_use_conjugate_gradients_to_the_same_answer(kind, monkeypatch):
    costs = draw(kind, counts=(20, 31, 20), width=5)
    rng = np.random.default_rng(12)
    linear, weight = rng.normal(size=(3, costs.dim)), rng.uniform(0.1, 2, size=3)
    dense = costs.prox(linear, weight)
    monkeypatch.setattr("decon.costs.newton._DENSE_DIM", 0)
    free = costs.prox(linear, weight)
    np.testing.assert_allclose(free, dense, atol=1e-9)  # residual 1e-12 · 100 over ν ≥ 0.1


@pytest.mark.parametrize("kind", KINDS)
def test_minimizer_is_scipys_and_not_worse_than_cvxpys(kind):
    costs = draw(kind, seed=13, counts=(9, 14, 20, 9), ridge=0.05)
    agents = [0, 2, 3]
    x = decon.minimizer(costs, agents)
    raw = decon.minimizer(costs, agents, polish=False)

    def slope(v):
        return costs.gradient(np.tile(v, (4, 1)))[agents].sum(0)

    assert np.linalg.norm(slope(x)) <= np.linalg.norm(slope(raw))
    assert np.linalg.norm(slope(x)) <= 1e-13  # rounding of sums of order 10
    found = root(  # MINPACK on the gradient; SciPy's minimisers stop at the rounding of values, 1e-8 in x
        slope,
        np.zeros(costs.dim),
        jac=lambda v: costs.hessian(np.tile(v, (4, 1)))[agents].sum(0),
        options={"xtol": 1e-14},
    )
    assert np.abs(x - found.x).max() <= 1e-10  # the figure
    assert np.abs(x - raw).max() <= 1e-5  # Clarabel's gap of 1e-10 or better


def test_minimizer_of_many_samples_does_without_cones():
    rng = np.random.default_rng(14)
    X = rng.normal(size=(10, 2000, 4))
    costs = LogisticRegression(X, X[:, :, 0] + rng.normal(size=(10, 2000)) > 0, ridge=1e-3)
    assert costs.conic_rows * costs.dim > 100_000
    x = decon.minimizer(costs)
    slope = costs.gradient(np.tile(x, (10, 1))).sum(0)
    assert np.linalg.norm(slope) <= 1e-13  # rounding of a sum of terms of order 10


def test_both_ways_to_the_curvature_bound_agree(monkeypatch):
    wide, tall = draw("softmax", width=12), draw("softmax", width=2)  # more features than samples, and fewer
    batched = [wide.smoothness, tall.smoothness]
    monkeypatch.setattr("decon.costs.samples._BATCHED_NUMBERS", 0)
    alone = [draw("softmax", width=width).smoothness for width in (12, 2)]
    np.testing.assert_allclose(alone, batched, rtol=1e-13)  # eigenvalue rounding


def test_data_is_copied_once():
    rng = np.random.default_rng(16)
    X = [rng.normal(size=(m, 40)) for m in (900, 500, 1200, 900)]
    y = [rng.integers(3, size=len(x)) for x in X]
    size = sum(x.nbytes for x in X)
    tracemalloc.start()
    costs = SoftmaxRegression(X, y, classes=3, ridge=0.1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak <= 1.35 * size  # one copy, the check for finite numbers (1/8), and (M,) arrays at F = 40
    before = costs.gradient(np.ones((4, 120)))
    X[0][:] = np.nan
    np.testing.assert_array_equal(costs.gradient(np.ones((4, 120))), before)


def test_prox_started_at_its_answer_stays_there():
    costs = draw("logistic")
    linear, weight = np.ones((5, 3)), np.ones(5)
    x = costs.prox(linear, weight)
    np.testing.assert_array_equal(costs.prox(linear, weight, start=x), x)


def test_prox_that_is_not_found_in_time_says_whose(monkeypatch):
    costs = draw("huber")
    monkeypatch.setattr("decon.costs.newton._ITERATIONS", 1)
    with pytest.raises(CostError, match=r"agent \d did not converge"):
        costs.prox(np.ones((5, 3)), np.ones(5))


def test_separable_classes_without_a_ridge_are_refused():
    costs = LogisticRegression([[[1.0], [-1.0]], [[2.0], [-1.0]]], [[1, -1], [1, -1]])
    with pytest.raises(CostError, match="minimiser"):
        decon.minimizer(costs)


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: LogisticRegression([[[1.0]]], [[2]]), "agent 0 has 2"),
        (lambda: LogisticRegression([[[1.0], [1.0]]], [[0, -1]]), "not in both"),
        (lambda: LogisticRegression([[[1.0]], [[np.nan]]], [[1], [1]]), "X is not finite for agent 1"),
        (lambda: LogisticRegression([[[1.0]]], [[1]], ridge=-1), "ridge"),
        (lambda: SoftmaxRegression([[[1.0]]], [[3]], classes=3), "agent 0 has 3"),
        (lambda: SoftmaxRegression([[[1.0]]], [[-1]], classes=3), "agent 0 has -1"),
        (lambda: SoftmaxRegression([[[1.0]]], [[0.5]], classes=3), "agent 0 has 0.5"),
        (lambda: SoftmaxRegression([[[1.0]]], [[0]], classes=1), "classes"),
        (lambda: SoftmaxRegression([[[1.0]], np.empty((0, 1))], [[0], []], classes=2), "agent 1 holds no rows"),
        (lambda: Huber([[[1.0]]], [[1.0]], delta=0.0), "delta"),
        (lambda: Huber([[[1.0]]], [[1.0]], delta=np.inf), "delta"),
        (lambda: Huber([[[1.0]]], [[np.inf]], delta=1.0), "y is not finite"),
    ],
)
def test_hostile_data_is_refused_by_name(make, message):
    with pytest.raises(CostError, match=message):
        make()


def test_labels_may_be_zero_and_one():
    X = np.random.default_rng(15).normal(size=(2, 5, 2))
    y = np.array([[0, 1, 1, 0, 1], [1, 1, 0, 0, 0]])
    x = np.ones((2, 2))
    np.testing.assert_array_equal(LogisticRegression(X, y).gradient(x), LogisticRegression(X, 2 * y - 1).gradient(x))
