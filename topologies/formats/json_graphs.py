"""Graphs as JSON: node-link (networkx, D3), adjacency lists and Cytoscape's elements."""

from __future__ import annotations

import json
import math
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import networkx as nx

from topologies.errors import TopologyError
from topologies.formats.draft import Draft, text_of
from topologies.topology import Topology

__all__ = ["read_json", "write_json"]

_Object = dict[str, Any]


def read_json(path: Path, weight: str) -> Topology:
    """Read one undirected graph; ``weight`` names the edges' attribute that counts."""
    data = json.loads(text_of(path), object_pairs_hook=_object)
    kinds = {"elements": _cytoscape, "adjacency": _adjacency, "nodes": _node_link}
    kind = next((key for key in kinds if isinstance(data, dict) and key in data), None)
    if kind is None:
        raise TopologyError("an object with nodes and edges (or links), nodes and adjacency, or elements is needed")
    if data.get("directed") not in (None, False):
        raise TopologyError("the graph is directed; it must be undirected and simple")
    draft, weighted = kinds[kind](data, weight)
    if weight != "weight" and not weighted:
        raise TopologyError(f"no edge has an attribute {weight!r}")
    return draft.topology(path.stem)


def _object(pairs: list[tuple[str, Any]]) -> _Object:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        raise TopologyError(f"an object has the key {next(k for k in keys if keys.count(k) > 1)!r} twice")
    return found


def _node_link(data: _Object, weight: str) -> tuple[Draft, bool]:
    if "edges" in data and "links" in data:
        raise TopologyError("both edges and links; one of them has to be the graph's")
    key = "edges" if "edges" in data else "links"
    draft = Draft("nodes[{}]", f"{key}[{{}}]")
    for place, node in enumerate(_listed(data, "nodes")):
        draft.node(_name(node, "id", f"nodes[{place}]"), place)
    weighted = False
    for place, edge in enumerate(_listed(data, key) if key in data else ()):
        u, v = (_name(edge, end, f"{key}[{place}]") for end in ("source", "target"))
        draft.edge(u, v, edge.get(weight), place)
        weighted |= weight in edge
    return draft, weighted


def _adjacency(data: _Object, weight: str) -> tuple[Draft, bool]:
    """Read each edge from both of its ends, which have to agree."""
    nodes, lists = _listed(data, "nodes"), _listed(data, "adjacency")
    if len(nodes) != len(lists):
        raise TopologyError(f"{len(lists)} lists in adjacency for {len(nodes)} nodes")
    draft = Draft("nodes[{}]", "adjacency[{}]")
    names = [_name(node, "id", f"nodes[{place}]") for place, node in enumerate(nodes)]
    for place, name in enumerate(names):
        draft.node(name, place)
    heard: dict[tuple[Hashable, Hashable], Any] = {}
    for place, (name, neighbours) in enumerate(zip(names, lists, strict=True)):
        if not isinstance(neighbours, list):
            raise TopologyError(f"adjacency[{place}]: a list of neighbours is needed")
        for one in neighbours:
            other = _name(one, "id", f"adjacency[{place}]")
            if (name, other) in heard:
                raise draft.refuse(f"edge {name!r} - {other!r} is given twice; the graph must be simple", place)
            heard[name, other] = one.get(weight)
    order = {name: place for place, name in enumerate(names)}
    for (u, v), value in heard.items():
        if v not in order:
            raise draft.refuse(f"edge {u!r} - {v!r} ends at {v!r}, which no node declares", order[u])
        if (v, u) not in heard or heard[v, u] != value:
            raise draft.refuse(f"{v!r} stands beside {u!r}, not {u!r} in the same way beside {v!r}", order[u])
        if order[u] <= order[v]:
            draft.edge(u, v, value, order[u])
    return draft, any(value is not None for value in heard.values())


def _cytoscape(data: _Object, weight: str) -> tuple[Draft, bool]:
    """Read elements; edges name nodes by ``id`` (a text, as Cytoscape has it) or, of networkx's, by ``value``."""
    listed, edges = _elements(data["elements"])
    ids = [str(_name(node, "id", f"nodes[{place}]")) for place, node in enumerate(listed)]
    ends = [[_name(edge, end, f"edges[{i}]") for end in ("source", "target")] for i, edge in enumerate(edges)]
    labels: list[Hashable] = list(ids)
    keys: list[Hashable] = list(ids)
    if listed and all(_is_name(node.get("value")) for node in listed):
        values = [_tuple(node["value"]) for node in listed]
        by_value = _known(ends, values)
        if [str(value) for value in values] == ids:
            labels = values  # an id is the text of a value, which knows 7 from "7"
        elif by_value and _known([map(str, pair) for pair in ends], ids):
            raise TopologyError("edges may name nodes by id or by value, and these differ")
        elif by_value:
            labels, keys = values, values
    draft = Draft("nodes[{}]", "edges[{}]")
    for place, (key, label) in enumerate(zip(keys, labels, strict=True)):
        draft.node(key, place, label)
    for place, ((u, v), edge) in enumerate(zip(ends, edges, strict=True)):
        draft.edge(*((u, v) if keys is labels else (str(u), str(v))), edge.get(weight), place)
    return draft, any(weight in edge for edge in edges)


def _elements(given: Any) -> tuple[list[_Object], list[_Object]]:
    """Return the data of nodes and edges, of two lists or of one with all."""
    if isinstance(given, list):
        found = [_inside(one, f"elements[{place}]") for place, one in enumerate(given)]
        return [one for one in found if "source" not in one], [one for one in found if "source" in one]
    if not isinstance(given, dict):
        raise TopologyError("elements must hold nodes and edges")
    nodes, edges = (
        [_inside(one, f"{kind}[{place}]") for place, one in enumerate(_listed(given, kind))]
        for kind in ("nodes", "edges")
    )
    return nodes, edges


def _known(ends: Any, names: Any) -> bool:
    known = set(names)
    return all(end in known for pair in ends for end in pair)


def _inside(element: Any, place: str) -> _Object:
    found = element.get("data") if isinstance(element, dict) else None
    if not isinstance(found, dict):
        raise TopologyError(f"{place}: an object with data is needed")
    return found


def _listed(data: _Object, key: str) -> list[Any]:
    found = data.get(key)
    if not isinstance(found, list):
        raise TopologyError(f"{key} must be a list")
    return found


def _is_name(given: Any) -> bool:
    if isinstance(given, list):
        return all(map(_is_name, given))
    if isinstance(given, float):
        return math.isfinite(given)
    return isinstance(given, (str, int)) and not isinstance(given, bool)


def _tuple(given: Any) -> Hashable:
    """Return a node's name as networkx keeps it: lists become tuples."""
    return tuple(map(_tuple, given)) if isinstance(given, list) else given


def _name(owner: Any, key: str, place: str) -> Hashable:
    """Return what a node or an edge's end is called."""
    if not isinstance(owner, dict) or key not in owner:
        raise TopologyError(f"{place}: an object with {key} is needed")
    given = owner[key]
    if not _is_name(given):
        raise TopologyError(f"{place}: {key} must be a text or a number, not {given!r}")
    return _tuple(given)


def write_json(topo: Topology, labels: list[int | str], path: Path) -> None:
    """Write node-link data."""
    graph = topo.to_networkx()
    graph = nx.relabel_nodes(graph, dict(zip(topo.labels, labels, strict=True)))
    path.write_bytes(json.dumps(nx.node_link_data(graph, edges="edges"), indent=1).encode())
