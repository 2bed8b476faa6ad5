"""What a rank has of a result."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from decon.runs.result import Result

__all__ = ["Share"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Share(Result):
    """A rank's part of a run over MPI: histories and events are the whole network's, ``x`` and ``edges`` its agents'.

    Attributes
    ----------
    agents : (m,) ndarray of int
        The agents whose final updates ``x`` (m, N) are.
    bytes_sent : int
        To other ranks in neighbour exchanges, by all ranks, without headers.
    """

    agents: NDArray[np.int64]
    bytes_sent: int
    links: Any = field(repr=False)

    def gather(self) -> Result:
        """Return the whole result, on every rank; all ranks have to call it, and each then holds all agents' x."""
        values = {one.name: getattr(self, one.name) for one in fields(Result)}
        topo = self.links.topo
        whole = {"x": self.links.gather_agents(self.x), "edges": topo.edges, "labels": topo.labels, "final": None}
        return Result(**{**values, **whole})
