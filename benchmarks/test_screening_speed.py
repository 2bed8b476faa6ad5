"""What screening adds to an arc-form iteration, at n = 10⁵ on a 6-regular graph: a ratio measured in one run.

Both sides take turns, so that a busy machine slows both alike; of each the quickest turn counts, the one least
disturbed. The goal is that screening adds at most the time of one iteration.
"""

import time
from itertools import islice

import numpy as np
import pytest

import topologies
from decon import Profiling, Road
from decon.costs import Quadratic
from tests.decon.problems import admm, iterate

AGENTS, DEGREE, DIM, TURNS = 100_000, 6, 3, 15

RULES = {
    "road": Road(1e9),
    "paper, no alarm": Profiling(threshold=1e9),
    "paper, all alarmed": Profiling(threshold=1e-300, score_threshold=1 - 1e-9),
    "paper, median score, all alarmed": Profiling(threshold=1e-300, score="median", score_threshold=1 - 1e-9),
    "default": Profiling(),
}


def seconds(states):
    """Time one iteration after another of the same run, which leaves memory as that run wants it."""
    next(states)
    began = time.perf_counter()
    next(states)
    return time.perf_counter() - began


@pytest.mark.benchmark
@pytest.mark.parametrize("name", list(RULES))
def test_screening_against_an_iteration_without(name):
    topo, rng = topologies.make("random_regular", AGENTS, d=DEGREE, seed=0), np.random.default_rng(0)
    costs = Quadratic(np.broadcast_to(np.eye(DIM), (AGENTS, DIM, DIM)), rng.normal(size=(AGENTS, DIM)))
    zero = np.zeros((AGENTS, DIM))
    runs = [
        iterate(admm(topo, costs, 0.1, form="arc", screening=rule, rate=0.9), x0=zero, alpha0=zero)
        for rule in (None, RULES[name])
    ]
    for states in runs:
        next(islice(states, 3, None))  # past the first judgement, which fixes the scale
    bare, screened = (min(times) for times in zip(*[map(seconds, runs) for _ in range(TURNS)], strict=True))
    added = (screened - bare) / bare
    print(
        f"\n{name}: bare {1e3 * bare:.0f} ms, screened {1e3 * screened:.0f} ms: screening adds {added:.2f} iterations"
    )
