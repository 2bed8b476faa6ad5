"""Softmax (multinomial logistic) regression."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from decon.arrays import whole_number
from decon.costs.base import Array
from decon.costs.rows import Rows
from decon.costs.samples import SampleCosts, mean_weights
from decon.errors import CostError

if TYPE_CHECKING:
    import cvxpy as cp

__all__ = ["SoftmaxRegression"]


class SoftmaxRegression(SampleCosts):
    r"""Softmax costs, the mean cross entropy of an agent's samples with a ridge.

    .. math:: f_i(x) = \frac1{m_i}\sum_s \Big[\log\sum_k e^{\langle x_k,X_s\rangle} - \langle x_{y_s},X_s\rangle\Big]
        + \frac{\text{ridge}}2\|x\|^2

    The *mean* over the agent's m_i samples, as P2's workers have it. The variable is one row of F numbers a class,
    flattened class by class: N = classes · F and ``x.reshape(classes, F)[k]`` belongs to class k. There is no
    intercept: give X a column of ones for one (it is then regularised too).

    Parameters
    ----------
    X : (n, m, F) array_like or sequence of n (m_i, F) array_like
        Features.
    y : (n, m) array_like or sequence of n (m_i,) array_like
        Class numbers 0 … classes - 1; an agent need not hold every class.
    classes : int
        At least 2.
    ridge : float
        At least 0; it is ν. Without it no minimiser is unique: adding one vector to every row changes nothing.

    Raises
    ------
    CostError
        If shapes disagree, an agent has no samples, an entry is not finite, or a label is not a class number.

    Examples
    --------
    >>> costs = SoftmaxRegression([[[1.0]], [[1.0]]], [[0], [2]], classes=3, ridge=0.1)
    >>> 3 * costs.gradient(np.zeros((2, 3)))
    array([[-2., 1., 1.],
           [ 1., 1., -2.]])
    """

    _bend_bound = 0.5

    def __init__(
        self,
        X: ArrayLike | Sequence[ArrayLike],
        y: ArrayLike | Sequence[ArrayLike],
        classes: int,
        ridge: float = 0.0,
    ) -> None:
        classes = whole_number("classes", classes, 2)
        rows = Rows(X, "X")
        labels = rows.store(y, "y")
        wrong = (labels != np.round(labels)) | (labels < 0) | (labels >= classes)
        if wrong.any():
            place = int(np.argmax(wrong))
            raise CostError(f"labels must be 0 … {classes - 1}: agent {rows.owner[place]} has {labels[place]:g}")
        self._build(rows, labels.astype(np.intp), mean_weights(rows), ridge, classes)

    def _loss(self, outputs: Array, labels: NDArray[Any]) -> Array:
        shifted = outputs - outputs.max(axis=-1, keepdims=True)
        picked = np.take_along_axis(shifted, labels[..., None], axis=-1)[..., 0]
        return np.asarray(np.log(np.exp(shifted).sum(axis=-1)) - picked)

    def _slope(self, outputs: Array, labels: NDArray[Any]) -> Array:
        slope = _probabilities(outputs)
        flat = slope.reshape(-1, self.outputs)
        flat[np.arange(len(flat)), labels.ravel()] -= 1.0
        return slope

    def _curvature(self, outputs: Array, labels: NDArray[Any]) -> Array:
        return _probabilities(outputs)

    @property
    def conic_rows(self) -> int:
        """One exponential cone a sample and class."""
        return len(self._labels) * self.outputs

    def _loss_expression(self, outputs: cp.Expression) -> cp.Expression:
        import cvxpy as cp

        chosen = np.zeros((len(self._labels), self.outputs))
        chosen[np.arange(len(chosen)), self._labels] = self._weights
        return self._weights @ cp.log_sum_exp(outputs, axis=1) - cp.sum(cp.multiply(chosen, outputs))


def _probabilities(outputs: Array) -> Array:
    """Return softmax of ``outputs`` (..., K) over the last axis, a fresh array; no exponent is above 0."""
    out = outputs - outputs.max(axis=-1, keepdims=True)
    np.exp(out, out=out)
    out /= out.sum(axis=-1, keepdims=True)
    return np.asarray(out)
