import cvxpy as cp
import numpy as np
import pytest

import decon
from decon.costs import FromCVXPY, LeastSquares, LogisticRegression
from decon.errors import CostError


def pair(seed=0, solver="CLARABEL"):
    rng = np.random.default_rng(seed)
    A, y = rng.normal(size=(4, 5, 3)), rng.normal(size=(4, 5))
    expressions = []
    for a, t in zip(A, y, strict=True):
        x = cp.Variable(3)
        expressions.append(0.5 * cp.sum_squares(a @ x - t) + 0.05 * cp.sum_squares(x))
    return FromCVXPY(expressions, strong_convexity=0.1, solver=solver), LeastSquares(A, y, ridge=0.1)


@pytest.mark.parametrize("solver", ["CLARABEL", "OSQP"])
def test_least_squares_in_cvxpy_is_least_squares(solver):
    costs, closed = pair(solver=solver)
    rng = np.random.default_rng(1)
    for _ in range(3):  # the same problem, other parameters
        x, weight = rng.normal(size=(4, 3)), rng.uniform(0.1, 3, size=4)
        np.testing.assert_allclose(costs.value(x), closed.value(x), rtol=1e-12)  # rounding
        np.testing.assert_allclose(costs.gradient(x), closed.gradient(x), atol=1e-12)
        np.testing.assert_allclose(costs.prox(x, weight, start=x), closed.prox(x, weight), atol=1e-6)  # the solver's


def test_prox_of_absolute_values_is_soft_thresholding():
    x = cp.Variable(2)  # shared by the agents
    costs = FromCVXPY([cp.norm1(x), 2 * cp.norm1(x - 1)])
    rng = np.random.default_rng(2)
    linear, weight = 3 * rng.normal(size=(2, 2)), np.array([0.5, 2.0])

    def shrink(v, threshold):
        return np.sign(v) * np.maximum(np.abs(v) - threshold, 0)

    expected = [shrink(linear[0], 1) / 0.5, 1 + shrink(linear[1] - 2.0, 2) / 2.0]
    np.testing.assert_allclose(costs.prox(linear, weight), expected, atol=1e-6)  # Clarabel's


def test_entropy_cost_has_gradient_and_domain():
    x = cp.Variable(2)
    costs = FromCVXPY([-cp.sum(cp.log(x)) + cp.sum(x), cp.sum_squares(x)])
    at = np.array([[0.5, 2.0], [1.0, 1.0]])
    np.testing.assert_allclose(costs.gradient(at), [[-1.0, 0.5], [2.0, 2.0]], atol=1e-14)  # rounding
    # stationary: -1/x + 1 + x = 0, so x = (√5 - 1)/2
    # a gap of 1e-10, the least Clarabel reaches with these cones, leaves 1e-5 in x
    np.testing.assert_allclose(costs.prox(np.zeros((2, 2)), np.ones(2))[0], (np.sqrt(5) - 1) / 2, atol=2e-5)
    with pytest.raises(CostError, match="agent 0 has no gradient"):
        costs.gradient(-at)
    np.testing.assert_array_equal(costs.value(-at), [np.inf, 2.0])


def test_logistic_in_cvxpy_has_the_same_minimiser():
    rng = np.random.default_rng(3)
    X, y = rng.normal(size=(3, 7, 2)), rng.choice([-1, 1], size=(3, 7))
    v = cp.Variable(2)
    costs = FromCVXPY(
        [cp.sum(cp.logistic(cp.multiply(-y[i], X[i] @ v))) / 7 + 0.05 * cp.sum_squares(v) for i in range(3)]
    )
    own = LogisticRegression(X, y, ridge=0.1)
    for agents in (None, [2, 0]):
        np.testing.assert_allclose(decon.minimizer(costs, agents), decon.minimizer(own, agents), atol=1e-6)


def test_subset_and_the_users_variable():
    x = cp.Variable(1)
    x.value = np.array([7.0])
    costs = FromCVXPY([cp.sum_squares(x - i) for i in range(4)], strong_convexity=2.0, smoothness=2.0)
    part = costs.subset(np.array([3, 1]))
    np.testing.assert_allclose(part.value(np.zeros((2, 1))), [9.0, 1.0], rtol=1e-14)
    assert (part.strong_convexity, part.smoothness) == (2.0, 2.0)
    costs.prox(np.zeros((4, 1)), np.ones(4))
    assert x.value == 7.0


def test_expressions_that_do_not_fit_are_refused_by_name():
    x, y, z = cp.Variable(2), cp.Variable(3), cp.Variable(2, nonneg=True)
    fine = cp.sum_squares(x)
    for bad, message in [
        (cp.sqrt(x[0]), "agent 1 is not convex"),
        (x, "agent 1 is not a scalar"),
        (3.0, "agent 1 is not a scalar"),
        (cp.sum_squares(y), "agent 1 has 3 entries"),
        (fine + cp.sum_squares(y), "agent 1 must have one variable"),
        (cp.Constant(1.0), "agent 1 must have one variable"),
        (cp.sum_squares(z), "agent 1 carries attributes"),
    ]:
        with pytest.raises(CostError, match=message):
            FromCVXPY([fine, bad])
    with pytest.raises(CostError, match="no expressions"):
        FromCVXPY([])
    with pytest.raises(CostError, match="ν"):
        FromCVXPY([fine], strong_convexity=2.0, smoothness=1.0)
    with pytest.raises(CostError, match="solver"):
        FromCVXPY([fine], solver="GLPK")


def test_unbounded_sum_and_missing_hessian():
    x = cp.Variable(1)
    costs = FromCVXPY([cp.sum(x), 2 * cp.sum(x)])
    with pytest.raises(CostError, match="unbounded"):
        decon.minimizer(costs)
    with pytest.raises(CostError, match="Hessian"):
        costs.hessian(np.zeros((2, 1)))
    with pytest.raises(CostError, match="minibatch"):
        costs.stochastic_gradient(np.zeros((2, 1)), np.zeros((2, 1), int))
