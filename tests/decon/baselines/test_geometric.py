import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decon.baselines import geometric_median, weiszfeld
from decon.errors import OptionError


def spread(rows: np.ndarray, z: np.ndarray) -> float:
    return float(np.linalg.norm(rows - z, axis=1).sum())


def by_cvxpy(rows: np.ndarray) -> np.ndarray:
    z = cp.Variable(rows.shape[1])
    cp.Problem(cp.Minimize(cp.sum(cp.norm(rows - cp.vstack([z] * len(rows)), axis=1)))).solve(
        solver=cp.CLARABEL, tol_gap_abs=1e-10, tol_gap_rel=1e-10, tol_feas=1e-10
    )
    return np.asarray(z.value)


@pytest.mark.parametrize("m, N, seed", [(3, 2, 0), (7, 4, 1), (20, 10, 2), (20, 3, 3), (6, 5, 4)])
def test_it_is_cvxpys_minimiser_of_the_sum_of_norms(m: int, N: int, seed: int) -> None:
    rows = np.random.default_rng(seed).normal(size=(m, N))
    result = weiszfeld(rows, tolerance=1e-9)
    assert result.converged
    reference = by_cvxpy(rows)
    # φ is flat at its minimum: the solver's 1e-10 in φ is 1e-5 in z, and ours is the lower φ
    assert np.abs(result.point - reference).max() < 3e-5
    assert spread(rows, result.point) <= spread(rows, reference) + 1e-13 * m


def test_with_far_outliers() -> None:
    rng = np.random.default_rng(0)
    rows = np.vstack([rng.normal(size=(12, 30)), 100 * rng.normal(size=(8, 30))])
    result = weiszfeld(rows, tolerance=1e-9)
    reference = by_cvxpy(rows)
    assert spread(rows, result.point) <= spread(rows, reference) + 1e-9 * spread(rows, reference)
    assert np.abs(result.point - reference).max() < 1e-3  # the solver sees a sum 1e4 times larger


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 12), st.integers(1, 6), st.integers(0, 2**32), st.sampled_from([1e-2, 1e-4, 1e-7]))
def test_the_certificate_holds(m: int, N: int, seed: int, tolerance: float) -> None:
    """φ(point) - φ* ≤ gap, with φ* from a run that is a thousand times as exact."""
    rows = np.random.default_rng(seed).normal(size=(m, N))
    loose, fine = weiszfeld(rows, tolerance=tolerance), weiszfeld(rows, tolerance=1e-3 * tolerance, iterations=20_000)
    assert loose.converged
    slack = 1e-13 * spread(rows, loose.point)  # rounding of the two sums
    assert spread(rows, loose.point) - spread(rows, fine.point) <= loose.gap + slack
    # and it is not an empty promise
    assert loose.gap <= 3 * tolerance * spread(rows, loose.point)


def test_a_message_that_is_the_minimiser_is_returned_exactly() -> None:
    # Fermat's problem with an angle of 150° at the origin, above 120°: the corner is the minimiser
    angle = np.deg2rad(150)
    rows = np.array([[0.0, 0.0], [1.0, 0.0], [np.cos(angle), np.sin(angle)]])
    result = weiszfeld(rows)
    assert np.array_equal(result.point, rows[0])
    assert (result.residual, result.gap, result.iterations) == (0.0, 0.0, 0)


def test_fermats_point() -> None:
    # an equilateral triangle: its centre, from which each pair of corners is seen under 120°
    rows = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, np.sqrt(3) / 2]])
    assert np.abs(weiszfeld(rows, tolerance=1e-12).point - [0.5, np.sqrt(3) / 6]).max() < 1e-11


def test_starting_on_a_message_that_is_not_the_minimiser() -> None:
    """The coordinate-wise median, where the iteration starts, is a message here, and Weiszfeld's weight 1/0."""
    rows = np.array([[0.0, 0.0], [3.0, 0.5], [0.4, 3.0], [-1.0, -0.1], [-0.2, -1.0]])
    assert np.array_equal(np.median(rows, axis=0), rows[0])
    rows[1:3] *= 4
    rows = np.vstack([rows, [[9.0, 9.0]], [[-0.3, -0.2]]])
    result = weiszfeld(rows, tolerance=1e-9)
    assert np.abs(result.point - by_cvxpy(rows)).max() < 3e-5  # as above


