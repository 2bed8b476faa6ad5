"""Falsifying agents: drawn so that the honest ones form a network, and whether those still do."""

from __future__ import annotations

import networkx as nx
import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from decon.errors import OptionError
from decon.streams import stream
from topologies import Topology

__all__ = ["draw_byzantine", "honest_connected"]

_TRIES = 20


def draw_byzantine(topo: Topology, count: int, seed: int = 0) -> NDArray[np.int64]:
    """Draw ``count`` agents whose removal leaves the others connected.

    Uniform draws are tried first; where they keep failing (trees, rings) agents are removed one at a time, each drawn
    from those that hold nothing together.

    Returns
    -------
    (count,) ndarray of int
        Ascending.

    Raises
    ------
    OptionError
        If ``count`` is negative or more than half of the agents.

    Examples
    --------
    >>> import topologies
    >>> draw_byzantine(topologies.make("star", 5), 2, seed=1).tolist()
    [1, 4]
    """
    if not 0 <= count <= topo.n // 2:
        raise OptionError(f"{count} of {topo.n} agents cannot be Byzantine; give 0 … {topo.n // 2}")
    rng = stream(seed, "byzantine")
    for _ in range(_TRIES):
        drawn = np.sort(rng.choice(topo.n, size=count, replace=False))
        if topo.is_connected_among(np.setdiff1d(np.arange(topo.n), drawn)):
            return drawn
    graph = nx.from_scipy_sparse_array(topo.adjacency)
    removed: list[int] = []
    while len(removed) < count:
        loose = sorted(set(graph) - set(nx.articulation_points(graph)))
        removed.append(int(rng.choice(loose)))
        graph.remove_node(removed[-1])
    return np.array(sorted(removed), dtype=np.int64)


def honest_connected(n: int, links: NDArray[np.int64], byzantine: NDArray[np.int64]) -> bool:
    """Whether ``links``, (m, 2) pairs of ``n`` agents, connect all honest ones without passing through another.

    Examples
    --------
    >>> star = np.array([[0, 1], [0, 2], [0, 3]])
    >>> honest_connected(4, star, np.array([3])), honest_connected(4, star, np.array([0]))
    (True, False)
    """
    honest = np.setdiff1d(np.arange(n), byzantine)
    used = sp.csr_array((np.ones(len(links)), (links[:, 0], links[:, 1])), shape=(n, n))
    return bool(connected_components(used[honest][:, honest], directed=False, return_labels=False) == 1)
