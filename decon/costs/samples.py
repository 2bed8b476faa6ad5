"""Costs that are sums of a smooth loss over samples, Σ_s weight_s φ(X_s x_i, y_s) + (ridge/2)‖x_i‖²."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from decon.arrays import checked
from decon.costs.base import Array, Costs, check_ridge
from decon.costs.newton import newton_prox
from decon.costs.rows import Rows
from decon.options import POSITIVE

if TYPE_CHECKING:
    import cvxpy as cp

__all__ = ["SampleCosts"]


_BATCHED_NUMBERS = 2_000_000
"""Gram matrices of all agents are decomposed at once if they hold no more numbers than this, else agent by agent."""


class SampleCosts(Costs):
    """Costs that see x only through the outputs X_s x of each sample: what a loss φ must say is four lines of it.

    With K outputs a sample and F features, x_i is K rows of F numbers, flattened row by row: N = K F. A subclass
    gives φ, its derivative and its curvature in the outputs; everything else is the same for all losses. Weights are
    1/m_i for a mean over the agent's m_i samples, 1 for a sum.
    """

    _rows: Rows
    _labels: NDArray[Any]
    _weights: Array
    ridge: float

    iterative = True

    _bend_bound: float
    """Largest eigenvalue φ'' can have."""

    def _build(self, rows: Rows, labels: NDArray[Any], weights: Array, ridge: float, outputs: int = 1) -> None:
        self._rows, self._labels, self._weights = rows, labels, weights
        self.ridge, self.outputs = check_ridge(ridge), outputs
        self.n, self.dim = rows.n, outputs * rows.width

    @abstractmethod
    def _loss(self, outputs: Array, labels: NDArray[Any]) -> Array:
        """Return (...) φ for ``outputs`` (..., K) and ``labels`` (...)."""

    @abstractmethod
    def _slope(self, outputs: Array, labels: NDArray[Any]) -> Array:
        """Return (..., K) φ'."""

    @abstractmethod
    def _curvature(self, outputs: Array, labels: NDArray[Any]) -> Array:
        """Return (M, K) numbers that make φ'': itself if K = 1, the probabilities p of diag(p) - ppᵀ otherwise."""

    @abstractmethod
    def _loss_expression(self, outputs: cp.Expression) -> cp.Expression:
        """Return Σ_s weight_s φ for CVXPY ``outputs`` (M, K)."""

    def _like(self, rows: Rows, labels: NDArray[Any], weights: Array, ridge: float) -> Self:
        new = type(self).__new__(type(self))
        new.__dict__.update({k: v for k, v in self.__dict__.items() if k not in type(self)._CACHED})
        new._build(rows, labels, weights, ridge, self.outputs)
        return new

    _CACHED = frozenset({"smoothness", "row_sizes", "roughness"})

    @property
    def strong_convexity(self) -> float:
        """ν = ridge, a lower bound: the losses flatten out far from their samples."""
        return self.ridge

    @cached_property
    def smoothness(self) -> float:
        """ℓ = sup φ'' · max_i λ_max(Σ_s weight_s X_sᵀX_s) + ridge, an upper bound."""
        if self.n * self._rows.width**2 <= _BATCHED_NUMBERS:
            top = np.linalg.eigvalsh(self._rows.gram(self._weights))[:, -1].max()
            return self._bend_bound * float(top) + self.ridge
        largest = 0.0
        root = np.sqrt(self._weights)
        for start, count in zip(self._rows.starts, self._rows.counts, strict=True):
            block = self._rows.stacked[start : start + count] * root[start : start + count, None]
            gram = block.T @ block if count >= self._rows.width else block @ block.T
            last = len(gram) - 1
            largest = max(largest, float(scipy.linalg.eigvalsh(gram, subset_by_index=[last, last])[0]))
        return self._bend_bound * largest + self.ridge

    @cached_property
    def row_sizes(self) -> Array:
        """(M,) ‖X_s‖."""
        return np.asarray(np.sqrt(np.einsum("mf,mf->m", self._rows.stacked, self._rows.stacked)))

    @cached_property
    def roughness(self) -> Array:
        """(n,) sup φ'' · Σ_s weight_s ‖X_s‖², a cheap bound of the loss part's curvature."""
        return self._bend_bound * self.along(self._weights * self.row_sizes**2)

    @property
    def samples(self) -> NDArray[np.intp]:
        """(n,) number of samples of each agent."""
        return self._rows.counts

    def value(self, x: Array, gradient: Array | None = None) -> Array:
        """Return (n,) f_i(x_i); a known gradient is of no use here."""
        losses = self._loss(self.project(x), self._labels)
        return np.asarray(self._rows.sums(self._weights * losses) + 0.5 * self.ridge * np.einsum("ij,ij->i", x, x))

    def gradient(self, x: Array) -> Array:
        """Return (n, N) ∇f_i(x_i)."""
        return self.collect(self.slopes(self.project(x))) + self.ridge * x

    def hessian(self, x: Array) -> Array:
        """Return (n, N, N) ∇²f_i(x_i)."""
        return self.hessian_of(self.bend(self.project(x)), np.full(self.n, self.ridge))

    def hessian_of(self, bend: Array, shift: Array) -> Array:
        """Return (n, N, N) Σ_s weight_s X_sᵀφ''X_s + shift_i I from :meth:`bend`'s numbers."""
        K, F = self.outputs, self._rows.width
        out = np.empty((self.n, K, F, K, F))
        for k in range(K):
            for j in range(k + 1):
                block = self._rows.gram(self._weights * _entry(bend, k, j))
                out[:, k, :, j] = block
                out[:, j, :, k] = block
        dense = out.reshape(self.n, self.dim, self.dim)
        diagonal = np.arange(self.dim)
        dense[:, diagonal, diagonal] += shift[:, None]
        return dense

    def prox(self, linear: Array, weight: Array, start: Array | None = None) -> Array:
        """Return (n, N) the exact local step, by a batched safeguarded Newton method from ``start`` (zeros)."""
        return newton_prox(self, linear, weight, np.zeros((self.n, self.dim)) if start is None else start)

    def stochastic_gradient(self, x: Array, rows: NDArray[np.intp]) -> Array:
        """Return (n, N) minibatch gradients from the samples ``rows`` (n, batch), unbiased for uniform draws."""
        places = self._rows.locate(rows)
        drawn = self._rows.stacked.take(places, axis=0)
        blocks = x.reshape(self.n, self.outputs, -1)
        slope = self._slope(drawn @ blocks.transpose(0, 2, 1), self._labels[places])
        slope *= (self._weights[places] * (self._rows.counts[:, None] / places.shape[1]))[:, :, None]
        out = (slope.transpose(0, 2, 1) @ drawn).reshape(x.shape)
        if self.ridge:
            out += self.ridge * x
        return np.asarray(out)

    def subset(self, agents: Sequence[int] | NDArray[np.intp]) -> Self:
        """Return the costs of ``agents`` only."""
        rows, places = self._rows.subset(agents)
        return self._like(rows, self._labels[places], self._weights[places], self.ridge)

    def pooled(self) -> Self:
        """Return Σ_i f_i as one agent that holds all samples, which are not copied."""
        return self._like(self._rows.pooled(), self._labels, self._weights, self.n * self.ridge)

    def expression(self, variable: cp.Variable) -> cp.Expression:
        """Return Σ f_i(variable) with all samples stacked in one atom."""
        import cvxpy as cp

        outputs = self._rows.stacked @ cp.reshape(variable, (self.outputs, self._rows.width), order="C").T
        return self._loss_expression(outputs) + 0.5 * self.n * self.ridge * cp.sum_squares(variable)

    # What the Newton method needs: everything in the space of outputs, (M, K), one product with the data at a time.

    def project(self, x: Array) -> Array:
        """Return (M, K) outputs X_s x_i of every sample."""
        return self._rows.project(x.reshape(self.n, self.outputs, -1))

    def collect(self, values: Array) -> Array:
        """Return (n, N) Σ_s values_s X_s, the adjoint of :meth:`project`."""
        return self._rows.collect(values).reshape(self.n, self.dim)

    def slopes(self, outputs: Array) -> Array:
        """Return (M, K) weight_s φ'."""
        return self._weights[:, None] * self._slope(outputs, self._labels)

    def bend(self, outputs: Array) -> Array:
        """Return (M, K) the numbers :meth:`bent` needs."""
        return self._curvature(outputs, self._labels)

    def bent(self, bend: Array, direction: Array) -> Array:
        """Return (M, K) weight_s φ'' applied to ``direction`` (M, K)."""
        turned = bend * direction
        if self.outputs > 1:
            turned -= bend * turned.sum(axis=1, keepdims=True)
        return self._weights[:, None] * turned

    def along(self, samples: Array) -> Array:
        """Return (n,) sums over each agent's samples of ``samples`` (M,)."""
        return self._rows.sums(samples)

    def spread(self, agents: Array) -> Array:
        """Return (M,) the number of each sample's agent."""
        return np.asarray(agents[self._rows.owner])


def mean_weights(rows: Rows) -> Array:
    """Return (M,) 1/m_i for each sample of agent i, which makes the sum a mean."""
    return np.asarray(1.0 / rows.counts[rows.owner])


def _entry(bend: Array, k: int, j: int) -> Array:
    """Return (M,) entry (k, j) of φ''."""
    if bend.shape[1] == 1:
        return bend[:, 0]
    diagonal = bend[:, k] if k == j else 0.0
    return np.asarray(diagonal - bend[:, k] * bend[:, j])


def check_positive(name: str, value: float) -> float:
    """Return ``value`` as a float.

    Raises
    ------
    CostError
        If it is no number, or not positive and finite.
    """
    return float(checked(name, value, POSITIVE))
