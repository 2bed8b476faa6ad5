import numpy as np
import pytest

from decon.datasets import quadratics


@pytest.mark.parametrize("dim", [3, 20])  # in sparse blocks, and dense
def test_the_prox_after_few_or_many_weights_changed_is_that_of_fresh_costs(dim):
    rng = np.random.default_rng(0)
    costs = quadratics(range(30), dim=dim)
    linear, weight = rng.normal(size=(30, dim)), rng.uniform(1, 2, size=30)
    for changes in (0, 1, 3, 14, 16, 30, 0):
        weight = weight.copy()
        weight[rng.choice(30, changes, replace=False)] += 0.5
        found = costs.prox(linear, weight)
        np.testing.assert_array_equal(found, quadratics(range(30), dim=dim).prox(linear, weight))  # matrix by matrix
        slope = costs.gradient(found) + weight[:, None] * found - linear  # optimality
        assert np.abs(slope).max() < 1e-12  # numbers of order 10, sums of 20
