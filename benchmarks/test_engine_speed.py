"""An iteration of the engine against the same recursion by hand, against memory bandwidth, and against the arcs.

Every figure is a ratio of two sides that take turns in one run, so that a busy machine slows both alike; of each side
the quickest turn counts, the one least disturbed. Run with ``make bench``; docs/performance.md keeps a printed table.
"""

import json
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest
import scipy.sparse as sp

import decon
import topologies
from decon.network.links import LocalLinks
from decon.runs.metrics import Metrics
from tests.decon.problems import admm, iterate

pytestmark = pytest.mark.benchmark

HAND, STREAM, GIB = 1.5, 2.5, 2.0  # what an iteration may cost: times by hand, times a NumPy triad, peak memory
PENALTY = 0.5
TURNS = 25


def problem(n, dim, seed=0):
    rng = np.random.default_rng(seed)
    M = rng.normal(size=(n, dim, dim))
    return decon.costs.Quadratic(M @ M.transpose(0, 2, 1) / dim + np.eye(dim), rng.normal(size=(n, dim)))


class ByHand:
    """The node form as one would write it for this one purpose: P1 (6)-(7), no attack, one history."""

    def __init__(self, topo, costs, target):
        n, dim = costs.n, costs.dim
        blocks = np.linalg.inv(costs.H + 2 * PENALTY * topo.degrees[:, None, None] * np.eye(dim))
        self.inverse = blocks
        if dim <= 16:  # the quicker of the two on this shape
            self.inverse = sp.bsr_array((blocks, np.arange(n), np.arange(n + 1)), shape=(n * dim, n * dim))
        self.L_plus, self.L_minus = PENALTY * topo.L_plus, PENALTY * topo.L_minus
        self.b, self.target = costs.b, target
        self.x, self.alpha, self.distance = np.zeros((n, dim)), np.zeros((n, dim)), []

    def advance(self, iterations):
        for _ in range(iterations):
            right = self.L_plus @ self.x
            right -= self.alpha
            right += self.b
            if isinstance(self.inverse, np.ndarray):
                self.x = np.matvec(self.inverse, right)
            else:
                self.x = (self.inverse @ right.ravel()).reshape(right.shape)
            self.alpha += self.L_minus @ self.x
            gap = self.x - self.target
            self.distance.append(np.sqrt(np.einsum("ij,ij->i", gap, gap)).mean())


class Ours:
    """The engine with all of its histories, as ``decon.solve`` drives it."""

    def __init__(self, topo, costs, target):
        zero = np.zeros((costs.n, costs.dim))
        links = LocalLinks(topo)
        self.states = iterate(admm(topo, costs, PENALTY), links, x0=zero, alpha0=zero)
        self.metrics = Metrics(costs, links, np.arange(costs.n), target, target)
        next(self.states)

    def advance(self, iterations):
        for _ in range(iterations):
            self.metrics.measure(next(self.states))


def seconds(function, *arguments):
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start


def by_turns(*sides, turns=TURNS):
    """Least seconds of each side over turns taken one after the other."""
    return np.min([[seconds(*side) for side in sides] for _ in range(turns)], axis=0)


@pytest.mark.parametrize("dim", [3, 50])
@pytest.mark.parametrize(("name", "params"), [("ring", {}), ("erdos_renyi", {"p": 0.01, "seed": 0})])
def test_iteration_against_by_hand(benchmark, name, params, dim):
    topo, costs = topologies.make(name, 1000, **params), problem(1000, dim)
    target = decon.minimizer(costs)
    hand, ours = ByHand(topo, costs, target), Ours(topo, costs, target)
    count = 100 if dim == 3 else 10
    hand.advance(count)
    ours.advance(count)
    # the same numbers, to the rounding of sums of order one
    np.testing.assert_allclose([row[0] for row in ours.metrics.rows], hand.distance, rtol=1e-9, atol=1e-14)
    bare, full = by_turns((hand.advance, count), (ours.advance, count)) / count
    benchmark.extra_info["ratio"] = full / bare
    print(f"\n{name:12} n = 1000 N = {dim:2}: by hand {1e6 * bare:7.1f} µs, decon {1e6 * full:7.1f} µs, "
          f"ratio {full / bare:.2f} (at most {HAND})")  # fmt: skip
    benchmark.pedantic(ours.advance, (count,), rounds=5)


