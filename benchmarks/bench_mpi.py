"""Two ranks against one process, on the graph, size and cost of the claim; run under ``mpiexec -n 2``.

    mpiexec -n 2 python benchmarks/bench_mpi.py [agents] [graph] [dual bound]

The two are timed in turn, and the ratio of the least times is printed, with the bytes that crossed between ranks.
"""

import sys
import time
from itertools import islice

import numpy as np
from mpi4py import MPI

import decon
import topologies
from decon.network.links import LocalLinks
from decon.network.mpi.ranks import OverRanks
from tests.decon.problems import admm, iterate

N, ITERATIONS, ROUNDS, PENALTY = 10, 10, 5, 0.3
comm = MPI.COMM_WORLD


def costs_of(agents):
    """Random quadratics by agent number, in blocks of 1,000, so that a rank makes only its own."""
    H, b = np.empty((len(agents), N, N)), np.empty((len(agents), N))
    for block in np.unique(agents // 1000):
        rng = np.random.default_rng(block)
        M, c = rng.normal(size=(1000, N, N)) / np.sqrt(N), rng.normal(size=(1000, N))
        rows = np.flatnonzero(agents // 1000 == block)
        M = M[agents[rows] % 1000]
        H[rows], b[rows] = M @ M.transpose(0, 2, 1) + np.eye(N), c[agents[rows] % 1000]
    return decon.costs.Quadratic(H, b)


def lattice(n):
    i = np.arange(n)
    edges = np.concatenate([np.stack([i, (i + s) % n], axis=1) for s in (1, 2, 3)])
    return topologies.Topology.from_edges(n, edges, name="lattice")


def timed(topo, links, costs, bound):
    method = admm(topo, costs, PENALTY, dual_bound=bound)
    zero = np.zeros((links.n, N))
    states = iterate(method, links, x0=zero, alpha0=zero)
    next(islice(states, 1, None))  # factorises

    def run():
        began = time.perf_counter()
        next(islice(states, ITERATIONS - 1, None))
        return (time.perf_counter() - began) / ITERATIONS

    return run


def main():
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    name = sys.argv[2] if len(sys.argv) > 2 else "random_regular"
    bound = float(sys.argv[3]) if len(sys.argv) > 3 else np.inf
    topo = lattice(n) if name == "lattice" else topologies.make(name, n, **({"d": 6} if "regular" in name else {}))
    over = OverRanks(topo, costs_of)
    many = timed(topo, over.links, over.costs, bound)
    alone = timed(topo, LocalLinks(topo), costs_of(np.arange(n)), bound) if comm.rank == 0 else None
    before = over.links.bytes_sent
    many()
    (sent,) = over.links.total(((over.links.bytes_sent - before) / ITERATIONS,))
    (cut, halo) = over.links.total((float(len(over.links.part.cut)), float(len(over.links.part.halo))))
    exchange = []
    for _ in range(20):
        comm.Barrier()
        began = time.perf_counter()
        part = over.links.part
        over.links._send(np.zeros((len(part.shown), N)), part.shown_counts, part.halo_counts)[0].Wait()
        exchange.append(max(comm.allgather(time.perf_counter() - began)))
    one, two = [], []
    for _ in range(ROUNDS):
        if alone:
            one.append(alone())
        request = comm.Ibarrier()
        while not request.Test():
            time.sleep(0.005)  # the other rank must not spin on a core while one process is timed
        two.append(max(comm.allgather(many())))
    if comm.rank == 0:
        print(
            f"{name}, n = {n:,}, N = {N}, {topo.n_edges:,} edges, dual bound {bound:g}: one process {min(one):.4f} s, "
            f"{comm.size} ranks {min(two):.4f} s an iteration: {min(one) / min(two):.2f} times as fast "
            f"(medians {np.median(one) / np.median(two):.2f}); {sent:,.0f} bytes an iteration; "
            f"cut arcs * N * 8 = {cut * N * 8:,.0f}, agents shown * N * 8 = "
            f"{halo * N * 8:,.0f}; an exchange alone takes {min(exchange) * 1e3:.3f} ms"
        )


main()
