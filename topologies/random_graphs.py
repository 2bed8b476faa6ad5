"""Random graph families, drawn without Python loops over edges and connected by bounded rejection."""

from __future__ import annotations

import math
from collections.abc import Callable

import networkx as nx
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from topologies.errors import TopologyError
from topologies.random_regular import regular_edges
from topologies.topology import Topology

__all__ = [
    "barabasi_albert",
    "erdos_renyi",
    "random_geometric",
    "random_regular",
    "stochastic_block",
    "watts_strogatz",
]

_TRIES = 100
_Edges = NDArray[np.int64]


def erdos_renyi(n: int, *, p: float | None = None, rng: np.random.Generator) -> Topology:
    """G(n, p): each pair is joined with probability p; p=None takes 2 ln(n) / n."""
    chance = min(1.0, 2 * math.log(n) / n) if p is None else p
    _probability("erdos_renyi", "p", chance)
    pairs = n * (n - 1) // 2
    return _connected(
        f"erdos_renyi with n = {n}, p = {chance:g}",
        "raise p",
        n,
        "erdos_renyi",
        lambda: _triangle(_subset(pairs, chance, rng)),
    )


def random_regular(n: int, *, d: int = 4, rng: np.random.Generator) -> Topology:
    """Uniformly drawn graph of degree d; n * d must be even, 1 <= d < n."""
    if not 1 <= d < n or n * d % 2:
        raise TopologyError(f"random_regular needs 1 <= d < n and n * d even, not n = {n}, d = {d}")
    return _connected(
        f"random_regular with n = {n}, d = {d}", "raise d", n, "random_regular", lambda: regular_edges(n, d, rng)
    )


def watts_strogatz(n: int, *, k: int = 4, p: float = 0.1, rng: np.random.Generator) -> Topology:
    """Small world: ring of k nearest neighbours (k even, 2 <= k < n), each edge moved with probability p."""
    if not 2 <= k < n or k % 2:
        raise TopologyError(f"watts_strogatz needs k even and 2 <= k < n = {n}, not k = {k}")
    _probability("watts_strogatz", "p", p)
    return _connected(
        f"watts_strogatz with n = {n}, k = {k}, p = {p:g}",
        "raise k or lower p",
        n,
        "watts_strogatz",
        lambda: _rewired(n, k, p, rng),
    )


def barabasi_albert(n: int, *, m: int = 2, rng: np.random.Generator) -> Topology:
    """Preferential attachment: each newcomer joins m agents in proportion to their degrees; 1 <= m < n."""
    if not 1 <= m < n:
        raise TopologyError(f"barabasi_albert needs 1 <= m < n = {n}, not m = {m}")
    graph = nx.barabasi_albert_graph(n, m, seed=rng)
    return Topology.from_edges(n, np.array(graph.edges, dtype=np.int64), name="barabasi_albert")


def random_geometric(n: int, *, radius: float | None = None, rng: np.random.Generator) -> Topology:
    """Points in the unit square, joined within a radius; radius=None takes √(2 ln(n) / (π n))."""
    reach = math.sqrt(2 * math.log(n) / (math.pi * n)) if radius is None else radius
    if not 0 < reach < math.inf:
        raise TopologyError(f"random_geometric needs a positive finite radius, not {reach}")

    from scipy.spatial import cKDTree  # slow to import

    def draw() -> _Edges:
        return np.asarray(cKDTree(rng.random((n, 2))).query_pairs(reach, output_type="ndarray"), dtype=np.int64)

    return _connected(
        f"random_geometric with n = {n}, radius = {reach:g}", "raise the radius", n, "random_geometric", draw
    )


