"""Where the agents of a run are: all in this process, or shared out over ranks."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from decon.costs.base import Array, Costs
from decon.errors import OptionError
from decon.network.links import Links, LocalLinks
from decon.options import require_instance
from decon.problem.minimizer import minimizer
from decon.runs.result import Result
from topologies import Topology

__all__ = ["Network", "network"]


class Network(Protocol):
    """The agents of a run, and where they are: all here, or on many ranks."""

    @property
    def links(self) -> Links:
        """The neighbour exchange of the agents here."""

    @property
    def costs(self) -> Costs:
        """Costs of the agents here."""

    @property
    def whole(self) -> Costs:
        """What is known of all costs, at least n, N, ν and ℓ."""

    def minimizer(self, agents: NDArray[np.int64]) -> Array:
        """Return (N,) the minimiser of the sum of the costs of ``agents``."""

    def guard(self) -> AbstractContextManager[object]:
        """Return what sees to it that one place's failure ends all."""

    def result(self, values: dict[str, Any]) -> Result:
        """Return the result with these fields, and the edges."""


class _Here:
    """All agents in this process."""

    def __init__(self, topo: Topology, costs: Costs) -> None:
        self.links, self.costs, self.whole = LocalLinks(topo), costs, costs

    def minimizer(self, agents: NDArray[np.int64]) -> Array:
        return minimizer(self.costs, agents)

    def guard(self) -> AbstractContextManager[object]:
        return nullcontext()

    def result(self, values: dict[str, Any]) -> Result:
        return Result(**values, edges=self.links.topo.edges, labels=self.links.topo.labels)


def network(engine: str, topo: Topology, costs: Costs | Callable[[NDArray[np.int64]], Costs]) -> Network:
    """Return the agents, in this process or over the ranks of MPI."""
    require_instance("topo", topo, Topology, "topologies")
    if engine == "mpi":
        from decon.network.mpi.ranks import OverRanks

        return OverRanks(topo, costs)
    if engine != "local":
        raise OptionError(f'engine must be "local" or "mpi", not {engine!r}')
    made = costs(np.arange(topo.n)) if callable(costs) else costs
    require_instance("costs", made, Costs, "decon.costs")
    return _Here(topo, made)
