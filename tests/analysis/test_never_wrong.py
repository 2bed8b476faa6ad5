"""No bound is ever below what a run measures: random graphs, weights, costs, penalties and errors."""

import numpy as np
import pytest

import analysis
from tests.analysis.instances import SLACK, Instance, draw, draw_logistic, exceeds, violations


def check(instance: Instance) -> None:
    # rounding of K n N operations is 1e-13 to 1e-12 here; 1e-10 is what was promised
    assert analysis.lemma_residuals(instance.run).largest < 1e-10, instance.label
    for statement, excess in violations(instance).items():
        assert excess <= SLACK, f"{statement} is exceeded by {excess:g} on {instance.label}"


@pytest.mark.parametrize("seed", range(40))
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


@pytest.mark.parametrize("seed", range(20))
def test_any_admissible_constants_give_a_valid_bound(seed):
    rng = np.random.default_rng(seed)
    instance = draw(seed + 5000, iterations=25)
    run, errors = instance.run, instance.run.error_norm[1:]
    law = {"strong_convexity": instance.low, "smoothness": instance.high, "penalty": run.penalty}
    lambdas = 1 + 10 ** rng.uniform(-3, 2, 3)
    one = analysis.theorem1(run.topo.spectrum, splits=analysis.Splits(*lambdas), **law)
    right = one.next_energy(run.energy[:-1], run.error_work, errors)
    scale = run.energy[:-1] + np.abs(run.error_work) + one.error_gain * errors**2
    # V is a sum of squares, known to 1e-12 of the largest met so far
    assert (run.energy[1:] <= right + SLACK * scale + 1e-24 * run.energy.max()).all(), instance.label
    splits = analysis.Splits(*lambdas, theta=float(rng.uniform(0.01, 0.99)), b=float(10 ** rng.uniform(-3, 2)))
    two = analysis.theorem2(run.topo.spectrum, splits=splits, **law)
    floor = 1e-20 * float(run.energy.max() + (run.x**2).sum(axis=(1, 2)).max())
    assert exceeds(run.energy[1:], two.envelope(float(run.energy[0]), errors)[1:], floor) <= SLACK, instance.label
    reach = ((run.z - run.minimizer) ** 2).sum(axis=(1, 2))
    assert exceeds(reach, two.ratio.envelope(run.ratio_start, errors), floor) <= SLACK, instance.label
    # the closed form (4.3) is the best over all shares t of the page's quotient
    v, e, t = float(run.energy[0]), float(errors[0]), np.linspace(0.001, 0.999, 999)
    rest = v + (2 * run.penalty * two.max_degree + two.error_slope**2 / (4 * t * instance.low)) * e**2
    assert float(two.distance(v, e)) <= np.sqrt(rest / ((1 - t) * instance.low)).min() * (1 + 1e-9)
