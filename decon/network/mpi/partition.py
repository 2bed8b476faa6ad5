"""Which rank holds which agents, and what a rank knows of the arcs that end at its own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from decon.costs.base import Array
from decon.errors import OptionError
from topologies import Topology

__all__ = ["Part", "partition"]


def partition(topo: Topology, parts: int) -> NDArray[np.int32]:
    """Return (n,) the part of each agent: METIS's, nearly equal in agents, with few edges between parts.

    Raises
    ------
    OptionError
        If there are more parts than agents, or METIS is not installed.

    Examples
    --------
    >>> import topologies
    >>> owner = partition(topologies.make("ring", 12), 2)
    >>> np.bincount(owner), int((owner != np.roll(owner, 1)).sum())
    (array([6, 6]), 2)
    """
    if not 1 <= parts <= topo.n:
        raise OptionError(f"{topo.n} agents cannot be shared out over {parts} ranks")
    if parts == 1:
        return np.zeros(topo.n, dtype=np.int32)
    try:
        import pymetis
    except ImportError:
        raise OptionError("several ranks need the extra: pip install 'decon[mpi]'") from None
    graph = pymetis.CSRAdjacency(adj_starts=topo.adjacency.indptr, adjacent=topo.adjacency.indices)
    _, owner = pymetis.part_graph(parts, graph)
    found = np.asarray(owner, dtype=np.int32)
    if len(np.unique(found)) < parts:  # METIS may leave a part of a tiny graph empty
        found = (np.argsort(np.argsort(found, kind="stable")) * parts // topo.n).astype(np.int32)
    return found


@dataclass(frozen=True, eq=False)
class Part:
    """What one rank knows of the network.

    Attributes
    ----------
    agents : (m,) ndarray of int
        Its agents, ascending.
    arcs : (a,) ndarray of int
        The arcs that end at them, as positions in the topology, ascending.
    receivers, senders : (a,) ndarray of int
        Receiving agent as a row of ``agents``, sending agent by number.
    weights : (a,) ndarray
        w_ij.
    neighbours : (r,) ndarray of int
        Ranks with agents next to these.
    halo : (h,) ndarray of int
        Agents of other ranks that send to these, by rank, then number.
    halo_counts : (r,) ndarray of int
        How many of each neighbouring rank.
    shown : (s,) ndarray of int
        Rows of ``agents`` to send, for each neighbouring rank in turn: an agent goes to a rank once, not once an arc.
    shown_counts : (r,) ndarray of int
    inner, outer : (m, m) and (m, h) CSR
        Weights of arcs from own agents and from the halo.
    cut : (u,) ndarray of int
        Arcs here from other ranks, by rank, then in their order here.
    cut_back : (u,) ndarray of int
        The same arcs by rank, then by sender and receiver: the order in which that rank has the opposite arcs.
    cut_counts : (r,) ndarray of int
    uncut, uncut_back : (a - u,) ndarray of int
        Arcs between own agents, and the opposite arc of each.
    """

    agents: NDArray[np.int64]
    arcs: NDArray[np.int64]
    receivers: NDArray[np.int64]
    senders: NDArray[np.int64]
    weights: Array
    neighbours: NDArray[np.int64]
    halo: NDArray[np.int64]
    halo_counts: NDArray[np.int64]
    shown: NDArray[np.int64]
    shown_counts: NDArray[np.int64]
    inner: sp.csr_array
    outer: sp.csr_array
    cut: NDArray[np.int64]
    cut_back: NDArray[np.int64]
    cut_counts: NDArray[np.int64]
    uncut: NDArray[np.int64]
    uncut_back: NDArray[np.int64]

    @staticmethod
    def of(topo: Topology, owner: NDArray[np.int32], rank: int) -> Part:
        """Cut the part of ``rank`` out of the topology."""
        agents = np.flatnonzero(owner == rank)
        rows = topo.adjacency[agents]
        receivers = np.repeat(np.arange(len(agents)), np.diff(rows.indptr))
        senders = rows.indices.astype(np.int64)
        starts = topo.adjacency.indptr[agents].astype(np.int64)
        arcs = np.arange(len(senders)) - np.repeat(rows.indptr[:-1], np.diff(rows.indptr)) + starts[receivers]
        where = owner[senders]
        cut = np.flatnonzero(where != rank)
        cut = cut[np.argsort(where[cut], kind="stable")]
        neighbours, cut_counts = np.unique(where[cut], return_counts=True)
        halo, halo_counts = _once(where[cut], senders[cut], neighbours)
        shown, shown_counts = _once(where[cut], receivers[cut], neighbours)
        uncut = np.flatnonzero(where == rank)
        place = np.full(topo.n, -1, dtype=np.int64)
        place[agents] = np.arange(len(agents))
        inner = sp.csr_array(
            (rows.data[uncut], (receivers[uncut], place[senders[uncut]])), shape=(len(agents), len(agents))
        )
        place[halo] = np.arange(len(halo))
        outer = sp.csr_array((rows.data[cut], (receivers[cut], place[senders[cut]])), shape=(len(agents), len(halo)))
        places = receivers[uncut], np.searchsorted(agents, senders[uncut])
        back = sp.csr_array((uncut, places), shape=(len(agents), len(agents)))
        return Part(
            agents=agents,
            arcs=arcs,
            receivers=receivers,
            senders=senders,
            weights=np.asarray(rows.data, dtype=float),
            neighbours=neighbours.astype(np.int64),
            halo=halo,
            halo_counts=halo_counts,
            shown=shown,
            shown_counts=shown_counts,
            inner=inner,
            outer=outer,
            cut=cut,
            cut_back=cut[np.lexsort((receivers[cut], senders[cut], where[cut]))],
            cut_counts=cut_counts,
            uncut=uncut,
            uncut_back=back.T.tocsr().data,
        )


def _once(
    ranks: NDArray[np.integer], numbers: NDArray[np.int64], neighbours: NDArray[np.integer]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return each (rank, number) once, ordered by rank, then number, and how many there are of each rank."""
    order = np.lexsort((numbers, ranks))
    r, v = ranks[order], numbers[order]
    first = np.ones(len(r), dtype=bool)
    first[1:] = (r[1:] != r[:-1]) | (v[1:] != v[:-1])
    return v[first], np.bincount(np.searchsorted(neighbours, r[first]), minlength=len(neighbours)).astype(np.int64)
