"""Read and write topologies as GraphML, GML, edge list, node-link JSON or an adjacency ``.npz``, by suffix."""

from __future__ import annotations

import ast
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import scipy.sparse as sp

from topologies.errors import TopologyError
from topologies.topology import Topology

__all__ = ["read", "write"]

_NUMBER = re.compile(r"-?[0-9]+")
_HEADER = "# agents: "  # of an edge list whose labels are not simply 0 … n-1


def read(path: str | os.PathLike[str]) -> Topology:
    """Read a topology; its name is the file's.

    Parameters
    ----------
    path : path-like
        ``.graphml``, ``.gml``, ``.edgelist`` or ``.txt`` (lines ``u v``, ``u v weight`` or, as networkx writes them,
        ``u v {'weight': 2.0}``, split at tabs if there are any, otherwise at blanks; ``#`` at the start of a line or
        after a blank starts a comment), ``.json`` (node-link) or ``.npz`` (symmetric SciPy sparse
        adjacency).

    Returns
    -------
    Topology
        Labels and weights as in the file; weight 1 where it has none.

    Raises
    ------
    TopologyError
        If the file cannot be read, is damaged, or holds no graph a :class:`Topology` accepts. One line that names
        the file.

    Examples
    --------
    >>> import tempfile, topologies
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     topologies.write(topologies.make("florentine"), f"{folder}/families.gml")
    ...     topologies.read(f"{folder}/families.gml")
    Topology('families', n=15, edges=20)
    """
    source = Path(path)
    reader, _ = _format(source)
    try:
        return reader(source)
    except Exception as error:  # parsers of foreign bytes raise anything
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        line = " ".join(reason.split()) or type(error).__name__
        raise TopologyError(f"cannot read {source.name} as {source.suffix}: {line}") from error


def write(topo: Topology, path: str | os.PathLike[str]) -> None:
    """Write a topology so that :func:`read` gives it back, with labels and weights.

    Parameters
    ----------
    topo : Topology
        Labels must be integers or strings that differ as text.
    path : path-like
        The suffix decides the format, see :func:`read`.

    Raises
    ------
    TopologyError
        For an unknown suffix or labels that a text file cannot tell apart.
    OSError
        If the file cannot be written.
    """
    target = Path(path)
    _, writer = _format(target)
    writer(topo, _plain_labels(topo), target)


def _plain_labels(topo: Topology) -> list[int | str]:
    labels: list[int | str] = []
    for label in topo.labels:
        if isinstance(label, bool) or not isinstance(label, (int, str, np.integer)):
            raise TopologyError(f"a file keeps integer and string labels only, not {label!r}")
        labels.append(label if isinstance(label, str) else int(label))
    if len({str(label) for label in labels}) < len(labels):
        raise TopologyError("two labels look the same as text, such as 1 and '1'; relabel one of them")
    return labels


def _tagged(topo: Topology, labels: list[int | str]) -> nx.Graph[Any]:
    """Return a graph with text labels; the attribute ``agent`` keeps their type, which GML and GraphML would lose."""
    graph: nx.Graph[Any] = nx.Graph()
    graph.add_nodes_from((str(label), {"agent": label}) for label in labels)
    texts = [str(label) for label in labels]
    graph.add_weighted_edges_from(
        (texts[u], texts[v], w) for (u, v), w in zip(topo.edges.tolist(), topo.weights.tolist(), strict=True)
    )
    return graph


def _untagged(graph: nx.Graph[Any], path: Path) -> Topology:
    tags = [tag for _, tag in graph.nodes(data="agent")]
    if all(isinstance(tag, (int, str)) for tag in tags) and len(set(tags)) == len(tags) > 0:
        graph = nx.relabel_nodes(graph, dict(graph.nodes(data="agent")))
    return Topology(graph, name=path.stem)


def _read_graphml(path: Path) -> Topology:
    return _untagged(nx.read_graphml(path), path)


def _write_graphml(topo: Topology, labels: list[int | str], path: Path) -> None:
    nx.write_graphml(_tagged(topo, labels), path)


def _read_gml(path: Path) -> Topology:
    try:
        graph = nx.read_gml(path)
    except nx.NetworkXError as error:
        if "label" not in str(error):
            raise
        graph = nx.read_gml(path, label="id")  # the format does not ask for labels
    return _untagged(graph, path)


