"""Deterministic graph families; each builder takes n and returns a :class:`Topology`."""

from __future__ import annotations

import math
from collections.abc import Sequence

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from topologies.errors import TopologyError
from topologies.topology import Topology

__all__ = [
    "barbell",
    "binary_tree",
    "circulant",
    "complete",
    "complete_bipartite",
    "exponential",
    "grid",
    "hypercube",
    "lollipop",
    "margulis",
    "path",
    "petersen",
    "ring",
    "star",
    "torus",
    "wheel",
]

_Edges = NDArray[np.int64]


def ring(n: int) -> Topology:
    """Cycle; n >= 3."""
    _at_least("ring", n, 3)
    return Topology.from_edges(n, _cycle(n), name="ring")


def path(n: int) -> Topology:
    """Line of agents; n >= 2."""
    return Topology.from_edges(n, _line(n), name="path")


def star(n: int) -> Topology:
    """Hub 0 with n - 1 leaves (P2's master and workers); n >= 2."""
    return Topology.from_edges(n, _spokes(n), name="star")


def complete(n: int) -> Topology:
    """Every pair of agents is joined; n >= 2."""
    return Topology.from_edges(n, _clique(n), name="complete")


def wheel(n: int) -> Topology:
    """Hub 0 joined to a cycle of n - 1 agents; n >= 4."""
    _at_least("wheel", n, 4)
    return Topology.from_edges(n, np.concatenate([_spokes(n), _cycle(n - 1) + 1]), name="wheel")


