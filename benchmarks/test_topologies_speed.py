"""Large graphs against SciPy building the same CSR matrix, and large spectra against one pass over that matrix.

Ratios of least times of turns taken alternately, as in test_engine_speed.py.
"""

import numpy as np
import pytest
import scipy.sparse as sp

import topologies
from benchmarks.test_engine_speed import by_turns, seconds
from topologies import Spectrum

pytestmark = pytest.mark.benchmark

MAKE = 20.0  # seconds a million agents may take
GRAPHS = [
    ("ring", 1_000_000, {}),
    ("random_regular", 1_000_000, {"d": 6}),
    ("erdos_renyi", 1_000_000, {"p": 2e-5}),
    ("watts_strogatz", 1_000_000, {}),
    ("random_geometric", 100_000, {}),
    ("barabasi_albert", 100_000, {}),
]
SPECTRA = [
    ("ring", {}),
    ("path", {}),
    ("grid", {}),
    ("binary_tree", {}),
    ("wheel", {}),
    ("random_regular", {"d": 6}),
    ("barabasi_albert", {}),
]


def csr(topo):
    """Build the adjacency from its edges with SciPy alone, in one call."""
    rows, cols = np.concatenate([topo.edges, topo.edges[:, ::-1]]).T
    return sp.csr_array((np.ones(len(rows)), (rows, cols)), shape=(topo.n, topo.n))


@pytest.mark.parametrize(("name", "n", "params"), GRAPHS, ids=[name for name, _, _ in GRAPHS])
def test_making_against_the_bare_matrix(benchmark, name, n, params):
    topo = benchmark.pedantic(topologies.make, (name, n), {"seed": 0, **params}, rounds=1)
    made, bare = by_turns((lambda: topologies.make(name, n, seed=0, **params),), (csr, topo), turns=3)
    assert abs(csr(topo) - topo.adjacency).nnz == 0
    benchmark.extra_info["ratio"] = made / bare
    print(f"\n{name:17} n = {n:7}, {topo.n_edges:8} edges: made in {made:6.2f} s (at most {MAKE:.0f}), "
          f"{made / bare:6.1f} times SciPy's CSR of the edges")  # fmt: skip


@pytest.mark.parametrize(("name", "params"), SPECTRA, ids=[name for name, _ in SPECTRA])
def test_spectrum_against_one_product(benchmark, name, params):
    topo = topologies.make(name, 100_000, seed=0, **params)
    x = np.random.default_rng(0).normal(size=topo.n)
    product = min(seconds(topo.L_minus.dot, x) for _ in range(20))
    found = benchmark.pedantic(Spectrum.of, (topo,), rounds=1)
    took = benchmark.stats.stats.min if benchmark.stats else np.nan
    benchmark.extra_info["ratio"] = took / product
    print(f"\n{name:15} n = 100000: a = {found.algebraic_connectivity:.4e}, Λ = {found.signless_max:.5g}, residual "
          f"{found.residual:.0e} ({found.method}) in {took:5.2f} s, {took / product:6.0f} products")  # fmt: skip
    assert found.residual <= 1e-6
