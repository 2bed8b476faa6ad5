"""Links that keep one arc of two for every edge whose ends say the same to everybody."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from decon.costs.base import Array
from decon.network.links import LocalLinks
from topologies import Topology

__all__ = ["EdgeLinks"]


class EdgeLinks(LocalLinks):
    """All agents in one process, with one arc instead of two for every edge between honest agents.

    As long as everyone broadcasts and nothing is screened, η_ij = -η_ji there to the last bit, P2 (12a): half the
    duals are enough, and :meth:`arc_sum` takes each for both ends. A falsifying agent does not remember what it sent,
    so both arcs of its edges are kept. Nothing here serves screening or equivocation.

    Parameters
    ----------
    topo : Topology
    byzantine : (b,) ndarray of int

    Examples
    --------
    >>> import networkx as nx
    >>> links = EdgeLinks(Topology(nx.path_graph(3)), np.array([2]))
    >>> links.receivers, links.senders
    (array([0, 1, 2]), array([1, 2, 1]))
    >>> links.arc_sum(np.array([[1.0], [10.0], [100.0]])).ravel()
    array([  1.,   9., 100.])
    """

    def __init__(self, topo: Topology, byzantine: NDArray[np.int64], *, seed: int = 0, uniform: bool = False) -> None:
        super().__init__(topo, seed=seed, uniform=uniform)
        lies = np.isin(self.agents, byzantine)
        kept = (topo.receivers < topo.senders) | lies[topo.receivers] | lies[topo.senders]
        self._ends = topo.receivers[kept], topo.senders[kept], topo.arc_weights[kept]
        place = np.cumsum(kept) - 1
        signs, held = np.where(kept, 1.0, -1.0), np.where(kept, place, place[topo.reverse])
        self._kept, self._signs, self._held = kept, signs, held
        # entries in the order of all arcs, so that sums are those of LocalLinks
        self._incidence = sp.csr_array((signs, held, topo.adjacency.indptr), shape=(topo.n, int(kept.sum())))

    @property
    def receivers(self) -> NDArray[np.int64]:
        """(arcs,) receiving agents of the arcs kept, ascending."""
        return self._ends[0]

    @property
    def senders(self) -> NDArray[np.int64]:
        """(arcs,) sending agents of the arcs kept."""
        return self._ends[1]

    @property
    def arc_weights(self) -> Array:
        """(arcs,) w_ij of the arcs kept."""
        return self._ends[2]

    def all_arcs(self, held: Array) -> Array:
        """Return (all arcs, …): an arc that was left out has the opposite value of its reverse."""
        found = held[self._held]
        found *= self._signs[:, None]
        return found

    def held(self, everywhere: Array) -> Array:
        """Return the values on the arcs kept."""
        return everywhere[self._kept]
