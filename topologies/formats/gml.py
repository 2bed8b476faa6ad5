"""GML: nested lists of keys and values, read with their lines."""

from __future__ import annotations

import html.entities
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from topologies.errors import TopologyError
from topologies.formats.draft import Draft, text_of
from topologies.topology import Topology

__all__ = ["read_gml", "write_gml"]

_TOKEN = re.compile(
    r"""(?P<skip>\s+|\#[^\n]*)
    |(?P<key>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<number>[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[Ee][+-]?[0-9]+)?|INF|NAN)(?![^\s\[\]\#"]))
    |(?P<text>"[^"]*")
    |(?P<list>[\[\]])""",
    re.VERBOSE,
)
_REFERENCE = re.compile(r"&(?:#([0-9]{1,7})|#x([0-9A-Fa-f]{1,6})|([A-Za-z][A-Za-z0-9]*));")
_SPECIAL = ("INF", "NAN")
_NAMES = ("id", "label", "source", "target")  # whose values need no quotes


class _Entry(NamedTuple):
    key: str
    value: Any  # a number, a text, or a list of entries
    line: int


def read_gml(path: Path, weight: str) -> Topology:
    """Read one undirected graph; ``weight`` names the edges' attribute that counts."""
    found = _parse(text_of(path))
    graphs = list(_graphs(found))
    if len(graphs) != 1 or graphs[0] not in found:
        line = graphs[1].line if len(graphs) > 1 else 1
        raise TopologyError(f"line {line}: {len(graphs)} graphs, nested ones counted, where one is needed")
    graph = graphs[0]
    if _value(graph, "directed") not in (None, 0):
        raise TopologyError(f"line {graph.line}: the graph is directed; it must be undirected and simple")
    nodes, edges = (
        [entry for entry in graph.value if entry.key == kind and isinstance(entry.value, list)]
        for kind in ("node", "edge")
    )
    draft = Draft()
    labelled = [node for node in nodes if _value(node, "label") is not None]
    if labelled and len(labelled) < len(nodes):
        bare = next(node for node in nodes if _value(node, "label") is None)
        raise TopologyError(f"line {bare.line}: a node without a label, where others have one")
    for node in nodes:
        draft.node(_needed(node, "id"), node.line, _value(node, "label"))
    draft.retype({_value(node, "id"): _value(node, "agent") for node in nodes})
    if weight != "weight" and edges and all(_value(edge, weight) is None for edge in edges):
        raise TopologyError(f"no edge has an attribute {weight!r}")
    for edge in edges:
        draft.edge(_needed(edge, "source"), _needed(edge, "target"), _value(edge, weight), edge.line)
    return draft.topology(path.stem)


def _parse(text: str) -> list[_Entry]:
    """Return the top entries of a file; no recursion, so that depth costs nothing."""
    top: list[_Entry] = []
    inner, opened = top, list[tuple[list[_Entry], int]]()
    key, line = "", 1
    for kind, token, line in _tokens(text):
        if token == "]" and not key and opened:
            inner, _ = opened.pop()
        elif kind == "key" and not key:
            key = token
        elif key and token == "[":
            entry = _Entry(key, [], line)
            inner.append(entry)
            opened.append((inner, line))
            inner, key = entry.value, ""
        elif key and (kind in ("number", "text") or (kind == "key" and (key in _NAMES or token in _SPECIAL))):
            inner.append(_Entry(key, _plain(kind, token, line), line))
            key = ""
        else:
            raise TopologyError(f"line {line}: {token[:40]!r} where a {'value' if key else 'key'} is needed")
    if key or opened:
        raise TopologyError(f"line {opened[-1][1] if opened else line}: {key or 'a list'!r} is not complete")
    return top


def _tokens(text: str) -> Iterator[tuple[str, str, int]]:
    """Yield kind, text and line of each token."""
    at, line = 0, 1
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise TopologyError(f"line {line}: {text[at : at + 40].splitlines()[0]!r} is no GML")
        if match.lastgroup != "skip":
            yield str(match.lastgroup), match[0], line
        line += match[0].count("\n")
        at = match.end()


def _plain(kind: str, token: str, line: int) -> Any:
    if kind == "text":
        return _REFERENCE.sub(_character, token[1:-1])
    if kind == "key":
        return token
    if token.lstrip("+-").isdigit():
        if len(token) > 4000:
            raise TopologyError(f"line {line}: an integer of {len(token)} digits")
        return int(token)
    return float(token)


def _character(match: re.Match[str]) -> str:
    """Return the character that a reference stands for; an unknown one is text."""
    decimal, hexadecimal, name = match.groups()
    code = int(decimal) if decimal else int(hexadecimal, 16) if hexadecimal else html.entities.name2codepoint.get(name)
    return match[0] if code is None or code > 0x10FFFF else chr(code)


def _graphs(entries: list[_Entry]) -> Iterator[_Entry]:
    """Yield every list named graph, at any depth."""
    open_ = [entries]
    while open_:
        for entry in open_.pop():
            if isinstance(entry.value, list):
                open_.append(entry.value)
                if entry.key == "graph":
                    yield entry


def _value(owner: _Entry, key: str) -> Any:
    """Return the one value of ``key``, None if there is none."""
    found = [entry for entry in owner.value if entry.key == key]
    if len(found) > 1:
        raise TopologyError(f"line {found[1].line}: {key} is given twice in one {owner.key}")
    if found and isinstance(found[0].value, list):
        raise TopologyError(f"line {found[0].line}: {key} is a list, where a number or a text is needed")
    return found[0].value if found else None


def _needed(owner: _Entry, key: str) -> Any:
    found = _value(owner, key)
    if found is None:
        raise TopologyError(f"line {owner.line}: {owner.key} without {key}")
    return found


def write_gml(topo: Topology, labels: list[int | str], path: Path) -> None:
    """Write GML; the attribute ``agent`` tells an integer from a text that looks like it."""
    lines = ["graph ["]
    for number, label in enumerate(labels):
        text = f'"{_escaped(str(label))}"'
        agent = label if isinstance(label, int) else text
        lines.append(f"  node [\n    id {number}\n    label {text}\n    agent {agent}\n  ]")
    for (u, v), w in zip(topo.edges.tolist(), topo.weights.tolist(), strict=True):
        lines.append(f"  edge [\n    source {u}\n    target {v}\n    weight {_real(w)}\n  ]")
    path.write_bytes("\n".join([*lines, "]", ""]).encode("ascii"))


def _escaped(text: str) -> str:
    return "".join(c if " " <= c <= "~" and c not in '"&' else f"&#{ord(c)};" for c in text)


def _real(value: float) -> str:
    """Return a number as the format writes reals, with a point."""
    digits, exponent, power = repr(value).upper().partition("E")
    return f"{digits if '.' in digits else digits + '.0'}{exponent}{power}"
