"""Closed-form spectra of graphs that look the same from every agent: Cayley graphs of Z_a, Z_a × Z_b and Z_2^m."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

if TYPE_CHECKING:
    from topologies.topology import Topology

__all__ = ["AbelianCayley"]

_CANDIDATES = 32  # characters evaluated exactly; far more than any tie for an extreme value that the FFT could misrank
_COLUMNS = 32  # factors Z_a × Z_b tried, at most, besides a clique's


@dataclass(frozen=True)
class AbelianCayley:
    """A weighted graph in which agent i hears agent j with a weight that depends on j - i only.

    The difference is taken in the group Z_{s_1} × Z_{s_2} × …, agents numbered in C order. Its characters are the
    eigenvectors of A, so the FFT of one row of A gives all eigenvalues.

    Attributes
    ----------
    shape : tuple of int
        The orders s_1, s_2, … of the cyclic factors; their product is n.
    steps : (k,) ndarray of int
        The agents that agent 0 hears.
    weights : (k,) ndarray
        Weights of those arcs.
    """

    shape: tuple[int, ...]
    steps: NDArray[np.int64]
    weights: NDArray[np.float64]

    @classmethod
    def find(cls, topo: Topology) -> AbelianCayley | None:
        """Recognise ring, circulant, torus, hypercube, complete graph and the like, by checking every arc.

        Only graphs in their natural numbering are recognised; the answer None says nothing about the others.
        Cost: a few passes over the arcs.

        Examples
        --------
        >>> from topologies import make
        >>> AbelianCayley.find(make("torus", 12)).shape
        (3, 4)
        >>> AbelianCayley.find(make("path", 12)) is None
        True
        """
        return cls.of(topo.adjacency)

    @classmethod
    def of(cls, adjacency: sp.csr_array) -> AbelianCayley | None:
        """Recognise such a graph by its adjacency matrix; it need not be connected, nor have edges."""
        n, indptr = adjacency.shape[0], adjacency.indptr
        count = int(indptr[1])
        if (np.diff(indptr) != count).any():
            return None
        steps, weights = adjacency.indices[:count].astype(np.int64), adjacency.data[:count]
        shapes: list[tuple[int, ...]] = [(n,)]
        shapes += [(n // (count + 1), count + 1)] if 1 < count + 1 < n and n % (count + 1) == 0 else []  # cliques
        shapes += [(n // int(b), int(b)) for b in steps[:_COLUMNS] if 1 < b < n and n % b == 0]
        if n & (n - 1) == 0:
            shapes.append((2,) * (n.bit_length() - 1))
        for shape in shapes:
            if _invariant(adjacency, shape, steps, weights):
                return cls(shape, steps, weights)
        return None

    @property
    def n(self) -> int:
        """Number of agents."""
        return math.prod(self.shape)

    @cached_property
    def degree(self) -> float:
        """Weighted degree of every agent."""
        return float(self.weights.sum())

    @cached_property
    def signless_max(self) -> float:
        """Greatest eigenvalue of D + A, that of the constant vector."""
        return 2 * self.degree

    @cached_property
    def adjacency(self) -> NDArray[np.float64]:
        """(n,) eigenvalues of A in the order of the characters, to rounding in units of the degree."""
        row = np.zeros(self.n)
        row[self.steps] = self.weights
        return np.ascontiguousarray(np.fft.fftn(row.reshape(self.shape)).real.ravel())

    @cached_property
    def algebraic_connectivity(self) -> float:
        """Least nonzero eigenvalue of D - A, with small relative error."""
        nonzero = self.adjacency[1:]  # the first character is the constant one
        return float(self._exact(1 + _largest(nonzero), np.sin).min())

    @cached_property
    def signless_min(self) -> float:
        """Least eigenvalue of D + A, with small relative error."""
        return float(self._exact(_largest(-self.adjacency), np.cos).min())

    def _exact(self, characters: NDArray[np.int64], wave: np.ufunc) -> NDArray[np.float64]:
        """Σ_s 2 w_s wave(φ_s/2)² over the steps, φ the phases; no cancellation, unlike d ∓ eigenvalue of A."""
        turns = np.zeros((len(characters), len(self.steps)))
        units = np.unravel_index(self.steps, self.shape)
        for c, s, order in zip(np.unravel_index(characters, self.shape), units, self.shape, strict=True):
            turns += np.outer(c, s) % order / order
        turns -= np.round(turns)
        value = wave(np.pi * turns)
        value[np.isclose(np.abs(turns), 0.5, rtol=0, atol=1e-15)] = wave(np.pi / 2) if wave is np.sin else 0.0
        return np.asarray(2 * value**2 @ self.weights)


def _largest(values: NDArray[np.float64]) -> NDArray[np.int64]:
    if len(values) <= _CANDIDATES:
        return np.arange(len(values))
    return np.argpartition(values, -_CANDIDATES)[-_CANDIDATES:].astype(np.int64)


def _invariant(
    adjacency: sp.csr_array, shape: tuple[int, ...], steps: NDArray[np.int64], weights: NDArray[np.float64]
) -> bool:
    """Whether every agent hears exactly itself plus the steps, with the same weights."""
    n = adjacency.shape[0]
    heard = np.zeros((n, len(steps)), dtype=np.int64)
    stride = 1
    rest, parts = np.arange(n), steps
    for order in reversed(shape):
        rest, own = np.divmod(rest, order)
        parts, step = np.divmod(parts, order)
        heard += stride * ((own[:, None] + step) % order)
        stride *= order
    by_agent = np.argsort(heard, axis=1)
    if (np.take_along_axis(heard, by_agent, axis=1).ravel() != adjacency.indices).any():
        return False
    return bool((weights[by_agent].ravel() == adjacency.data).all())
