"""Closed-form spectra of paths and grids."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from topologies.topology import Topology

__all__ = ["PathGrid"]


@dataclass(frozen=True)
class PathGrid:
    """A path or a rectangular grid, numbered row by row, with one weight along the rows and one along the columns.

    The matrices are sums of those of the two paths, and so are their eigenvalues. A path of s agents has
    2 cos(πj/(s + 1)) for A, j = 1 … s, and 4 sin²(πj/2s) for D - A, j = 0 … s - 1; D + A has the same, as the graph
    is bipartite.

    Attributes
    ----------
    shape : tuple of int
        Rows and columns; a path has one row.
    weights : tuple of float
        Of the edges from row to row, and from column to column.
    """

    shape: tuple[int, int]
    weights: tuple[float, float]

    signless_min = 0.0

    @classmethod
    def find(cls, topo: Topology) -> PathGrid | None:
        """Recognise a path or a grid in its natural numbering, by checking every edge.

        Examples
        --------
        >>> from topologies import make
        >>> PathGrid.find(make("grid", 12)).shape, PathGrid.find(make("path", 12)).shape
        ((3, 4), (1, 12))
        >>> PathGrid.find(make("ring", 12)) is None
        True
        """
        n, heard = topo.n, topo.adjacency.indices[: topo.adjacency.indptr[1]]
        columns = int(heard.max()) if len(heard) == 2 else n
        if heard.min() != 1 or n % columns or topo.n_edges != 2 * n - columns - n // columns:
            return None
        low, high = topo.edges.T
        along = high - low == 1
        if not ((along & (high % columns != 0)) | (high - low == columns)).all():  # so many edges are then all of them
            return None
        of_kind = [topo.weights[~along], topo.weights[along]]
        if any((kind != kind[:1]).any() for kind in of_kind):
            return None
        down, right = (float(kind[0]) if len(kind) else 0.0 for kind in of_kind)
        return cls((n // columns, columns), (down, right))

    @cached_property
    def adjacency(self) -> NDArray[np.float64]:
        """(n,) eigenvalues of A."""
        down, right = (
            2 * w * np.cos(np.pi * np.arange(1, s + 1) / (s + 1)) for s, w in zip(self.shape, self.weights, strict=True)
        )
        return np.add.outer(down, right).ravel()

    @cached_property
    def algebraic_connectivity(self) -> float:
        """Least nonzero eigenvalue of D - A: the slower of the two paths'."""
        return min(
            4 * w * math.sin(math.pi / (2 * s)) ** 2 for s, w in zip(self.shape, self.weights, strict=True) if s > 1
        )

    @cached_property
    def signless_max(self) -> float:
        """Greatest eigenvalue of D + A: the sum of the two paths'."""
        return sum(
            4 * w * math.cos(math.pi / (2 * s)) ** 2 for s, w in zip(self.shape, self.weights, strict=True) if s > 1
        )
