"""Edge lists: one line an edge, as people and networkx write them."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from topologies.errors import TopologyError
from topologies.formats.draft import Draft, text_of
from topologies.topology import Topology

__all__ = ["read_edges", "write_edges"]

_HEADER = "# agents: "  # of an edge list whose labels are not simply 0 … n-1
_BLANK = re.compile(r"[ \t]+")
_TABLE = re.compile(r"[ \t]\{")
_OPENING = re.compile(r"(?:^| )\{")
_COMMENT = re.compile(r"(?:^|(?<=[ \t]))#.*", re.DOTALL)
_NUMPY = re.compile(r"\bnp\.(?:float|int|uint)[0-9]+\(([^()]*)\)")  # as NumPy 2 shows its numbers


def read_edges(path: Path, weight: str) -> Topology:
    """Read an edge list; ``weight`` is the attribute of networkx's tables that counts."""
    draft = Draft()
    labels: list[int | str] | None = None
    found, mixed, tabbed = weight == "weight", 0, True
    last = 0
    for number, line in _lines(text_of(path)):
        if number == 1:
            labels = _agents(line)
        row = _edge(line, number, weight)
        if row is None:
            continue
        last = number
        u, v, value, named, blanks = row
        draft.edge(u, v, value, number)
        found |= named
        tabbed &= blanks is not None
        mixed = mixed or (number if blanks else 0)
    if not last:
        raise TopologyError("no edges")
    if not found:
        raise TopologyError(f"no edge has an attribute {weight!r}")
    if mixed and not tabbed:
        raise TopologyError(f"line {mixed} is split at its tab, and its names hold blanks; other lines have no tab")
    draft.declare_ends(None if labels is None else [str(label) for label in labels], labels or [])
    return draft.topology(path.stem)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield lines by number, ended by whatever system wrote them; only line ends split, U+2028 and others do not."""
    ends = "\r" if "\r" in text and "\n" not in text else "\n"
    for number, line in enumerate(text.split(ends), start=1):
        bare = line.removesuffix("\r") if ends == "\n" else line
        if "\r" in bare:
            raise TopologyError(f"line {number}: a carriage return inside a line")
        yield number, bare


def _agents(line: str) -> list[int | str] | None:
    """Return the labels that our own first line lists; a comment that only looks like it is a comment."""
    if not line.startswith(_HEADER):
        return None
    try:
        found = json.loads(line[len(_HEADER) :])
    except (ValueError, RecursionError):
        return None
    good = isinstance(found, list) and all(isinstance(x, (int, str)) and not isinstance(x, bool) for x in found)
    return found if good else None


def _edge(line: str, number: int, name: str) -> tuple[str, str, Any, bool, bool | None] | None:
    """Return the edge of a line "u v", "u v weight" or "u v {'weight': 2.0}"; None where it has none.

    ``#`` starts a comment at the start of the line or after a blank. Besides ends and weight: whether the attribute
    ``name`` was there, and whether a line split at tabs has blanks within its names (None where it has no tab).
    """
    opening = None if line.lstrip(" \t").startswith("#") else _TABLE.search(line)
    comment = _COMMENT.search(line)
    table: Any = None
    if opening and not (comment and comment.start() < opening.start()):
        table = _table(line[opening.start() + 1 :], number)
        bare = line[: opening.start() + 1]
    else:
        bare = line if comment is None else line[: comment.start()].rstrip(" \t")
    if table is None and not bare.strip(" \t"):
        return None
    tabbed = "\t" in bare
    fields = [part.strip(" ") for part in bare.split("\t")] if tabbed else _BLANK.split(bare.strip(" "))
    while len(fields) > 2 and not fields[-1]:
        fields.pop()  # empty last columns
    if len(fields) not in ((2,) if table is not None else (2, 3)) or not all(fields):
        raise TopologyError(f"line {number} has {len(fields)} fields; 'u v' or 'u v weight' is needed")
    if tabbed and table is not None and not bare.rstrip(" ").endswith("\t"):
        raise TopologyError(f"line {number} is split at tabs and at blanks")
    blanks = any(" " in part for part in fields) if tabbed else None
    if table is None:
        return fields[0], fields[1], fields[2] if len(fields) == 3 else None, False, blanks
    return fields[0], fields[1], table.get(name), name in table, blanks


def _table(text: str, number: int) -> dict[Any, Any]:
    """Return the table of attributes that a line ends with, or that a comment follows."""
    for cut in (text, _COMMENT.sub("", text)):
        try:
            table = ast.literal_eval(_NUMPY.sub(r"\1", cut.strip()))
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            continue
        if isinstance(table, dict):
            return table
    raise TopologyError(f"line {number}: {text.strip()[:60]!r} gives no weight")


def write_edges(topo: Topology, labels: list[int | str], path: Path) -> None:
    """Write an edge list that :func:`read_edges` gives back."""
    texts = [str(label) for label in labels]
    for text in texts:
        spaced = text != text.strip(" ") or set(text) & set("\t\r\n")
        if not text or spaced or _COMMENT.search(text) or _OPENING.search(text):
            raise TopologyError(f"an edge list cannot hold the label {text!r}")
    lines = [] if labels == list(range(topo.n)) else [_HEADER + json.dumps(labels)]
    lines += [
        f"{texts[u]}\t{texts[v]}\t{w!r}" for (u, v), w in zip(topo.edges.tolist(), topo.weights.tolist(), strict=True)
    ]
    path.write_bytes("".join(f"{line}\n" for line in lines).encode())
