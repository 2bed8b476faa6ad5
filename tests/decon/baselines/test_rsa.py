import cvxpy as cp
import numpy as np
import pytest

from decon.attacks import Constant, Gaussian, NonFinite, SameValue, SignFlip
from decon.baselines import rsa
from decon.costs import LeastSquares
from decon.errors import OptionError
from decon.streams import stream


def costs_of(m: int = 5, dim: int = 2, each: int = 1, seed: int = 0, ridge: float = 0.0) -> LeastSquares:
    rng = np.random.default_rng(seed)
    return LeastSquares(rng.normal(size=(m, each, dim)), rng.normal(size=(m, each)), ridge)


def test_the_recursion_written_out() -> None:
    """Both updates use iterate k; the liar runs honestly and falsifies what it sends."""
    costs, lam, x0, x = costs_of(m=3, each=6), 0.2, np.zeros(2), np.zeros((3, 2))
    for k in range(1, 31):
        alpha = 0.4 / np.sqrt(k)
        rows = stream(2, "minibatch", k).integers(0, 6, size=(3, 2))
        sent = x.copy()
        sent[1] = x[1] + stream(2, "attack", k).normal(0.0, 5.0, size=(1, 2))
        new = np.empty_like(x)
        for i in range(3):
            A, y = costs._rows.stacked[6 * i + rows[i]], costs._y[6 * i + rows[i]]
            new[i] = x[i] - alpha * (3 * A.T @ (A @ x[i] - y) + lam * np.sign(x[i] - x0))
        x0 = x0 - alpha * (0.1 * x0 + lam * sum(np.sign(x0 - sent[i]) for i in range(3)))
        x = new
    run = rsa(
        costs, dual_bound=lam, byzantine=[2], attack=Gaussian(std=5.0), step=0.4, batch_size=2, iterations=30,
        ridge=0.1, seed=2,
    )  # fmt: skip
    assert np.abs(run.x - x0).max() < 1e-13  # rounding, 30 times


@pytest.mark.parametrize("lam", [0.05, 0.3, 2.0])
def test_it_goes_to_cvxpys_solution_of_the_tv_problem(lam: float) -> None:
    """P2 (4), with full gradients: one sample a worker."""
    costs, ridge = costs_of(ridge=1.0), 0.5
    x0, x = cp.Variable(2), cp.Variable((5, 2))
    data = 0.5 * cp.sum_squares(cp.sum(cp.multiply(costs._rows.stacked, x), axis=1) - costs._y) + 0.5 * cp.sum_squares(
        x
    )
    penalty = lam * cp.sum(cp.abs(x - cp.vstack([x0] * 5)))
    cp.Problem(cp.Minimize(data + penalty + ridge / 2 * cp.sum_squares(x0))).solve(solver=cp.CLARABEL)
    run = rsa(costs, dual_bound=lam, ridge=ridge, step=0.2, batch_size=1, iterations=8_000, record_every=8_000)
    # a subgradient method hovers: its last steps are 0.2 / sqrt(8,000) · 5 λ = 0.01 λ long; 0.01 for the rest
    assert np.abs(run.x - x0.value).max() < 0.01 + 0.02 * lam


@pytest.mark.parametrize(
    "attack",
    [NonFinite(), NonFinite(np.inf), Constant(1e300), SignFlip(-1e200), Gaussian(std=100.0), SameValue(agent=1)],
)
def test_no_message_moves_the_hub_by_more_than_its_weight(attack) -> None:  # type: ignore[no-untyped-def]
    costs = costs_of(m=4)
    run = rsa(costs, dual_bound=0.3, byzantine=[3, 4], attack=attack, step=0.2, iterations=200, ridge=0.1)
    assert run.status == "finished"
    moves = np.abs(np.diff(run.history, axis=0)).max(axis=1)
    alpha = 0.2 / np.sqrt(np.arange(1, 201))
    size = np.abs(run.history[:-1]).max(axis=1)
    assert (moves <= alpha * (4 * 0.3 + 0.1 * size) * (1 + 1e-12)).all()  # theory.md section 9's bound, for RSA


def test_bad_options() -> None:
    with pytest.raises(OptionError, match="dual_bound"):
        rsa(costs_of(), dual_bound=0.0)
    with pytest.raises(OptionError, match="not 6"):
        rsa(costs_of(), dual_bound=1.0, byzantine=[6])
