"""What a finite dual bound λ does to the harm of lies that look like another cost."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

import decon
from benchmarks import dual_bound, suite_a


@pytest.fixture(scope="module", params=[("6-regular 20", 1), ("ER(20, .4)", 2)], ids=["regular", "irregular"])
def given(request):
    name, seed = request.param
    make, count = suite_a.GRAPHS[name]
    return suite_a.problem(make(seed), count, "least squares", seed, 0.3)


def test_above_the_exact_level_nothing_is_lost_without_an_attack(given):
    level = decon.tv_threshold(given.topo, given.costs)
    assert dual_bound.undisturbed(given, 1.01 * level) < 1e-10  # the solver's level is good to about 1e-8
    assert dual_bound.undisturbed(given, 0.5 * level) > 1e-2


def test_the_harm_of_a_constant_lie_is_capped_by_the_dual_bound(given):
    """‖x_H - x*‖ ≤ λ √N ‖m‖ / ν from the honest agents' exact level on, whatever is sent; docs/profiling.md."""
    level = dual_bound.exact_level(given)
    ends = []
    for ratio in (8.0, 4.0, 2.0, 1.0):
        far, farther = (np.linalg.norm(dual_bound.harm(given, lie, 1.01 * ratio * level)) for lie in (100.0, 1e6))
        assert farther <= dual_bound.harm_bound(given, 1.01 * ratio * level)
        assert far == pytest.approx(farther, rel=1e-6)  # duals at ±λ either way; rounding at values of 1e6
        ends.append(farther)
    assert all(b < 0.8 * a for a, b in pairwise(ends))  # nearly proportional to λ
    assert np.linalg.norm(dual_bound.harm(given, 100.0, np.inf)) > 3 * ends[0]
