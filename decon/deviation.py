"""How far each message stands from its receiver's own value."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from decon.costs.base import Array

__all__ = ["deviations", "in_blocks"]

_BLOCK = 1 << 13
"""Arcs worked on at a time, so that they stay in the cache."""


def in_blocks(receivers: NDArray[np.int64], own: Array, messages: Array, lengths: Array) -> Iterator[slice]:
    """Write ‖m - own_i‖ into ``lengths`` (arcs,), and yield each block of arcs as soon as it is done, in the cache."""
    own = own.astype(np.result_type(own, messages), copy=False)
    ones = np.ones(messages.shape[1])
    for first in range(0, len(lengths), _BLOCK):
        here = slice(first, first + _BLOCK)
        gap = own.take(receivers[here], axis=0, mode="clip")  # they are in range: no need to look
        np.subtract(messages[here], gap, out=gap)
        np.square(gap, out=gap)
        np.sqrt(gap @ ones, out=lengths[here])  # for short rows three times faster than a sum along them
        yield here


def deviations(receivers: NDArray[np.int64], own: Array, messages: Array) -> Array:
    """Return (arcs,) ‖m - own_i‖.

    Parameters
    ----------
    receivers : (arcs,) ndarray of int
    own : (n, N) ndarray
    messages : (arcs, N) ndarray

    Examples
    --------
    >>> deviations(np.array([0, 1, 1]), np.array([[0.0], [1.0]]), np.array([[3.0], [3.0], [-1.0]]))
    array([3., 2., 2.])
    """
    lengths = np.empty(len(messages))
    for _ in in_blocks(receivers, own, messages, lengths):
        pass
    return lengths
