"""Drawing falsifying agents so that the honest ones still form a network."""

from __future__ import annotations

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from decon.errors import OptionError
from decon.streams import stream
from topologies import Topology

__all__ = ["draw_byzantine"]

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
