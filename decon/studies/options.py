"""The axes of a grid: lists, single values and ranges."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from decon.errors import OptionError
from decon.options import is_number
from decon.spec.tables import refuse_unknown

__all__ = ["expand"]


def expand(value: Any, where: str) -> list[Any]:
    """Return the values of a grid axis: a list as it is, a range written out, a single value as a list of one.

    A range is a table with ``start``, ``stop`` (included) and ``step``, or ``count`` values that are evenly spaced,
    on a logarithmic scale with ``log = true``. A range of integers stays one of integers.

    Raises
    ------
    OptionError
        If the list is empty, holds a value twice, or the range is none.

    Examples
    --------
    >>> expand({"start": 10, "stop": 30, "step": 10}, "n")
    [10, 20, 30]
    >>> expand({"start": 0.01, "stop": 1.0, "count": 3, "log": True}, "penalty")
    [0.01, 0.1, 1.0]
    """
    if isinstance(value, Mapping) and "start" in value:
        value = _range(value, where)
    values = list(value) if isinstance(value, list) else [value]
    if not values:
        raise OptionError(f"{where} is empty")
    seen: set[tuple[type, str]] = set()
    for one in values:
        # tables, too; to compare each with each would take hours for a long range
        mark = (type(one), json.dumps(one, sort_keys=True, default=repr))
        if mark in seen:
            raise OptionError(f"{where} holds {one!r} twice")
        seen.add(mark)
    return values


_MOST = 100_000
"""Values a range may have."""


def _range(table: Mapping[str, Any], where: str) -> list[Any]:
    refuse_unknown(table, ("start", "stop", "step", "count", "log"), where)
    start: Any = table.get("start")
    stop, step, count = table.get("stop"), table.get("step"), table.get("count")
    numbers = [v for v in (start, stop, step, count) if v is not None]
    if stop is None or not all(map(is_number, numbers)):
        raise OptionError(f"{where}: a range needs the numbers start, stop and step or count, not {dict(table)}")
    if (step is None) == (count is None) or (table.get("log") and count is None):
        raise OptionError(f"{where}: a range needs either step or count (log = true needs count), not {dict(table)}")
    if step is not None:
        if not step > 0 or stop < start:
            raise OptionError(f"{where}: no range from {start} to {stop} in steps of {step}")
        if not (stop - start) / step < _MOST:
            raise OptionError(f"{where}: from {start} to {stop} in steps of {step} are more than {_MOST} values")
        steps = int(np.floor((stop - start) / step * (1 + 1e-12)))  # 0.1 * 3 > 0.3 must not lose the last value
        values = [start + i * step for i in range(steps + 1)]
        return [float(f"{v:.12g}") if isinstance(v, float) else v for v in values]  # 0.1 + 2 · 0.1 is 0.3
    if not isinstance(count, int) or not 1 <= count <= _MOST:
        raise OptionError(f"{where}: count must be a positive integer of at most {_MOST}, not {count}")
    if table.get("log") and not (start > 0 and stop > 0):
        raise OptionError(f"{where}: a logarithmic range needs positive ends, not {start} and {stop}")
    spaced = (np.geomspace if table.get("log") else np.linspace)(start, stop, count)
    return [float(f"{v:.12g}") for v in spaced]
