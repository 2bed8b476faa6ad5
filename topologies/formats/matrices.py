"""Adjacency matrices as SciPy keeps them, with our labels; and NumPy archives that are read without trust."""

from __future__ import annotations

import json
import math
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from topologies.errors import TopologyError
from topologies.topology import Topology

__all__ = ["load_arrays", "read_npz", "write_npz"]

_SMALL, _RATIO = 2**28, 16
"""An archive may unfold to 256 MiB, or to so many times its size if that is more."""


def load_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Return the arrays of a ``.npz`` file from anywhere: nothing is unpickled, and nothing unfolds without bound.

    Parameters
    ----------
    path : Path

    Raises
    ------
    OSError
        If the file cannot be opened.
    ValueError
        If it is no archive of plain arrays, a member's header promises more or less than it holds, or the whole would
        unfold to more than 256 MiB and 16 times the file's size.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "kept.npz"
    >>> np.savez_compressed(file, x=np.arange(3))
    >>> load_arrays(file)
    {'x': array([0, 1, 2])}
    """
    size = path.stat().st_size
    found: dict[str, NDArray[Any]] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            whole = sum(member.file_size for member in members)
            if whole > max(_SMALL, _RATIO * size):
                raise ValueError(f"{size} bytes would unfold to {whole}")
            for member in members:
                name = member.filename.removesuffix(".npy")
                if name in found:
                    raise ValueError(f"two arrays are called {name!r}")
                found[name] = _member(archive, member)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise ValueError(f"no archive of arrays: {error}") from None
    except MemoryError:
        raise ValueError("its arrays do not fit into memory") from None
    return found


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> NDArray[Any]:
    """Return one array, read only if its header and its size agree."""
    with archive.open(member) as file:
        version = np.lib.format.read_magic(file)
        if version == (1, 0):
            shape, _, dtype = np.lib.format.read_array_header_1_0(file)
        elif version == (2, 0):
            shape, _, dtype = np.lib.format.read_array_header_2_0(file)
        else:
            raise ValueError(f"{member.filename} has version {version} of NumPy's format")
        if dtype.hasobject:
            raise ValueError(f"{member.filename} holds Python objects, which are not read")
        held = member.file_size - file.tell()
        if min(shape, default=1) < 0 or math.prod(shape) * dtype.itemsize != held:
            raise ValueError(f"{member.filename} promises {shape} of {dtype} and holds {held} bytes")
    with archive.open(member) as file:
        return np.asarray(np.lib.format.read_array(file, allow_pickle=False))


def read_npz(path: Path, weight: str) -> Topology:
    """Read a symmetric adjacency matrix as :func:`scipy.sparse.save_npz` writes it, of any of its formats."""
    if weight != "weight":
        raise TopologyError(f"an adjacency matrix has no attribute {weight!r}")
    arrays = load_arrays(path)
    given = arrays.get("labels")
    labels = None if given is None else json.loads(str(given))
    _refuse_unlike_a_graph(arrays)
    with path.open("rb") as file:
        matrix = sp.load_npz(file)
    if matrix.format in ("csr", "csc", "bsr"):
        matrix.check_format(full_check=True)  # indices out of range would be followed
    entries = sp.coo_array(matrix)
    entries.eliminate_zeros()  # what blocks and diagonals are filled up with is no edge
    n = entries.shape[0]
    if abs(entries - entries.T).max() > 0:
        raise TopologyError(f"the adjacency matrix, {n} × {n}, is not symmetric")
    if labels is not None and not (isinstance(labels, list) and all(type(label) in (int, str) for label in labels)):
        raise TopologyError("labels must be a list of integers and texts")
    if labels is not None and len(set(labels)) < len(labels):
        raise TopologyError(f"two nodes have the label {next(x for x in labels if labels.count(x) > 1)!r}")
    upper = entries.row <= entries.col
    edges = np.stack([entries.row[upper], entries.col[upper]], axis=1)
    return Topology.from_edges(n, edges, entries.data[upper], labels=labels, name=path.stem)


def _refuse_unlike_a_graph(arrays: dict[str, NDArray[Any]]) -> None:
    """Refuse before anything of size n is made: a connected graph of n agents has 2(n - 1) entries or more."""
    shape, data = arrays.get("shape"), arrays.get("data")
    if shape is None or data is None or shape.shape != (2,) or shape.dtype.kind not in "iu":
        raise TopologyError("no sparse matrix as scipy.sparse.save_npz writes it")
    if data.dtype.kind not in "biuf":
        raise TopologyError(f"weights must be real numbers, not {data.dtype}")
    rows, cols = (int(side) for side in shape)
    if rows != cols:
        raise TopologyError(f"the adjacency matrix, {rows} × {cols}, is not symmetric")
    if 2 * (rows - 1) > data.size:
        raise TopologyError(f"the graph is disconnected: {data.size} entries cannot connect {rows} agents")


def write_npz(topo: Topology, labels: list[int | str], path: Path) -> None:
    """Write the layout of :func:`scipy.sparse.save_npz`, which has no room for labels, and the labels beside it."""
    a = topo.adjacency
    arrays: dict[str, Any] = {
        "format": np.array(b"csr"),
        "shape": np.array(a.shape),
        "data": a.data,
        "indices": a.indices,
        "indptr": a.indptr,
        "_is_array": np.array(True),
    }
    if labels != list(range(topo.n)):
        arrays["labels"] = np.array(json.dumps(labels))
    with path.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)
