import importlib

import numpy as np
import pytest

import decon
from decon.costs import LeastSquares, LogisticRegression, Quadratic
from decon.errors import CostError


def least_squares(seed, n=6, width=4, ridge=0.1):
    rng = np.random.default_rng(seed)
    A = [rng.normal(size=(m, width)) for m in rng.integers(1, 9, size=n)]
    return A, [rng.normal(size=len(a)) for a in A], ridge


@pytest.mark.parametrize("seed", range(4))
def test_cvxpy_and_closed_form_agree_on_least_squares(seed):
    A, y, ridge = least_squares(seed)
    costs = LeastSquares(A, y, ridge)
    stacked = np.vstack([*A, np.sqrt(6 * ridge) * np.eye(4)])
    closed = np.linalg.lstsq(stacked, np.concatenate([*y, np.zeros(4)]), rcond=None)[0]
    assert np.abs(decon.minimizer(costs, polish=False) - closed).max() <= 1e-6  # what the issue asks of CVXPY
    assert np.abs(decon.minimizer(costs) - closed).max() <= 1e-12  # condition below 1e3, rounding above 1e-16


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_cvxpy_and_closed_form_agree_on_quadratics(seed, scale):
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(5, 3, 3))
    H, b = scale * (root @ root.transpose(0, 2, 1) + 0.1 * np.eye(3)), scale * rng.normal(size=(5, 3))
    closed = np.linalg.solve(H.sum(0), b.sum(0))
    costs = Quadratic(H, b)
    assert np.abs(decon.minimizer(costs, polish=False) - closed).max() <= 1e-6
    x = decon.minimizer(costs)
    # rounding level: the gradient is a difference of terms of size ‖Σb‖
    assert np.linalg.norm(costs.gradient(np.tile(x, (5, 1))).sum(0)) <= 1e-14 * 5 * scale * 10
    honest = [0, 2, 3]
    closed = np.linalg.solve(H[honest].sum(0), b[honest].sum(0))
    assert np.abs(decon.minimizer(costs, honest) - closed).max() <= 1e-12


def test_large_sums_are_quick_and_exact():
    rng = np.random.default_rng(0)
    H, b = rng.uniform(0.5, 2, size=(100_000, 1, 1)) * np.eye(3), rng.normal(size=(100_000, 3))
    x = decon.minimizer(Quadratic(H, b))
    np.testing.assert_allclose(x, np.linalg.solve(H.sum(0), b.sum(0)), rtol=1e-12)  # condition 1


def test_a_quadratic_sum_asks_no_solver(monkeypatch):
    def refuses(*_args, **_options):
        raise AssertionError("a solver was asked")

    monkeypatch.setattr(importlib.import_module("decon.problem.minimizer"), "solve_tightly", refuses)
    A, y, ridge = least_squares(6)
    stacked = np.vstack([*A, np.sqrt(6 * ridge) * np.eye(4)])
    closed = np.linalg.lstsq(stacked, np.concatenate([*y, np.zeros(4)]), rcond=None)[0]
    assert np.abs(decon.minimizer(LeastSquares(A, y, ridge)) - closed).max() <= 1e-12  # as with CVXPY, above


def test_unbounded_sum_is_refused():
    with pytest.raises(CostError, match="unbounded"):
        decon.minimizer(Quadratic([[[1.0, 0.0], [0.0, 0.0]]], [[0.0, 1.0]]))


def test_flat_sum_is_refused():
    with pytest.raises(CostError, match="not unique"):
        decon.minimizer(Quadratic([[[1.0, 0.0], [0.0, 0.0]]], [[1.0, 0.0]]))


def test_rank_deficient_sum_is_refused_though_rounding_hides_it():
    A = np.random.default_rng(0).normal(size=(4, 7, 50))
    with pytest.raises(CostError, match="not unique"):
        decon.minimizer(LeastSquares(A, np.ones((4, 7))))


def test_more_unknowns_than_a_conic_solver_takes():
    rng = np.random.default_rng(1)
    A, y = rng.normal(size=(1, 30, 1100)), rng.normal(size=(1, 30))
    x = decon.minimizer(LeastSquares(A, y, ridge=1.0))
    dual = A[0].T @ np.linalg.solve(A[0] @ A[0].T + np.eye(30), y[0])  # the same through 30 unknowns
    np.testing.assert_allclose(x, dual, atol=1e-11)  # condition 2e3 times rounding


def test_strongly_convex_sum_survives_a_solver_that_gives_up(monkeypatch):
    def gives_up(*_args, **_options):
        raise CostError("the sum of the costs has no minimiser to be found: CVXPY ended with optimal_inaccurate")

    A, y, ridge = least_squares(5)
    costs = LogisticRegression(A, [np.where(labels > 0, 1.0, -1.0) for labels in y], ridge)  # no linear system
    expected = decon.minimizer(costs)
    monkeypatch.setattr(importlib.import_module("decon.problem.minimizer"), "solve_tightly", gives_up)
    np.testing.assert_allclose(decon.minimizer(costs), expected, atol=1e-13)  # both at rounding
    with pytest.raises(CostError, match="inaccurate"):
        decon.minimizer(costs, polish=False)


def test_no_agents_is_refused():
    with pytest.raises(CostError, match="no agents"):
        decon.minimizer(LeastSquares([[[1.0]]], [[1.0]]), [])


def test_total_of_quadratic_costs_is_the_sum_of_their_values() -> None:
    rng = np.random.default_rng(3)
    root = rng.normal(size=(7, 3, 3))
    costs = Quadratic(root @ root.transpose(0, 2, 1), rng.normal(size=(7, 3)), rng.normal(size=7))
    x = rng.normal(size=(7, 3))
    expected = costs.value(x).sum()
    assert costs.total_value(x) == pytest.approx(expected, rel=1e-12)  # rounding of two dozen products
    assert costs.total_value(x, costs.gradient(x)) == pytest.approx(expected, rel=1e-12)
