"""Logistic regression, two classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from decon.costs.base import Array
from decon.costs.rows import Rows
from decon.costs.samples import SampleCosts, mean_weights
from decon.errors import CostError

if TYPE_CHECKING:
    import cvxpy as cp

__all__ = ["LogisticRegression"]


class LogisticRegression(SampleCosts):
    r"""Logistic costs :math:`f_i(x) = \tfrac1{m_i}\sum_s\log(1+e^{-y_s\langle X_s,x\rangle}) + \tfrac{r}{2}\|x\|^2`.

    The *mean* over the agent's m_i samples, so that a batch mean estimates it. There is no intercept: give X a column
    of ones for one.

    Parameters
    ----------
    X : (n, m, N) array_like or sequence of n (m_i, N) array_like
        Features.
    y : (n, m) array_like or sequence of n (m_i,) array_like
        Labels, all of them in {-1, 1} or all in {0, 1}.
    ridge : float
        r, at least 0; it is ν, and the local step needs it or a neighbour.

    Raises
    ------
    CostError
        If shapes disagree, an agent has no samples, an entry is not finite, or a label is something else.

    Examples
    --------
    >>> costs = LogisticRegression([[[2.0], [-2.0]]], [[1, 0]], ridge=0.1)
    >>> costs.gradient(np.zeros((1, 1)))
    array([[-1.]])
    >>> costs.strong_convexity, round(costs.smoothness, 12)
    (0.1, 1.1)
    """

    _bend_bound = 0.25

    def __init__(
        self, X: ArrayLike | Sequence[ArrayLike], y: ArrayLike | Sequence[ArrayLike], ridge: float = 0.0
    ) -> None:
        rows = Rows(X, "X")
        labels = rows.store(y, "y")
        wrong = ~np.isin(labels, [-1.0, 0.0, 1.0])
        if wrong.any():
            place = int(np.argmax(wrong))
            raise CostError(f"labels must be in {{-1, 1}} or {{0, 1}}: agent {rows.owner[place]} has {labels[place]}")
        if (labels == 0).any():
            if (labels == -1).any():
                raise CostError("labels must be in {-1, 1} or in {0, 1}, not in both")
            labels = 2.0 * labels - 1.0
        self._build(rows, labels, mean_weights(rows), ridge)

    def _loss(self, outputs: Array, labels: NDArray[Any]) -> Array:
        return np.asarray(np.logaddexp(0.0, -labels * outputs[..., 0]))

    def _slope(self, outputs: Array, labels: NDArray[Any]) -> Array:
        from scipy.special import expit  # slow to import, and most studies do without

        signed = labels[..., None]
        return np.asarray(-signed * expit(-signed * outputs))

    def _curvature(self, outputs: Array, labels: NDArray[Any]) -> Array:
        from scipy.special import expit

        return np.asarray(expit(outputs) * expit(-outputs))

    @property
    def conic_rows(self) -> int:
        """Two exponential cones a sample."""
        return 2 * len(self._labels)

    def _loss_expression(self, outputs: cp.Expression) -> cp.Expression:
        import cvxpy as cp

        return self._weights @ cp.logistic(cp.multiply(-self._labels, outputs[:, 0]))
