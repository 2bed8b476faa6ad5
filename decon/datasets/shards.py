"""Costs in files, a block of agents each, so that a rank reads only what holds its own agents."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from decon import costs as kinds
from decon.arrays import blocks_of, whole_number, whole_numbers
from decon.costs import Costs
from decon.errors import DataError, DeconError
from decon.files import write_whole
from topologies.formats.matrices import load_arrays

__all__ = ["Shards", "save_shards"]

_DESCRIPTION, _ROWS = "description", " rows"
"""Names beside the arrays' own: what the costs are, and how many rows of a ragged array each agent has."""


def save_shards(
    folder: str | Path,
    block: int,
    arrays: Mapping[str, ArrayLike],
    *,
    kind: str = "Quadratic",
    first: int = 0,
    **options: Any,
) -> Path:
    """Write one shard: the data of ``block`` agents at most, the first of them number ``first``.

    Shards can be written one after the other, by one process or many, and no process needs more than its own.

    Parameters
    ----------
    folder : path
    block : int
        Agents a shard; the same for all shards of a folder, and ``first`` is a multiple of it.
    arrays : dict of str to (m, …) array_like or sequence of m array_like
        What the cost is made from: ``H`` and ``b`` of a Quadratic, ``A`` and ``y`` of LeastSquares, and so on. Agents
        may have different numbers of rows.
    kind : str
        Class in :mod:`decon.costs`.
    **options
        Further options of the class, such as ``ridge``; the same for all shards.

    Raises
    ------
    DataError
        If the sizes do not fit together, or something is no array of real numbers.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.mkdtemp()
    >>> for first in (0, 2):
    ...     shard = save_shards(folder, 2, {"H": np.ones((2, 1, 1)), "b": np.full((2, 1), first)}, first=first)
    >>> Shards(folder)(np.array([1, 2])).b.ravel()
    array([0., 2.])
    """
    block, first = whole_number("block", block, 1, error=DataError), whole_number("first", first, 0, error=DataError)
    parts = {name: _parts(name, given) for name, given in arrays.items()}
    sizes = {name: len(part) for name, part in parts.items()}
    if len(set(sizes.values())) != 1 or not 1 <= min(sizes.values()) <= block or first % block:
        raise DataError(f"no shard: arrays for {sizes} agents, block = {block}, first = {first}")
    _cost_class(kind)
    stored: dict[str, NDArray[Any]] = {}
    for name, part in parts.items():
        stored |= _stacked(name, part)
    try:
        description = json.dumps({"format": 1, "kind": kind, "block": block, "options": options}, sort_keys=True)
    except (TypeError, ValueError) as error:
        raise DataError(f"the options of a shard must be what JSON can hold: {error}") from None
    base = Path(folder)
    base.mkdir(parents=True, exist_ok=True)
    place = base / f"agents-{first:012d}.npz"
    stored[_DESCRIPTION] = np.array(description)
    write_whole(place, lambda file: np.savez(file, allow_pickle=False, **stored), durable=False)
    return place


def _parts(name: str, given: Any) -> Any:
    """Return agents' arrays: as they are if they are one plain array already."""
    plain = isinstance(given, np.ndarray) and not isinstance(given, np.ma.MaskedArray) and given.dtype.kind in "biuf"
    return given if plain and given.ndim else blocks_of(name, given, error=DataError)


def _stacked(name: str, parts: Any) -> dict[str, NDArray[Any]]:
    """Return agents' arrays as one, and their numbers of rows if these differ."""
    if isinstance(parts, np.ndarray):
        return {name: parts}
    shapes = list(dict.fromkeys(part.shape for part in parts))
    if len(shapes) == 1:
        return {name: np.stack(parts)}
    if len({shape[1:] for shape in shapes}) != 1 or () in shapes:
        raise DataError(f"no shard: the agents' {name} have the shapes {', '.join(map(str, shapes[:9]))}")
    return {name: np.concatenate(parts), name + _ROWS: np.array([len(part) for part in parts], dtype=np.int64)}


