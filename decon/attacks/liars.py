"""Falsifying agents: drawn so that the honest ones form a network, and whether those still do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import networkx as nx
import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from decon.errors import OptionError
from decon.options import is_number
from decon.streams import stream
from topologies import Topology

__all__ = ["Liars", "choose", "draw_byzantine", "honest_connected"]

_TRIES = 20

Liars = int | float | str | Sequence[int | str] | NDArray[np.integer[Any]]
"""How many agents falsify, which share of all (below 1), or which: a list of agent numbers, or of labels as text."""


def choose(topo: Topology, byzantine: Liars, seed: int = 0) -> NDArray[np.int64]:
    """Return the falsifying agents: those listed, or as many as asked for, drawn as :func:`draw_byzantine` does.

    Parameters
    ----------
    topo : Topology
    byzantine : int, float or list
        A count; a share below 1, rounded down to whole agents; or one set of agents, each its number from 0 or its
        label as text.
    seed : int
        Of a draw.

    Returns
    -------
    (b,) ndarray of int
        Ascending.

    Raises
    ------
    OptionError
        For anything else, an agent named twice or not there, or more than half of the agents.

    Examples
    --------
    >>> import topologies
    >>> star = topologies.make("star", 5)
    >>> choose(star, 2, seed=1).tolist(), choose(star, 0.4, seed=1).tolist(), choose(star, [4, 1]).tolist()
    ([1, 4], [1, 4], [1, 4])
    """
    given: Any = byzantine
    if isinstance(given, (np.generic, np.ndarray)) and given.ndim == 0:
        given = given.item()
    if is_number(given):
        if isinstance(given, float):
            if not 0 <= given < 1:
                raise OptionError(f"a share of Byzantine agents must lie in [0, 1), not {given!r}; a count is whole")
            given = int(np.floor(given * topo.n + 1e-9))  # 0.3 · 10 is 3
        return draw_byzantine(topo, given, seed)
    if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
        raise OptionError(f"byzantine must be a list of agent indices or labels, a count or a share, not {given!r}")
    numbers = np.array([_number(topo, agent, given) for agent in given], dtype=np.int64)
    who, often = np.unique(numbers, return_counts=True)
    if who.size and (who[0] < 0 or who[-1] >= topo.n):
        raise OptionError(f"byzantine agents must lie in 0 … {topo.n - 1}, found {who[0] if who[0] < 0 else who[-1]}")
    if (often > 1).any():
        raise OptionError(f"byzantine names agent {who[often > 1][0]} more than once")
    if 2 * who.size > topo.n:
        raise OptionError(f"{who.size} of {topo.n} agents Byzantine is a majority; no method can help")
    return who


def _number(topo: Topology, agent: Any, given: object) -> int:
    """Return an agent's number, of its number or label."""
    if isinstance(agent, str):
        found = [i for i, label in enumerate(topo.labels) if str(label) == agent]
        if len(found) != 1:
            raise OptionError(f"no agent is labelled {agent!r}" if not found else f"{len(found)} agents: {agent!r}")
        return found[0]
    if isinstance(agent, (int, np.integer)) and not isinstance(agent, bool) and abs(int(agent)) < 2**62:
        return int(agent)
    raise OptionError(f"byzantine must be a list of agent indices or labels, not {given!r}")


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
