"""Adjacency matrices as SciPy keeps them, with our labels; and NumPy archives that are read without trust."""

from __future__ import annotations

import ast
import json
import math
import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from topologies.errors import TopologyError
from topologies.topology import Topology

__all__ = ["load_arrays", "read_npz", "write_npz"]

_SMALL, _RATIO = 2**28, 16
"""An archive may unfold to 256 MiB, or to so many times its size if that is more."""
_HEADER = 10_000
"""Bytes of an array's header that are parsed."""


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
    with path.open("rb") as file:
        size = path.stat().st_size
        try:
            return _members(file, size)
        except Exception as error:  # parsers of foreign bytes raise anything
            said = " ".join(str(error).split()) or type(error).__name__
            raise ValueError(f"no archive of arrays: {said}") from error


def _members(file: IO[bytes], size: int) -> dict[str, NDArray[Any]]:
    found: dict[str, NDArray[Any]] = {}
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        whole = sum(member.file_size for member in members)
        if whole > max(_SMALL, _RATIO * size):
            raise ValueError(f"{size} bytes would unfold to {whole}")
        for member in members:
            name = member.filename.removesuffix(".npy")
            if name in found:
                raise ValueError(f"two arrays are called {name!r}")
            with archive.open(member) as inside:
                found[name] = _array(inside, member.file_size, name)
    return found


def _array(file: IO[bytes], size: int, name: str) -> NDArray[Any]:
    """Return one array of NumPy's format, read only if its header and its size agree."""
    start = file.read(8)
    if start[:6] != b"\x93NUMPY" or start[6:] not in (b"\1\0", b"\2\0", b"\3\0"):
        raise ValueError(f"{name} is no array of NumPy's")
    wide = 2 if start[6] == 1 else 4
    length = int.from_bytes(file.read(wide), "little")
    if length > _HEADER:
        raise ValueError(f"{name} has a header of {length} bytes")
    header = ast.literal_eval(file.read(length).decode("utf-8" if start[6] == 3 else "latin-1").strip())
    dtype, shape = np.lib.format.descr_to_dtype(header["descr"]), header["shape"]
    if dtype.hasobject:
        raise ValueError(f"{name} holds Python objects, which are not read")
    held = size - 8 - wide - length
    if any(type(side) is not int or side < 0 for side in shape) or math.prod(shape) * dtype.itemsize != held:
        raise ValueError(f"{name} promises {shape} of {dtype} and holds {held} bytes")
    raw = np.empty(held, dtype=np.uint8)
    if file.readinto(raw.data) != held or file.read(1):  # type: ignore[attr-defined]
        raise ValueError(f"{name} is not as long as its header says")  # at the end, the checksum is compared, too
    flat = raw.view(dtype) if held else np.empty(0, dtype=dtype)
    return flat.reshape(shape, order="F" if header["fortran_order"] is True else "C")


def read_npz(path: Path, weight: str) -> Topology:
    """Read a symmetric adjacency matrix as :func:`scipy.sparse.save_npz` writes it, of any of its formats."""
    if weight != "weight":
        raise TopologyError(f"an adjacency matrix has no attribute {weight!r}")
    arrays = load_arrays(path)
    given = arrays.get("labels")
    labels = None if given is None else json.loads(str(given))
    n = _size(arrays)
    rows, cols, values = _entries(arrays, n)
    kept = values != 0  # what blocks and diagonals are filled up with is no edge
    rows, cols, values = rows[kept], cols[kept], values[kept]
    upper, lower = rows <= cols, rows >= cols
    if not _same(rows[upper] * n + cols[upper], values[upper], cols[lower] * n + rows[lower], values[lower]):
        raise TopologyError(f"the adjacency matrix, {n} × {n}, is not symmetric")
    if labels is not None and not (isinstance(labels, list) and all(type(label) in (int, str) for label in labels)):
        raise TopologyError("labels must be a list of integers and texts")
    if labels is not None and len(set(labels)) < len(labels):
        raise TopologyError(f"two nodes have the label {next(x for x in labels if labels.count(x) > 1)!r}")
    edges = np.stack([rows[upper], cols[upper]], axis=1)
    return Topology.from_edges(n, edges, values[upper], labels=labels, name=path.stem)