def stochastic_block(
    n: int,
    *,
    blocks: int = 2,
    p_in: float | None = None,
    p_out: float | None = None,
    rng: np.random.Generator,
) -> Topology:
    """Communities of near equal size; p_in=None takes 3 blocks ln(n) / n, p_out=None takes p_in / 10."""
    if not 1 <= blocks <= n:
        raise TopologyError(f"stochastic_block needs 1 <= blocks <= n = {n}, not blocks = {blocks}")
    inside = min(1.0, 3 * blocks * math.log(n) / n) if p_in is None else p_in
    across = inside / 10 if p_out is None else p_out
    _probability("stochastic_block", "p_in", inside)
    _probability("stochastic_block", "p_out", across)
    bounds = np.linspace(0, n, blocks + 1).astype(np.int64)

    def draw() -> _Edges:
        parts = []
        for a in range(blocks):
            size = int(bounds[a + 1] - bounds[a])
            parts.append(_triangle(_subset(size * (size - 1) // 2, inside, rng)) + bounds[a])
            for b in range(a):
                width = int(bounds[b + 1] - bounds[b])
                rows, cols = np.divmod(_subset(size * width, across, rng), width)
                parts.append(np.stack([rows + bounds[a], cols + bounds[b]], axis=1))
        return np.concatenate(parts)

    what = f"stochastic_block with n = {n}, blocks = {blocks}, p_in = {inside:g}, p_out = {across:g}"
    return _connected(what, "raise p_in or p_out", n, "stochastic_block", draw)


def _probability(family: str, name: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise TopologyError(f"{family} needs 0 <= {name} <= 1, not {value}")


def _connected(what: str, advice: str, n: int, name: str, draw: Callable[[], _Edges]) -> Topology:
    """Draw until connected, a bounded number of times."""
    for _ in range(_TRIES):
        edges = draw()
        graph = coo_array((np.ones(len(edges), dtype=np.int8), (edges[:, 0], edges[:, 1])), shape=(n, n))
        if connected_components(graph, directed=False, return_labels=False) == 1:
            return Topology.from_edges(n, edges, name=name)
    raise TopologyError(f"no connected {what} in {_TRIES} draws; {advice}")


def _subset(population: int, p: float, rng: np.random.Generator) -> NDArray[np.int64]:
    """Keep each of 0 … population-1 with probability p: a binomial count, then a uniform subset of that size."""
    count = int(rng.binomial(population, p))
    return np.sort(rng.choice(population, count, replace=False, shuffle=False)).astype(np.int64)


def _triangle(index: NDArray[np.int64]) -> _Edges:
    """Unrank pairs: 0 is (1, 0), 1 is (2, 0), 2 is (2, 1) and so on."""
    row = ((1 + np.sqrt(1 + 8 * index.astype(float))) / 2).astype(np.int64)
    row -= row * (row - 1) // 2 > index  # the square root may round across an integer, either way
    row += (row + 1) * row // 2 <= index
    return np.stack([row, index - row * (row - 1) // 2], axis=1)


def _rewired(n: int, k: int, p: float, rng: np.random.Generator) -> _Edges:
    """Move the far end of each chosen edge to a uniform agent, never making a loop or a double edge."""
    near = np.tile(np.arange(n), k // 2)
    far = (near + np.repeat(np.arange(1, k // 2 + 1), n)) % n
    keys = np.minimum(near, far) * n + np.maximum(near, far)
    pending = np.flatnonzero(rng.random(len(keys)) < p) if k < n - 1 else np.empty(0, dtype=np.int64)
    for _ in range(_TRIES):  # what still collides then keeps its place, as in a full neighbourhood
        if not pending.size:
            break
        ends = rng.integers(n, size=len(pending))
        proposed = np.minimum(near[pending], ends) * n + np.maximum(near[pending], ends)
        first = np.zeros(len(pending), dtype=bool)
        first[np.unique(proposed, return_index=True)[1]] = True
        good = first & (ends != near[pending]) & ~np.isin(proposed, keys)
        keys[pending[good]] = proposed[good]
        pending = pending[~good]
    return np.stack(np.divmod(keys, n), axis=1)
