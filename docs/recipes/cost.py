"""A cost over samples: a loss and its two derivatives are all it takes; prox, curvature, metrics and x* follow.

decon solve --use docs/recipes/cost.py --data diabetes --cost log_cosh --ridge 1
"""

from typing import Any

import cvxpy as cp
import numpy as np

import decon
from decon.costs.rows import Rows
from decon.costs.samples import SampleCosts


@decon.register
class LogCosh(SampleCosts):
    """Σ log cosh(⟨a, x⟩ - y) + (ridge/2)‖x‖²: quadratic near 0, absolute far out."""

    _bend_bound = 1.0  # φ'' = 1 - tanh² is at most this

    def __init__(self, X: Any, y: Any, ridge: float = 0.0) -> None:
        rows = Rows(X, "X")
        self._build(rows, rows.store(y, "y"), np.ones(len(rows.stacked)), ridge)

    def _loss(self, outputs: np.ndarray, labels: np.ndarray) -> np.ndarray:
        size = np.abs(outputs[..., 0] - labels)
        return size + np.log1p(np.exp(-2.0 * size)) - np.log(2.0)

    def _slope(self, outputs: np.ndarray, labels: np.ndarray) -> np.ndarray:
        return np.tanh(outputs - labels[..., None])

    def _curvature(self, outputs: np.ndarray, labels: np.ndarray) -> np.ndarray:
        return 1.0 - self._slope(outputs, labels) ** 2

    def _loss_expression(self, outputs: Any) -> Any:
        gap = outputs[:, 0] - self._labels
        return cp.sum(cp.logistic(2 * gap) - gap) - len(self._labels) * np.log(2.0)
