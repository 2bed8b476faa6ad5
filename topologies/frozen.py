"""Read-only arrays that stay read-only: pickling and copying forget the flag that NumPy keeps beside an array."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
import scipy.sparse as sp

__all__ = ["Frozen", "freeze"]

_Owned = TypeVar("_Owned")
_KEY = "read-only arrays"  # no attribute's name, so that a subclass may keep what it likes
_PARTS = ("data", "indices", "indptr", "row", "col", "offsets")  # of sparse matrices


def freeze(value: _Owned) -> _Owned:
    """Return an array, or a sparse matrix, that can no longer be written to; anything else as it is.

    Examples
    --------
    >>> freeze(np.zeros(2)).flags.writeable
    False
    """
    for array in _arrays(value):
        array.flags.writeable = False
    return value


def _arrays(value: Any) -> list[np.ndarray[Any, Any]]:
    parts = [getattr(value, name, None) for name in _PARTS] if sp.issparse(value) else [value]
    return [part for part in parts if isinstance(part, np.ndarray)]


class Frozen:
    """Base of objects some of whose arrays are read-only: their pickled, copied and deep-copied selves' are, too.

    Examples
    --------
    >>> import copy
    >>> class Data(Frozen):
    ...     def __init__(self):
    ...         self.kept, self.scratch = freeze(np.zeros(2)), np.zeros(2)
    >>> twin = copy.deepcopy(Data())
    >>> twin.kept.flags.writeable, twin.scratch.flags.writeable
    (False, True)
    """

    def __getstate__(self) -> dict[str, Any]:
        """Return the attributes, and which of them are read-only."""
        state = dict(vars(self))
        state[_KEY] = [
            name
            for name, value in vars(self).items()
            if (arrays := _arrays(value)) and not any(array.flags.writeable for array in arrays)
        ]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take the attributes, and freeze those that were read-only."""
        names = state.get(_KEY, ())
        vars(self).update((name, value) for name, value in state.items() if name != _KEY)
        for name in names:
            freeze(vars(self).get(name))
