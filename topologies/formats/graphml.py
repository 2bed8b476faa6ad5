"""GraphML, read by its events: every refusal names a line, and nothing is expanded."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NoReturn
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from topologies.errors import TopologyError
from topologies.formats.draft import Draft, is_whole
from topologies.topology import Topology

__all__ = ["read_graphml", "write_graphml"]

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_INTEGERS = ("int", "long")


class _Key:
    """A declared attribute: of what, its name, type and default."""

    def __init__(self, given: dict[str, str]) -> None:
        self.of, self.name = given.get("for", "all"), given.get("attr.name", given["id"])
        self.type, self.default = given.get("attr.type", "string"), None


class _Reading:
    """What expat calls; one file's nodes and edges go into a draft."""

    def __init__(self, weight: str) -> None:
        self.weight, self.draft = weight, Draft()
        self.keys: dict[tuple[str, str], _Key] = {}
        self.declared: list[_Key] = []
        self.tags: dict[str, Any] = {}
        self.edges: list[tuple[str, str, dict[str, str], int]] = []
        self.path: list[str] = []
        self.graphs, self.directed, self.text = 0, False, ""
        self.current: Any = None  # the node's id, the edge's table or the key that text belongs to
        self.key, self.line = "", 0
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.CharacterDataHandler = self.characters
        self.parser.EntityDeclHandler = self.entity

    def refuse(self, reason: str) -> NoReturn:
        raise TopologyError(f"line {self.parser.CurrentLineNumber}: {reason}")

    def entity(self, *declared: Any) -> None:
        self.refuse("entities are not read; write the text they stand for")

    def start(self, tag: str, given: dict[str, str]) -> None:
        kind, parent = tag.rpartition(":")[2], self.path[-1] if self.path else ""
        self.path.append(kind)
        if "data" in self.path[:-1]:
            return  # yEd's drawings
        if not parent and kind != "graphml":
            self.refuse(f"the root is <{tag}>, not <graphml>")
        if kind == "graph":
            self.graphs += 1
            if self.graphs > 1:
                self.refuse(f"{self.graphs} graphs, nested ones counted, where one is needed")
            self.directed = given.get("edgedefault") == "directed"
        elif kind == "key":
            self.declare(given)
        elif kind in ("node", "edge"):
            if parent != "graph":
                self.refuse(f"<{tag}> stands in <{parent}>, not in <graph>")
            (self.node if kind == "node" else self.edge)(given)
        elif kind == "hyperedge":
            self.refuse("a hyperedge is no edge of a graph")
        elif kind in ("data", "default"):
            self.key, self.text, self.line = given.get("key", ""), "", self.parser.CurrentLineNumber

    def declare(self, given: dict[str, str]) -> None:
        if "id" not in given:
            self.refuse("a key without an id")
        self.current = key = _Key(given)
        earlier = self.keys.setdefault((given["id"], key.of), key)
        if earlier.name != key.name:  # networkx's named keys differ in type or owner alone
            self.refuse(f"key {given['id']!r} is declared twice")
        self.declared.append(key)

    def node(self, given: dict[str, str]) -> None:
        if "id" not in given:
            self.refuse("a node without an id")
        self.draft.node(given["id"], self.parser.CurrentLineNumber)
        self.current = given["id"]

    def edge(self, given: dict[str, str]) -> None:
        if "source" not in given or "target" not in given:
            self.refuse("an edge without source or target")
        u, v = given["source"], given["target"]
        told = given.get("directed")
        if told in ("true", "1") or (self.directed and told not in ("false", "0")):
            self.refuse(f"edge {u!r} - {v!r} is directed; the graph must be undirected and simple")
        self.current = {}
        self.edges.append((u, v, self.current, self.parser.CurrentLineNumber))

    def characters(self, text: str) -> None:
        if self.path[-1] in ("data", "default"):
            self.text += text

    def end(self, tag: str) -> None:
        kind = self.path.pop()
        parent = self.path[-1] if self.path else ""
        if "data" in self.path:
            return
        if kind == "default" and parent == "key":
            self.current.default = self.text
        elif kind == "data" and parent in ("node", "edge"):
            key = self.keys.get((self.key, parent)) or self.keys.get((self.key, "all"))
            if key is None:
                raise TopologyError(
                    f"line {self.line}: no key {self.key!r} for {parent}s is declared before it is used"
                )
            if parent == "node" and key.name == "agent":
                self.tags[self.current] = int(self.text) if key.type in _INTEGERS and is_whole(self.text) else self.text
            elif parent == "edge" and key.name == self.weight:
                if "weight" in self.current:
                    raise TopologyError(f"line {self.line}: {self.weight} is given twice in one edge")
                self.current["weight"] = self.text

    def default(self) -> str | None:
        """Return the weight of edges that give none."""
        found = {key.default for key in self.declared if key.name == self.weight and key.of in ("edge", "all")}
        found.discard(None)
        if len(found) > 1 and any("weight" not in table for _, _, table, _ in self.edges):
            raise TopologyError(f"several defaults of {self.weight!r}: {', '.join(sorted(map(str, found)))}")
        return next(iter(found), None)


def read_graphml(path: Path, weight: str) -> Topology:
    """Read one undirected graph; the attribute named ``weight`` counts, its default where an edge has none."""
    reading = _Reading(weight)
    try:
        reading.parser.Parse(path.read_bytes(), True)
    except expat.ExpatError as error:
        raise TopologyError(f"line {error.lineno}: {expat.ErrorString(error.code)}") from None
    if reading.graphs != 1:
        raise TopologyError("0 graphs, where one is needed")
    default = reading.default()
    if weight != "weight" and default is None and not any(table for _, _, table, _ in reading.edges):
        raise TopologyError(f"no edge has an attribute {weight!r}")
    for u, v, table, line in reading.edges:
        reading.draft.edge(u, v, table.get("weight", default), line)
    reading.draft.retype(reading.tags)
    return reading.draft.topology(path.stem)


def write_graphml(topo: Topology, labels: list[int | str], path: Path) -> None:
    """Write GraphML; the attribute ``agent`` tells an integer from a text that looks like it."""
    broken = next((label for label in labels if isinstance(label, str) and _NOT_XML.search(label)), None)
    if broken is not None:
        raise TopologyError(f"GraphML cannot hold the label {broken!r}")
    lines = [
        "<?xml version='1.0' encoding='utf-8'?>",
        '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">',
        '<key id="int" for="node" attr.name="agent" attr.type="long"/>',
        '<key id="str" for="node" attr.name="agent" attr.type="string"/>',
        '<key id="weight" for="edge" attr.name="weight" attr.type="double"/>',
        '<graph edgedefault="undirected">',
    ]
    quoted = [quoteattr(str(label), {"\r": "&#13;", "\n": "&#10;", "\t": "&#9;"}) for label in labels]
    for label, name in zip(labels, quoted, strict=True):
        text = escape(str(label), {"\r": "&#13;"})
        lines.append(f'<node id={name}><data key="{type(label).__name__}">{text}</data></node>')
    for (u, v), w in zip(topo.edges.tolist(), topo.weights.tolist(), strict=True):
        lines.append(f'<edge source={quoted[u]} target={quoted[v]}><data key="weight">{w!r}</data></edge>')
    path.write_bytes("\n".join([*lines, "</graph>", "</graphml>", ""]).encode())
