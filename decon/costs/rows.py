"""Samples of all agents in one array, ragged or not, and the batched products costs need of them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from decon.arrays import blocks_of, whole_numbers
from decon.costs.base import Array
from decon.errors import CostError
from topologies.frozen import Frozen, freeze

__all__ = ["Rows"]


class Rows(Frozen):
    """Rows of all agents stacked, those of agents with equally many side by side.

    Agents that hold the same number of rows are neighbours in the store, so that each product is one batched matrix
    product *a distinct row count*, on views: nothing is padded, and no loop runs over agents.

    Parameters
    ----------
    blocks : (n, m, F) array_like or sequence of n (m_i, F) array_like
        Copied once.
    name : str
        Named in errors.

    Attributes
    ----------
    stacked : (M, F) ndarray
        All rows in storage order.
    owner : (M,) ndarray of int
        Agent of each stored row.
    counts, starts : (n,) ndarray of int
        Agent i's rows are ``stacked[starts[i] : starts[i] + counts[i]]``, in the order given.

    Raises
    ------
    CostError
        If there is no agent, an agent has no row, widths differ, or an entry is not finite.

    Examples
    --------
    >>> rows = Rows([[[1.0, 0.0], [0.0, 1.0]], [[2.0, 2.0]]], "A")
    >>> rows.counts
    array([2, 1])
    >>> rows.collect(rows.project(np.ones((2, 1, 2))))[:, 0]
    array([[1., 1.],
           [8., 8.]])
    """

    def __init__(self, blocks: ArrayLike | Sequence[ArrayLike], name: str) -> None:
        parts = blocks_of(name, blocks)
        _check_shapes(parts, name)
        counts = np.array([len(part) for part in parts], dtype=np.intp)
        if not counts.all():
            raise CostError(f"agent {int(np.argmin(counts))} holds no rows of {name}")
        order = np.argsort(counts, kind="stable")
        stacked = np.ascontiguousarray(np.concatenate([parts[i] for i in order], axis=0))  # tables lie by column
        finite = np.isfinite(stacked).all(axis=1)
        self._arrange(stacked, counts, order)
        if not finite.all():
            raise CostError(f"{name} is not finite for agent {self.owner[np.argmin(finite)]}")

    def _arrange(self, stacked: Array, counts: NDArray[np.intp], order: NDArray[np.intp]) -> None:
        self.stacked, self.counts, self._order = freeze(stacked), counts, order
        self.n, self.width = counts.size, stacked.shape[1]
        ordered = counts[order]
        self._bounds = np.concatenate([[0], np.cumsum(ordered)[:-1]])
        self.starts = np.empty(self.n, dtype=np.intp)
        self.starts[order] = self._bounds
        self.owner = np.repeat(order, ordered)
        edges = np.concatenate([[0], np.flatnonzero(np.diff(ordered)) + 1, [self.n]])
        self._groups = [(order[a:b], int(self._bounds[a]), int(ordered[a])) for a, b in pairwise(edges)]

    def _view(self, array: Array, group: tuple[NDArray[np.intp], int, int]) -> Array:
        agents, first, count = group
        return array[first : first + agents.size * count].reshape(agents.size, count, *array.shape[1:])

    def project(self, x: Array) -> Array:
        """Return (M, K) products of each stored row with its agent's ``x`` (n, K, F)."""
        out = np.empty((len(self.stacked), x.shape[1]))
        for group in self._groups:
            np.matmul(self._view(self.stacked, group), x[group[0]].transpose(0, 2, 1), out=self._view(out, group))
        return out

    def collect(self, values: Array) -> Array:
        """Return (n, K, F) sums over each agent's rows of ``values`` (M, K) times the row: the adjoint of project."""
        out = np.empty((self.n, values.shape[1], self.width))
        for group in self._groups:
            out[group[0]] = self._view(values, group).transpose(0, 2, 1) @ self._view(self.stacked, group)
        return out

    def gram(self, weights: Array | None = None) -> Array:
        """Return (n, F, F) Σ weight · row rowᵀ over each agent's rows; ``weights`` (M,) default to 1."""
        out = np.empty((self.n, self.width, self.width))
        for group in self._groups:
            view = self._view(self.stacked, group)
            scaled = view if weights is None else view * self._view(weights, group)[:, :, None]
            out[group[0]] = scaled.transpose(0, 2, 1) @ view
        return out

    def sums(self, values: Array) -> Array:
        """Return (n,) sums of ``values`` (M,) over each agent's rows."""
        out = np.empty(self.n)
        out[self._order] = np.add.reduceat(values, self._bounds)
        return out

    def store(self, values: ArrayLike | Sequence[ArrayLike], name: str) -> Array:
        """Return (M,) one number a row, given agent by agent, in storage order.

        Raises
        ------
        CostError
            If an agent's count differs from its rows', or a number is not finite.
        """
        parts = blocks_of(name, values)
        if len(parts) != self.n:
            raise CostError(f"{name} is given for {len(parts)} agents, the rows for {self.n}")
        for agent, part in enumerate(parts):
            if part.shape != (self.counts[agent],):
                raise CostError(f"{name} of agent {agent} must have shape ({self.counts[agent]},), not {part.shape}")
        out = np.concatenate([parts[i] for i in self._order])
        if not np.isfinite(out).all():
            raise CostError(f"{name} is not finite for agent {self.owner[np.argmin(np.isfinite(out))]}")
        return freeze(out)

    def locate(self, rows: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return (n, batch) storage places of the samples ``rows`` (n, batch), counted within each agent.

        Raises
        ------
        CostError
            If the shape is wrong or an agent has no such row.
        """
        index = np.asarray(rows)
        if index.ndim != 2 or len(index) != self.n or not np.issubdtype(index.dtype, np.integer) or not index.size:
            raise CostError(f"rows must be ({self.n}, batch) integers, not {index.shape} {index.dtype}")
        bad = ((index < 0) | (index >= self.counts[:, None])).any(axis=1)
        if bad.any():
            agent = int(np.argmax(bad))
            raise CostError(f"rows {index[agent]} reach beyond the {self.counts[agent]} samples of agent {agent}")
        return np.asarray(index + self.starts[:, None], dtype=np.intp)

    def subset(self, agents: Sequence[int] | NDArray[np.intp]) -> tuple[Rows, NDArray[np.intp]]:
        """Return the rows of ``agents`` only, and the (M',) storage places here that they came from."""
        chosen = whole_numbers("agents", agents)
        if not chosen.size:
            raise CostError("a subset needs at least one agent")
        counts = self.counts[chosen]
        order = np.argsort(counts, kind="stable")
        ordered = counts[order]
        offsets = np.arange(ordered.sum()) - np.repeat(np.cumsum(ordered) - ordered, ordered)
        places = np.repeat(self.starts[chosen][order], ordered) + offsets
        new = Rows.__new__(Rows)
        new._arrange(self.stacked[places], counts, order)
        return new, places

    def pooled(self) -> Rows:
        """Return the same store as the rows of a single agent, without a copy."""
        new = Rows.__new__(Rows)
        new._arrange(self.stacked, np.array([len(self.stacked)], dtype=np.intp), np.zeros(1, dtype=np.intp))
        return new


def _check_shapes(parts: list[Array], name: str) -> None:
    if not parts:
        raise CostError(f"{name} holds no agents")
    width = parts[0].shape[1] if parts[0].ndim == 2 else 0
    for agent, part in enumerate(parts):
        if part.ndim != 2 or part.shape[1] == 0 or part.shape[1] != width:
            raise CostError(f"{name} of agent {agent} must be (m, {width or 'N'}), not {part.shape}")
