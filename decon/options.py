"""What an option may be, said once beside its field and checked when its owner is made."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Callable
from dataclasses import field, fields
from typing import Any, NamedTuple

import numpy as np

from decon.errors import OptionError

__all__ = [
    "FLAG",
    "NEGATIVE",
    "NOT_NEGATIVE",
    "NUMBER",
    "POSITIVE",
    "Kind",
    "check_options",
    "is_number",
    "option",
    "or_none",
    "require_instance",
    "whole",
]


_WHOLE = (int, np.integer)
_REAL = (*_WHOLE, float, np.floating)


class Kind(NamedTuple):
    """What an option may be.

    Attributes
    ----------
    words : str
        For messages: "a positive number".
    accepts : callable
        Whether a value is one; never raises.
    """

    words: str
    accepts: Callable[[Any], bool]


def is_number(value: Any) -> bool:
    """Whether ``value`` is a finite real number that fits a double; True and False are none.

    Examples
    --------
    >>> is_number(1e300), is_number(float("nan")), is_number(10**400), is_number(True), is_number("1")
    (True, False, False, False, False)
    """
    try:
        return isinstance(value, _REAL) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:  # an integer beyond doubles
        return False


NUMBER = Kind("a finite number", is_number)
NOT_NEGATIVE = Kind("a finite number of at least 0", lambda value: is_number(value) and value >= 0)
POSITIVE = Kind("a positive finite number", lambda value: is_number(value) and value > 0)
NEGATIVE = Kind("a negative finite number", lambda value: is_number(value) and value < 0)
FLAG = Kind("True or False", lambda value: isinstance(value, (bool, np.bool_)))


def whole(least: int) -> Kind:
    """Return the kind of the integers from ``least`` on."""
    return Kind(
        f"a whole number of at least {least}",
        lambda value: isinstance(value, _WHOLE) and is_number(value) and int(value) >= least,
    )


def or_none(kind: Kind) -> Kind:
    """Return the kind that allows None besides."""
    return Kind(f"{kind.words} or None", lambda value: value is None or kind.accepts(value))


def option(kind: Kind, default: Any) -> Any:
    """Return a dataclass field whose values are of ``kind``."""
    return field(default=default, metadata={"kind": kind})


def check_options(owner: Any) -> None:
    """Refuse a frozen dataclass one of whose options is not of its kind; to be called when it is made.

    Raises
    ------
    OptionError
        One line that names the option, what it may be, and the value.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Noise:
    ...     std: float = option(NOT_NEGATIVE, 1.0)
    ...     __post_init__ = check_options
    >>> Noise(-1)
    Traceback (most recent call last):
    decon.errors.OptionError: Noise: std must be a finite number of at least 0, not -1
    """
    for entry in fields(owner):
        kind, value = entry.metadata.get("kind"), getattr(owner, entry.name)
        if kind is not None and not kind.accepts(value):
            shown = " ".join(reprlib.repr(value).split())
            raise OptionError(f"{type(owner).__name__}: {entry.name} must be {kind.words}, not {shown}")


def require_instance(name: str, value: object, kind: type, where: str) -> None:
    """Refuse an argument of another type.

    Raises
    ------
    OptionError
        Naming the argument, where its type is to be found, and what came instead.

    Examples
    --------
    >>> require_instance("topo", 3, str, "builtins")
    Traceback (most recent call last):
    decon.errors.OptionError: topo must be a builtins.str, not int
    """
    if not isinstance(value, kind):
        raise OptionError(f"{name} must be a {where}.{kind.__name__}, not {type(value).__name__}")
