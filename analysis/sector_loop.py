r"""The iteration as a linear loop around n unknown local steps, each in a known sector.

With x̃ = x - x* and α̃ = α + ∇f(x*) the local step maps q_i = c (L₊z̃)_i - α̃_i to x̃_i⁺, and for every ν-strongly
convex, ℓ-smooth f_i, docs/certificates.md section 3:

    x̃_i⁺ = k_i q_i + r_i s_i,   ‖s_i‖ ≤ ‖q_i‖,   k_i ± r_i = 1/(ν + 2c d_i), 1/(ℓ + 2c d_i).

An agent's signals are kept in the unit in which one common multiplier is best possible: s_i and q_i times √r_i.
The state is ξ = (z̃, β) with α̃ = Z β and Z an orthonormal basis of {Σα = 0}.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import helmert

from topologies import Topology

__all__ = ["SectorLoop", "sector_loop"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SectorLoop:
    """ξ⁺ = A ξ + B_sector s + B_error e, ‖s_i‖ ≤ ‖(E ξ)_i‖, honest x̃ = (first n entries of ξ)[honest].

    Attributes
    ----------
    A : (2n - 1, 2n - 1) ndarray
    B_sector : (2n - 1, n) ndarray
    B_error : (2n - 1, b) ndarray
        One column a Byzantine agent.
    E : (n, 2n - 1) ndarray
    honest : (n - b,) ndarray of int
    """

    A: Array
    B_sector: Array
    B_error: Array
    E: Array
    honest: NDArray[np.int64]


def sector_loop(
    topo: Topology, strong_convexity: float, smoothness: float, penalty: float, byzantine: Sequence[int] = ()
) -> SectorLoop:
    """Return the loop of ``topo`` with errors entering at the agents ``byzantine``.

    Examples
    --------
    >>> import networkx as nx
    >>> loop = sector_loop(Topology(nx.path_graph(2)), 1.0, 1.0, 0.5)
    >>> bool(loop.B_sector.any()), round(float(abs(np.linalg.eigvals(loop.A)).max()), 6)
    (False, 0.5)
    """
    n, c = topo.n, penalty
    low, high = 1 / (smoothness + 2 * c * topo.degrees), 1 / (strong_convexity + 2 * c * topo.degrees)
    centre, half = (low + high) / 2, (high - low) / 2
    basis = helmert(n).T
    duals = c * (basis.T @ topo.L_minus.toarray())
    local = np.hstack([c * topo.L_plus.toarray(), -basis])
    carry = np.hstack([np.zeros((n - 1, n)), np.eye(n - 1)])
    spread = np.vstack([np.eye(n), duals])  # what a change of z does to the state
    agents = np.asarray(byzantine, dtype=np.int64)
    return SectorLoop(
        A=spread @ (centre[:, None] * local) + np.vstack([np.zeros((n, 2 * n - 1)), carry]),
        B_sector=spread * np.sqrt(half),
        B_error=spread[:, agents],
        E=np.sqrt(half)[:, None] * local,
        honest=np.setdiff1d(np.arange(n), agents),
    )
