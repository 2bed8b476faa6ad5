"""Falsified ADMM with quadratic costs is a linear system; this is its one step, and its matrix for small networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import helmert

from analysis.errors import HypothesisError
from analysis.hypotheses import require_penalty, require_topology
from topologies import Topology
from topologies.magnitudes import MOST

__all__ = ["LinearIteration", "byzantine_rows"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LinearIteration:
    r"""The node form of P1 (7) in deviations from x* and :math:`\alpha^* = -\nabla f(x^*)`, many states at once.

    Attributes
    ----------
    topo : Topology
        The graph.
    penalty : float
        c.
    hessians : (n, N, N) ndarray
        H_i; N = 1 where scalars were given.
    inverse : (n, N, N) ndarray
        :math:`(H_i + 2cd_iI)^{-1}`.
    """

    topo: Topology
    penalty: float
    hessians: Array
    inverse: Array

    @classmethod
    def of(cls, topo: Topology, hessians: ArrayLike, penalty: float) -> LinearIteration:
        """Check the data and invert the local systems.

        Parameters
        ----------
        hessians : (n,) or (n, N, N) array_like
            Symmetric; scalars h_i mean h_i I in any dimension, whose coordinates do not interact.
        penalty : float
            c > 0.

        Raises
        ------
        HypothesisError
            If the penalty is not positive, a shape does not fit, an entry is not finite, a Hessian is not symmetric, or
            H_i + 2cd_i I is not positive definite, so that the local step has no minimiser. The message names it.

        Examples
        --------
        >>> import networkx as nx
        >>> LinearIteration.of(Topology(nx.path_graph(2)), [1.0, 2.0], 0.5).inverse.ravel().round(3).tolist()
        [0.5, 0.333]
        """
        require_topology(topo)
        require_penalty(penalty)
        given = np.asarray(hessians, dtype=float)
        blocks = given[:, None, None] if given.ndim == 1 else given
        if blocks.ndim != 3 or blocks.shape[0] != topo.n or blocks.shape[1] != blocks.shape[2]:
            raise HypothesisError(f"the Hessians must have shape ({topo.n},) or ({topo.n}, N, N), not {given.shape}")
        if not np.isfinite(blocks).all():
            raise HypothesisError(f"the Hessian of agent {np.argwhere(~np.isfinite(blocks))[0][0]} is not finite")
        if (large := np.abs(blocks).max()) > MOST:
            raise HypothesisError(f"entries of Hessians must be at most {MOST:g}, not {large:g}; choose other units")
        skew = np.abs(blocks - blocks.transpose(0, 2, 1)).max(axis=(1, 2))
        if (skew > 1e-12 * np.abs(blocks).max(axis=(1, 2))).any():  # rounding of a symmetric product is far below
            raise HypothesisError(f"the Hessian of agent {int(skew.argmax())} is not symmetric")
        system = blocks + 2 * penalty * topo.degrees[:, None, None] * np.eye(blocks.shape[1])
        least = np.linalg.eigvalsh(system)[:, 0]
        if least.min() <= 0:
            raise HypothesisError(
                f"the local step of agent {int(least.argmin())} has no minimiser: H + 2cd I has the eigenvalue "
                f"{least.min():.3g}"
            )
        return cls(topo, float(penalty), blocks, np.asarray(np.linalg.inv(system), dtype=float))

    @property
    def dim(self) -> int:
        """N."""
        return int(self.hessians.shape[1])

    def update(self, z: Array, alpha: Array) -> Array:
        """Return the next true update x⁺ = (H + 2cD)⁻¹(cL₊z - α) for states z, alpha (n, N, m)."""
        right = self.penalty * self._left(self.topo.L_plus, z) - alpha
        return np.asarray(self.inverse @ right)

    def ascend(self, alpha: Array, z: Array) -> Array:
        """Return α + cL₋z, (n, N, m)."""
        return np.asarray(alpha + self.penalty * self._left(self.topo.L_minus, z))

    def matrix(self) -> Array:
        """Return the dense error-free map on (z, β), α = Uβ with U an orthonormal basis of zero agent-sums.

        Returns
        -------
        ((2n-1)N, (2n-1)N) ndarray
        """
        n, dim = self.topo.n, self.dim
        basis = helmert(n)
        size = (2 * n - 1) * dim
        states = np.eye(size)
        z = states[: n * dim].reshape(n, dim, size)
        alpha = np.tensordot(basis.T, states[n * dim :].reshape(n - 1, dim, size), axes=1)
        x = self.update(z, alpha)
        after = np.tensordot(basis, self.ascend(alpha, x), axes=1)
        return np.concatenate([x.reshape(n * dim, size), after.reshape((n - 1) * dim, size)])

    def _left(self, matrix: NDArray[np.float64], batch: Array) -> Array:
        return np.asarray(matrix @ batch.reshape(self.topo.n, -1)).reshape(batch.shape)


def byzantine_rows(n: int, byzantine: Sequence[int] | NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return (byzantine, honest) agents as sorted index arrays, both of them not empty.

    Raises
    ------
    HypothesisError
        If an index is out of range or given twice, or either side is empty.

    Examples
    --------
    >>> byzantine_rows(4, [2])[1].tolist()
    [0, 1, 3]
    """
    given = np.asarray(byzantine).ravel()
    if given.size and not np.issubdtype(given.dtype, np.integer):
        raise HypothesisError(f"Byzantine agents must be integer indices, not {byzantine!r}")
    rows = np.sort(given.astype(np.intp))
    if rows.size == 0 or rows.size >= n:
        raise HypothesisError(f"between 1 and {n - 1} of {n} agents must be Byzantine, not {rows.size}")
    if rows[0] < 0 or rows[-1] >= n or (np.diff(rows) == 0).any():
        raise HypothesisError(f"Byzantine agents must be distinct indices in 0 … {n - 1}, not {rows.tolist()}")
    return rows, np.setdiff1d(np.arange(n, dtype=np.intp), rows)
