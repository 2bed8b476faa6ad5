"""Huber regression: least squares for small residuals, absolute values for large."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from decon.costs.base import Array
from decon.costs.rows import Rows
from decon.costs.samples import SampleCosts, check_positive

if TYPE_CHECKING:
    import cvxpy as cp

__all__ = ["Huber"]


class Huber(SampleCosts):
    r"""Huber costs :math:`f_i(x) = \sum_s h(\langle A_s,x\rangle - y_s) + \tfrac{\text{ridge}}2\|x\|^2`.

    h(r) = r²/2 for |r| ≤ δ and δ|r| - δ²/2 beyond: a plain sum over the agent's rows, which for large δ is
    :class:`LeastSquares`. Where a residual is exactly ±δ the Hessian is the inner side's.

    Parameters
    ----------
    A : (n, m, N) array_like or sequence of n (m_i, N) array_like
        Rows of each agent.
    y : (n, m) array_like or sequence of n (m_i,) array_like
        Targets.
    delta : float
        δ > 0, in units of y.
    ridge : float
        At least 0; it is the ν reported.

    Raises
    ------
    CostError
        If shapes disagree, an agent has no rows, an entry is not finite, or ``delta`` is not positive.

    Examples
    --------
    >>> costs = Huber([[[1.0], [1.0]]], [[0.5, 100.0]], delta=1.0)
    >>> costs.gradient(np.zeros((1, 1)))
    array([[-1.5]])
    """

    _bend_bound = 1.0

    def __init__(
        self,
        A: ArrayLike | Sequence[ArrayLike],
        y: ArrayLike | Sequence[ArrayLike],
        delta: float = 1.0,
        ridge: float = 0.0,
    ) -> None:
        self.delta = check_positive("delta", delta)
        rows = Rows(A, "A")
        self._build(rows, rows.store(y, "y"), np.ones(len(rows.stacked)), ridge)

    def _loss(self, outputs: Array, labels: NDArray[Any]) -> Array:
        size = np.abs(outputs[..., 0] - labels)
        inner = np.minimum(size, self.delta)
        return np.asarray(inner * (size - 0.5 * inner))

    def _slope(self, outputs: Array, labels: NDArray[Any]) -> Array:
        return np.asarray(np.clip(outputs - labels[..., None], -self.delta, self.delta))

    def _curvature(self, outputs: Array, labels: NDArray[Any]) -> Array:
        return np.asarray(np.abs(outputs - labels[..., None]) <= self.delta, dtype=float)

    @property
    def conic_rows(self) -> int:
        """One split residual a sample."""
        return len(self._labels)

    def _loss_expression(self, outputs: cp.Expression) -> cp.Expression:
        import cvxpy as cp

        return 0.5 * cp.sum(cp.huber(outputs[:, 0] - self._labels, self.delta))
