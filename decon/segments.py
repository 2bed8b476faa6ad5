"""Order statistics over each receiver's arcs, without a loop over agents."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from decon.costs.base import Array

__all__ = ["segment_median", "segment_quantile"]


def segment_quantile(
    receivers: NDArray[np.int64], values: Array, mask: NDArray[np.bool_], n: int, share: float
) -> Array:
    """Return (n,) the lower ``share`` quantile of ``values`` over each receiver's arcs in ``mask``; inf if none.

    Of m values in ascending order it is number ⌊share · (m - 1)⌋, counted from 0: a value that was sent, never a mean.

    Parameters
    ----------
    receivers : (arcs,) ndarray of int, ascending
    values : (arcs,) ndarray
    mask : (arcs,) ndarray of bool
    n : int
        Number of receivers.
    share : float
        In [0, 1]; 0 is the least value.

    Examples
    --------
    >>> two = np.array([0, 0, 0, 1])
    >>> segment_quantile(two, np.array([3.0, 1.0, 2.0, 9.0]), np.array([True, True, True, False]), 2, 0.5)
    array([ 2., inf])
    """
    order = np.lexsort((np.where(mask, values, np.inf), receivers))
    counts = np.bincount(receivers, mask, minlength=n).astype(np.int64)
    arcs = np.bincount(receivers, minlength=n)
    place = np.cumsum(arcs) - arcs + np.floor(share * np.maximum(counts - 1, 0)).astype(np.int64)
    found = np.full(n, np.inf)
    some = counts > 0
    found[some] = values[order[place[some]]]
    return found


def segment_median(receivers: NDArray[np.int64], values: Array, mask: NDArray[np.bool_], n: int) -> Array:
    """Return (n,) the median of ``values`` over each receiver's arcs in ``mask``, the mean of two in the middle.

    Examples
    --------
    >>> segment_median(np.array([0, 0]), np.array([1.0, 2.0]), np.array([True, True]), 1)
    array([1.5])
    """
    order = np.lexsort((np.where(mask, values, np.inf), receivers))
    counts = np.bincount(receivers, mask, minlength=n).astype(np.int64)
    arcs = np.bincount(receivers, minlength=n)
    first = np.cumsum(arcs) - arcs
    found = np.full(n, np.inf)
    some = counts > 0
    low = values[order[(first + (counts - 1) // 2)[some]]]
    high = values[order[(first + counts // 2)[some]]]
    found[some] = 0.5 * (low + high)
    return found
