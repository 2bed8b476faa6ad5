"""What screening adds to an arc-form iteration, at n = 10⁵ on a 6-regular graph."""

import time

import numpy as np
import pytest

import topologies
from decon import Profiling, Road
from decon.costs import Quadratic
from decon.engine import Method, iterate
from decon.links import LocalLinks
from decon.screening import Inbox

pytestmark = pytest.mark.benchmark


@pytest.mark.parametrize("rule", [Road(1e9), Profiling(threshold=1e9), Profiling()], ids=["road", "paper", "default"])
def test_screening_costs_at_most_one_iteration(rule):
    """Median of five: the rule alone over a step without it."""
    n = 100_000
    topo, rng = topologies.make("random_regular", n, d=6, seed=0), np.random.default_rng(0)
    costs = Quadratic(np.broadcast_to(np.eye(3), (n, 3, 3)), rng.normal(size=(n, 3)))
    zero = np.zeros((n, 3))
    states = iterate(Method(topo, costs, 0.3, form="arc"), x0=zero, alpha0=zero)
    links, every = LocalLinks(topo), np.ones(len(topo.receivers), dtype=bool)
    held = rule.start(links, 3, 0.9)
    steps, rules = [], []
    next(states)
    for k in range(1, 7):
        began = time.perf_counter()
        state = next(states)
        steps.append(time.perf_counter() - began)
        inbox = Inbox(k, state.own, links.broadcast(state.own), every, every)
        began = time.perf_counter()
        held = rule.judge(links, inbox, held).state
        rules.append(time.perf_counter() - began)
    ratio = float(np.median(rules[1:]) / np.median(steps[1:]))
    print(f"{rule}: {ratio:.2f} iterations")
    assert ratio <= 1.0
