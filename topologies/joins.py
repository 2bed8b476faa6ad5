"""Closed-form spectra of stars, wheels and the like: two sides, each alike from every agent, all joined across."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from topologies.cayley import AbelianCayley

if TYPE_CHECKING:
    from topologies.topology import Topology

__all__ = ["Join"]


@dataclass(frozen=True)
class Join:
    """Every agent of one side is joined to every agent of the other, by edges of one weight.

    Within a side the agents form an abelian Cayley graph, or have no edges. An eigenvector of one side that sums to
    zero is one of the whole, shifted by what comes across; the remaining two are constant on each side. So wheel
    (hub and ring), star, complete bipartite graph, windmill (hub and cliques) and complete split graph have a closed
    form, where the agents of a side are numbered in a row and the sides' degrees differ.

    Attributes
    ----------
    sides : tuple of two AbelianCayley
    weight : float
        w of an edge across.
    """

    sides: tuple[AbelianCayley, AbelianCayley]
    weight: float

    @classmethod
    def find(cls, topo: Topology) -> Join | None:
        """Recognise such a graph in its natural numbering, by checking every arc; a few passes over the arcs.

        Examples
        --------
        >>> from topologies import make
        >>> Join.find(make("wheel", 6)).sides[1].shape
        (5,)
        >>> Join.find(make("path", 6)) is None
        True
        """
        counts = np.diff(topo.adjacency.indptr)
        changes = np.flatnonzero(counts != counts[0])
        if not changes.size:
            return None  # regular: AbelianCayley's own
        first = int(changes[0])
        across = topo.adjacency[:first][:, first:]
        if across.nnz != first * (topo.n - first) or (across.data != across.data[0]).any():
            return None
        one, two = (AbelianCayley.of(topo.adjacency[side][:, side]) for side in (slice(first), slice(first, topo.n)))
        return None if one is None or two is None else cls((one, two), float(across.data[0]))

    @cached_property
    def _across(self) -> tuple[float, float]:
        """What an agent of each side hears from the other in all."""
        one, two = self.sides
        return self.weight * two.n, self.weight * one.n

    @cached_property
    def adjacency(self) -> NDArray[np.float64]:
        """(n,) eigenvalues of A."""
        one, two = self.sides
        between = self.weight * np.sqrt(one.n * two.n)
        constant = np.linalg.eigvalsh([[one.degree, between], [between, two.degree]])
        return np.concatenate([one.adjacency[1:], two.adjacency[1:], constant])  # the sides' first is their constant

    @cached_property
    def algebraic_connectivity(self) -> float:
        """Least nonzero eigenvalue of D - A: w n for the two sides apart, else a side's own, shifted."""
        own = [s.algebraic_connectivity + b for s, b in zip(self.sides, self._across, strict=True) if s.n > 1]
        return min(sum(self._across), *own)

    @cached_property
    def signless_max(self) -> float:
        """Greatest eigenvalue of D + A, whose eigenvector is positive, so constant on each side."""
        return self._constant[1]

    @cached_property
    def signless_min(self) -> float:
        """Least eigenvalue of D + A."""
        own = [s.signless_min + b for s, b in zip(self.sides, self._across, strict=True) if s.n > 1]
        return min(self._constant[0], *own)

    @cached_property
    def _constant(self) -> tuple[float, float]:
        """The two eigenvalues of D + A on vectors constant on each side, the small one as determinant / great one."""
        (one, two), (first, second) = self.sides, self._across
        high, low = 2 * one.degree + first, 2 * two.degree + second
        greatest = (high + low) / 2 + np.hypot((high - low) / 2, np.sqrt(first * second))
        determinant = 4 * one.degree * two.degree + 2 * (one.degree * second + two.degree * first)
        return float(determinant / greatest), float(greatest)
