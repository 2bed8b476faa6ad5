"""Edges in a table, comma-separated or otherwise: spreadsheets, Gephi, pandas and networkx write them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from topologies.errors import TopologyError
from topologies.formats.draft import Draft, number_of, text_of
from topologies.topology import Topology

__all__ = ["read_csv"]

_ENDS = (
    ("source", "target"),
    ("from", "to"),
    ("src", "dst"),
    ("src", "dest"),
    ("u", "v"),
    ("i", "j"),
    ("node1", "node2"),
    ("nodea", "nodeb"),
    ("sourceid", "targetid"),
    ("fromnode", "tonode"),
    ("fromnodeid", "tonodeid"),
)
"""Names of the two columns of ends, without case, blanks and signs."""

_Row = tuple[int, list[str]]


class _Columns(NamedTuple):
    u: int
    v: int
    weight: int | None
    type: int | None


def read_csv(path: Path, weight: str) -> Topology:
    """Read a table of edges, with a header that names its columns or with two or three columns and none."""
    rows = _rows(text_of(path), "\t" if path.suffix.lower() == ".tsv" else None)
    if not rows:
        raise TopologyError("no edges")
    columns, body, draft = _header(rows, weight), rows[1:], Draft()
    if columns is None:
        columns, body = _bare(rows, weight), [(line, row + [""] * (len(row) == 2)) for line, row in rows]
        width = 3
    else:
        width = len(rows[0][1])
    for line, row in body:
        if len(row) != width:
            raise draft.refuse(f"{len(row)} columns, where {width} are expected", line)
        u, v = row[columns.u], row[columns.v]
        if not u or not v:
            raise draft.refuse(f"an end of the edge {u!r} - {v!r} is empty", line)
        if columns.type is not None and row[columns.type].casefold() in ("directed", "mutual"):
            raise draft.refuse(f"edge {u!r} - {v!r} is directed; the graph must be undirected and simple", line)
        value = row[columns.weight] if columns.weight is not None else ""
        draft.edge(u, v, value or None, line)
    draft.declare_ends(None, [])
    return draft.topology(path.stem)


def _rows(text: str, delimiter: str | None) -> list[_Row]:
    """Return the rows that are not empty, by line, without blanks around their fields and empty last columns."""
    start = 0
    told = re.match(r"sep=(.)\r?\n", text)  # as spreadsheets write it
    if told:
        delimiter, text, start = told[1], text[told.end() :], 1
    if delimiter is None:
        first = re.sub(r'"[^"]*"', "", next((line for line in text.splitlines() if line.strip()), ""))
        delimiter = max(",;\t", key=first.count)  # the first of equals
    table = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True)
    rows: list[_Row] = []
    line = start
    try:
        for row in table:
            fields, line = [field.strip(" \t\r\n") for field in row], start + table.line_num
            if any(fields):
                rows.append((line, fields))
    except csv.Error as error:
        raise TopologyError(f"line {line + 1}: {error}") from None
    width = max((len(row) - next(i for i, x in enumerate(reversed(row)) if x) for _, row in rows), default=0)
    return [(line, row[:width]) for line, row in rows]


def _header(rows: Sequence[_Row], weight: str) -> _Columns | None:
    """Return where the columns are that the first row names; None if it names none."""
    line, given = rows[0]
    names = [re.sub(r"[\W_]", "", field).casefold() for field in given]
    ends = [pair for pair in _ENDS if pair[0] in names and pair[1] in names]
    if not ends:
        return None
    u, v = (names.index(name) for name in ends[0])
    if any(given[u] in (row[u : u + 1] + row[v : v + 1]) for _, row in rows[1:]):
        raise TopologyError(f"line {line} may be a header or an edge, as {given[u]!r} is also a node")
    exact = [i for i, field in enumerate(given) if field == weight]
    fitting = exact or [i for i, field in enumerate(given) if field.casefold() == weight.casefold()]
    if len(fitting) > 1 or len(ends) > 1 or any(names.count(name) > 1 for name in ends[0]):
        raise TopologyError(f"line {line}: several columns could be the ends or the weight {weight!r}")
    if not fitting and weight != "weight":
        raise TopologyError(f"line {line}: no edge has an attribute {weight!r}; the columns are {', '.join(given)}")
    kinds = [i for i, name in enumerate(names) if name == "type" and i not in fitting]
    return _Columns(u, v, fitting[0] if fitting else None, kinds[0] if kinds else None)


def _bare(rows: Sequence[_Row], weight: str) -> _Columns:
    """Return the columns of a table without a header: ends, and a weight if there is a third."""
    line, given = rows[0]
    if len(given) not in (2, 3):
        raise TopologyError(f"line {line} has {len(given)} columns; two ends, or a header with source and target")
    if weight != "weight":
        raise TopologyError(f"no edge has an attribute {weight!r}: line {line} names no columns")
    if len(given) == 3 and given[2]:
        try:
            number_of(given[2])
        except ValueError:
            raise TopologyError(f"line {line} is no edge, and no header with columns source and target") from None
    others = {field for _, row in rows[1:] for field in row[:2]}
    if others and not others.intersection(given[:2]):
        raise TopologyError(
            f"line {line}: {given[0]!r} and {given[1]!r} stand nowhere else; if that is the header, name the columns "
            "source and target"
        )
    return _Columns(0, 1, 2, None)
