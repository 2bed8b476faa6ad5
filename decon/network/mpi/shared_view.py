"""What a falsifying agent sees when the agents live on many ranks."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from decon.attacks import View
from decon.costs.base import Array

if TYPE_CHECKING:
    from decon.network.mpi.mpi_links import MpiLinks
    from decon.runs.round import Moment, Setup

__all__ = ["SharedView"]


class SharedView(View):
    """A view that all ranks hold together: each asks for the same things in the same order, and computes the same lies.

    ``own``, ``rows`` and ``row`` fetch the rows asked for, ``honest_mean`` and ``honest_std`` are reduced. ``x``, ``z``
    and ``active`` bring the whole network's to every rank, which is what an attack that uses them costs. The screening
    memory stays on its ranks: ``screen`` is None.
    """

    def __init__(self, links: MpiLinks, setup: Setup, before: Moment, k: int, sent: Array) -> None:
        for name, value in (
            ("k", k),
            ("topo", links.topo),
            ("byzantine", setup.byzantine),
            ("penalty", getattr(setup.method, "penalty", np.nan)),
            ("screen", None),
            ("_links", links),
            ("_here", sent),
            ("_before", before),
        ):
            object.__setattr__(self, name, value)

    _links: MpiLinks
    _here: Array
    _before: Moment

    @cached_property
    def own(self) -> Array:
        """(b, N) the falsifying agents' true updates."""
        return self.rows(self.byzantine)

    @cached_property
    def honest(self) -> NDArray[np.int64]:
        """(n-b,) the other agents, ascending."""
        return np.setdiff1d(np.arange(self.topo.n), self.byzantine)

    def rows(self, agents: NDArray[np.integer[Any]]) -> Array:
        """(m, N) the true updates of ``agents``, from the ranks that have them."""
        found = np.zeros((len(agents), self._here.shape[1]), dtype=self._here.dtype)
        place = np.minimum(np.searchsorted(self._links.agents, agents), self._links.n - 1)
        here = self._links.agents[place] == agents
        found[here] = self._here[place[here]]
        everyone = np.empty_like(found)
        self._links.comm.Allreduce(found, everyone)  # one rank has the row, the others add zeros: exact
        return everyone

    @cached_property
    def honest_mean(self) -> Array:
        """(N,) mean of the honest agents' true updates."""
        return self._links.total_rows(self._honest_here) / len(self.honest)

    @cached_property
    def honest_std(self) -> Array:
        """(N,) standard deviation of the honest agents' true updates, entry by entry."""
        return np.sqrt(self._links.total_rows((self._honest_here - self.honest_mean) ** 2) / len(self.honest))

    @cached_property
    def _honest_here(self) -> Array:
        kept = np.ones(self._links.n, dtype=bool)
        kept[self._links.roles(self.byzantine).liars] = False
        return self._here[kept]

    @cached_property
    def x(self) -> Array:
        """(n, N) all true updates."""
        return self._links.gather_agents(self._here)

    @cached_property
    def z(self) -> Array:
        """(n, N) all broadcasts of the iteration before."""
        return self._links.gather_agents(self._before.z)

    @cached_property
    def active(self) -> NDArray[np.bool_] | None:
        """(arcs,) the links in use of the whole network."""
        return None if self._before.active is None else self._links.gather_arcs(self._before.active)