class Shards:
    """Costs by agent number, read from the shards of a folder: what ``decon.solve(…, engine="mpi")`` takes as costs.

    Parameters
    ----------
    folder : path

    Raises
    ------
    DataError
        If there is no shard there.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        first = next(iter(sorted(self.folder.glob("agents-*.npz"))), None)
        if first is None:
            raise DataError(f"no shard agents-*.npz in {self.folder}")
        self._description, _ = _read(first)

    def __call__(self, agents: NDArray[np.int64]) -> Costs:
        """Return the costs of ``agents``, in that order.

        Raises
        ------
        DataError
            If a shard is missing, damaged, too short, or of another kind than the first.
        """
        block = self._description["block"]
        wanted = whole_numbers("agents", agents, error=DataError)
        found: list[tuple[NDArray[np.intp], dict[str, Any]]] = []
        for number in np.unique(wanted // block):
            file = self.folder / f"agents-{number * block:012d}.npz"
            rows = np.flatnonzero(wanted // block == number)
            try:
                described, held = _read(file)
            except FileNotFoundError:
                raise DataError(f"agent {wanted[rows[0]]} should be in {file}, which does not exist") from None
            if described != self._description or (found and set(held) != set(found[0][1])):
                raise DataError(f"{file} is of another kind than the first shard of its folder")
            places = wanted[rows] - number * block
            if any(places.max() >= len(part) for part in held.values()):
                raise DataError(f"{file} holds fewer agents than are asked of it")
            taken = {
                name: part[places] if isinstance(part, np.ndarray) else [part[place] for place in places]
                for name, part in held.items()
            }
            found.append((rows, taken))
        return self._made(len(wanted), found)

    def _made(self, count: int, found: list[tuple[NDArray[np.intp], dict[str, Any]]]) -> Costs:
        """Return the costs of what the shards hold, a block of rows each."""
        arrays: dict[str, Any] = {}
        for name in found[0][1] if found else ():
            shapes = {one.shape for _, taken in found for one in taken[name]}
            whole: Any = np.empty((count, *shapes.pop())) if len(shapes) == 1 else [None] * count
            for rows, taken in found:
                if isinstance(whole, np.ndarray):
                    whole[rows] = taken[name]
                else:
                    for row, one in zip(rows.tolist(), taken[name], strict=True):
                        whole[row] = one
            arrays[name] = whole
        try:
            made: Costs = _cost_class(self._description["kind"])(**arrays, **self._description["options"])
        except DeconError as error:
            raise DataError(f"{self.folder}: {error}") from None
        except TypeError as error:  # arrays or options that the class does not have
            raise DataError(f"{self.folder} holds no {self._description['kind']}: {error}") from None
        return made


def _read(file: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what a shard says of its costs, and the arrays of its agents, one after the other."""
    try:
        stored = load_arrays(file)
        described = json.loads(str(stored.pop(_DESCRIPTION)))
        if described["format"] != 1 or set(described) != {"format", "kind", "block", "options"}:
            raise ValueError(f"format {described['format']!r} of a shard, where 1 is read")
        whole_number("block", described["block"], 1)
        _cost_class(described["kind"])
        if not isinstance(described["options"], dict):
            raise ValueError("options that are no table")
        held = {name: _apart(name, stored) for name in stored if not name.endswith(_ROWS)}
    except FileNotFoundError:
        raise
    except (KeyError, OSError, RecursionError, TypeError, ValueError) as error:
        reason = f"no {error}" if isinstance(error, KeyError) else error
        raise DataError(f"{file} is no shard of decon's: {reason}") from None
    return described, held


def _apart(name: str, stored: Mapping[str, NDArray[Any]]) -> Any:
    """Return an array as agents' parts; the numbers of rows are there if they differ."""
    whole, rows = stored[name], stored.get(name + _ROWS)
    if whole.ndim == 0 or whole.dtype.kind not in "biuf":
        raise ValueError(f"{name} is an array of {whole.dtype} {whole.shape}")
    if rows is None:
        return whole
    if rows.ndim != 1 or rows.dtype.kind not in "iu" or (rows < 0).any() or rows.sum() != len(whole):
        raise ValueError(f"{name} has {len(whole)} rows, and its agents another number")
    return np.split(whole, np.cumsum(rows)[:-1])


def _cost_class(kind: str) -> Any:
    found = getattr(kinds, kind, None)
    if kind not in kinds.__all__ or not isinstance(found, type) or not issubclass(found, Costs) or found is Costs:
        raise DataError(f"{kind!r} is no class of decon.costs")
    return found
