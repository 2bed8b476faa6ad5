"""What decides a result, as a hash of its content: never of names, sizes or addresses alone."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import types
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import scipy.sparse as sp

__all__ = ["content_hash"]

_Update = Callable[[bytes], None]
_KEEPERS = (functools.cached_property,)


class _Unhashable(Exception):  # noqa: N818 - never leaves this module
    """Something whose content cannot be read; says what."""


def content_hash(value: Any) -> tuple[str | None, str]:
    """Return a hash of all that ``value`` is made of, and what stands against one.

    Arrays (with dtype and shape), sparse matrices, numbers, text, None, tuples, lists, sets, dicts, dataclasses,
    functions and classes of modules, :func:`functools.partial`, CVXPY expressions (their atoms and the values of their
    constants and parameters), random generators, and any other object by its ``__dict__``, less what a
    :func:`functools.cached_property` or the class's ``_CACHED`` only keeps. A lambda or a closure has no content that
    can be read.

    Returns
    -------
    (str or None, str)
        64 hex digits and "", or None and what cannot be hashed.

    Examples
    --------
    >>> content_hash((np.arange(3), "a"))[0] == content_hash((np.arange(3), "a"))[0]
    True
    >>> content_hash(np.arange(3))[0] == content_hash(np.arange(3.0))[0]
    False
    >>> content_hash({"sigma": lambda k: k})
    (None, 'the function <lambda>')
    """
    digest = hashlib.sha256()
    try:
        _feed(digest.update, value, [])
    except _Unhashable as error:
        return None, str(error)
    return digest.hexdigest(), ""


def _feed(update: _Update, value: Any, inside: list[int]) -> None:
    """Feed ``value`` into a hash; ``inside`` holds what it is part of, so that circles end."""
    if id(value) in inside:
        update(f"circle {inside.index(id(value))}".encode())
        return
    update(f"{type(value).__module__}.{type(value).__qualname__}:".encode())
    deeper = [*inside, id(value)]
    if value is None or isinstance(value, (bool, int, float, complex, str, bytes, np.generic)):
        update(repr(value).encode())
    elif isinstance(value, np.ndarray):
        _array(update, value, deeper)
    elif sp.issparse(value):
        whole = value.tocsr()
        update(repr(whole.shape).encode())
        for part in (whole.data, whole.indices, whole.indptr):
            _array(update, part, deeper)
    elif isinstance(value, (tuple, list, set, frozenset, Mapping)):
        _collection(update, value, deeper)
    elif isinstance(value, (types.FunctionType, types.BuiltinFunctionType, types.MethodType, type, functools.partial)):
        _callable(update, value, deeper)
    else:
        _object(update, value, deeper)


def _array(update: _Update, value: np.ndarray[Any, Any], inside: list[int]) -> None:
    update(f"{value.dtype.str}{value.shape}".encode())
    if value.dtype.hasobject:
        for entry in value.ravel():
            _feed(update, entry, inside)
    else:
        update(np.ascontiguousarray(value).tobytes())


def _collection(update: _Update, value: Any, inside: list[int]) -> None:
    update(str(len(value)).encode())
    if isinstance(value, Mapping):
        for key in sorted(value, key=repr):
            _feed(update, key, inside)
            _feed(update, value[key], inside)
        return
    for entry in sorted(value, key=repr) if isinstance(value, (set, frozenset)) else value:
        _feed(update, entry, inside)


def _callable(update: _Update, value: Any, inside: list[int]) -> None:
    """Feed a function by its name, if the name tells all of it."""
    if isinstance(value, functools.partial):
        for part in (value.func, value.args, value.keywords):
            _feed(update, part, inside)
    elif isinstance(value, types.MethodType):
        update(value.__name__.encode())
        _feed(update, value.__self__, inside)
    elif "<" in value.__qualname__ or getattr(value, "__closure__", None):
        raise _Unhashable(f"the function {value.__qualname__.rpartition('.')[2]}")
    else:
        update(f"{value.__module__}.{value.__qualname__}".encode())
        if isinstance(value, types.FunctionType):  # changed under the same name, it is another
            update(value.__code__.co_code)
            _feed(update, tuple(c for c in value.__code__.co_consts if not isinstance(c, types.CodeType)), inside)


def _object(update: _Update, value: Any, inside: list[int]) -> None:
    if type(value).__module__.startswith("cvxpy."):
        _expression(update, value, inside)
    elif isinstance(value, np.random.Generator):
        _feed(update, value.bit_generator.state, inside)
    elif dataclasses.is_dataclass(value):
        _feed(update, {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}, inside)
    elif hasattr(value, "__dict__") and not isinstance(value, types.GeneratorType):
        kept = {name for kind in type(value).__mro__ for name, own in vars(kind).items() if isinstance(own, _KEEPERS)}
        kept.update(getattr(type(value), "_CACHED", ()))
        _feed(update, {name: part for name, part in vars(value).items() if name not in kept}, inside)
    else:
        raise _Unhashable(f"a {type(value).__name__}")


def _expression(update: _Update, value: Any, inside: list[int]) -> None:
    """Feed a CVXPY object: the tree by class and data, leaves by value; variables by shape and place, as ids differ."""
    seen: dict[int, int] = {}

    def walk(node: Any) -> None:
        update(f"{type(node).__name__}{getattr(node, 'shape', ())}".encode())
        parts = getattr(node, "args", [])
        if not parts:
            update(str(seen.setdefault(id(node), len(seen))).encode())
            attributes = {k: v for k, v in getattr(node, "attributes", {}).items() if v}
            _feed(update, repr(sorted(attributes, key=repr)), inside)
            if not node.variables():
                found = node.value
                _feed(update, found if sp.issparse(found) or found is None else np.asarray(found), inside)
            return
        if hasattr(node, "get_data"):
            _feed(update, repr(node.get_data()), inside)
        for part in parts:
            walk(part)

    walk(value)
