"""Extreme eigenvalues of a topology's matrices, all that the theorems need of a graph."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from topologies.cayley import AbelianCayley
from topologies.eigen import extremes
from topologies.errors import TopologyError
from topologies.frozen import Frozen, freeze
from topologies.joins import Join
from topologies.path_grid import PathGrid

if TYPE_CHECKING:
    from topologies.topology import Topology

__all__ = ["Spectrum"]

_DENSE = 2000  # agents up to which LAPACK is the quicker way (about a second)
_DENSE_AFTER = 5000  # agents up to which LAPACK is the answer where sparse eigensolvers do not settle (a minute)
_LOST = 4 * np.finfo(float).eps  # LAPACK's eigenvalues err by a few ulp of the largest, times n at worst
_EQUAL = 1e-12  # relative spread of degrees that summing weights in another order can leave


class ClosedForm(Protocol):
    """What a graph whose eigenvalues are known tells; all to rounding."""

    @property
    def adjacency(self) -> NDArray[np.float64]:
        """(n,) eigenvalues of A, in any order."""

    @property
    def algebraic_connectivity(self) -> float:
        """Least nonzero eigenvalue of D - A."""

    @property
    def signless_max(self) -> float:
        """Greatest eigenvalue of D + A."""

    @property
    def signless_min(self) -> float:
        """Least eigenvalue of D + A."""


@dataclass(frozen=True)
class Spectrum(Frozen):
    """What theory needs of a graph.

    Attributes
    ----------
    n : int
        Number of agents.
    algebraic_connectivity : float
        a = σ_min(L₋), the least nonzero eigenvalue of D - A.
    signless_max, signless_min : float
        Λ and μ₊, the extreme eigenvalues of L₊ = D + A; μ₊ = 0 exactly on bipartite graphs.
    max_degree, min_degree : float
        Weighted degrees.
    is_bipartite, is_regular : bool
        Bipartite: decided by graph search, not by eigenvalues. Regular: all weighted degrees equal.
    residual : float
        Largest ‖Mv - λv‖ / Λ over the eigenpairs an iterative solver gave; 0 for LAPACK and closed forms, whose
        error is rounding. An eigenvalue is within residual·Λ of the stated one.
    method : str
        ``"closed form"``, ``"dense"``, or ``"sparse"``.
    """

    n: int
    algebraic_connectivity: float
    signless_max: float
    signless_min: float
    max_degree: float
    min_degree: float
    is_bipartite: bool
    is_regular: bool
    residual: float = 0.0
    method: str = "dense"
    _topo: Topology | None = field(default=None, repr=False, compare=False)
    _closed: ClosedForm | None = field(default=None, repr=False, compare=False)

    @cached_property
    def graph_condition(self) -> float:
        """κ_G = √(Λ / a)."""
        return float(np.sqrt(self.signless_max / self.algebraic_connectivity))

    @cached_property
    def adjacency(self) -> NDArray[np.float64] | None:
        """(n,) all eigenvalues of A, ascending; None on large graphs that have no known closed form."""
        if self._closed is not None:
            values = np.sort(self._closed.adjacency)
        elif self._topo is not None and self.n <= _DENSE:
            values = np.linalg.eigvalsh(self._topo.adjacency.toarray())
        else:
            return None
        return freeze(values)

    @cached_property
    def adjacency_extremes(self) -> tuple[float, float, float] | None:
        """Least, second greatest and greatest eigenvalue of A: on a regular graph μ₊ - d, d - a and d.

        None where neither the graph is regular nor all eigenvalues are known. With n = 2 the least is the second
        greatest.
        """
        if self.is_regular:
            degree = self.max_degree
            return self.signless_min - degree, degree - self.algebraic_connectivity, degree
        values = self.adjacency
        return None if values is None else (float(values[0]), float(values[-2]), float(values[-1]))

    @staticmethod
    def known_whole(topo: Topology) -> bool:
        """Whether ``topo`` is regular and all eigenvalues of A can be had, without computing any of them.

        Examples
        --------
        >>> from topologies import make
        >>> [Spectrum.known_whole(make(name, 2500)) for name in ("torus", "star")]
        [True, False]
        """
        return _is_regular(topo) and (topo.n <= _DENSE or AbelianCayley.find(topo) is not None)

    @classmethod
    def of(cls, topo: Topology) -> Spectrum:
        """Compute the spectrum of ``topo``.

        These have a closed form in their natural numbering, of which every arc is checked: Cayley graphs of an abelian
        group (ring, circulant, torus, hypercube, complete), joins of two of them (star, wheel, complete bipartite),
        paths and grids. Others go to LAPACK up to 2000 agents and to sparse eigensolvers above; where these do
        not settle, up to 5000 agents go to LAPACK after all.

        Raises
        ------
        RuntimeError
            If, beyond 5000 agents, no sparse eigensolver settles.
        TopologyError
            If weights many orders of magnitude apart leave no digit of the algebraic connectivity.

        Examples
        --------
        >>> from topologies import make
        >>> ring = Spectrum.of(make("ring", 6))
        >>> round(ring.algebraic_connectivity, 12), ring.signless_max, ring.signless_min, ring.method
        (1.0, 4.0, 0.0, 'closed form')
        """
        degrees, regular = topo.degrees, _is_regular(topo)
        bipartite = _is_bipartite(topo)
        closed: ClosedForm | None = AbelianCayley.find(topo) if regular else Join.find(topo) or PathGrid.find(topo)
        residual = 0.0
        if closed is not None:
            method = "closed form"
            least, smallest, largest = closed.algebraic_connectivity, closed.signless_min, closed.signless_max
        elif topo.n <= _DENSE:
            method = "dense"
            least, smallest, largest = _by_lapack(topo)
        else:
            try:
                method = "sparse"
                least, smallest, largest, residual = extremes(topo, regular=regular, bipartite=bipartite)
            except RuntimeError:
                if topo.n > _DENSE_AFTER:
                    raise
                method = "dense"
                least, smallest, largest = _by_lapack(topo)
        return cls(
            n=topo.n,
            algebraic_connectivity=least,
            signless_max=largest,
            signless_min=0.0 if bipartite else smallest,
            max_degree=float(degrees.max()),
            min_degree=float(degrees.min()),
            is_bipartite=bipartite,
            is_regular=regular,
            residual=residual,
            method=method,
            _topo=topo,
            _closed=closed,
        )


def _by_lapack(topo: Topology) -> tuple[float, float, float]:
    """Return the least nonzero eigenvalue of L₋, the least and the greatest of L₊, unless the first is lost."""
    signed = np.linalg.eigvalsh(topo.L_minus.toarray())
    signless = np.linalg.eigvalsh(topo.L_plus.toarray())
    least, largest = float(signed[1]), float(signless[-1])
    if least <= _LOST * topo.n * largest:
        raise TopologyError(
            f"the algebraic connectivity of {topo!r} is lost in rounding beside {largest:.3g}: its weights, "
            f"{topo.weights.min():g} to {topo.weights.max():g}, lie too far apart"
        )
    return least, max(float(signless[0]), 0.0), largest  # D + A is positive semidefinite


def _is_regular(topo: Topology) -> bool:
    return bool(np.ptp(topo.degrees) <= _EQUAL * topo.degrees.max())


def _is_bipartite(topo: Topology) -> bool:
    """Search the double cover, two copies of the agents joined crosswise: it falls apart exactly if G is bipartite."""
    cover = sp.block_array([[None, topo.adjacency], [topo.adjacency, None]], format="csr")
    return bool(connected_components(cover, directed=False, return_labels=False) == 2)
