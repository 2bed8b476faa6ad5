"""The extended block matrices of P1 section 2.1, acting on the stacked vector of all agents' variables."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from topologies.errors import TopologyError
from topologies.topology import Topology

__all__ = ["Extended", "extended"]


@dataclass(frozen=True)
class Extended:
    """A1, A2, M±, L±, W (sparse CSR) and Q (dense) of a topology, ⊗ I_dim.

    Made by :func:`extended`. Each matrix is computed on first use. Row block k of A1 and A2 belongs to arc k in the
    topology's arc order; column block i belongs to agent i.
    """

    topo: Topology
    dim: int

    def _blocks(self, agents: NDArray[np.int64]) -> sp.csr_array:
        arcs = len(agents)
        root = np.sqrt(self.topo.arc_weights)
        single = sp.csr_array((root, (np.arange(arcs), agents)), shape=(arcs, self.topo.n))
        return self._kron(single)

    def _kron(self, matrix: sp.csr_array) -> sp.csr_array:
        return sp.csr_array(sp.kron(matrix, sp.eye_array(self.dim), format="csr"))

    @cached_property
    def A1(self) -> sp.csr_array:
        """(2E·dim, n·dim) block arc-source matrix: block (k, i) is √w·I where agent i sends arc k."""
        return self._blocks(self.topo.senders)

    @cached_property
    def A2(self) -> sp.csr_array:
        """(2E·dim, n·dim) block arc-target matrix: block (k, j) is √w·I where agent j receives arc k."""
        return self._blocks(self.topo.receivers)

    @cached_property
    def M_plus(self) -> sp.csr_array:
        """(n·dim, 2E·dim) extended unoriented incidence matrix A1ᵀ + A2ᵀ."""
        return sp.csr_array((self.A1 + self.A2).T)

    @cached_property
    def M_minus(self) -> sp.csr_array:
        """(n·dim, 2E·dim) extended oriented incidence matrix A1ᵀ - A2ᵀ."""
        return sp.csr_array((self.A1 - self.A2).T)

    @cached_property
    def L_plus(self) -> sp.csr_array:
        """(n·dim, n·dim) extended signless Laplacian (D + A) ⊗ I = ½ M₊M₊ᵀ."""
        return self._kron(self.topo.L_plus)

    @cached_property
    def L_minus(self) -> sp.csr_array:
        """(n·dim, n·dim) extended signed Laplacian (D - A) ⊗ I = ½ M₋M₋ᵀ."""
        return self._kron(self.topo.L_minus)

    @cached_property
    def W(self) -> sp.csr_array:
        """(n·dim, n·dim) extended degree matrix D ⊗ I = ½ (L₊ + L₋)."""
        return self._kron(sp.csr_array(sp.diags_array(self.topo.degrees)))

    @cached_property
    def Q(self) -> NDArray[np.float64]:
        """(n·dim, n·dim) dense symmetric square root of L₋ / 2, with null space span(1 ⊗ I)."""
        values, vectors = np.linalg.eigh(self.topo.L_minus.toarray() / 2)
        values[0] = 0.0  # the graph is connected: exactly one eigenvalue is zero, with eigenvector 1
        vectors[:, 0] = 1 / np.sqrt(self.topo.n)
        root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
        return np.kron((root + root.T) / 2, np.eye(self.dim))


def extended(topo: Topology, dim: int) -> Extended:
    r"""Return the extended matrices of P1 section 2.1 for variables of length ``dim``.

    A1 and A2 have one block row an arc, identity blocks at the arc's source and target (√w·I on a weighted graph);
    :math:`M_\pm = A_1^T \pm A_2^T`, :math:`L_\pm = \tfrac12 M_\pm M_\pm^T`, :math:`W = \tfrac12 (L_+ + L_-)`,
    :math:`Q^2 = L_- / 2`.

    Parameters
    ----------
    topo : Topology
        n agents, E edges.
    dim : int
        Length N >= 1 of each agent's variable.

    Raises
    ------
    TopologyError
        If ``dim`` is not a positive integer.

    References
    ----------
    .. [1] Li, Kailkhura, Goldhahn, Ray, Varshney (2017). arXiv:1710.05241, section 2.1.

    Examples
    --------
    >>> from topologies import make
    >>> path = extended(make("path", 2), 1)
    >>> path.A1.toarray().tolist(), path.L_minus.toarray().tolist()
    ([[0.0, 1.0], [1.0, 0.0]], [[1.0, -1.0], [-1.0, 1.0]])
    """
    if not isinstance(dim, (int, np.integer)) or dim < 1:
        raise TopologyError(f"dim must be a positive integer, not {dim!r}")
    return Extended(topo, int(dim))
