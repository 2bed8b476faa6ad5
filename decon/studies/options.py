"""Checked reading of tables: unknown keys are refused with the nearest known one, objects are built by name."""

from __future__ import annotations

import dataclasses
import difflib
import json
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from decon.errors import OptionError
from decon.options import Kind

__all__ = ["build", "expand", "known", "normal", "refuse_unknown", "refuse_wrong"]


def refuse_unknown(given: Iterable[str], allowed: Iterable[str], where: str) -> None:
    """Raise unless every key is allowed.

    Raises
    ------
    OptionError
        Naming the first unknown key and the allowed one nearest to it.

    Examples
    --------
    >>> refuse_unknown(["penalti"], ["penalty", "seed"], "[grid]")
    Traceback (most recent call last):
    decon.errors.OptionError: [grid] has no key 'penalti'; did you mean 'penalty'?
    """
    choices = list(allowed)
    for key in given:
        if key not in choices:
            raise OptionError(f"{where} has no key {key!r}; {_hint(key, choices)}")


def refuse_wrong(table: Mapping[str, Any], kinds: Mapping[str, Kind], where: str) -> None:
    """Raise unless every value is of the kind that its key asks for.

    Raises
    ------
    OptionError
        Naming the first that is not.

    Examples
    --------
    >>> from decon.options import POSITIVE
    >>> refuse_wrong({"alpha": "much"}, {"alpha": POSITIVE}, "[problem]")
    Traceback (most recent call last):
    decon.errors.OptionError: [problem] alpha must be a positive finite number, not 'much'
    """
    for key, kind in kinds.items():
        if key in table and not kind.accepts(table[key]):
            raise OptionError(f"{where} {key} must be {kind.words}, not {table[key]!r}")


def known(name: Any, choices: Iterable[str], what: str) -> str:
    """Return ``name`` if it is one of ``choices``.

    Raises
    ------
    OptionError
        Naming it and the nearest choice.
    """
    names = list(choices)
    if not isinstance(name, str) or name not in names:
        raise OptionError(f"unknown {what} {name!r}; {_hint(str(name), names)}")
    return name


def _hint(key: str, choices: list[str]) -> str:
    folded = {choice.lower(): choice for choice in choices}
    near = difflib.get_close_matches(key.lower(), folded, n=1, cutoff=0.5)
    return f"did you mean {folded[near[0]]!r}?" if near else f"known are {', '.join(choices)}"


def normal(entry: Any, registry: Mapping[str, type], what: str) -> dict[str, Any]:
    """Return a name, or a table with a ``kind``, as a full table of options: the form that is hashed and built.

    Every option is written out, defaults too, so that a default that changes with a release changes the hash.
    """
    table = {"kind": entry} if isinstance(entry, str) else entry
    if not isinstance(table, Mapping) or "kind" not in table:
        raise OptionError(f"a {what} is a name or a table with a kind, not {entry!r}")
    kind = known(table["kind"], registry, what)
    fields = {field.name: field for field in dataclasses.fields(registry[kind])}
    refuse_unknown((key for key in table if key != "kind"), fields, f"{what} {kind}")
    full: dict[str, Any] = {"kind": kind}
    for name, field in fields.items():
        if name in table:
            value = table[name]
            full[name] = normal(value, registry, what) if isinstance(value, Mapping) and "kind" in value else value
        elif field.default is not dataclasses.MISSING:
            full[name] = field.default
        elif field.default_factory is not dataclasses.MISSING:
            full[name] = field.default_factory()
        else:
            raise OptionError(f"{what} {kind} needs {name}")
    return full


def build(table: Mapping[str, Any], registry: Mapping[str, type]) -> Any:
    """Return the object that a table made by :func:`normal` stands for.

    Examples
    --------
    >>> import decon.attacks
    >>> names = {"Gaussian": decon.attacks.Gaussian}
    >>> build(normal({"kind": "Gaussian", "std": 2.0}, names, "attack"), names)
    Gaussian(mean=0.0, std=2.0, replace=False)
    """
    options = {
        name: build(value, registry) if isinstance(value, Mapping) and "kind" in value else _frozen(value)
        for name, value in table.items()
        if name != "kind"
    }
    try:
        return registry[table["kind"]](**options)
    except TypeError as error:
        raise OptionError(f"{table['kind']} cannot take these options: {error}") from None


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


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
    if stop is None or not all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in numbers):
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