def bytes_of_an_iteration(topo, dim):
    """Return the bytes an iteration of the node form must move, each array once however often it is used.

    Read: linear term, b, duals, the agents' inverses, the adjacency (a weight and an index an arc, a pointer an
    agent), degrees. Written: x, duals, linear term. x is read again by its neighbours: once more.
    """
    rows = 8 * topo.n * dim
    arcs = topo.adjacency.nnz * (8 + topo.adjacency.indices.itemsize) + topo.n * topo.adjacency.indptr.itemsize
    return 7 * rows + 8 * topo.n * dim**2 + 8 * topo.n + arcs


def triad(a, b, c):
    """Do STREAM's a = b + s c, 24 bytes an entry, in NumPy's two calls."""
    np.multiply(c, 0.5, out=a)
    np.add(a, b, out=a)


MILLION = textwrap.dedent("""
    import json, resource, sys
    import numpy as np
    import topologies
    from benchmarks.test_engine_speed import PENALTY, bytes_of_an_iteration, by_turns, problem, triad
    from tests.decon.problems import admm, iterate
    n, dim = 10**6, 3
    topo, costs, zero = topologies.make("ring", n), problem(n, dim), np.zeros((n, dim))
    states = iterate(admm(topo, costs, PENALTY), x0=zero, alpha0=zero)
    next(states), next(states)
    moved = bytes_of_an_iteration(topo, dim)
    arrays = [np.ones(moved // 24) for _ in range(3)]
    stream, step = by_turns((triad, *arrays), (next, states))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    print(json.dumps({"bytes": moved, "stream": stream, "step": step, "peak": peak}))
""")


def test_million_agents_against_memory_bandwidth(benchmark):
    def run():
        return subprocess.run([sys.executable, "-c", MILLION], check=True, capture_output=True, text=True).stdout

    found = json.loads(benchmark.pedantic(run, rounds=1))
    ratio, peak = found["step"] / found["stream"], found["peak"] / 2**30
    benchmark.extra_info.update(found, ratio=ratio)
    print(f"\nring n = 10^6 N = 3: {found['bytes'] / 1e6:.0f} MB an iteration; triad {1e3 * found['stream']:.1f} ms, "
          f"decon {1e3 * found['step']:.1f} ms, ratio {ratio:.2f} (at most {STREAM}); "
          f"peak {peak:.2f} GiB (below {GIB})")  # fmt: skip
    assert peak < GIB


def test_cost_is_linear_in_arcs(benchmark):
    sides = []
    for exponent in (3, 4, 5, 6):
        topo = topologies.make("ring", 10**exponent // 2)
        sides.append((topo, Ours(topo, problem(topo.n, 3), np.zeros(3)), max(1, 10 ** (5 - exponent))))
    benchmark.pedantic(sides[0][1].advance, (100,), rounds=5)
    best = by_turns(*((ours.advance, count) for _, ours, count in sides))
    print(f"\n{'arcs':>9}{'µs an iteration':>18}{'ns an arc':>11}")
    per_arc = []
    for (topo, _, count), took in zip(sides, best, strict=True):
        per_arc.append(took / count / len(topo.receivers))
        print(f"{len(topo.receivers):9}{1e6 * took / count:18.1f}{1e9 * per_arc[-1]:11.1f}")
    benchmark.extra_info["ns_per_arc"] = [1e9 * each for each in per_arc]
    print("linear is constant nanoseconds an arc; NumPy's calls add to the small ones, main memory to the large ones")
