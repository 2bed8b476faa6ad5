"""Read and write topologies as GraphML, GML, edge lists, CSV, JSON or an adjacency ``.npz``, by suffix."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from topologies.errors import TopologyError
from topologies.formats.csv_edges import read_csv
from topologies.formats.edge_lists import read_edges, write_edges
from topologies.formats.gml import read_gml, write_gml
from topologies.formats.graphml import read_graphml, write_graphml
from topologies.formats.json_graphs import read_json, write_json
from topologies.formats.matrices import read_npz, write_npz
from topologies.topology import Topology

__all__ = ["read", "write"]


def read(path: str | os.PathLike[str], *, weight: str = "weight") -> Topology:
    """Read a topology; its name is the file's. What the file does not say beyond doubt is refused.

    =====================  ==========================================================================================
    suffix                 what is read
    =====================  ==========================================================================================
    .graphml               one undirected graph; defaults of keys count
    .gml                   one undirected graph; agents are called by ``label``, or by ``id`` if no node has a label
    .edgelist, .txt        lines ``u v``, ``u v weight`` or, as networkx writes them, ``u v {'weight': 2.0}``, split at
                           tabs if there are any, otherwise at blanks; ``#`` at the start of a line or after a blank
                           starts a comment
    .csv, .tsv             a table whose header names its ends (source and target, from and to, u and v, …), or one of
                           two or three columns without a header; split at commas, semicolons or tabs
    .json                  node-link (networkx, D3), adjacency (networkx) or Cytoscape's elements
    .npz                   a symmetric adjacency matrix of :func:`scipy.sparse.save_npz`
    =====================  ==========================================================================================

    Text is UTF-8, or what its byte-order mark or XML declaration says. Edge lists and tables have no types: agents are
    called by text as written, 007 included, or by integers, in order, if all of them are.

    Parameters
    ----------
    path : path-like
    weight : str
        The edge attribute that is the weight, such as D3's "value"; 1 where an edge has none.

    Returns
    -------
    Topology
        Labels and weights as in the file; weight 1 where it has none.

    Raises
    ------
    TopologyError
        If the file cannot be read, is damaged, holds no graph a :class:`Topology` accepts, or one that cannot be read
        faithfully: an edge given twice or directed, an end that no node declares, a name used twice, several graphs.
        One line that names the file and the line or entry.

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
        The suffix decides the format, see :func:`read`; tables (.csv, .tsv) are read only.

    Raises
    ------
    TopologyError
        For an unknown suffix, or labels that a text file cannot tell apart or hold. Nothing is written then.
    OSError
        If the file cannot be written.
    """
    target = Path(path)
    _, writer = _format(target)
    if writer is None:
        known = ", ".join(suffix for suffix, (_, one) in _FORMATS.items() if one)
        raise TopologyError(f"{target.suffix} is read, not written; write one of {known}")
    try:
        writer(topo, _plain_labels(topo), target)
    except UnicodeEncodeError as error:
        raise TopologyError(f"{target.suffix} cannot hold the character {error.object[error.start]!r}") from None


def _plain_labels(topo: Topology) -> list[int | str]:
    labels: list[int | str] = []
    for label in topo.labels:
        if isinstance(label, bool) or not isinstance(label, (int, str, np.integer)):
            raise TopologyError(f"a file keeps integer and string labels only, not {label!r}")
        labels.append(str(label) if isinstance(label, str) else int(label))
    if len({str(label) for label in labels}) < len(labels):
        raise TopologyError("two labels look the same as text, such as 1 and '1'; relabel one of them")
    return labels


_Reader = Callable[[Path, str], Topology]
_Writer = Callable[[Topology, list[int | str], Path], None]
_FORMATS: dict[str, tuple[_Reader, _Writer | None]] = {
    ".graphml": (read_graphml, write_graphml),
    ".gml": (read_gml, write_gml),
    ".edgelist": (read_edges, write_edges),
    ".txt": (read_edges, write_edges),
    ".csv": (read_csv, None),
    ".tsv": (read_csv, None),
    ".json": (read_json, write_json),
    ".npz": (read_npz, write_npz),
}


def _format(path: Path) -> tuple[_Reader, _Writer | None]:
    try:
        return _FORMATS[path.suffix.lower()]
    except KeyError:
        raise TopologyError(f"unknown suffix {path.suffix!r} of {path.name}; known: {', '.join(_FORMATS)}") from None
