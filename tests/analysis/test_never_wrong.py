"""No bound is ever below what a run measures: random graphs, weights, costs, penalties and errors."""

import numpy as np
import pytest

import analysis
from tests.analysis.instances import SLACK, Instance, draw, draw_logistic, violations


def check(instance: Instance) -> None:
    # rounding of K n N operations is 1e-13 to 1e-12 here; 1e-10 is what was promised
    assert analysis.lemma_residuals(instance.run).largest < 1e-10, instance.label
    for statement, excess in violations(instance).items():
        assert excess <= SLACK, f"{statement} is exceeded by {excess:g} on {instance.label}"


@pytest.mark.parametrize("seed", range(60))
def test_bounds_hold_on_random_instances(seed):
    check(draw(seed))


@pytest.mark.parametrize("seed", range(20))
def test_bounds_hold_for_logistic_costs(seed):
    check(draw_logistic(seed))


@pytest.mark.slow
@pytest.mark.parametrize("block", range(20))
def test_bounds_hold_on_two_thousand_more_instances(block):
    for seed in np.random.SeedSequence(block).generate_state(110):
        check(draw(int(seed)) if seed % 4 else draw_logistic(int(seed)))