def _size(arrays: dict[str, NDArray[Any]]) -> int:
    """Return n, before anything of that size is made: a connected graph of n agents has 2(n - 1) entries or more."""
    shape, data = arrays.get("shape"), arrays.get("data")
    if shape is None or data is None or shape.shape != (2,) or shape.dtype.kind not in "iu":
        raise TopologyError("no sparse matrix as scipy.sparse.save_npz writes it")
    if data.dtype.kind not in "biuf" or not data.size:
        raise TopologyError(f"weights must be real numbers, not {data.dtype}")
    rows, cols = (int(side) for side in shape)
    if rows != cols:
        raise TopologyError(f"the adjacency matrix, {rows} × {cols}, is not symmetric")
    if 2 * (rows - 1) > data.size:
        raise TopologyError(f"the graph is disconnected: {data.size} entries cannot connect {rows} agents")
    return rows


_Entries = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]


def _entries(arrays: dict[str, NDArray[Any]], n: int) -> _Entries:
    """Return rows, columns and values of what is stored; SciPy's own code follows indices wherever they lead."""
    form, data = arrays.get("format", np.array(b"")), arrays["data"].astype(float)
    kind = form.item().decode() if form.dtype.kind == "S" and not form.ndim else ""
    if kind in ("csr", "csc", "bsr"):
        r, c = data.shape[1:] if kind == "bsr" and data.ndim == 3 else (1, 1)
        blocks = data.reshape(len(data), r, c)
        starts = _indices(arrays, "indptr", data.size + 1)
        if len(starts) != n // r + 1 or starts[0] or (np.diff(starts) < 0).any() or starts[-1] != len(blocks):
            raise TopologyError("indptr does not count the entries of its rows")
        outer, inner = np.repeat(np.arange(n // r), np.diff(starts)), _indices(arrays, "indices", n // c)
        if len(inner) != len(blocks):
            raise TopologyError(f"{len(inner)} indices for {len(blocks)} entries")
        rows = outer[:, None, None] * r + np.arange(r)[:, None] + np.zeros(c, dtype=np.int64)
        cols = inner[:, None, None] * c + np.arange(c) + np.zeros((r, 1), dtype=np.int64)
        values = blocks
    elif kind == "coo":
        rows, cols, values = _indices(arrays, "row", n), _indices(arrays, "col", n), data
    elif kind == "dia" and data.ndim == 2:
        offsets = _indices(arrays, "offsets", n, least=1 - n)
        cols = np.broadcast_to(np.arange(data.shape[1]), data.shape)
        rows, values = cols - offsets[:, None], data
        inside = (rows >= 0) & (rows < n) & (cols < n)
        rows, cols, values = rows[inside], cols[inside], values[inside]
    else:
        raise TopologyError(f"matrices of the format {kind or form!r} are not read")
    if not rows.size == cols.size == values.size:
        raise TopologyError(f"{rows.size} rows and {cols.size} columns for {values.size} entries")
    return rows.ravel(), cols.ravel(), values.ravel()


def _indices(arrays: dict[str, NDArray[Any]], name: str, below: int, least: int = 0) -> NDArray[np.int64]:
    """Return a list of indices that stay within the matrix."""
    found = arrays.get(name)
    if found is None or found.ndim != 1 or found.dtype.kind not in "iu" or not found.size:
        raise TopologyError(f"no list of {name}")
    if int(found.min()) < least or int(found.max()) >= below:
        raise TopologyError(f"{name} lead out of the matrix: {found.min()} … {found.max()}")
    return found.astype(np.int64)


def _same(keys: NDArray[np.int64], values: NDArray[Any], others: NDArray[np.int64], theirs: NDArray[Any]) -> bool:
    """Whether two lists of entries are the same, in whatever order."""
    if keys.shape != others.shape:
        return False
    mine, their = np.argsort(keys, kind="stable"), np.argsort(others, kind="stable")
    return np.array_equal(keys[mine], others[their]) and np.array_equal(values[mine], theirs[their], equal_nan=True)


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