def binary_tree(n: int) -> Topology:
    """Binary tree filled level by level: agent i hangs on (i - 1) // 2; n >= 2."""
    children = np.arange(1, n)
    return Topology.from_edges(n, np.stack([(children - 1) // 2, children], axis=1), name="binary_tree")


def grid(n: int, *, rows: int | None = None) -> Topology:
    """Rectangular grid; rows=None takes the most square factorisation of n, which must not be prime."""
    rows, cols = _rectangle("grid", n, rows, least=2)
    cells = np.arange(n).reshape(rows, cols)
    return Topology.from_edges(
        n, np.concatenate([_pairs(cells[:, :-1], cells[:, 1:]), _pairs(cells[:-1], cells[1:])]), name="grid"
    )


def torus(n: int, *, rows: int | None = None) -> Topology:
    """Grid that wraps around in both directions, 4-regular; n = rows * columns, each >= 3."""
    rows, cols = _rectangle("torus", n, rows, least=3)
    cells = np.arange(n).reshape(rows, cols)
    edges = [_pairs(cells, np.roll(cells, -1, axis=1)), _pairs(cells, np.roll(cells, -1, axis=0))]
    return Topology.from_edges(n, np.concatenate(edges), name="torus")


def hypercube(n: int) -> Topology:
    """Agents whose binary numbers differ in one bit are joined; n a power of 2."""
    if n < 2 or n & (n - 1):
        raise TopologyError(f"hypercube needs n a power of 2, not {n}")
    agents = np.arange(n)
    edges = []
    for bit in (1 << k for k in range(n.bit_length() - 1)):
        low = agents[agents & bit == 0]
        edges.append(_pairs(low, low | bit))
    return Topology.from_edges(n, np.concatenate(edges), name="hypercube")


def barbell(n: int, *, clique: int | None = None) -> Topology:
    """Two cliques joined by a path of n - 2 * clique agents; clique=None takes n // 3, at least 2; n >= 4."""
    _at_least("barbell", n, 4)
    size = max(2, n // 3) if clique is None else clique
    if not 2 <= size <= n // 2:
        raise TopologyError(f"barbell needs 2 <= clique <= n // 2 = {n // 2}, not clique = {size}")
    bridge = _line(n - 2 * size + 2) + size - 1
    return Topology.from_edges(n, np.concatenate([_clique(size), bridge, _clique(size) + n - size]), name="barbell")


def lollipop(n: int, *, clique: int | None = None) -> Topology:
    """Clique with a tail of n - clique agents; clique=None takes n // 2, at least 2; n >= 3."""
    _at_least("lollipop", n, 3)
    size = max(2, n // 2) if clique is None else clique
    if not 2 <= size <= n:
        raise TopologyError(f"lollipop needs 2 <= clique <= n = {n}, not clique = {size}")
    return Topology.from_edges(n, np.concatenate([_clique(size), _line(n - size + 1) + size - 1]), name="lollipop")


def circulant(n: int, *, offsets: Sequence[int] | None = None) -> Topology:
    """Chordal ring: i is joined to i ± each offset (mod n); offsets=None takes 1 and about √n; n >= 3."""
    _at_least("circulant", n, 3)
    chosen = [1, max(2, round(math.sqrt(n)))] if offsets is None else list(offsets)
    return Topology.from_edges(n, _circulant(n, chosen), name="circulant")


def exponential(n: int) -> Topology:
    """Agent i is joined to i ± 1, 2, 4, 8, … (mod n): degree about 2 log2 n; n >= 3."""
    _at_least("exponential", n, 3)
    return Topology.from_edges(n, _circulant(n, [1 << k for k in range((n - 1).bit_length())]), name="exponential")


def complete_bipartite(n: int, *, left: int | None = None) -> Topology:
    """Every agent of one side is joined to every agent of the other; left=None takes n // 2; n >= 2."""
    size = n // 2 if left is None else left
    if not 1 <= size < n:
        raise TopologyError(f"complete_bipartite needs 1 <= left < n = {n}, not left = {size}")
    sides = np.meshgrid(np.arange(size), np.arange(size, n), indexing="ij")
    return Topology.from_edges(n, _pairs(*sides), name="complete_bipartite")


def margulis(n: int) -> Topology:
    """Margulis-Gabber-Galil expander on Z_m × Z_m, loops and parallel edges dropped; n = m², m >= 2."""
    m = math.isqrt(max(n, 0))
    if m < 2 or m * m != n:
        raise TopologyError(f"margulis needs n a square of at least 4, not {n}")
    x, y = np.divmod(np.arange(n), m)
    targets = [((x + 2 * y) % m, y), ((x + 2 * y + 1) % m, y), (x, (y + 2 * x) % m), (x, (y + 2 * x + 1) % m)]
    edges = np.concatenate([_pairs(np.arange(n), u * m + v) for u, v in targets])
    return Topology.from_edges(n, _simplified(n, edges), name="margulis")


def petersen(n: int = 10) -> Topology:
    """Petersen's graph, 3-regular on 10 agents."""
    return Topology(nx.petersen_graph(), name="petersen")


def _at_least(family: str, n: int, least: int) -> None:
    if n < least:
        raise TopologyError(f"{family} needs n >= {least}, not {n}")


def _rectangle(family: str, n: int, rows: int | None, *, least: int) -> tuple[int, int]:
    if rows is None:
        rows = next((r for r in range(math.isqrt(max(n, 0)), 0, -1) if n % r == 0), 1)
        if rows < least:
            raise TopologyError(f"{family} needs n = rows × columns, each at least {least}, not n = {n}")
    elif rows < least or n % rows or n // rows < least:
        raise TopologyError(f"{family} needs n = rows × columns, each at least {least}, not n = {n}, rows = {rows}")
    return rows, n // rows


def _pairs(u: NDArray[np.int64], v: NDArray[np.int64]) -> _Edges:
    return np.stack([u.ravel(), v.ravel()], axis=1)


def _line(n: int) -> _Edges:
    return _pairs(np.arange(n - 1), np.arange(1, n))


def _cycle(n: int) -> _Edges:
    return _pairs(np.arange(n), np.roll(np.arange(n), -1))


def _spokes(n: int) -> _Edges:
    return _pairs(np.zeros(n - 1, dtype=np.int64), np.arange(1, n))


def _clique(n: int) -> _Edges:
    return _pairs(*np.triu_indices(n, 1))


def _circulant(n: int, offsets: Sequence[int]) -> _Edges:
    steps = {min(int(o) % n, -int(o) % n) for o in offsets}
    if 0 in steps or not steps:
        raise TopologyError(f"a circulant graph needs offsets that are not 0 modulo n = {n}, not {list(offsets)}")
    agents = np.arange(n)
    return _simplified(n, np.concatenate([_pairs(agents, (agents + step) % n) for step in sorted(steps)]))


def _simplified(n: int, edges: _Edges) -> _Edges:
    """Drop loops and repeated edges."""
    low, high = edges.min(axis=1), edges.max(axis=1)
    keys = np.unique((low * n + high)[low != high])
    return np.stack(np.divmod(keys, n), axis=1)
