"""Aggregation rules: functions of the stacked messages, (m, N) → (N,).

A rule with parameters is bound with :func:`functools.partial`. Every rule but :func:`mean` first discards the messages
that no honest worker can have sent: those with an entry that is not finite or exceeds 1e100 in size, whose squares
would overflow. A number of Byzantine messages that a rule is told to expect goes down by as many. If nothing is left,
the result is NaN.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from decon.arrays import real_array
from decon.costs.base import Array
from decon.errors import OptionError
from decon.options import is_number, whole

__all__ = [
    "Rule",
    "as_messages",
    "centered_clipping",
    "coordinate_median",
    "krum",
    "mean",
    "multi_krum",
    "plausible",
    "trimmed_mean",
]

Rule = Callable[[Array], Array]

_TOO_LARGE = 1e100


def plausible(messages: Array) -> Array:
    """Return the messages that are finite and at most 1e100 in every entry.

    Parameters
    ----------
    messages : (m, N) ndarray

    Returns
    -------
    (m', N) ndarray
        Those rows, in order; ``messages`` itself if it is all of them.

    Examples
    --------
    >>> plausible(np.array([[1.0], [np.nan], [-np.inf], [1e300], [2.0]]))
    array([[1.],
           [2.]])
    """
    given = as_messages(messages)
    # max and min let NaN through, and a comparison with NaN is False; the bound is no number in single precision
    highest, lowest = given.max(axis=1).astype(float), given.min(axis=1).astype(float)
    sane = (highest <= _TOO_LARGE) & (lowest >= -_TOO_LARGE)
    return given if sane.all() else given[sane]


def as_messages(messages: Any) -> Array:
    """Return messages as an (m, N) array of at least one number, in the precision they have.

    Raises
    ------
    OptionError
        If they are something else.

    Examples
    --------
    >>> as_messages([[1, 2], [3, 4]])
    array([[1., 2.],
           [3., 4.]])
    """
    floats = type(messages) is np.ndarray and messages.dtype.kind == "f"
    given: Array = messages if floats else real_array("messages", messages, error=OptionError)
    if given.ndim != 2 or 0 in given.shape:
        raise OptionError(f"messages must be a nonempty (m, N) array, not {given.shape}")
    return given


def mean(messages: Array) -> Array:
    """Return the plain average: no defence, what is not finite goes through.

    Parameters
    ----------
    messages : (m, N) ndarray

    Returns
    -------
    (N,) ndarray

    Examples
    --------
    >>> mean(np.array([[0.0, 1.0], [2.0, 1.0]]))
    array([1., 1.])
    """
    return np.asarray(as_messages(messages).mean(axis=0))


def coordinate_median(messages: Array) -> Array:
    """Return the median of every coordinate; bounded by the honest messages while fewer than half lie.

    Parameters
    ----------
    messages : (m, N) ndarray

    Returns
    -------
    (N,) ndarray

    References
    ----------
    .. [1] Yin, Chen, Ramchandran, Bartlett (2018). Byzantine-robust distributed learning. ICML, definition 1.

    Examples
    --------
    >>> coordinate_median(np.array([[0.0, 1.0], [2.0, 3.0], [1e9, np.inf], [1.0, 2.0]]))
    array([1., 2.])
    """
    messages = as_messages(messages)
    kept = plausible(messages)
    return np.asarray(np.median(kept, axis=0)) if len(kept) else _nothing(messages)


def trimmed_mean(messages: Array, *, trim: int) -> Array:
    """Return the mean of every coordinate without its ``trim`` largest and ``trim`` smallest values.

    Parameters
    ----------
    messages : (m, N) ndarray
    trim : int
        Number of Byzantine messages to withstand; 2·trim < m.

    Returns
    -------
    (N,) ndarray

    Raises
    ------
    OptionError
        If nothing would be left.

    References
    ----------
    .. [1] Yin, Chen, Ramchandran, Bartlett (2018). Byzantine-robust distributed learning. ICML, definition 2.

    Examples
    --------
    >>> trimmed_mean(np.array([[0.0], [1.0], [2.0], [1e9]]), trim=1)
    array([1.5])
    """
    messages = as_messages(messages)
    if not whole(0).accepts(trim) or 2 * trim >= len(messages):
        raise OptionError(f"trim = {trim} from both ends leaves nothing of {len(messages)} messages")
    kept = plausible(messages)
    if not len(kept):
        return _nothing(messages)
    trim = max(0, trim - (len(messages) - len(kept)))
    ends = np.partition(kept, (trim, len(kept) - trim - 1), axis=0) if trim else kept
    return np.asarray(ends[trim : len(kept) - trim].mean(axis=0))


def krum(messages: Array, *, byzantine: int) -> Array:
    """Return the message that lies closest to its m - q - 2 nearest others (least sum of squared distances).

    Parameters
    ----------
    messages : (m, N) ndarray
    byzantine : int
        q, how many messages may be false; the rule's guarantee needs 2q + 2 < m.

    Returns
    -------
    (N,) ndarray
        One of ``messages``; the first of several that are as good.

    Raises
    ------
    OptionError
        If m - q - 2 < 1.

    References
    ----------
    .. [1] Blanchard, El Mhamdi, Guerraoui, Stainer (2017). Machine learning with adversaries. NIPS.

    Examples
    --------
    >>> krum(np.array([[0.0], [0.1], [0.3], [9.0]]), byzantine=1)
    array([0.])
    """
    return multi_krum(messages, byzantine=byzantine, selected=1)


def multi_krum(messages: Array, *, byzantine: int, selected: int) -> Array:
    """Return the mean of the ``selected`` messages that :func:`krum` scores best (P2 writes h-Krum).

    Parameters
    ----------
    messages : (m, N) ndarray
    byzantine : int
        q, how many messages may be false.
    selected : int
        h, from 1 (Krum) to m - q.

    Returns
    -------
    (N,) ndarray

    Raises
    ------
    OptionError
        If m - q - 2 < 1 or h is out of range.

    References
    ----------
    .. [1] Blanchard, El Mhamdi, Guerraoui, Stainer (2017). Machine learning with adversaries. NIPS.

    Examples
    --------
    >>> multi_krum(np.array([[0.0], [0.5], [0.75], [9.0]]), byzantine=1, selected=2)
    array([0.625])
    """
    from scipy.spatial.distance import pdist, squareform

    messages = as_messages(messages)
    if not (whole(0).accepts(byzantine) and whole(1).accepts(selected)):
        raise OptionError(
            f"Krum's byzantine ≥ 0 and selected ≥ 1 are whole numbers, not {byzantine!r} and {selected!r}"
        )
    nearest = len(messages) - byzantine - 2
    if nearest < 1:
        raise OptionError(f"Krum with byzantine = {byzantine} needs at least {byzantine + 3} messages")
    if not 1 <= selected <= len(messages) - byzantine:
        raise OptionError(f"selected must be in 1 … {len(messages) - byzantine}, not {selected}")
    kept = plausible(messages)
    if not len(kept):
        return _nothing(messages)
    squares = np.sort(squareform(pdist(kept, "sqeuclidean")), axis=1)  # column 0: the distance to itself
    # discarded messages count as Byzantine ones, so the number of near neighbours stays
    scores = squares[:, 1 : 1 + nearest].sum(axis=1)
    return np.asarray(kept[np.argsort(scores, kind="stable")[:selected]].mean(axis=0))


def centered_clipping(messages: Array, *, radius: float, iterations: int = 3) -> Array:
    """Return the mean of the messages, each drawn back to within ``radius`` of the result so far.

    v ← v + (1/m) Σ_i (y_i - v) min(1, radius / ‖y_i - v‖). The iteration starts at the coordinate-wise median and not,
    as in the reference, at the last round's result: so it is a function of the messages alone.

    Parameters
    ----------
    messages : (m, N) ndarray
    radius : float
        Positive, in units of the messages; infinite clips nothing, so that the result is the mean.
    iterations : int
        At least 1.

    Returns
    -------
    (N,) ndarray
        At most iterations · radius away from the coordinate-wise median.

    Raises
    ------
    OptionError
        If an option is out of range.

    References
    ----------
    .. [1] Karimireddy, He, Jaggi (2021). Learning from history for Byzantine robust optimization. ICML.

    Examples
    --------
    >>> centered_clipping(np.array([[0.0], [0.0], [1e9]]), radius=0.3, iterations=1)
    array([0.1])
    """
    messages = as_messages(messages)
    if not (is_number(radius) or radius == np.inf) or not radius > 0 or not whole(1).accepts(iterations):
        raise OptionError(f"centered clipping needs radius > 0 and iterations ≥ 1, not {radius!r} and {iterations!r}")
    kept = plausible(messages)
    if not len(kept):
        return _nothing(messages)
    centre = np.median(kept, axis=0)
    for _ in range(iterations):
        offsets = kept - centre
        lengths = np.linalg.norm(offsets, axis=1)
        shares = np.ones(len(kept)) if np.isinf(radius) else radius / np.maximum(lengths, radius)
        centre = centre + shares @ offsets / len(kept)
    return np.asarray(centre)


def _nothing(messages: Array) -> Array:
    return np.full(messages.shape[1], np.nan)
