"""Least-squares costs f_i(x) = ½‖A_i x - y_i‖² + (ridge/2)‖x‖²: quadratic costs that know their samples."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from decon.costs.base import Array, check_ridge
from decon.costs.quadratic import Quadratic
from decon.costs.rows import Rows

__all__ = ["LeastSquares"]


class LeastSquares(Quadratic):
    r"""Least-squares costs :math:`f_i(x) = \tfrac12\|A_i x - y_i\|^2 + \tfrac{\text{ridge}}{2}\|x\|^2`.

    A plain sum over the agent's rows, not a mean. Value, gradient and prox go through the N × N Gram matrices, so an
    iteration costs the same whatever the number of rows; the rows themselves are kept for minibatches.

    Parameters
    ----------
    A : (n, m, N) array_like or sequence of n (m_i, N) array_like
        Rows of each agent.
    y : (n, m) array_like or sequence of n (m_i,) array_like
        Targets.
    ridge : float
        At least 0.

    Raises
    ------
    CostError
        If shapes disagree, an agent has no rows, an entry is not finite, or ``ridge`` is negative.

    Examples
    --------
    >>> costs = LeastSquares([[[1.0], [1.0]], [[2.0]]], [[1.0, 3.0], [2.0]])
    >>> costs.gradient(np.zeros((2, 1)))
    array([[-4.],
           [-4.]])
    >>> costs.samples
    array([2, 1])
    """

    def __init__(
        self, A: ArrayLike | Sequence[ArrayLike], y: ArrayLike | Sequence[ArrayLike], ridge: float = 0.0
    ) -> None:
        rows = Rows(A, "A")
        self._build(rows, rows.store(y, "y"), check_ridge(ridge))

    def _build(self, rows: Rows, y: Array, ridge: float) -> None:
        self._rows, self._y, self.ridge = rows, y, ridge
        gram = rows.gram()
        self._rank_noise = rows.width * np.finfo(float).eps * np.trace(gram, axis1=1, axis2=2)
        gram += ridge * np.eye(rows.width)
        linear = rows.collect(y[:, None])[:, 0]
        super().__init__(gram, linear, 0.5 * rows.sums(y * y))

    @property
    def strong_convexity(self) -> float:
        """ν, the least eigenvalue of all A_iᵀA_i plus the ridge; rounding of a rank-deficient A_i counts as 0."""
        low = self._curvature[:, 0] - self.ridge
        return self.ridge + max(0.0, float(np.where(low > self._rank_noise, low, 0.0).min()))

    @property
    def samples(self) -> NDArray[np.intp]:
        """(n,) number of rows of each A_i."""
        return self._rows.counts

    def stochastic_gradient(self, x: Array, rows: NDArray[np.intp]) -> Array:
        """Return (n, N) (m_i / batch) Σ_rows a(aᵀx_i - y) + ridge x_i: unbiased for uniformly drawn ``rows``."""
        places = self._rows.locate(rows)
        drawn = self._rows.stacked[places]
        residual = (drawn @ x[:, :, None])[:, :, 0] - self._y[places]
        residual *= (self._rows.counts / places.shape[1])[:, None]
        return np.asarray((residual[:, None, :] @ drawn)[:, 0] + self.ridge * x)

    def subset(self, agents: Sequence[int] | NDArray[np.intp]) -> LeastSquares:
        """Return the costs of ``agents`` only."""
        rows, places = self._rows.subset(agents)
        new = LeastSquares.__new__(LeastSquares)
        new._build(rows, self._y[places], self.ridge)
        return new
