"""The neighbour exchange between ranks: MPI-3 neighbourhood collectives on a distributed graph communicator."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from decon.attacks import View
from decon.costs.base import Array
from decon.network.links import Roles
from decon.network.mpi.partition import Part
from decon.network.mpi.shared_view import SharedView
from topologies import Topology

if TYPE_CHECKING:
    from decon.runs.round import Moment, Setup

__all__ = ["MpiLinks"]

_SUMMED = 1 << 17
"""Numbers that are summed over the ranks at a time, each rank holding those of all: a megabyte a rank."""


class MpiLinks:
    """The agents of one rank; every method whose sum or value is of the whole network is called by all ranks together.

    Parameters
    ----------
    topo : Topology
        The same on all ranks. Only its graph is held everywhere; state and data are not.
    part : Part
        This rank's.
    comm : mpi4py.MPI.Comm

    Attributes
    ----------
    bytes_sent : int
        To other ranks in neighbour exchanges so far, without headers.
    """

    def __init__(self, topo: Topology, part: Part, comm: Any) -> None:
        self.topo, self.part, self.comm = topo, part, comm
        self.seed, self.uniform, self.restarts = 0, False, False
        self.place, self.places = comm.rank, comm.size
        self.n, self.agents = len(part.agents), part.agents
        self.receivers, self.senders, self.arc_weights = part.receivers, part.senders, part.weights
        self.degrees: Array = topo.degrees[part.agents]
        self.bytes_sent = 0
        near = part.neighbours.tolist()
        self._graph = comm.Create_dist_graph_adjacent(near, near)
        self._types: dict[int, Any] = {}
        self._roles: tuple[NDArray[np.int64], Roles] | None = None
        self._shares = np.asarray(comm.allgather(self.n))
        self._order: NDArray[np.int64] | None = None

    def roles(self, byzantine: NDArray[np.int64]) -> Roles:
        """Return who lies; kept, as it does not change during a run."""
        if self._roles is None or self._roles[0] is not byzantine:
            part = self.part
            liars = np.flatnonzero(np.isin(part.agents, byzantine))
            sent = self.topo.adjacency[byzantine]  # View.outgoing, without all arcs: by sender, then receiver
            pairs = np.repeat(np.arange(len(byzantine)), np.diff(sent.indptr)) * self.topo.n + sent.indices
            outgoing = np.flatnonzero(np.isin(part.senders, byzantine))
            mine = (
                np.searchsorted(byzantine, part.senders[outgoing]) * self.topo.n + part.agents[part.receivers[outgoing]]
            )
            rows = np.searchsorted(pairs, mine)
            lying_receiver = np.isin(part.agents, byzantine)[part.receivers]
            roles = Roles(liars, np.searchsorted(byzantine, part.agents[liars]), outgoing, rows, ~lying_receiver)
            self._roles = byzantine, roles
        return self._roles[1]

    def view(self, setup: Setup, before: Moment, k: int, sent: Array) -> View:
        """Return a view that fetches from other ranks what an attack asks for."""
        return SharedView(self, setup, before, k, sent)

    def neighbour_sum(self, z: Array, active: NDArray[np.bool_] | None = None) -> Array:
        """Return (n, N) Σ_j w_ij z_j; own neighbours are summed while the others' values are on their way."""
        if active is not None:  # the same exchange as without, so that ranks need not agree on this
            return self.arc_sum(self.broadcast(z) * (self.arc_weights * active)[:, None])
        request, halo = self._send(z[self.part.shown], self.part.shown_counts, self.part.halo_counts)
        total = np.asarray(self.part.inner @ z)
        request.Wait()
        total += self.part.outer @ halo
        return total

    def broadcast(self, z: Array) -> Array:
        """Return (arcs, N) z_j at each arc (i, j)."""
        part = self.part
        request, halo = self._send(z[part.shown], part.shown_counts, part.halo_counts)
        messages = z.take(self._inner_senders, axis=0)
        request.Wait()
        messages[part.cut] = halo[self._halo_of_cut]
        return messages

    def exchange(self, held: NDArray[Any]) -> NDArray[Any]:
        """Return (arcs, …) what is held for the opposite arc."""
        part = self.part
        request, arrived = self._send(held[part.cut_back], part.cut_counts, part.cut_counts)
        opposite = held.take(self._inner_back, axis=0)
        request.Wait()
        opposite[part.cut] = arrived
        return opposite

    def arc_sum(self, values: Array) -> Array:
        """Return (n, …) sums over each receiver's arcs."""
        return np.asarray(self._incidence @ values)

    def all_arcs(self, held: Array) -> Array:
        """Return ``held``: no arc is left out."""
        return held

    def held(self, everywhere: Array) -> Array:
        """Return ``everywhere``."""
        return everywhere

    def total(self, values: tuple[float, ...]) -> tuple[float, ...]:
        """Return the sums over all ranks, the same bits on each."""
        return tuple(self._total(np.array(values, dtype=float)).tolist())

    def total_rows(self, x: Array) -> Array:
        """Return (N,) the sum of the rows over all ranks, the same bits on each."""
        return self._total(np.asarray(np.ones(len(x)) @ x))

    def _total(self, values: Array) -> Array:
        """Add in the order of ranks, so that every rank and every run has the same rounding."""
        total = np.empty(len(values))
        for first in range(0, len(values), _SUMMED):
            here = np.ascontiguousarray(values[first : first + _SUMMED])
            everyone = np.empty((self.places, len(here)))
            self.comm.Allgather(here, everyone)
            summed = total[first : first + _SUMMED]
            summed[:] = everyone[0]
            for row in everyone[1:]:
                summed += row
        return total

    def gather_agents(self, held: NDArray[Any]) -> NDArray[Any]:
        """Return (all agents, …): every rank then holds the whole network's."""
        if self._order is None:
            self._order = np.asarray(self._gather(self.agents, self._shares))
        everyone = self._gather(held, self._shares)
        ordered = np.empty_like(everyone)
        ordered[self._order] = everyone
        return ordered

    def gather_arcs(self, held: NDArray[Any]) -> NDArray[Any]:
        """Return (all arcs, …), in the order of the topology."""
        counts = np.asarray(self.comm.allgather(len(self.part.arcs)))
        everyone = self._gather(held, counts)
        ordered = np.empty_like(everyone)
        ordered[self._gather(self.part.arcs, counts)] = everyone
        return ordered

    def gather_events(self, events: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
        """Return the link events of all ranks, by iteration, receiver and sender as in one process."""
        return sorted(event for part in self.comm.allgather(events) for event in part)

    def largest(self, values: Array) -> tuple[float, int]:
        """Return the largest value and its agent, of equal ones the first."""
        row = int(np.argmax(values))
        found = self.comm.allgather((float(values[row]), int(self.agents[row])))
        return max(found, key=lambda pair: (pair[0], -pair[1]))  # type: ignore[no-any-return]

    def first_sender(self, chosen: NDArray[np.bool_]) -> int | None:
        """Return the sender of the first chosen arc of the whole network."""
        row = int(np.argmax(chosen)) if len(chosen) else 0
        here = (int(self.part.arcs[row]), int(self.senders[row])) if len(chosen) and chosen[row] else None
        found = [pair for pair in self.comm.allgather(here) if pair is not None]
        return min(found)[1] if found else None

    def wait_for_all(self) -> None:
        """Return when every rank has come here."""
        self.comm.Barrier()

    def _send(
        self, rows: NDArray[Any], counts: NDArray[np.int64], arriving: NDArray[np.int64]
    ) -> tuple[Any, NDArray[Any]]:
        """Start sending ``rows``, cut into ``counts`` for each neighbouring rank; return the request and the inbox."""
        from mpi4py import MPI

        rows = np.ascontiguousarray(rows)
        inbox = np.empty((int(arriving.sum()), *rows.shape[1:]), dtype=rows.dtype)
        width = rows.dtype.itemsize * int(np.prod(rows.shape[1:], dtype=int))
        kind = self._types.get(width)
        if kind is None:
            kind = self._types[width] = MPI.BYTE.Create_contiguous(width).Commit()
        self.bytes_sent += rows.nbytes
        starts, ends = np.cumsum(counts) - counts, np.cumsum(arriving) - arriving
        request = self._graph.Ineighbor_alltoallv([rows, counts, starts, kind], [inbox, arriving, ends, kind])
        self._held = rows  # MPI reads it until the wait
        return request, inbox

    def _gather(self, held: NDArray[Any], counts: NDArray[np.int64]) -> NDArray[Any]:
        from mpi4py import MPI

        held = np.ascontiguousarray(held)
        width = held.dtype.itemsize * int(np.prod(held.shape[1:], dtype=int))
        kind = MPI.BYTE.Create_contiguous(width).Commit()
        everyone = np.empty((int(counts.sum()), *held.shape[1:]), dtype=held.dtype)
        starts = np.cumsum(counts) - counts
        self.comm.Allgatherv([held, len(held), kind], [everyone, counts, starts, kind])
        kind.Free()
        return everyone

    @cached_property
    def _inner_senders(self) -> NDArray[np.int64]:
        """(arcs,) rows of the arcs' senders; of other ranks' any row: one pass over all arcs is quicker than two."""
        rows = np.zeros(len(self.senders), dtype=np.int64)
        rows[self.part.uncut] = np.searchsorted(self.agents, self.senders[self.part.uncut])
        return rows

    @cached_property
    def _inner_back(self) -> NDArray[np.int64]:
        """(arcs,) the opposite arcs, likewise."""
        rows = np.zeros(len(self.senders), dtype=np.int64)
        rows[self.part.uncut] = self.part.uncut_back
        return rows

    @cached_property
    def _halo_of_cut(self) -> NDArray[np.int64]:
        place = np.zeros(self.topo.n, dtype=np.int64)
        place[self.part.halo] = np.arange(len(self.part.halo))
        return place[self.senders[self.part.cut]]

    @cached_property
    def _incidence(self) -> sp.csr_array:
        count = len(self.receivers)
        starts = np.searchsorted(self.receivers, np.arange(self.n + 1))
        return sp.csr_array((np.ones(count), np.arange(count), starts), shape=(self.n, count))
