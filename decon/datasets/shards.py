"""Costs in files, a block of agents each, so that a rank reads only what holds its own agents."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from decon import costs as kinds
from decon.costs import Costs
from decon.costs.base import Array
from decon.errors import DataError

__all__ = ["Shards", "save_shards"]


def save_shards(
    folder: str | Path, block: int, arrays: dict[str, Array], *, kind: str = "Quadratic", first: int = 0, **options: Any
) -> Path:
    """Write one shard: the data of ``block`` agents at most, the first of them number ``first``.

    Shards can be written one after the other, by one process or many, and no process needs more than its own.

    Parameters
    ----------
    folder : path
    block : int
        Agents a shard; the same for all shards of a folder, and ``first`` is a multiple of it.
    arrays : dict of str to (m, …) ndarray
        What the cost is made from: ``H`` and ``b`` of a Quadratic, ``A`` and ``y`` of LeastSquares, and so on.
    kind : str
        Class in :mod:`decon.costs`.
    **options
        Further options of the class, such as ``ridge``; the same for all shards.

    Raises
    ------
    DataError
        If the sizes do not fit together.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.mkdtemp()
    >>> for first in (0, 2):
    ...     shard = save_shards(folder, 2, {"H": np.ones((2, 1, 1)), "b": np.full((2, 1), first)}, first=first)
    >>> Shards(folder)(np.array([1, 2])).b.ravel()
    array([0., 2.])
    """
    sizes = {name: len(array) for name, array in arrays.items()}
    if len(set(sizes.values())) != 1 or not 1 <= min(sizes.values()) <= block or first % block:
        raise DataError(f"no shard: arrays for {sizes} agents, block = {block}, first = {first}")
    _cost_class(kind)
    base = Path(folder)
    base.mkdir(parents=True, exist_ok=True)
    description = json.dumps({"format": 1, "kind": kind, "block": block, "options": options}, sort_keys=True)
    draft = base / f".partial-{first}.npz"
    np.savez(draft, allow_pickle=False, description=np.array(description), **arrays)
    return draft.replace(base / f"agents-{first:012d}.npz")


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
        with np.load(first, allow_pickle=False) as stored:
            self._description = json.loads(str(stored["description"]))

    def __call__(self, agents: NDArray[np.int64]) -> Costs:
        """Return the costs of ``agents``, in that order.

        Raises
        ------
        DataError
            If a shard is missing, too short, or of another kind than the first.
        """
        block = self._description["block"]
        wanted = np.asarray(agents, dtype=np.int64)
        parts: dict[str, Array] = {}
        for number in np.unique(wanted // block):
            file = self.folder / f"agents-{number * block:012d}.npz"
            rows = np.flatnonzero(wanted // block == number)
            try:
                with np.load(file, allow_pickle=False) as stored:
                    if json.loads(str(stored["description"])) != self._description:
                        raise DataError(f"{file} is of another kind than the first shard of its folder")
                    for name in set(stored.files) - {"description"}:
                        found = stored[name][wanted[rows] - number * block]
                        whole = parts.setdefault(name, np.empty((len(wanted), *found.shape[1:])))
                        whole[rows] = found
            except FileNotFoundError:
                raise DataError(f"agent {wanted[rows[0]]} should be in {file}, which does not exist") from None
            except IndexError:
                raise DataError(f"{file} holds fewer agents than are asked of it") from None
        made: Costs = _cost_class(self._description["kind"])(**parts, **self._description["options"])
        return made


def _cost_class(kind: str) -> Any:
    found = getattr(kinds, kind, None)
    if kind not in kinds.__all__ or not isinstance(found, type) or not issubclass(found, Costs) or found is Costs:
        raise DataError(f"{kind!r} is no class of decon.costs")
    return found
