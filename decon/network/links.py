"""The neighbour exchange: what a group of agents sends to and receives from its neighbours."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from decon.attacks import View
from decon.costs.base import Array
from topologies import Topology

if TYPE_CHECKING:
    from decon.runs.round import Moment, Setup

__all__ = ["Links", "LocalLinks", "Roles"]


class Roles(NamedTuple):
    """Who lies, seen from the agents advanced here.

    Attributes
    ----------
    liars, liar_rows : (l,) ndarray of int
        The falsifying agents here, as rows of x, and their places among all falsifying agents.
    outgoing, outgoing_rows : (m,) ndarray of int
        The arcs here that start at a falsifying agent, and their places in ``View.outgoing``.
    honest_receiver : (arcs,) ndarray of bool
        Whether the arc's receiver is honest.
    """

    liars: NDArray[np.int64]
    liar_rows: NDArray[np.int64]
    outgoing: NDArray[np.int64]
    outgoing_rows: NDArray[np.int64]
    honest_receiver: NDArray[np.bool_]


class Links(Protocol):
    """All that a step knows of the network: the arcs that end at the agents it advances, and how to exchange.

    Arc k carries the message of an agent (its sender) to ``receivers[k]``, and is sorted by receiver; the dual on arc
    k is held by the receiver, about the sender.
    """

    place: int
    """Number of this place, of ``places``; a place is a process that advances agents."""

    places: int

    n: int
    """Number of agents advanced here."""

    agents: NDArray[np.int64]
    """(n,) their numbers in the whole network, ascending."""

    topo: Topology
    """The whole network."""

    seed: int
    """Of the run's randomness, for draws that all agents make by number, such as minibatches."""

    uniform: bool
    """Whether every arc carries its sender's broadcast, always: nothing is cut, lost or told apart, so that sums over
    neighbours are all there is to know."""

    restarts: bool
    """Whether every arc that is used carries its sender's broadcast, and whenever links are cut the run starts again on
    the rest: sums over the neighbours left are all there is to know."""

    @property
    def degrees(self) -> Array:
        """(n,) weighted degrees."""

    @property
    def receivers(self) -> NDArray[np.int64]:
        """(arcs,) receiving agent of each arc, 0 … n-1, ascending."""

    @property
    def senders(self) -> NDArray[np.int64]:
        """(arcs,) sending agent of each arc, by its number in the whole network."""

    @property
    def arc_weights(self) -> Array:
        """(arcs,) w_ij."""

    def roles(self, byzantine: NDArray[np.int64]) -> Roles:
        """Return who lies, for the falsifying agents ``byzantine`` of the whole network."""

    def view(self, setup: Setup, before: Moment, k: int, sent: Array) -> View:
        """Return what a falsifying agent sees at iteration ``k``, when the agents here truly send ``sent``."""

    def neighbour_sum(self, z: Array, active: NDArray[np.bool_] | None = None) -> Array:
        """Return (n, N) Σ_j w_ij z_j from the broadcasts ``z`` (n, N) of the agents here, over the arcs ``active``."""

    def broadcast(self, z: Array) -> Array:
        """Return (arcs, N) the broadcast of each arc's sender."""

    def exchange(self, held: NDArray[Any]) -> NDArray[Any]:
        """Return (arcs, …) what the agent at the other end of each arc holds for the opposite arc."""

    def arc_sum(self, values: Array) -> Array:
        """Return (n, …) the sum of ``values`` (arcs, …) over each receiver's arcs."""

    def all_arcs(self, held: Array) -> Array:
        """Return (arcs here, …) antisymmetric values for every arc, also for those that these links left out."""

    def held(self, everywhere: Array) -> Array:
        """Return of values on every arc here those on the arcs that these links keep."""

    def total(self, values: tuple[float, ...]) -> tuple[float, ...]:
        """Return the sums over all places of numbers that each place holds."""

    def total_rows(self, x: Array) -> Array:
        """Return (N,) the sum of the rows of ``x`` (m, N) over all places."""

    def gather_agents(self, held: NDArray[Any]) -> NDArray[Any]:
        """Return (all agents, …) what all places hold for their agents; costly where places are many."""

    def gather_arcs(self, held: NDArray[Any]) -> NDArray[Any]:
        """Return (all arcs, …) what all places hold for their arcs, in the order of the topology."""

    def gather_events(self, events: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
        """Return the link events (k, i, j) of all places, in this order."""

    def largest(self, values: Array) -> tuple[float, int]:
        """Return the largest of ``values`` (n,) over all places and the agent it belongs to, the first if several."""

    def first_sender(self, chosen: NDArray[np.bool_]) -> int | None:
        """Return the sender of the first arc of the whole network that is chosen in ``chosen`` (arcs,), if any is."""

    def wait_for_all(self) -> None:
        """Return when every place has come here."""


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

    def __init__(self, topo: Topology, *, seed: int = 0, uniform: bool = False) -> None:
        self.topo = topo
        self.seed, self.uniform, self.restarts = seed, uniform, False
        self._left: tuple[NDArray[np.bool_], sp.csr_array] | None = None
        self.place, self.places = 0, 1
        self.n = topo.n
        self.agents = np.arange(topo.n)
        self._roles: tuple[NDArray[np.int64], Roles] | None = None

    @property
    def degrees(self) -> Array:
        """(n,) weighted degrees."""
        return self.topo.degrees

    @property
    def receivers(self) -> NDArray[np.int64]:
        """(arcs,) receiving agents, ascending."""
        return self.topo.receivers

    @property
    def senders(self) -> NDArray[np.int64]:
        """(arcs,) sending agents."""
        return self.topo.senders

    @property
    def arc_weights(self) -> Array:
        """(arcs,) w_ij."""
        return self.topo.arc_weights

    def roles(self, byzantine: NDArray[np.int64]) -> Roles:
        """Return who lies; kept, as it does not change during a run."""
        if self._roles is None or self._roles[0] is not byzantine:
            honest_receiver = ~np.isin(self.topo.receivers, byzantine)
            outgoing = self.topo.reverse[np.flatnonzero(~honest_receiver)]
            roles = Roles(byzantine, np.arange(len(byzantine)), outgoing, np.arange(len(outgoing)), honest_receiver)
            self._roles = byzantine, roles
        return self._roles[1]

    def view(self, setup: Setup, before: Moment, k: int, sent: Array) -> View:
        """Return a view of all."""
        penalty = getattr(setup.method, "penalty", np.nan)
        return View(k, self.topo, setup.byzantine, sent, before.z, penalty, before.screen, before.active)

    def neighbour_sum(self, z: Array, active: NDArray[np.bool_] | None = None) -> Array:
        """Return (n, N) A z, A of the graph that the arcs ``active`` leave."""
        if active is None:
            return np.asarray(self.topo.adjacency @ z)
        if self._left is None or self._left[0] is not active:
            whole = self.topo.adjacency
            self._left = active, sp.csr_array((whole.data * active, whole.indices, whole.indptr), shape=whole.shape)
        return np.asarray(self._left[1] @ z)

    def broadcast(self, z: Array) -> Array:
        """Return (arcs, N) z_j at each arc (i, j)."""
        return z.take(self.senders, axis=0)

    def exchange(self, held: NDArray[Any]) -> NDArray[Any]:
        """Return (arcs, …) what is held for the opposite arc."""
        return held[self.topo.reverse]

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
        """Return ``values``: there is one place."""
        return values

    def total_rows(self, x: Array) -> Array:
        """Return (N,) the sum of the rows."""
        return np.asarray(np.ones(len(x)) @ x)

    def gather_agents(self, held: NDArray[Any]) -> NDArray[Any]:
        """Return ``held``: all agents are here."""
        return held

    def gather_arcs(self, held: NDArray[Any]) -> NDArray[Any]:
        """Return ``held``: all arcs are here."""
        return held

    def gather_events(self, events: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
        """Return ``events``."""
        return events

    def largest(self, values: Array) -> tuple[float, int]:
        """Return the largest value and its agent."""
        agent = int(np.argmax(values))
        return float(values[agent]), agent

    def first_sender(self, chosen: NDArray[np.bool_]) -> int | None:
        """Return the sender of the first chosen arc."""
        return int(self.senders[np.argmax(chosen)]) if chosen.any() else None

    def wait_for_all(self) -> None:
        """Return: there is one place."""

    @cached_property
    def _incidence(self) -> sp.csr_array:
        arcs = self.topo.adjacency.nnz
        return sp.csr_array(
            (np.ones(arcs), np.arange(arcs, dtype=np.int32), self.topo.adjacency.indptr), shape=(self.n, arcs)
        )
