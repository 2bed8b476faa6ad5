import numpy as np
import pytest

from decon.costs import LeastSquares, Quadratic
from decon.errors import CostError


def ragged(seed=0, counts=(5, 3, 5, 8, 1), width=3):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(m, width)) for m in counts], [rng.normal(size=m) for m in counts]


def test_ragged_rows_give_the_sums_a_loop_gives():
    A, y = ragged()
    costs = LeastSquares(A, y, ridge=0.3)
    x = np.random.default_rng(1).normal(size=(5, 3))
    value = [0.5 * np.sum((a @ v - t) ** 2) + 0.15 * v @ v for a, t, v in zip(A, y, x, strict=True)]
    gradient = [a.T @ (a @ v - t) + 0.3 * v for a, t, v in zip(A, y, x, strict=True)]
    # sums of at most 8 products of order 1: rounding is a few 1e-16
    np.testing.assert_allclose(costs.value(x), value, atol=1e-13)
    np.testing.assert_allclose(costs.value(x, costs.gradient(x)), value, atol=1e-13)
    np.testing.assert_allclose(costs.gradient(x), gradient, atol=1e-13)


def test_prox_solves_the_normal_equations():
    A, y = ragged()
    rng = np.random.default_rng(2)
    linear, weight = rng.normal(size=(5, 3)), rng.uniform(0.1, 5, size=5)
    x = LeastSquares(A, y).prox(linear, weight)
    expected = [
        np.linalg.lstsq(np.vstack([a, np.sqrt(w) * np.eye(3)]), np.concatenate([t, v / np.sqrt(w)]), rcond=None)[0]
        for a, t, v, w in zip(A, y, linear, weight, strict=True)
    ]
    # condition numbers up to 1e2, squared in the Gram matrices
    np.testing.assert_allclose(x, expected, atol=1e-11)


def test_curvature_counts_a_rank_deficient_agent_as_flat():
    A, y = ragged()
    assert LeastSquares(A, y).strong_convexity == 0.0  # the last agent has one row for three unknowns
    assert LeastSquares(A, y, ridge=0.25).strong_convexity == 0.25
    full = LeastSquares(A[:1], y[:1], ridge=0.25)
    singular = np.linalg.svd(A[0], compute_uv=False)
    np.testing.assert_allclose(full.strong_convexity, singular[-1] ** 2 + 0.25, rtol=1e-12)  # eigenvalue rounding
    np.testing.assert_allclose(full.smoothness, singular[0] ** 2 + 0.25, rtol=1e-12)


def test_large_rank_deficient_gram_is_not_called_non_convex():
    rng = np.random.default_rng(0)
    A = rng.uniform(0, 1, size=(2, 40, 300))  # all positive: one eigenvalue dwarfs the rounding of 260 zeros
    costs = LeastSquares(A, np.ones((2, 40)))
    assert costs.strong_convexity == 0.0


def test_minibatch_of_all_rows_is_the_gradient_and_expectation_is_exact():
    rng = np.random.default_rng(3)
    A, y = rng.normal(size=(4, 6, 3)), rng.normal(size=(4, 6))
    costs = LeastSquares(A, y, ridge=0.2)
    x = rng.normal(size=(4, 3))
    every = np.tile(np.arange(6), (4, 1))
    np.testing.assert_allclose(costs.stochastic_gradient(x, every), costs.gradient(x), atol=1e-13)  # rounding
    A, y = ragged()
    costs, x = LeastSquares(A, y, ridge=0.2), rng.normal(size=(5, 3))
    # each row of each agent equally often (lcm of the counts), so the mean over batches is the expectation
    batches = np.stack([np.arange(120) % m for m in costs.samples])
    np.testing.assert_allclose(costs.stochastic_gradient(x, batches), costs.gradient(x), atol=1e-12)  # 120 terms


def test_subset_keeps_order_and_minibatches():
    A, y = ragged()
    costs = LeastSquares(A, y, ridge=0.1)
    part = costs.subset([3, 0, 4])
    again = LeastSquares([A[i] for i in (3, 0, 4)], [y[i] for i in (3, 0, 4)], ridge=0.1)
    x, rows = np.ones((3, 3)), np.array([[7, 0], [1, 2], [0, 0]])
    np.testing.assert_array_equal(part.gradient(x), again.gradient(x))
    np.testing.assert_array_equal(part.stochastic_gradient(x, rows), again.stochastic_gradient(x, rows))
    np.testing.assert_array_equal(part.samples, [8, 5, 1])


@pytest.mark.parametrize(
    "A, y, ridge, message",
    [
        ([[[1.0, np.nan]]], [[1.0]], 0.0, "A is not finite for agent 0"),
        ([[[1.0], [1.0]], [[np.inf]]], [[1.0, 1.0], [1.0]], 0.0, "A is not finite for agent 1"),
        ([[[1.0]], [[1.0]]], [[1.0], [np.nan]], 0.0, "y is not finite for agent 1"),
        ([[[1.0]], np.empty((0, 1))], [[1.0], []], 0.0, "agent 1 holds no rows"),
        ([[[1.0]], [[1.0, 2.0]]], [[1.0], [1.0]], 0.0, "agent 1 must be"),
        ([[[1.0]]], [[1.0, 2.0]], 0.0, "y of agent 0 must have shape"),
        ([[[1.0]]], [[1.0], [2.0]], 0.0, "2 agents"),
        ([[[1.0]]], [[1.0]], -1.0, "ridge"),
        ([[[1.0]]], [[1.0]], np.nan, "ridge"),
        ([], [], 0.0, "no agents"),
    ],
)
def test_hostile_data_is_refused_by_name(A, y, ridge, message):
    with pytest.raises(CostError, match=message):
        LeastSquares(A, y, ridge)


def test_minibatch_rows_out_of_range_are_refused():
    costs = LeastSquares(*ragged())
    rows = np.zeros((5, 2), dtype=int)
    rows[4, 1] = 1  # inside the store, but another agent's
    with pytest.raises(CostError, match="agent 4"):
        costs.stochastic_gradient(np.zeros((5, 3)), rows)
    with pytest.raises(CostError, match="integers"):
        costs.stochastic_gradient(np.zeros((5, 3)), np.zeros((5, 2)))


def test_data_is_copied():
    A = np.ones((2, 2, 1))
    costs = LeastSquares(A, np.ones((2, 2)))
    A[:] = 7
    assert isinstance(costs, Quadratic)
    np.testing.assert_array_equal(costs.stochastic_gradient(np.zeros((2, 1)), np.zeros((2, 1), int)), -2.0)
