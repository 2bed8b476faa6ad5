"""The ridge alone, f_i(x) = (ridge/2)‖x‖²: P2's regularisation term at the hub, without an N × N matrix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from decon.arrays import whole_number
from decon.costs.base import Array, Costs, check_ridge

if TYPE_CHECKING:
    import cvxpy as cp

__all__ = ["Ridge"]


class Ridge(Costs):
    """Ridge costs (ridge/2)‖x_i‖², the same for every agent; memory does not grow with N.

    Parameters
    ----------
    dim : int
        N.
    ridge : float
        At least 0.
    n : int
        Number of agents.

    Raises
    ------
    CostError
        If a size is no whole number of at least 1 or the ridge is negative.

    Examples
    --------
    >>> Ridge(2, 0.5).gradient(np.array([[2.0, 4.0]]))
    array([[1., 2.]])
    """

    def __init__(self, dim: int, ridge: float, n: int = 1) -> None:
        self.n, self.dim, self.ridge = whole_number("n", n, 1), whole_number("dim", dim, 1), check_ridge(ridge)

    @property
    def strong_convexity(self) -> float:
        """ν = ridge."""
        return self.ridge

    @property
    def smoothness(self) -> float:
        """ℓ = ridge."""
        return self.ridge

    def value(self, x: Array, gradient: Array | None = None) -> Array:
        """Return (n,) (ridge/2)‖x_i‖²."""
        return np.asarray(0.5 * self.ridge * np.einsum("ij,ij->i", x, x))

    def gradient(self, x: Array) -> Array:
        """Return (n, N) ridge x_i."""
        return self.ridge * x

    def hessian(self, x: Array) -> Array:
        """Return (n, N, N) ridge I."""
        return np.broadcast_to(self.ridge * np.eye(self.dim), (self.n, self.dim, self.dim))

    def prox(self, linear: Array, weight: Array, start: Array | None = None) -> Array:
        """Return (n, N) linear_i / (ridge + weight_i)."""
        return np.asarray(linear / (self.ridge + weight)[:, None])

    def subset(self, agents: Sequence[int] | NDArray[np.intp]) -> Ridge:
        """Return the costs of ``agents`` only."""
        return Ridge(self.dim, self.ridge, len(agents))

    def pooled(self) -> Ridge:
        """Return the ridge n · ridge, as one agent."""
        return Ridge(self.dim, self.n * self.ridge)

    def expression(self, variable: cp.Variable) -> cp.Expression:
        """Return (n · ridge/2)‖x‖²."""
        import cvxpy as cp

        return 0.5 * self.n * self.ridge * cp.sum_squares(variable)
