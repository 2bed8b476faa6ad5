"""The grammar of words, "erdos_renyi:p=0.4": a name and its parameters."""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Iterable
from typing import Any

from decon.errors import OptionError

__all__ = ["as_number", "liars_in_words", "nearest", "parse"]


def as_number(text: str | float) -> float | str:
    """Return ``text`` as a float if it reads as one."""
    try:
        return float(text)
    except ValueError:
        return str(text)


def nearest(name: str, known: Iterable[str]) -> str:
    """Return words that suggest the nearest known name, or list them all.

    Examples
    --------
    >>> nearest("Penalti", ["penalty", "seed"]), nearest("x", ["penalty", "seed"])
    ("; did you mean 'penalty'?", '; known: penalty, seed')
    """
    choices = list(known)
    folded = {choice.lower(): choice for choice in choices}
    close = difflib.get_close_matches(name.lower(), folded, n=1, cutoff=0.5)
    if close:
        return f"; did you mean {folded[close[0]]!r}?"
    return f"; known: {', '.join(choices)}" if choices else "; it takes none"


def parse(text: str) -> tuple[str, dict[str, Any]]:
    """Split "name:key=value,key=(1, 2)" into a name and its parameters.

    Raises
    ------
    OptionError
        If a part is not key=value.

    Examples
    --------
    >>> parse("erdos_renyi:n=20,p=0.4")
    ('erdos_renyi', {'n': 20, 'p': 0.4})
    >>> parse("circulant:offsets=(1, 4)")
    ('circulant', {'offsets': (1, 4)})
    """
    name, _, rest = text.partition(":")
    values: dict[str, Any] = {}
    for part in re.split(r",(?![^(\[]*[)\]])", rest) if rest else ():
        key, equals, value = part.partition("=")
        if not equals or not key.strip():
            raise OptionError(f"{text!r}: {part!r} is not key=value")
        try:
            values[key.strip()] = ast.literal_eval(value.strip())
        except (ValueError, SyntaxError):
            number = as_number(value.strip())  # inf and nan are no Python literals
            values[key.strip()] = number
    return name.strip(), values


def liars_in_words(text: str) -> int | float | list[int | str]:
    """Return who falsifies: "3" is a count, "0.2" a share, "[4]", "4, 7" or "ann, bob" the agents themselves.

    Examples
    --------
    >>> liars_in_words("3"), liars_in_words("0.2"), liars_in_words("4,7"), liars_in_words("[4]"), liars_in_words("ann")
    (3, 0.2, [4, 7], [4], ['ann'])
    """
    bare = text.strip()
    number = as_number(bare)
    if isinstance(number, float):
        return int(number) if bare.lstrip("+-").isdigit() else number
    parts = [part.strip() for part in bare.removeprefix("[").removesuffix("]").split(",") if part.strip()]
    return [int(part) if part.lstrip("+-").isdigit() else part.strip("\"'") for part in parts]
