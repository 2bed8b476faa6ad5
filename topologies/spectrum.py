"""Extreme eigenvalues of a topology's matrices, all that the theorems need of a graph."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from topologies.topology import Topology

__all__ = ["Spectrum"]


@dataclass(frozen=True)
class Spectrum:
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
        Regular: all weighted degrees equal.
    residual : float
        Largest ‖Mv - λv‖ / Λ over the eigenpairs used; 0 where dense LAPACK gave all of them.
    adjacency : (n,) ndarray or None
        All eigenvalues of A, ascending, where they were computed (dense or closed form).
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
    adjacency: NDArray[np.float64] | None = None

    @cached_property
    def graph_condition(self) -> float:
        """κ_G = √(Λ / a)."""
        return float(np.sqrt(self.signless_max / self.algebraic_connectivity))

    @classmethod
    def of(cls, topo: Topology) -> Spectrum:
        """Compute the spectrum of ``topo``."""
        signed = np.linalg.eigvalsh(topo.L_minus.toarray())
        signless = np.linalg.eigvalsh(topo.L_plus.toarray())
        bipartite = bool(signless[0] < 1e-10 * signless[-1])
        degrees = topo.degrees
        return cls(
            n=topo.n,
            algebraic_connectivity=float(signed[1]),
            signless_max=float(signless[-1]),
            signless_min=0.0 if bipartite else float(signless[0]),
            max_degree=float(degrees.max()),
            min_degree=float(degrees.min()),
            is_bipartite=bipartite,
            is_regular=bool(np.ptp(degrees) <= 1e-12 * degrees.max()),
            adjacency=np.linalg.eigvalsh(topo.adjacency.toarray()),
        )
