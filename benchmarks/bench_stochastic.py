"""P2's star at full size: ``python -m pytest -q -s -m benchmark benchmarks/bench_stochastic.py``.

CPU seconds, because the machine may be shared; the least of many, because its caches may be, too.
"""

import resource
import time
from itertools import islice

import numpy as np
import pytest

import topologies
from decon.attacks import SignFlip
from decon.costs import Ridge, SoftmaxRegression, WithHub
from decon.datasets import synthetic_classification
from decon.methods.local_steps import SquareRoot, Stochastic
from decon.reproduce.star import Scenario, Star
from decon.streams import minibatch
from tests.decon.problems import admm, iterate

pytestmark = pytest.mark.benchmark

WORKERS, BATCH = 20, 32


def test_an_iteration_at_mnists_shape_against_the_gradient_it_contains():
    rng = np.random.default_rng(0)
    X = [rng.random(size=(3000, 785)) for _ in range(WORKERS)]
    y = [rng.integers(0, 10, size=3000) for _ in range(WORKERS)]
    workers = SoftmaxRegression(X, y, 10)
    costs = WithHub(Ridge(workers.dim, 0.01), workers)
    method = admm(
        topologies.make("star", WORKERS + 1),
        costs,
        0.01,
        np.arange(17, 21),
        SignFlip(-3.0),
        dual_bound=0.01,
        local_step=Stochastic(SquareRoot(0.3), BATCH),
    )
    zero = np.zeros((costs.n, costs.dim))
    states = iterate(method, x0=zero, alpha0=zero)
    x = next(islice(states, 5, None)).x[1:]

    def by_hand(k):
        rows = minibatch(0, k, workers.samples, BATCH)
        out = np.empty_like(x)
        for i in range(WORKERS):
            drawn = X[i][rows[i]]
            chances = drawn @ x[i].reshape(10, -1).T
            chances -= chances.max(axis=1, keepdims=True)
            np.exp(chances, out=chances)
            chances /= chances.sum(axis=1, keepdims=True)
            chances[np.arange(BATCH), y[i][rows[i]]] -= 1.0
            np.matmul(chances.T / BATCH, drawn, out=out[i].reshape(10, -1))
        return out

    np.testing.assert_allclose(
        by_hand(1), workers.stochastic_gradient(x, minibatch(0, 1, workers.samples, BATCH)), atol=1e-12
    )
    seconds = {"by hand": [], "library": [], "iteration": []}
    for k in range(1, 300):
        for name, work in (
            ("by hand", lambda k=k: by_hand(k)),
            ("library", lambda k=k: workers.stochastic_gradient(x, minibatch(0, k, workers.samples, BATCH))),
            ("iteration", lambda: next(states)),
        ):
            start = time.thread_time()
            work()
            seconds[name].append(time.thread_time() - start)
    least = {name: 1e3 * min(values) for name, values in seconds.items()}
    middle = {name: 1e3 * float(np.median(values)) for name, values in seconds.items()}
    for what, found in (("least", least), ("median", middle)):
        print(what, {name: f"{value:.2f} ms" for name, value in found.items()},
              f"iteration / by hand = {found['iteration'] / found['by hand']:.2f}")  # fmt: skip


def test_covertypes_shape_loads_and_runs_a_thousand_iterations():
    start, cpu = time.perf_counter(), time.process_time()
    data = synthetic_classification(465_264, 54, classes=7, separation=3.0)
    star = Star(data, Scenario("sign-flip", 4), 0)
    curve = star.run("ADMM", {"dual_bound": 0.01, "beta": 0.01, "scale": 0.1}, iterations=1000)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{seconds:.1f} s ({cpu:.1f} s of CPU), {peak:.2f} GiB at most, accuracy {curve.accuracy[-1]:.3f}")
    assert cpu < 60
    assert peak < 2
