"""A network from words or a table: a family and its parameters, or a file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import topologies
from decon.errors import OptionError
from decon.spec.grammar import parse
from decon.spec.tables import known, refuse_unknown
from topologies import Topology

__all__ = ["make_topology", "network_table"]


def network_table(entry: Any) -> dict[str, Any]:
    """Return words, or a table with a ``family`` or ``file``, as a table.

    A name of a family, alone or before a colon, is that family; all else is a path, colons and all.

    Raises
    ------
    OptionError
        For what is neither.

    Examples
    --------
    >>> network_table("erdos_renyi:p=0.4")
    {'family': 'erdos_renyi', 'p': 0.4}
    >>> network_table("C:/nets/mine.gml")
    {'file': 'C:/nets/mine.gml'}
    """
    if isinstance(entry, str):
        if entry.partition(":")[0].strip() not in topologies.families() and (
            Path(entry).suffix or os.path.exists(entry) or "/" in entry
        ):
            return {"file": entry}
        name, params = parse(entry)
        return {"family": known(name, topologies.families(), "family"), **params}
    if isinstance(entry, Mapping) and "family" in entry:
        known(entry["family"], topologies.families(), "family")
        return dict(entry)
    if isinstance(entry, Mapping) and isinstance(entry.get("file"), str):
        refuse_unknown(entry, ("file", "weight"), "a topology in a file")
        return dict(entry)
    raise OptionError(f"a topology is a name or a table with a family or a file, not {entry!r}")


def make_topology(entry: Any, n: int, seed: int) -> Topology:
    """Make the family, or read the file, that words or a table name.

    Parameters
    ----------
    entry : str or mapping
    n : int
        Agents, for families that need a number and are given none of their own.
    seed : int
        Given to :func:`topologies.make` as it is.
    """
    table = network_table(entry)
    if "file" in table:
        return topologies.read(**{"path" if key == "file" else key: value for key, value in table.items()})
    params = {key: value for key, value in table.items() if key != "family"}
    size = params.pop("n", None)
    if size is None and topologies.fixed_size(table["family"]) is None:
        size = n
    return topologies.make(table["family"], size, seed=params.pop("seed", seed), **params)


def with_content(table: Mapping[str, Any]) -> dict[str, Any]:
    """Return a table with a hash of the file it names, if it names one."""
    if "file" not in table:
        return dict(table)
    try:
        return {**table, "content": _digest(table["file"], Path(table["file"]).stat().st_mtime_ns)}
    except OSError as error:
        raise OptionError(f"cannot read {table['file']}: {error.strerror}") from None


@lru_cache(maxsize=256)
def _digest(path: str, changed: int) -> str:
    return sha256(Path(path).read_bytes()).hexdigest()