def _write_gml(topo: Topology, labels: list[int | str], path: Path) -> None:
    nx.write_gml(_tagged(topo, labels), path)


def _read_json(path: Path) -> Topology:
    data = json.loads(_text(path))
    if not isinstance(data, dict) or "nodes" not in data:
        raise TopologyError("no node-link data: an object with nodes and edges is needed")
    edges = "edges" if "edges" in data else "links"
    return Topology(nx.node_link_graph(data, edges=edges), name=path.stem)


def _write_json(topo: Topology, labels: list[int | str], path: Path) -> None:
    graph = topo.to_networkx()
    graph = nx.relabel_nodes(graph, dict(zip(topo.labels, labels, strict=True)))
    path.write_text(json.dumps(nx.node_link_data(graph, edges="edges"), indent=1), encoding="utf-8")


def _read_edges(path: Path) -> Topology:
    labels: list[int | str] | None = None
    rows: list[tuple[str, str]] = []
    weights: list[float] = []
    for number, line in enumerate(_text(path).split("\n"), start=1):
        if line.startswith(_HEADER):
            labels = list(json.loads(line[len(_HEADER) :]))
        row = _edge(line, number)
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


def _text(path: Path) -> str:
    """Return a text file without its byte-order mark, lines ended alike whatever system wrote them."""
    return path.read_text(encoding="utf-8-sig")


def _edge(line: str, number: int) -> tuple[str, str, float] | None:
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
            weight = ast.literal_eval(table[1]).get("weight", 1.0)
        return fields[0], fields[1], float(weight)
    except (ValueError, SyntaxError, TypeError, AttributeError):
        raise TopologyError(f"line {number}: {table[1] if table else weight!r} gives no weight") from None


def _write_edges(topo: Topology, labels: list[int | str], path: Path) -> None:
    texts = [str(label) for label in labels]
    broken = [text for text in texts if text != text.strip() or not text or set(text) & set("\t\r\n") or text[0] == "#"]
    if broken:
        raise TopologyError(f"an edge list cannot hold the label {broken[0]!r}")
    lines = [] if labels == list(range(topo.n)) else [_HEADER + json.dumps(labels)]
    lines += [
        f"{texts[u]}\t{texts[v]}\t{w!r}" for (u, v), w in zip(topo.edges.tolist(), topo.weights.tolist(), strict=True)
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _read_npz(path: Path) -> Topology:
    with path.open("rb") as file:
        with np.load(file, allow_pickle=False) as stored:
            labels = json.loads(str(stored["labels"])) if "labels" in stored else None
        file.seek(0)
        matrix = sp.coo_array(sp.load_npz(file))
    rows, cols = matrix.shape
    if rows != cols or abs(matrix - matrix.T).max() > 0:
        raise TopologyError(f"the adjacency matrix, {rows} × {cols}, is not symmetric")
    upper = matrix.row <= matrix.col
    edges = np.stack([matrix.row[upper], matrix.col[upper]], axis=1)
    return Topology.from_edges(rows, edges, matrix.data[upper], labels=labels, name=path.stem)


def _write_npz(topo: Topology, labels: list[int | str], path: Path) -> None:
    a = topo.adjacency
    arrays: dict[str, Any] = {  # the layout of scipy.sparse.save_npz, which has no room for labels
        "format": np.array(b"csr"),
        "shape": np.array(a.shape),
        "data": a.data,
        "indices": a.indices,
        "indptr": a.indptr,
        "_is_array": np.array(True),
    }
    if labels != list(range(topo.n)):
        arrays["labels"] = np.array(json.dumps(labels))
    np.savez_compressed(path, **arrays)


_Reader = Callable[[Path], Topology]
_Writer = Callable[[Topology, list[int | str], Path], None]
_FORMATS: dict[str, tuple[_Reader, _Writer]] = {
    ".graphml": (_read_graphml, _write_graphml),
    ".gml": (_read_gml, _write_gml),
    ".edgelist": (_read_edges, _write_edges),
    ".txt": (_read_edges, _write_edges),
    ".json": (_read_json, _write_json),
    ".npz": (_read_npz, _write_npz),
}


def _format(path: Path) -> tuple[_Reader, _Writer]:
    try:
        return _FORMATS[path.suffix.lower()]
    except KeyError:
        raise TopologyError(f"unknown suffix {path.suffix!r} of {path.name}; known: {', '.join(_FORMATS)}") from None
