"""What every cost gives: value, gradient, prox, curvature bounds and a CVXPY expression, for all agents at once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from decon.arrays import checked, real_array
from decon.errors import CostError
from decon.options import NOT_NEGATIVE
from topologies.frozen import Frozen, freeze

if TYPE_CHECKING:
    import cvxpy as cp

__all__ = ["Array", "Costs", "as_batch", "check_ridge", "lengths", "row_sums"]

Array = NDArray[np.float64]


class Costs(Frozen, ABC):
    """Local costs f_1 … f_n on R^N; agents are rows, and no method loops over them where a batch will do.

    Attributes
    ----------
    n, dim : int
        Number of agents and length N of each local variable.
    strong_convexity, smoothness : float
        0 ≤ ν ≤ ℓ with ν I ⪯ ∇²f_i ⪯ ℓ I for every agent i (P1 definitions 1 and 2); ν = 0 if a cost is
        not strongly convex, ℓ = inf if no bound is known.
    """

    n: int
    dim: int

    @property
    @abstractmethod
    def strong_convexity(self) -> float:
        """ν, the least over the agents."""

    @property
    @abstractmethod
    def smoothness(self) -> float:
        """ℓ, the largest over the agents."""

    iterative = False
    """Whether ``prox`` is the end of an iteration, so that how near it came has to be measured."""

    accuracy = 0.0
    """How near ``prox`` comes to its optimality condition where no gradient can tell, relative to its terms."""

    @property
    def differentiable(self) -> bool:
        """Whether all costs have a gradient wherever they are finite: surely if ℓ is."""
        return bool(np.isfinite(self.smoothness))

    @abstractmethod
    def value(self, x: Array, gradient: Array | None = None) -> Array:
        """Return (n,) f_i(x_i) for ``x`` (n, N); a known ``gradient`` at ``x`` may spare work."""

    def total_value(self, x: Array, gradient: Array | None = None) -> float:
        """Return Σ_i f_i(x_i), as ``value(x, gradient).sum()``."""
        return float(self.value(x, gradient).sum())

    @abstractmethod
    def gradient(self, x: Array) -> Array:
        """Return (n, N) ∇f_i(x_i) for ``x`` (n, N)."""

    @abstractmethod
    def prox(self, linear: Array, weight: Array, start: Array | None = None) -> Array:
        """Return (n, N) argmin_x f_i(x) - ⟨linear_i, x⟩ + (weight_i / 2)‖x‖², the exact local step of P1 (5).

        Parameters
        ----------
        linear : (n, N) ndarray
        weight : (n,) ndarray
            Positive; zero is allowed for an agent whose cost is strongly convex.
        start : (n, N) ndarray, optional
            Where an iterative prox starts; closed forms ignore it.
        """

    @abstractmethod
    def subset(self, agents: Sequence[int] | NDArray[np.intp]) -> Costs:
        """Return the costs of ``agents`` only, in that order."""

    @abstractmethod
    def expression(self, variable: cp.Variable) -> cp.Expression:
        """Return Σ_i f_i(variable) as one CVXPY expression in ``variable`` (N,), the data stacked."""

    @property
    def conic_rows(self) -> int:
        """Number of rows :meth:`expression` adds to a conic program, 0 if it is quadratic: what a solver pays for."""
        return 0

    def pooled(self) -> Costs:
        """Return Σ_i f_i as the cost of one single agent, data shared where it can be.

        Raises
        ------
        CostError
            If this cost has no such form.
        """
        raise CostError(f"{type(self).__name__} cannot be pooled into one agent")

    def hessian(self, x: Array) -> Array:
        """Return (n, N, N) ∇²f_i(x_i).

        Raises
        ------
        CostError
            If this cost has no second derivative to offer.
        """
        raise CostError(f"{type(self).__name__} does not give a Hessian")

    def stochastic_gradient(self, x: Array, rows: NDArray[np.intp]) -> Array:
        """Return (n, N) minibatch estimates of ∇f_i(x_i) from the samples ``rows`` (n, batch).

        Raises
        ------
        CostError
            If this cost is not a sum over samples.
        """
        raise CostError(f"{type(self).__name__} is not a sum over samples, so it has no minibatch gradient")

    @property
    def samples(self) -> NDArray[np.intp]:
        """(n,) number of samples each agent holds, for minibatches; raises CostError without samples."""
        raise CostError(f"{type(self).__name__} is not a sum over samples, so it has no minibatch gradient")

    def fingerprint(self) -> dict[str, Any]:
        """Return what a manifest says of these costs: kind, sizes, ν, ℓ."""
        return {
            "kind": type(self).__name__,
            "n": self.n,
            "dim": self.dim,
            "strong_convexity": self.strong_convexity,
            "smoothness": self.smoothness,
        }


def as_batch(name: str, value: ArrayLike, shape: tuple[int | None, ...]) -> Array:
    """Return a private, read-only float copy of ``value``, checked for shape and finiteness.

    Parameters
    ----------
    name : str
        Named in the error.
    shape : tuple of int or None
        None matches any length.

    Raises
    ------
    CostError
        If it is no array of real numbers (:func:`decon.arrays.real_array`), the shape differs or an entry is not
        finite; the message names the agent (first index).
    """
    array = np.array(real_array(name, value), order="C")  # however it lay, sums are taken in one order
    if array.ndim != len(shape) or any(s not in (None, t) for s, t in zip(shape, array.shape, strict=True)):
        wanted = ", ".join("any" if s is None else str(s) for s in shape)
        raise CostError(f"{name} must have shape ({wanted}{',' if len(shape) == 1 else ''}), not {array.shape}")
    if not np.isfinite(array).all():
        raise CostError(f"{name} is not finite for agent {np.argwhere(~np.isfinite(array))[0][0]}")
    return freeze(array)


def row_sums(rows: Array) -> Array:
    """Return (n,) the sum of each row: BLAS takes a fifth of the time of ``sum(axis=1)`` where rows are short."""
    return np.asarray(rows @ np.ones(rows.shape[1]))


def lengths(rows: Array) -> Array:
    """Return (n,) the Euclidean norm of each row, in double precision."""
    wide = rows.astype(float, copy=False)
    return np.asarray(np.sqrt(row_sums(np.square(wide))))


def check_ridge(ridge: float) -> float:
    """Return ``ridge`` as a float.

    Raises
    ------
    CostError
        If it is no number, negative or not finite.
    """
    return float(checked("ridge", ridge, NOT_NEGATIVE))
