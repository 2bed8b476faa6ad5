"""How far each message stands from its receiver's own value."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from decon.costs.base import Array, row_sums

__all__ = ["deviations"]

_BLOCK = 1 << 14
"""Arcs worked on at a time, so that they stay in the cache."""


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
    for first in range(0, len(lengths), _BLOCK):
        here = slice(first, first + _BLOCK)
        gap = messages[here] - own.take(receivers[here], axis=0)
        np.square(gap, out=gap)
        np.sqrt(row_sums(gap), out=lengths[here])
    return lengths
