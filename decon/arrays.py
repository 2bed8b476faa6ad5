"""What users bring — lists, tables, masked or sparse arrays — as arrays of real numbers, or refused in one line."""

from __future__ import annotations

import decimal
import numbers
import reprlib
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from decon.errors import CostError, DeconError
from decon.options import Kind, whole

__all__ = ["blocks_of", "checked", "real_array", "whole_number", "whole_numbers"]

_PLAIN = "biuf"
_DENSE = 2**27
"""Entries that a sparse matrix may have when it is written out: a gigabyte."""
_SCALARS = (int, float, complex, str, bytes, np.generic)


def real_array(name: str, value: Any, *, error: type[DeconError] = CostError) -> NDArray[np.float64]:
    """Return ``value`` as an array of doubles, itself if it is one.

    Integers, booleans, single precision, read-only and strided arrays, pandas and polars tables, masked arrays without
    a masked entry, sparse matrices of up to 2²⁷ entries, fractions and decimals are turned into one. Text, dates,
    complex numbers (whatever their imaginary part), missing values, masked entries, records and rows of different
    lengths are refused: none of them is guessed at.

    Parameters
    ----------
    name : str
        Named in the message.
    value : array_like
    error : type of DeconError

    Raises
    ------
    DeconError
        Of the given type; the message has one line with the first value that is no real number, and its place.

    Examples
    --------
    >>> real_array("b", [[1, True], [0.5, 2]])
    array([[1. , 1. ],
           [0.5, 2. ]])
    >>> real_array("y", ["cat", "dog"])
    Traceback (most recent call last):
    decon.errors.CostError: y must be an array of real numbers, not text: 'cat' at [0]
    """
    if type(value) is np.ndarray and value.dtype.kind in _PLAIN:
        return _doubles(value)
    try:
        return _doubles(_numeric(value))
    except _NoNumbers as reason:
        raise error(f"{name} must be an array of real numbers, {reason}") from None


class _NoNumbers(Exception):  # noqa: N818 - never leaves this module
    """Why a value is no array of real numbers; completes "must be an array of real numbers, …"."""


def _doubles(array: NDArray[Any]) -> NDArray[np.float64]:
    with np.errstate(over="ignore"):  # beyond doubles is infinity, which callers refuse by place
        return np.asarray(array, dtype=np.float64)


def _numeric(value: Any) -> NDArray[Any]:
    """Return ``value`` as an array of a numeric type."""
    if sp.issparse(value):
        if value.dtype.kind == "c":
            raise _NoNumbers("not complex ones; give the real part if that is meant")
        if np.prod(value.shape, dtype=float) > _DENSE:
            raise _NoNumbers(f"not a sparse matrix of shape {value.shape}, which is too large to write out")
        return np.asarray(value.toarray())
    if isinstance(value, np.ma.MaskedArray):
        masked = np.argwhere(np.ma.getmaskarray(value))
        if masked.size:
            raise _NoNumbers(f"and the entry at {masked[0].tolist()} is masked")
        return _typed(np.asarray(value.data))
    if isinstance(value, (dict, set, frozenset)):
        raise _NoNumbers(f"not a {type(value).__name__}")
    if hasattr(value, "to_numpy"):
        missing = np.argwhere(value.isna() if hasattr(value, "isna") else False)
        if len(missing):  # which some types of pandas would turn into NaN, others into objects
            raise _NoNumbers(f"and the value at {missing[0].tolist()} is missing")
        return _typed(np.asarray(value.to_numpy()))
    listed = isinstance(value, (list, tuple))
    if listed and any(not isinstance(one, _SCALARS) for one in value):
        value = [one if isinstance(one, _SCALARS) else _inner(one, place) for place, one in enumerate(value)]
    try:
        found = np.asarray(value)
        if listed and found.dtype.kind in "US":  # which makes text of the numbers beside one text
            found = np.asarray(value, dtype=object)
    except (TypeError, ValueError):  # ragged, or what only pretends to be an array
        raise _NoNumbers("the same shape for each agent") from None
    return _typed(found)


def _inner(one: Any, place: int) -> Any:
    """Return an entry of a list, where it needs help; what it says of places starts with its own."""
    if isinstance(one, np.ndarray) and not isinstance(one, np.ma.MaskedArray):
        return one
    if not (sp.issparse(one) or isinstance(one, (list, tuple, np.ma.MaskedArray)) or hasattr(one, "to_numpy")):
        return one
    try:
        return _numeric(one)
    except _NoNumbers as reason:
        raise _NoNumbers(str(reason).replace(" at [", f" at [{place}, ", 1)) from None


