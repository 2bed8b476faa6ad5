"""The neighbour exchange: what a group of agents sends to and receives from its neighbours."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Protocol

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from decon.costs.base import Array
from topologies import Topology

__all__ = ["Links", "LocalLinks"]


class Links(Protocol):
    """All that a step knows of the network: the arcs that end at the agents it advances, and how to exchange.

    Arc k carries the message of an agent (its sender) to ``receivers[k]``, and is sorted by receiver; the dual on arc
    k is held by the receiver, about the sender.
    """

    n: int
    """Number of agents advanced here."""

    @property
    def degrees(self) -> Array:
        """(n,) weighted degrees."""

    @property
    def receivers(self) -> NDArray[np.int64]:
        """(arcs,) receiving agent of each arc, 0 … n-1, ascending."""

    @property
    def arc_weights(self) -> Array:
        """(arcs,) w_ij."""

    def neighbour_sum(self, z: Array) -> Array:
        """Return (n, N) Σ_j w_ij z_j from the broadcasts ``z`` (n, N) of the agents here."""

    def broadcast(self, z: Array) -> Array:
        """Return (arcs, N) the broadcast of each arc's sender."""

    def exchange(self, held: NDArray[Any]) -> NDArray[Any]:
        """Return (arcs, …) what the agent at the other end of each arc holds for the opposite arc."""

    def arc_sum(self, values: Array) -> Array:
        """Return (n, …) the sum of ``values`` (arcs, …) over each receiver's arcs."""


class LocalLinks:
    """All agents of a topology in one process.

    Parameters
    ----------
    topo : Topology

    Examples
    --------
    >>> import networkx as nx
    >>> links = LocalLinks(Topology(nx.path_graph(3)))
    >>> links.neighbour_sum(np.array([[1.0], [10.0], [100.0]])).ravel()
    array([ 10., 101.,  10.])
    """

    def __init__(self, topo: Topology) -> None:
        self.topo = topo
        self.n = topo.n

    @property
    def degrees(self) -> Array:
        """(n,) weighted degrees."""
        return self.topo.degrees

    @property
    def receivers(self) -> NDArray[np.int64]:
        """(arcs,) receiving agents, ascending."""
        return self.topo.receivers

    @property
    def arc_weights(self) -> Array:
        """(arcs,) w_ij."""
        return self.topo.arc_weights

    def neighbour_sum(self, z: Array) -> Array:
        """Return (n, N) A z."""
        return np.asarray(self.topo.adjacency @ z)

    def broadcast(self, z: Array) -> Array:
        """Return (arcs, N) z_j at each arc (i, j)."""
        return z[self.topo.senders]

    def exchange(self, held: NDArray[Any]) -> NDArray[Any]:
        """Return (arcs, …) what is held for the opposite arc."""
        return held[self.topo.reverse]

    def arc_sum(self, values: Array) -> Array:
        """Return (n, …) sums over each receiver's arcs."""
        return np.asarray(self._incidence @ values)

    @cached_property
    def _incidence(self) -> sp.csr_array:
        arcs = self.topo.adjacency.nnz
        return sp.csr_array(
            (np.ones(arcs), np.arange(arcs, dtype=np.int32), self.topo.adjacency.indptr), shape=(self.n, arcs)
        )
