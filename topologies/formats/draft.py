"""A graph as a file states it: each node and edge with its place, so that every refusal can name one."""

from __future__ import annotations

import codecs
import re
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from topologies.errors import TopologyError
from topologies.magnitudes import LEAST, MOST
from topologies.topology import Topology

__all__ = ["Draft", "is_whole", "number_of", "text_of"]

_NUMBER = re.compile(r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|inf(?:inity)?|nan)", re.IGNORECASE)
_WHOLE = re.compile(r"-?[1-9][0-9]{0,4000}|0")
_MARKS = (  # the longer first: UTF-16's begins UTF-32's
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def text_of(path: Path) -> str:
    """Return a text file without its byte-order mark, line ends as they stand; UTF-8 unless the mark says UTF-16 or 32.

    Raises
    ------
    TopologyError
        If bytes are not of that encoding; the message names the line.
    """
    content = path.read_bytes()
    encoding = next((name for mark, name in _MARKS if content.startswith(mark)), "utf-8-sig")
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise TopologyError(f"line {line}: {error.reason} at byte {error.start}, the text is not {encoding}") from None


def is_whole(text: str) -> bool:
    """Whether ``text`` is an integer as Python writes it; 001 and -0 are names.

    Examples
    --------
    >>> [is_whole(text) for text in ("12", "-3", "0", "001", "-0", "1.0", "²")]
    [True, True, True, False, False, False, False]
    """
    return _WHOLE.fullmatch(text) is not None


def number_of(given: Any) -> float:
    """Return a number, or a text that is one, as a float.

    Raises
    ------
    ValueError
        For anything else: True and "1_0", which Python would take, are no numbers here.

    Examples
    --------
    >>> number_of("2.5e-3"), number_of(7)
    (0.0025, 7.0)
    """
    if isinstance(given, str) and _NUMBER.fullmatch(given.strip(" \t\r\n")):
        return float(given)
    if isinstance(given, (int, float)) and not isinstance(given, bool):
        try:
            return float(given)
        except OverflowError:  # an integer beyond doubles
            return float("inf")
    raise ValueError(f"{given!r} is no number")


class Draft:
    """Nodes and edges in the order of a file.

    Parameters
    ----------
    nodes, edges : str
        How a message says a place, "line {}" or "links[{}]".
    """

    def __init__(self, nodes: str = "line {}", edges: str = "line {}") -> None:
        self._where = {"node": nodes, "edge": edges}
        self._index: dict[Hashable, int] = {}
        self._labels: list[Hashable] = []
        self._ends: list[tuple[Hashable, Hashable]] = []
        self._weights: list[float] = []
        self._places: list[int] = []

    def refuse(self, reason: str, place: int, what: str = "edge") -> TopologyError:
        """Return the error that names the place of a node or edge."""
        return TopologyError(f"{self._where[what].format(place)}: {reason}")

    def node(self, key: Hashable, place: int, label: Hashable = None) -> None:
        """Declare a node by the key that edges use; its label is the key unless given."""
        if key in self._index:
            raise self.refuse(f"node {key!r} is declared twice", place, "node")
        self._index[key] = len(self._index)
        self._labels.append(key if label is None else label)

    def edge(self, u: Hashable, v: Hashable, weight: Any, place: int) -> None:
        """Add an edge; a weight of None is 1."""
        try:
            value = 1.0 if weight is None else number_of(weight)
        except ValueError:
            raise self.refuse(f"{weight!r} gives no weight of edge {u!r} - {v!r}", place) from None
        if not LEAST <= value <= MOST:
            raise self.refuse(
                f"edge {u!r} - {v!r} has weight {value:g}; weights must be positive and finite, "
                f"from {LEAST:g} to {MOST:g}",
                place,
            )
        if u == v:
            raise self.refuse(f"self-loop at node {u!r}", place)
        self._ends.append((u, v))
        self._weights.append(value)
        self._places.append(place)

    def declare_ends(self, listed: Sequence[str] | None, labels: Sequence[Hashable]) -> None:
        """Declare the nodes of a file that lists edges alone.

        Parameters
        ----------
        listed, labels : sequence
            Keys and labels of the nodes; without a list they are the edges' ends as they come, and integers in order if
            all of them are.
        """
        if listed is None:
            listed = list(dict.fromkeys(str(end) for ends in self._ends for end in ends))
            labels = listed
            if all(map(is_whole, listed)):
                labels = sorted(map(int, listed))
                listed = [str(label) for label in labels]
        for key, label in zip(listed, labels, strict=True):
            if key in self._index:
                raise TopologyError(f"line 1: agent {key!r} is listed twice")
            self._index[key] = len(self._index)
            self._labels.append(label)

    def retype(self, tags: Mapping[Any, Any]) -> None:
        """Take labels as ``tags`` have them if all nodes have one that reads as the label: 7, not "7".

        Other people's attribute of that name says something else, and changes nothing.
        """
        given = [tags.get(key) for key in self._index]
        if all(tag is not None and str(tag) == str(label) for tag, label in zip(given, self._labels, strict=True)):
            self._labels = given

    def topology(self, name: str) -> Topology:
        """Return the graph.

        Raises
        ------
        TopologyError
            If an edge ends at a node that is not declared (2 is not "2") or is given twice, two nodes have one label,
            or the graph is not connected.
        """
        n = len(self._index)
        at = self._index.get
        pairs = np.array([(at(u, -1), at(v, -1)) for u, v in self._ends], dtype=np.int64).reshape(-1, 2)
        undeclared = np.flatnonzero((pairs < 0).any(axis=1))
        if undeclared.size:
            first = int(undeclared[0])
            u, v = self._ends[first]
            reason = f"edge {u!r} - {v!r} ends at {u if pairs[first, 0] < 0 else v!r}, which no node declares"
            raise self.refuse(reason, self._places[first])
        self._refuse_repeated(pairs, n)
        if len(set(self._labels)) < n:
            twice = next(label for i, label in enumerate(self._labels) if label in self._labels[:i])
            raise TopologyError(f"two nodes have the label {twice!r}")
        labels = None if self._labels == list(range(n)) else self._labels
        return Topology.from_edges(n, pairs, self._weights, labels=labels, name=name)

    def _refuse_repeated(self, pairs: NDArray[np.int64], n: int) -> None:
        keys = pairs.min(axis=1) * n + pairs.max(axis=1)
        order = np.argsort(keys, kind="stable")
        again = np.flatnonzero(keys[order][1:] == keys[order][:-1])
        if again.size:
            best = again[np.argmin(order[again + 1])]
            before, second = int(order[best]), int(order[best + 1])
            u, v = self._ends[second]
            first = self._where["edge"].format(self._places[before])
            raise self.refuse(
                f"edge {u!r} - {v!r} is given twice, as in {first}; the graph must be undirected and simple, no edge "
                "more than once",
                self._places[second],
            )
