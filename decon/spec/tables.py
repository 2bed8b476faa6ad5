"""Checked reading of tables: unknown keys and wrong values are refused with the nearest known one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from decon.errors import OptionError
from decon.options import Kind
from decon.spec.grammar import nearest

__all__ = ["known", "refuse_unknown", "refuse_wrong"]


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
            raise OptionError(f"{where} has no key {key!r}{nearest(key, choices)}")


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
        raise OptionError(f"unknown {what} {name!r}{nearest(str(name), names)}")
    return name
