"""Read and write topologies as GraphML, GML, edge list, node-link JSON or an adjacency ``.npz``, by suffix."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import networkx as nx
import numpy as np
import scipy.sparse as sp

from topologies.edge_lists import read_edges, text_of, write_edges
from topologies.errors import TopologyError
from topologies.topology import Topology

__all__ = ["read", "write"]


def read(path: str | os.PathLike[str], *, weight: str = "weight") -> Topology:
    """Read a topology; its name is the file's.

    Parameters
    ----------
    path : path-like
        ``.graphml``, ``.gml``, ``.edgelist`` or ``.txt`` (lines ``u v``, ``u v weight`` or, as networkx writes them,
        ``u v {'weight': 2.0}``, split at tabs if there are any, otherwise at blanks; ``#`` at the start of a line or
        after a blank starts a comment), ``.json`` (node-link) or ``.npz`` (symmetric SciPy sparse
        adjacency).
    weight : str
        The edge attribute that is the weight, such as D3's "value"; 1 where an edge has none.

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
        return reader(source, weight)
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


def _read_graphml(path: Path, weight: str) -> Topology:
    text = text_of(path)
    if "<!ENTITY" in text:
        raise TopologyError("entities are not read; write the text they stand for")
    root = ElementTree.fromstring(text)
    graphs = [part for part in root.iter() if _local(part) == "graph"]
    if len(graphs) != 1:
        raise TopologyError(f"{len(graphs)} graphs, nested ones counted, where one is needed")
    declared = [part.get("id", "") for part in graphs[0] if _local(part) == "node"]
    ends = [(part.get("source", ""), part.get("target", "")) for part in graphs[0] if _local(part) == "edge"]
    _refuse_unfaithful(declared, ends, simple=False)  # networkx makes a multigraph of edges given twice
    graph = nx.parse_graphml(text)
    default = graph.graph.get("edge_default", {}).get(weight)
    if default is not None:
        nx.set_edge_attributes(graph, {pair: graph.edges[pair].get(weight, default) for pair in graph.edges}, weight)
    return _untagged(_weighted(graph, weight), path)


def _local(part: ElementTree.Element) -> str:
    """Return an element's name without its namespace."""
    return part.tag.rpartition("}")[2] if isinstance(part.tag, str) else ""


def _refuse_unfaithful(declared: Sequence[Any], ends: Sequence[tuple[Any, Any]], *, simple: bool) -> None:
    """Refuse nodes declared twice, ends that no node declares (2 is not "2") and, if ``simple``, edges given twice."""
    known: set[tuple[str, Any]] = set()
    for label in declared:
        if (type(label).__name__, label) in known:
            raise TopologyError(f"node {label!r} is declared twice")
        known.add((type(label).__name__, label))
    seen: set[frozenset[Any]] = set()
    for u, v in ends:
        for end in (u, v):
            if (type(end).__name__, end) not in known:
                raise TopologyError(f"edge {u!r} - {v!r} ends at {end!r}, which no node declares")
        if simple and frozenset((u, v)) in seen:
            raise TopologyError(f"edge {u!r} - {v!r} is given twice")
        seen.add(frozenset((u, v)))


def _weighted(graph: nx.Graph[Any], weight: str) -> nx.Graph[Any]:
    """Return a graph whose attribute ``weight`` is the one that was asked for."""
    if weight != "weight":
        if graph.number_of_edges() and not any(weight in found for _, _, found in graph.edges(data=True)):
            raise TopologyError(f"no edge has an attribute {weight!r}")
        for _, _, found in graph.edges(data=True):
            found["weight"] = found.get(weight, 1.0)
    return graph


def _write_graphml(topo: Topology, labels: list[int | str], path: Path) -> None:
    nx.write_graphml(_tagged(topo, labels), path)


def _read_gml(path: Path, weight: str) -> Topology:
    text = text_of(path)
    try:
        graph = nx.parse_gml(text)
    except nx.NetworkXError as error:
        if "label" not in str(error):
            raise
        graph = nx.parse_gml(text, label="id")  # the format does not ask for labels
    return _untagged(_weighted(graph, weight), path)


def _write_gml(topo: Topology, labels: list[int | str], path: Path) -> None:
    nx.write_gml(_tagged(topo, labels), path)


def _read_json(path: Path, weight: str) -> Topology:
    data = json.loads(text_of(path))
    if not isinstance(data, dict) or "nodes" not in data:
        raise TopologyError("no node-link data: an object with nodes and edges is needed")
    edges = "edges" if "edges" in data else "links"
    try:
        declared = [_label(node["id"]) for node in data["nodes"]]
        ends = [(_label(edge["source"]), _label(edge["target"])) for edge in data.get(edges, [])]
    except (KeyError, TypeError) as error:
        raise TopologyError(f"no node-link data: nodes need an id, edges a source and a target ({error})") from None
    data.setdefault("multigraph", False)  # D3 writes none
    _refuse_unfaithful(declared, ends, simple=not (data["multigraph"] or data.get("directed")))
    return Topology(_weighted(nx.node_link_graph(data, edges=edges), weight), name=path.stem)


def _label(given: Any) -> Any:
    """Return a node's id as networkx keeps it: lists become tuples."""
    return tuple(map(_label, given)) if isinstance(given, list) else given


def _write_json(topo: Topology, labels: list[int | str], path: Path) -> None:
    graph = topo.to_networkx()
    graph = nx.relabel_nodes(graph, dict(zip(topo.labels, labels, strict=True)))
    path.write_text(json.dumps(nx.node_link_data(graph, edges="edges"), indent=1), encoding="utf-8")


def _read_npz(path: Path, weight: str) -> Topology:
    if weight != "weight":
        raise TopologyError(f"an adjacency matrix has no attribute {weight!r}")
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


_Reader = Callable[[Path, str], Topology]
_Writer = Callable[[Topology, list[int | str], Path], None]
_FORMATS: dict[str, tuple[_Reader, _Writer]] = {
    ".graphml": (_read_graphml, _write_graphml),
    ".gml": (_read_gml, _write_gml),
    ".edgelist": (read_edges, write_edges),
    ".txt": (read_edges, write_edges),
    ".json": (_read_json, _write_json),
    ".npz": (_read_npz, _write_npz),
}


def _format(path: Path) -> tuple[_Reader, _Writer]:
    try:
        return _FORMATS[path.suffix.lower()]
    except KeyError:
        raise TopologyError(f"unknown suffix {path.suffix!r} of {path.name}; known: {', '.join(_FORMATS)}") from None
