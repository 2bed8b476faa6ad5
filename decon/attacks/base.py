"""What a falsifying agent sees, and what every attack is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from decon.costs.base import Array
from decon.options import Kind, check_options
from topologies import Topology

__all__ = ["ATTACK", "Attack", "View"]


@dataclass(frozen=True, eq=False)
class View:
    """Everything, as the papers' threat model says: all true updates, the graph, the iteration, the defence.

    Attributes
    ----------
    k : int
        Iteration whose messages are being made, from 1.
    topo : Topology
    byzantine : (b,) ndarray of int
        The falsifying agents, ascending.
    x : (n, N) ndarray
        True updates of all agents at iteration ``k``.
    z : (n, N) ndarray
        What was broadcast at iteration ``k - 1``.
    penalty : float
        c.
    screen : object or None
        The screening rule's memory, if there is one.
    active : (arcs,) ndarray of bool or None
        The links in use; None means all.
    """

    k: int
    topo: Topology
    byzantine: NDArray[np.int64]
    x: Array
    z: Array
    penalty: float
    screen: Any = None
    active: NDArray[np.bool_] | None = None

    @cached_property
    def own(self) -> Array:
        """(b, N) the falsifying agents' true updates."""
        return self.x[self.byzantine]

    @cached_property
    def honest(self) -> NDArray[np.int64]:
        """(n-b,) the other agents, ascending."""
        mask = np.ones(len(self.x), dtype=bool)
        mask[self.byzantine] = False
        return np.flatnonzero(mask)

    def row(self, agent: int) -> Array:
        """(N,) the true update of ``agent``."""
        row: Array = self.rows(np.array([agent]))[0]
        return row

    def rows(self, agents: NDArray[np.integer[Any]]) -> Array:
        """(m, N) the true updates of ``agents``; where they live in many processes, far cheaper than ``x``."""
        found: Array = self.x[agents]
        return found

    @cached_property
    def honest_mean(self) -> Array:
        """(N,) mean of the honest agents' true updates."""
        return np.asarray(self.x[self.honest].mean(axis=0))

    @cached_property
    def honest_std(self) -> Array:
        """(N,) standard deviation of the honest agents' true updates, entry by entry."""
        return np.asarray(self.x[self.honest].std(axis=0))

    @cached_property
    def outgoing(self) -> NDArray[np.int64]:
        """(m,) the arcs that start at a falsifying agent, by sender, then receiver."""
        return self.topo.reverse[np.flatnonzero(np.isin(self.topo.receivers, self.byzantine))]

    @cached_property
    def outgoing_position(self) -> NDArray[np.int64]:
        """(m,) the row in ``byzantine`` of each outgoing arc's sender."""
        return np.searchsorted(self.byzantine, self.topo.senders[self.outgoing])


class Attack(ABC):
    """A falsification: frozen options, called as ``attack(view, rng) -> messages``.

    A broadcast attack returns one row a falsifying agent, (b, N); one with ``per_arc`` set returns one row for every
    arc of ``view.outgoing``, (m, N).

    Raises
    ------
    OptionError
        If an option is not what its field says (:func:`decon.options.option`), when the attack is made.
    """

    def __post_init__(self) -> None:
        """Refuse options that are not of their kind."""
        check_options(self)

    @property
    def per_arc(self) -> bool:
        """Whether each neighbour gets a message of its own."""
        return False

    @abstractmethod
    def __call__(self, view: View, rng: np.random.Generator) -> Array:
        """Return the messages of iteration ``view.k``; all randomness comes from ``rng``."""


ATTACK = Kind(
    "an attack such as Gaussian()",
    lambda value: callable(value) and hasattr(value, "per_arc") and not isinstance(value, type),
)
"""What attacks are made from; any object of the right shape will do."""
