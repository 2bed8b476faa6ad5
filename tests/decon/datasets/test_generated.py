import numpy as np
import pytest

from decon.datasets import quadratics
from decon.errors import DataError


def test_an_agent_draws_the_same_costs_whoever_else_is_asked_for():
    everyone = quadratics(range(2500), dim=3, condition=5.0, seed=1)
    some = np.random.default_rng(0).permutation(2500)[:40]
    few = quadratics(some, dim=3, condition=5.0, seed=1)
    np.testing.assert_array_equal(few.H, everyone.H[some])  # the same bits: each block is drawn whole
    np.testing.assert_array_equal(few.b, everyone.b[some])
    assert np.abs(quadratics(some, dim=3, condition=5.0, seed=2).b - few.b).min() > 0


def test_eigenvalues_lie_between_one_and_the_condition():
    costs = quadratics(range(1000), dim=4, condition=7.0)
    eigenvalues = np.linalg.eigvalsh(costs.H)
    assert 1 - 1e-12 <= eigenvalues.min() < 1.01  # rounding; the least of 4,000 uniform draws
    assert 6.99 < eigenvalues.max() <= 7 + 1e-12
    assert abs(eigenvalues.mean() - 4.0) < 5 * (6 / np.sqrt(12)) / np.sqrt(4000)  # five standard errors


@pytest.mark.parametrize("wrong", [{"dim": 0}, {"condition": 0.5}, {"condition": np.nan}, {"agents": [-1]}])
def test_numbers_out_of_range_are_refused(wrong):
    with pytest.raises(DataError):
        quadratics(**{"agents": [0], **wrong})
