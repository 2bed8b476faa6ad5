"""What is measured at every recorded iteration."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from decon.costs.base import Array, Costs
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
    minimizer, minimizer_all : (N,) ndarray or None
        Of the honest agents' sum and of all agents' sum; None if nobody knows them: distances are NaN then.
    """

    costs: Costs
    links: Links
    honest: NDArray[np.int64]
    minimizer: Array | None
    minimizer_all: Array | None
    rows: list[tuple[float, ...]] = field(default_factory=list)
    recorded: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._everyone = len(self.honest) == self.costs.n
        self._ones = np.ones(self.costs.dim)  # as in row_sums, made once
        (self._count,) = self.links.total((float(len(self.honest)),))
        one, other = self.minimizer, self.minimizer_all
        self._same = one is other or (one is not None and other is not None and np.array_equal(one, other))
        if self.minimizer is not None:
            # a copy a row: subtracting whole arrays is several times quicker than broadcasting short rows
            self._targets = np.tile(self.minimizer, (len(self.honest), 1))

    def measure(self, moment: Moment) -> float:
        """Append the metrics of ``moment`` and return the distance, or the mean ‖x_i‖ where no minimiser is known.

        To be called where overflow is no error.
        """
        whole, gradient, ones = moment.x, moment.gradient, self._ones
        x = whole if self._everyone else whole[self.honest]
        if self.minimizer is None:
            distance = distance_all = _sum_norm(x.copy(), ones)
        else:
            distance = _sum_norm(x - self._targets, ones)
            distance_all = distance if self._same else _sum_norm(x - np.asarray(self.minimizer_all), ones)
        consensus = _sum_norm(x - self.links.total_rows(x) / self._count, ones)
        if self._everyone:
            objective = self.costs.total_value(whole, gradient)
        else:
            objective = float(self.costs.value(whole, gradient)[self.honest].sum())
        totals = self.links.total((distance, distance_all, consensus, objective))
        distance, distance_all, consensus = (total / self._count for total in totals[:3])
        known = (distance, distance_all) if self.minimizer is not None else (np.nan, np.nan)
        self.rows.append((*known, consensus, totals[3], moment.error))
        self.recorded.append(moment.k)
        return distance

    def change(self, before: Moment, after: Moment) -> float:
        """Return the mean over the honest agents of ‖z - z⁻‖, how far what is heard moved."""
        if before.z.shape != after.z.shape:  # x⁰, before anything was sent
            return np.inf
        gap = (after.z - before.z)[self.honest]
        (moved,) = self.links.total((_sum_norm(gap, np.ones(gap.shape[1])),))
        return moved / self._count

    def histories(self) -> dict[str, Array]:
        """Return each history as an array."""
        table = np.array(self.rows, dtype=float).reshape(-1, len(NAMES))
        return {name: np.ascontiguousarray(table[:, i]) for i, name in enumerate(NAMES)}


def _sum_norm(rows: Array, ones: Array) -> float:
    """Return the sum of the rows' norms; overwrites them."""
    rows *= rows
    return float(np.sqrt(rows @ ones).sum())
