"""What is measured at every recorded iteration."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from decon.costs.base import Array, Costs, row_sums
from decon.network.links import Links
from decon.runs.round import Moment

__all__ = ["NAMES", "Metrics"]

NAMES = ("distance", "distance_all", "consensus_error", "objective", "error_norm")
"""The histories of a :class:`decon.Result`, in the order in which they are measured."""


@dataclass(eq=False)
class Metrics:
    """Distances, consensus error and objective over the honest agents, appended one row at a time.

    Parameters
    ----------
    costs : Costs
    links : Links
    honest : (h,) ndarray of int
        Those advanced here, as rows of x.
    minimizer, minimizer_all : (N,) ndarray
        Of the honest agents' sum and of all agents' sum.
    """

    costs: Costs
    links: Links
    honest: NDArray[np.int64]
    minimizer: Array
    minimizer_all: Array
    rows: list[tuple[float, ...]] = field(default_factory=list)
    recorded: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._everyone = len(self.honest) == self.costs.n
        (self._count,) = self.links.total((float(len(self.honest)),))
        self._same = np.array_equal(self.minimizer, self.minimizer_all)
        # a copy a row: subtracting whole arrays is several times quicker than broadcasting short rows
        self._targets = np.tile(self.minimizer, (len(self.honest), 1))

    def measure(self, state: Moment) -> float:
        """Append the metrics of ``state`` and return the distance."""
        with np.errstate(over="ignore", invalid="ignore"):
            x = state.x if self._everyone else state.x[self.honest]
            distance = _sum_norm(x - self._targets)
            distance_all = distance if self._same else _sum_norm(x - self.minimizer_all)
            consensus = _sum_norm(x - self.links.total_rows(x) / self._count)
            if self._everyone:
                objective = self.costs.total_value(state.x, state.gradient)
            else:
                objective = float(self.costs.value(state.x, state.gradient)[self.honest].sum())
        totals = self.links.total((distance, distance_all, consensus, objective))
        distance, distance_all, consensus = (total / self._count for total in totals[:3])
        self.rows.append((distance, distance_all, consensus, totals[3], state.error))
        self.recorded.append(state.k)
        return distance

    def histories(self) -> dict[str, Array]:
        """Return each history as an array."""
        table = np.array(self.rows, dtype=float).reshape(-1, len(NAMES))
        return {name: np.ascontiguousarray(table[:, i]) for i, name in enumerate(NAMES)}


def _sum_norm(rows: Array) -> float:
    """Return the sum of the rows' norms; overwrites them."""
    rows *= rows
    return float(np.sqrt(row_sums(rows)).sum())
