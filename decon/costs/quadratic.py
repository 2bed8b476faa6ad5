"""Quadratic costs f_i(x) = ½xᵀH_i x - b_iᵀx + r_i, whose prox is one matrix-vector product an agent."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray

from decon.arrays import whole_numbers
from decon.costs.base import Array, Costs, as_batch, row_sums
from decon.errors import CostError

if TYPE_CHECKING:
    import cvxpy as cp

__all__ = ["Quadratic"]

_BLOCK_SPARSE_BELOW = 16
"""Up to this N a block-diagonal SciPy product beats a batched one, by 3 at N = 3; above, the batched one wins."""


_Blocks: TypeAlias = Array | sp.bsr_array


class Quadratic(Costs):
    r"""Quadratic costs :math:`f_i(x) = \tfrac12 x^T H_i x - b_i^T x + r_i`.

    Parameters
    ----------
    H : (n, N, N) array_like
        Symmetric positive semidefinite Hessians.
    b : (n, N) array_like
        Linear terms.
    constant : (n,) array_like, optional
        r_i, zero unless given; it changes values only.

    Raises
    ------
    CostError
        If shapes disagree, an entry is not finite, or an H_i is not symmetric or not positive semidefinite.

    Examples
    --------
    >>> costs = Quadratic([[[2.0]], [[4.0]]], [[2.0], [0.0]])
    >>> costs.strong_convexity, costs.smoothness
    (2.0, 4.0)
    >>> costs.prox(np.zeros((2, 1)), np.ones(2))
    array([[0.66666667],
           [0.        ]])
    """

    _CACHED = frozenset({"_inverse"})

    def __init__(self, H: ArrayLike, b: ArrayLike, constant: ArrayLike | None = None) -> None:
        self.b = as_batch("b", b, (None, None))
        self.n, self.dim = self.b.shape
        self.H = as_batch("H", H, (self.n, self.dim, self.dim))
        self.constant = as_batch("constant", np.zeros(self.n) if constant is None else constant, (self.n,))
        scale = np.abs(self.H).max(axis=(1, 2), initial=0.0)
        skew = np.abs(self.H - self.H.transpose(0, 2, 1)).max(axis=(1, 2), initial=0.0)
        if (skew > 1e-12 * scale).any():  # rounding of a symmetric product is far below this
            raise CostError(f"H is not symmetric for agent {int(np.argmax(skew))}")
        low = self._curvature[:, 0]
        if (low < -1e-12 * np.maximum(scale, self._curvature[:, 1])).any():
            worst = int(np.argmin(low))
            raise CostError(f"the cost of agent {worst} is not convex: H has the eigenvalue {low[worst]:.3g}")
        self._inverse: tuple[Array, _Blocks] | None = None

    @cached_property
    def _curvature(self) -> Array:
        """(n, 2) least and largest eigenvalue of each H_i."""
        if self.dim == 1:
            return np.repeat(self.H[:, :, 0], 2, axis=1)
        return np.asarray(np.linalg.eigvalsh(self.H)[:, [0, -1]], dtype=float)

    @property
    def strong_convexity(self) -> float:
        """ν, the least eigenvalue of all H_i."""
        return max(0.0, float(self._curvature[:, 0].min()))

    @property
    def smoothness(self) -> float:
        """ℓ, the largest eigenvalue of all H_i."""
        return float(self._curvature[:, 1].max())

    def value(self, x: Array, gradient: Array | None = None) -> Array:
        """Return (n,) ½⟨x_i, ∇f_i(x_i) - b_i⟩ + r_i."""
        slope = self.gradient(x) if gradient is None else gradient
        terms = slope - self.b
        terms *= x
        values: Array = 0.5 * row_sums(terms) + self.constant
        return values

    def total_value(self, x: Array, gradient: Array | None = None) -> float:
        """Return ½⟨x, ∇f(x) - b⟩ + Σ_i r_i by two dot products of whole arrays."""
        slope = self.gradient(x) if gradient is None else gradient
        return 0.5 * float(np.vdot(x, slope) - np.vdot(x, self.b)) + self._shift

    @cached_property
    def _shift(self) -> float:
        return float(self.constant.sum())

    def gradient(self, x: Array) -> Array:
        """Return (n, N) H_i x_i - b_i."""
        slope = _times(self._hessians, x)
        slope -= self.b
        return slope

    def hessian(self, x: Array) -> Array:
        """Return (n, N, N) H_i."""
        return self.H

    def prox(self, linear: Array, weight: Array, start: Array | None = None) -> Array:
        """Return (n, N) (H_i + weight_i I)⁻¹(b_i + linear_i); the inverse is kept while ``weight`` stays."""
        return _times(self._shifted_inverse(weight), linear + self.b)

    @cached_property
    def _hessians(self) -> _Blocks:
        return _blocks(self.H)

    def _shifted_inverse(self, weight: Array) -> _Blocks:
        kept = self._inverse
        if kept is None or 2 * np.count_nonzero(changed := kept[0] != weight) > self.n:
            matrices = self._inverted(slice(None), weight)
        elif changed.any():  # links that were cut change the weights of few
            matrices = (kept[1] if isinstance(kept[1], np.ndarray) else kept[1].data).copy()
            matrices[changed] = self._inverted(changed, weight)
        else:
            return kept[1]
        blocks = _blocks(matrices)
        self._inverse = (weight.copy(), blocks)
        return blocks

    def _inverted(self, rows: slice | NDArray[np.bool_], weight: Array) -> Array:
        return np.asarray(np.linalg.inv(self.H[rows] + weight[rows, None, None] * np.eye(self.dim)), dtype=float)

    def subset(self, agents: Sequence[int] | NDArray[np.intp]) -> Quadratic:
        """Return the costs of ``agents`` only."""
        rows = whole_numbers("agents", agents)
        return Quadratic(self.H[rows], self.b[rows], self.constant[rows])

    def pooled(self) -> Quadratic:
        """Return the quadratic with Hessian ΣH_i, as one agent."""
        return Quadratic(
            self.H.sum(axis=0, keepdims=True), self.b.sum(axis=0, keepdims=True), self.constant.sum(keepdims=True)
        )

    def expression(self, variable: cp.Variable) -> cp.Expression:
        """Return ½xᵀ(ΣH_i)x - (Σb_i)ᵀx + Σr_i."""
        import cvxpy as cp

        total = self.H.sum(axis=0)
        return 0.5 * cp.quad_form(variable, cp.psd_wrap(total)) - self.b.sum(axis=0) @ variable + self.constant.sum()


def _blocks(matrices: Array) -> _Blocks:
    """Return ``matrices`` (n, N, N) in the shape in which they multiply fastest."""
    n, dim, _ = matrices.shape
    if dim > _BLOCK_SPARSE_BELOW:
        return matrices
    indices, indptr = np.arange(n, dtype=np.int32), np.arange(n + 1, dtype=np.int32)
    return sp.bsr_array((matrices, indices, indptr), shape=(n * dim, n * dim))


def _times(blocks: _Blocks, rows: Array) -> Array:
    """Return (n, N) each matrix times its row."""
    if isinstance(blocks, np.ndarray):
        return np.asarray(np.matvec(blocks, rows))
    return np.asarray((blocks @ rows.ravel()).reshape(rows.shape))
