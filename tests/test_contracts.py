"""Every property of ``tests/contracts.py`` over everything that is registered."""

import itertools

import numpy as np
import pytest

import decon
from tests import contracts
from tests.contracts import Case

SOME = [
    Case(method, attack, screening)
    for (number, method), attack, screening in itertools.product(
        enumerate(contracts.METHODS), [None, *contracts.ATTACKS], contracts.SCREENS
    )
    if number == 0 or attack is None or screening is None  # all with ADMM; the others each with each
] + [
    Case(method, attack, None, costs)
    for method, costs, attack in itertools.product(
        contracts.METHODS, contracts.COSTS, [None, decon.attacks.SignFlip(-1.0)]
    )
]


@pytest.mark.parametrize(
    ("check", "case"),
    [(check, case) for check, case in itertools.product(contracts.RUNS, SOME) if contracts.applies(check, case)],
    ids=lambda value: value.__name__ if callable(value) else str(value),
)
def test_runs(check, case, tmp_path):
    check(case, tmp_path)


@pytest.mark.parametrize("check", contracts.ABOUT_COSTS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("costs", contracts.COSTS, ids=lambda costs: type(costs).__name__)
def test_costs(costs, check):
    check(costs)


@pytest.mark.parametrize("costs", contracts.COSTS, ids=lambda costs: type(costs).__name__)
def test_the_honest_minimiser_is_a_fixed_point_of_admm(costs):
    """From x* with α = -∇f(x*) nothing moves; the multipliers' rounding, 1e-13 of them, is all that is left."""
    case = Case(costs=costs)
    target = decon.minimizer(costs)
    x0 = np.broadcast_to(target, (costs.n, costs.dim))
    slope = costs.gradient(x0)
    run = case.run(method=decon.Admm(0.6, alpha0=-(slope - slope.mean(axis=0))), x0=x0)
    np.testing.assert_allclose(run.x, x0, atol=1e-7 * (1 + np.abs(slope).max()))  # minimizer's own tolerance
