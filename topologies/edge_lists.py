"""Edge lists: one line an edge, as people and networkx write them."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from topologies.errors import TopologyError
from topologies.topology import Topology

__all__ = ["read_edges", "text_of", "write_edges"]

_NUMBER = re.compile(r"-?[0-9]+")
_HEADER = "# agents: "  # of an edge list whose labels are not simply 0 … n-1


def read_edges(path: Path, weight: str) -> Topology:
    """Read an edge list; ``weight`` is the attribute of networkx's tables that counts."""
    labels: list[int | str] | None = None
    rows: list[tuple[str, str]] = []
    weights: list[float] = []
    for number, line in enumerate(text_of(path).split("\n"), start=1):
        if line.startswith(_HEADER):
            labels = list(json.loads(line[len(_HEADER) :]))
        row = _edge(line, number, weight)
        if row is not None:
            rows.append(row[:2])
            weights.append(row[2])
    if not rows:
        raise TopologyError("no edges")
    if labels is None:
        texts = list(dict.fromkeys(text for row in rows for text in row))
        numeric = all(_NUMBER.fullmatch(text) and text == str(int(text)) for text in texts)  # 001 is text, as written
        labels = sorted(int(text) for text in texts) if numeric else list(texts)
    index = {str(label): i for i, label in enumerate(labels)}
    unknown = next((text for row in rows for text in row if text not in index), None)
    if unknown is not None:
        raise TopologyError(f"{unknown!r} is not among the agents that the first line lists")
    edges = np.array([(index[u], index[v]) for u, v in rows], dtype=np.int64)
    plain = labels == list(range(len(labels)))
    return Topology.from_edges(len(labels), edges, weights, labels=None if plain else labels, name=path.stem)


def text_of(path: Path) -> str:
    """Return a text file without its byte-order mark, lines ended alike whatever system wrote them."""
    return path.read_text(encoding="utf-8-sig")


def _edge(line: str, number: int, name: str) -> tuple[str, str, float] | None:
    """Return ends and weight of a line "u v", "u v weight" or "u v {'weight': 2.0}"; None where it has none.

    ``#`` starts a comment at the start of the line or after a blank.
    """
    bare = re.sub(r"(^|(?<=\s))#.*", "", line).rstrip()
    if not bare.strip():
        return None
    table = re.search(r"\s(\{.*\})$", bare)
    if table:
        bare = bare[: table.start()].rstrip()
    fields = [part.strip() for part in bare.split("\t")] if "\t" in bare else bare.split()
    if len(fields) not in ((2,) if table else (2, 3)) or not all(fields):
        raise TopologyError(f"line {number} has {len(fields)} fields; 'u v' or 'u v weight' is needed")
    weight: Any = fields[2] if len(fields) == 3 else 1.0
    try:
        if table:
            weight = ast.literal_eval(table[1]).get(name, 1.0)
        return fields[0], fields[1], float(weight)
    except (ValueError, SyntaxError, TypeError, AttributeError):
        raise TopologyError(f"line {number}: {table[1] if table else weight!r} gives no weight") from None


def write_edges(topo: Topology, labels: list[int | str], path: Path) -> None:
    """Write an edge list that :func:`read_edges` gives back."""
    texts = [str(label) for label in labels]
    broken = [text for text in texts if text != text.strip() or not text or set(text) & set("\t\r\n") or text[0] == "#"]
    if broken:
        raise TopologyError(f"an edge list cannot hold the label {broken[0]!r}")
    lines = [] if labels == list(range(topo.n)) else [_HEADER + json.dumps(labels)]
    lines += [
        f"{texts[u]}\t{texts[v]}\t{w!r}" for (u, v), w in zip(topo.edges.tolist(), topo.weights.tolist(), strict=True)
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
