"""Minibatch gradients at MNIST's shape against the same NumPy products by hand: a ratio measured in one run."""

import time

import numpy as np
import pytest

from decon.costs import SoftmaxRegression

AGENTS, BATCH, FEATURES, CLASSES, SAMPLES = 20, 32, 784, 10, 300


def by_hand(X, y, x, rows, ridge):
    every = np.arange(AGENTS)[:, None]
    drawn, labels = X[every, rows], y[every, rows]
    p = drawn @ x.reshape(AGENTS, CLASSES, FEATURES).transpose(0, 2, 1)
    p -= p.max(axis=-1, keepdims=True)
    np.exp(p, out=p)
    p /= p.sum(axis=-1, keepdims=True)
    p[every, np.arange(BATCH), labels] -= 1.0
    return (p.transpose(0, 2, 1) @ drawn).reshape(AGENTS, -1) / BATCH + ridge * x


def seconds(function, rounds=20):
    start = time.perf_counter()
    for _ in range(rounds):
        function()
    return (time.perf_counter() - start) / rounds


@pytest.mark.benchmark
def test_minibatch_gradient_costs_no_more_than_its_products():
    rng = np.random.default_rng(0)
    X, y = rng.uniform(size=(AGENTS, SAMPLES, FEATURES)), rng.integers(CLASSES, size=(AGENTS, SAMPLES))
    costs = SoftmaxRegression(X, y, CLASSES, ridge=0.01)
    x = 0.01 * rng.normal(size=(AGENTS, CLASSES * FEATURES))
    rows = rng.integers(SAMPLES, size=(AGENTS, BATCH))
    np.testing.assert_allclose(costs.stochastic_gradient(x, rows), by_hand(X, y, x, rows, 0.01), atol=1e-13)
    # interleaved, so that a busy machine slows both alike; the least of several is the undisturbed one
    pairs = [
        (seconds(lambda: costs.stochastic_gradient(x, rows)), seconds(lambda: by_hand(X, y, x, rows, 0.01)))
        for _ in range(8)
    ]
    ours, bare = (min(times) for times in zip(*pairs, strict=True))
    print(f"minibatch gradient {1e3 * ours:.2f} ms, by hand {1e3 * bare:.2f} ms, ratio {ours / bare:.2f}")
