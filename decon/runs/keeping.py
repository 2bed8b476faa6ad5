"""Nested states as arrays and JSON, and back."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import numpy as np

from decon.errors import OptionError

__all__ = ["Stored", "assemble", "dismantle"]


class Stored(NamedTuple):
    """A state as it was read from a file, to be assembled once it is known of which classes it was made."""

    made: Any
    arrays: dict[str, Any]


def dismantle(value: Any, arrays: dict[str, Any]) -> Any:
    """Return JSON that says how ``value`` is made of ``arrays``."""
    if isinstance(value, np.ndarray):
        name = f"a{len(arrays)}"
        arrays[name] = value
        return {"array": name}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        return {"fields": {name: dismantle(part, arrays) for name, part in fields.items()}}
    if isinstance(value, tuple):
        return {"parts": [dismantle(part, arrays) for part in value]}
    if value is None or isinstance(value, (bool, int, float, str)):
        return {"value": value}
    if isinstance(value, np.generic):
        return {"value": value.item()}
    raise OptionError(f"a {type(value).__name__} in the state of a method or screening rule cannot be kept on disk")


def assemble(made: Any, arrays: dict[str, Any], like: Any) -> Any:
    """Return what :func:`dismantle` took apart; classes are those of ``like``."""
    if "array" in made:
        return arrays[made["array"]]
    if "fields" in made:
        if like is None:
            return {name: assemble(part, arrays, None) for name, part in made["fields"].items()}
        return type(like)(**{k: assemble(part, arrays, getattr(like, k)) for k, part in made["fields"].items()})
    if "parts" in made:
        likes = like if isinstance(like, tuple) and len(like) == len(made["parts"]) else [None] * len(made["parts"])
        parts = [assemble(part, arrays, one) for part, one in zip(made["parts"], likes, strict=True)]
        return type(like)(*parts) if hasattr(like, "_fields") else tuple(parts)
    return made["value"]