def _typed(array: NDArray[Any]) -> NDArray[Any]:
    """Return an array whose type is numeric; entries of objects are looked at one by one."""
    kind = array.dtype.kind
    if kind in _PLAIN:
        return array
    if kind == "c":
        raise _NoNumbers("not complex ones; give the real part if that is meant")
    if kind == "O":
        out = np.empty(array.shape)
        for place in np.ndindex(array.shape):
            out[place] = _entry(array[place], list(place))
        return out
    first = array[(0,) * array.ndim] if array.size else ""
    names = {"U": "text", "S": "bytes", "M": "dates", "m": "spans of time", "V": "records"}
    if not array.size and kind in "US":
        return np.empty(array.shape)
    raise _NoNumbers(f"not {names.get(kind, str(array.dtype))}: {_shown(first)} at {[0] * array.ndim}")


def _entry(entry: Any, place: list[int]) -> float:
    if isinstance(entry, (numbers.Real, decimal.Decimal, np.bool_)):
        try:
            return float(entry)
        except OverflowError:
            return np.inf
    if entry is None or type(entry).__name__ in ("NAType", "NaTType"):
        raise _NoNumbers(f"and the value at {place} is missing")
    if isinstance(entry, (list, tuple, np.ndarray)):
        raise _NoNumbers("the same shape for each agent")
    kind = "text" if isinstance(entry, str) else f"a {type(entry).__name__}"
    raise _NoNumbers(f"not {kind}: {_shown(entry)} at {place}")


def _shown(value: Any) -> str:
    plain = value.item() if isinstance(value, np.generic) and value.dtype.kind in "US" else value
    return " ".join(reprlib.repr(plain).split())


def blocks_of(name: str, value: Any, *, error: type[DeconError] = CostError) -> list[NDArray[np.float64]]:
    """Return one array of doubles an agent, of whatever lengths.

    Parameters
    ----------
    name : str
        Named in the message, with the agent.
    value : array_like, or iterable of array_like
        Agents come first.
    error : type of DeconError

    Raises
    ------
    DeconError
        Of the given type, if ``value`` is no sequence of arrays of real numbers.

    Examples
    --------
    >>> blocks_of("y", [[1, 2], [3]])
    [array([1., 2.]), array([3.])]
    """
    odd = isinstance(value, (str, bytes, dict, set, frozenset)) or sp.issparse(value) or hasattr(value, "columns")
    if odd or not isinstance(value, Iterable) or (isinstance(value, np.ndarray) and not value.ndim):
        raise error(f"{name} must be one array for each agent, not {_described(value)}")
    if isinstance(value, np.ndarray) and not isinstance(value, np.ma.MaskedArray):
        return list(real_array(name, value, error=error)) if value.dtype.kind != "O" else _each(name, value, error)
    return _each(name, value, error)


def _each(name: str, value: Iterable[Any], error: type[DeconError]) -> list[NDArray[np.float64]]:
    return [real_array(f"{name} of agent {agent}", one, error=error) for agent, one in enumerate(value)]


def _described(value: Any) -> str:
    if isinstance(value, (int, float, str, bytes, type(None))):
        return _shown(value)
    return f"a {type(value).__name__}"


def checked(name: str, value: Any, kind: Kind, *, error: type[DeconError] = CostError) -> Any:
    """Return ``value`` if it is of ``kind``.

    Raises
    ------
    DeconError
        Of the given type: one line with name, kind and value.

    Examples
    --------
    >>> from decon.options import NOT_NEGATIVE
    >>> checked("ridge", "5", NOT_NEGATIVE)
    Traceback (most recent call last):
    decon.errors.CostError: ridge must be a finite number of at least 0, not '5'
    """
    if not kind.accepts(value):
        raise error(f"{name} must be {kind.words}, not {_shown(value)}")
    return value


def whole_number(name: str, value: Any, least: int, *, error: type[DeconError] = CostError) -> int:
    """Return a whole number of at least ``least`` as an int; 2.0 and True are none.

    Examples
    --------
    >>> whole_number("classes", np.int64(3), 2)
    3
    """
    return int(checked(name, value, whole(least), error=error))


def whole_numbers(name: str, value: Sequence[int] | Any, *, error: type[DeconError] = CostError) -> NDArray[np.int64]:
    """Return (m,) integers, such as agents by number.

    Raises
    ------
    DeconError
        Of the given type, for anything but a flat sequence of integers.

    Examples
    --------
    >>> whole_numbers("agents", range(3))
    array([0, 1, 2])
    """
    found = np.asarray(value) if not hasattr(value, "to_numpy") else np.asarray(value.to_numpy())
    if found.size == 0:
        found = found.astype(np.int64)
    if found.ndim != 1 or found.dtype.kind not in "iu" or isinstance(value, np.ma.MaskedArray):
        raise error(f"{name} must be a list of whole numbers, not {_shown(value)}")
    return found.astype(np.int64)