@pytest.mark.parametrize("copies", [4, 5, 9])
def test_a_message_sent_by_half_or_more_wins(copies: int) -> None:
    rows = np.vstack([np.tile([[1.0, 2.0]], (copies, 1)), np.random.default_rng(0).normal(size=(4, 2))])
    assert np.array_equal(geometric_median(rows), [1.0, 2.0])


def test_small_cases() -> None:
    assert np.array_equal(geometric_median(np.array([[3.0, 4.0]])), [3.0, 4.0])
    assert np.array_equal(geometric_median(np.zeros((5, 2))), [0.0, 0.0])
    # two messages: every point between is a minimiser
    assert spread(np.array([[0.0], [1.0]]), geometric_median(np.array([[0.0], [1.0]]))) == 1.0
    line = np.array([[0.0], [1.0], [5.0], [7.0], [100.0]])
    assert geometric_median(line)[0] == 5.0  # on a line it is the median
    collinear = line * np.array([[1.0, 2.0]])
    assert np.array_equal(geometric_median(collinear), [5.0, 10.0])


@pytest.mark.parametrize("size", [1e-90, 1e90])
def test_any_scale(size: float) -> None:
    rows = np.random.default_rng(1).normal(size=(7, 3))
    # 1e-12: scaling by a power of ten rounds each entry; the iteration is the same
    assert np.abs(geometric_median(size * rows) / size - geometric_median(rows)).max() < 1e-12


@settings(max_examples=150, deadline=None)
@given(
    st.integers(2, 24),
    st.integers(1, 7),
    st.integers(0, 2**32),
    st.sampled_from(["normal", "ties", "scales", "line", "cluster"]),
    st.sampled_from([1e-6, 1e-9]),
)
def test_hard_arrangements_converge_in_few_steps(m: int, N: int, seed: int, kind: str, tolerance: float) -> None:
    """Plain Weiszfeld needs more than 1,000 steps on some of these, where the minimiser lies close to a message."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(m, N))
    if kind == "ties":
        rows = np.round(2 * rows)
    elif kind == "scales":
        rows[: m // 2] *= 10.0 ** rng.uniform(-6, 8)
    elif kind == "line":
        rows = np.outer(rows[:, 0], rng.normal(size=N)) + 1e-6 * rows
    elif kind == "cluster":
        rows[: m // 2] = rows[0] + 1e-8 * rows[: m // 2]
    result = weiszfeld(rows, tolerance=tolerance)
    assert result.converged
    assert result.iterations <= 100  # 30 was the most in 3,000 random ones at 1e-6
    nudges = np.vstack(
        [rows, result.point + 1e-3 * rng.normal(size=(20, N))]
    )  # nothing near is better by more than gap
    best = min(spread(rows, z) for z in nudges)
    assert spread(rows, result.point) <= best + result.gap + 1e-13 * spread(rows, result.point)


def test_too_few_iterations_are_reported() -> None:
    rows = np.random.default_rng(1).normal(size=(7, 3))
    result = weiszfeld(rows, tolerance=1e-12, iterations=1)
    assert (result.converged, result.iterations) == (False, 1)
    assert result.gap > 0


def test_bad_options() -> None:
    with pytest.raises(OptionError, match="tolerance"):
        weiszfeld(np.zeros((3, 1)), tolerance=0.0)
    with pytest.raises(OptionError, match="iterations"):
        weiszfeld(np.zeros((3, 1)), iterations=0)


def test_newton_steps_stay_among_messages_that_are_far_apart() -> None:
    """Two lies of 1e99 make Weiszfeld's Newton system singular to rounding; such a step once overflowed."""
    rows = 1e-3 * np.random.default_rng(275).normal(size=(8, 3))
    rows[-2:] = -1e99
    result = weiszfeld(rows)
    assert result.converged
    assert np.abs(result.point).max() <= 4 * np.abs(rows[:-2]).max()  # 2(m - q)/(m - 2q) radii around an honest message
