"""Order statistics over each receiver's arcs, without a loop over agents."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from decon.costs.base import Array

__all__ = ["arcs_of", "segment_median", "segment_quantile"]


def arcs_of(
    receivers: NDArray[np.int64], agents: NDArray[np.int64]
) -> tuple[NDArray[np.int64] | slice, NDArray[np.int64]]:
    """Return an index of all arcs that end at ``agents``, and their receivers' places among these.

    Parameters
    ----------
    receivers : (arcs,) ndarray of int, ascending
    agents : (m,) ndarray of int, ascending
        At least one; of agents in a row the index is a slice, which copies nothing.

    Examples
    --------
    >>> arcs_of(np.array([0, 0, 1, 2, 2]), np.array([0, 2]))
    (array([0, 1, 3, 4]), array([0, 0, 1, 1]))
    """
    least, most = agents[0], agents[-1]
    if most - least + 1 == len(agents):
        arcs = slice(*np.searchsorted(receivers, [least, most + 1]).tolist())
        return arcs, receivers[arcs] - least
    first, last = (np.searchsorted(receivers, agents, side) for side in ("left", "right"))
    counts = last - first
    place = np.repeat(np.arange(len(agents)), counts)
    return np.arange(len(place)) + (first - np.cumsum(counts) + counts)[place], place


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
    ranked, first, counts = _ranked(receivers, values, mask, n)
    place = first + np.floor(share * np.maximum(counts - 1, 0)).astype(np.int64)
    return np.where(counts > 0, ranked[np.minimum(place, len(ranked) - 1)], np.inf)


def segment_median(receivers: NDArray[np.int64], values: Array, mask: NDArray[np.bool_], n: int) -> Array:
    """Return (n,) the median of ``values`` over each receiver's arcs in ``mask``, the mean of two in the middle.

    Examples
    --------
    >>> segment_median(np.array([0, 0]), np.array([1.0, 2.0]), np.array([True, True]), 1)
    array([1.5])
    """
    ranked, first, counts = _ranked(receivers, values, mask, n)
    low, high = first + np.maximum(counts - 1, 0) // 2, first + counts // 2
    last = len(ranked) - 1
    middle = 0.5 * (ranked[np.minimum(low, last)] + ranked[np.minimum(high, last)])
    return np.where(counts > 0, middle, np.inf)


def _ranked(
    receivers: NDArray[np.int64], values: Array, mask: NDArray[np.bool_], n: int
) -> tuple[Array, NDArray[np.int64], NDArray[np.int64]]:
    """Return values in ascending order within each receiver's place, where each place starts, and how many count.

    Where degrees differ little, a padded table is sorted row by row, ten times faster than all arcs at once.
    """
    arcs = np.bincount(receivers, minlength=n)
    whole = mask.all()
    shown = np.asarray(values if whole else np.where(mask, values, np.inf), dtype=float)
    counts = arcs if whole else np.bincount(receivers, mask, minlength=n).astype(np.int64)
    first = np.cumsum(arcs) - arcs
    width = int(arcs.max(initial=0))
    if n * width > 4 * len(values):
        return shown[np.lexsort((shown, receivers))], first, counts
    if n * width == len(values):  # of equal degrees: a table as they are
        return np.sort(shown.reshape(n, width), axis=1).ravel(), first, counts
    table = np.full((n, width), np.inf)
    table[receivers, np.arange(len(values)) - first[receivers]] = shown
    table.sort(axis=1)
    return table.ravel(), width * np.arange(n), counts
