"""Readers for data files on disk: MNIST's idx, covertype's CSV, LIBSVM's sparse text; each plain or compressed."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import math
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from decon.errors import DataError

__all__ = ["check_digest", "read_covertype", "read_idx", "read_libsvm"]

_SMALL, _RATIO = 2**28, 32
"""A packed file may unfold to 256 MiB, or to so many times its size if that is more (covertype: 7 times)."""

_COVERTYPE_COLUMNS = 55  # 54 attributes and the cover type

DIGESTS = {
    "train-images-idx3-ubyte.gz": ("md5", "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
    "train-labels-idx1-ubyte.gz": ("md5", "d53e105ee54ea40749a09fcbcd1e9432"),
    "t10k-images-idx3-ubyte.gz": ("md5", "9fb629c4189551a2d022fa330f9573f3"),
    "t10k-labels-idx1-ubyte.gz": ("md5", "ec29112dd5afa0611ce80d1b7f02629c"),
    "covtype.data.gz": ("sha256", "614360d0257557dd1792834a85a1cdebfadc3c4f30b011d56afee7ffb5b15771"),
}
"""Published digests of the original files, by file name."""


def check_digest(path: Path) -> None:
    """Compare a file with the published digest of that name; names without one pass.

    Raises
    ------
    DataError
        If the digest differs.

    Examples
    --------
    >>> check_digest(Path("my_own.csv"))
    """
    if path.name not in DIGESTS:
        return
    method, expected = DIGESTS[path.name]
    with path.open("rb") as file:
        found = hashlib.file_digest(file, lambda: hashlib.new(method, usedforsecurity=False)).hexdigest()
    if found != expected:
        raise DataError(
            f"{path} is not the original file: its {method} is {found}, published is {expected}. "
            "Download it again, or pass verify=False to read it as it is"
        )


def read_idx(path: Path) -> NDArray[np.uint8]:
    """Read an idx file of unsigned bytes, as MNIST ships them.

    Parameters
    ----------
    path : Path
        Read through gzip if its name ends in ``.gz``.

    Returns
    -------
    ndarray of uint8
        In the shape that the header states.

    Raises
    ------
    DataError
        If the file is damaged, not idx, not of unsigned bytes, or shorter or longer than its header says.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "labels-idx1-ubyte"
    >>> _ = file.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 2, 7, 3]))
    >>> read_idx(file)
    array([7, 3], dtype=uint8)
    """
    try:
        with _opened(path) as file:
            content = file.read()
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise DataError(f"cannot read {path}: {_said(error)}") from None
    if len(content) < 4 or content[:2] != b"\0\0":
        raise DataError(f"{path} is not an idx file: it does not start with two zero bytes")
    kind, dimensions = content[2], content[3]
    if kind != 0x08:
        raise DataError(f"{path} holds idx type 0x{kind:02x}; only unsigned bytes (0x08) are read")
    start = 4 + 4 * dimensions
    if dimensions == 0 or len(content) < start:
        raise DataError(f"{path} has no complete idx header")
    shape = struct.unpack(f">{dimensions}I", content[4:start])
    if len(content) - start != math.prod(shape):
        raise DataError(f"{path} holds {len(content) - start} bytes, its header says {shape}")
    return np.frombuffer(content, dtype=np.uint8, offset=start).reshape(shape)


def read_covertype(path: Path) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Read ``covtype.data`` (plain, .gz or .bz2): 54 attributes and the cover type 1 … 7 on each line.

    Returns
    -------
    X : (samples, 54) ndarray
    y : (samples,) ndarray of int

    Raises
    ------
    DataError
        If the file cannot be parsed or a line does not have 55 numbers.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "covtype.data"
    >>> _ = file.write_text(",".join(["2596"] + ["0"] * 53 + ["5"]))
    >>> X, y = read_covertype(file)
    >>> X.shape, y
    ((1, 54), array([5]))
    """
    import pandas as pd

    try:
        with _opened(path) as file:
            table = pd.read_csv(file, header=None, dtype=float).to_numpy()
    except (OSError, EOFError, MemoryError, ValueError, zlib.error) as error:
        raise DataError(f"cannot read {path} as comma-separated numbers: {_said(error)}") from None
    if table.shape[1] != _COVERTYPE_COLUMNS or not np.isfinite(table).all():
        raise DataError(f"every line of {path} must hold {_COVERTYPE_COLUMNS} numbers")
    return table[:, :-1], _whole(path, table[:, -1])


def read_libsvm(path: Path, features: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Read LIBSVM's ``label index:value …`` text (plain, .gz or .bz2), indices from 1.

    Parameters
    ----------
    path : Path
    features : int
        Number of columns.

    Returns
    -------
    X : (samples, features) ndarray
    y : (samples,) ndarray of int

    Raises
    ------
    DataError
        If the file cannot be parsed or an index exceeds ``features``.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "covtype.libsvm"
    >>> _ = file.write_text("5 1:2596 3:0.5")
    >>> read_libsvm(file, 3)
    (array([[2.596e+03, 0.000e+00, 5.000e-01]]), array([5]))
    """
    from sklearn.datasets import load_svmlight_file

    try:
        with _opened(path) as file:
            X, y = load_svmlight_file(file, n_features=features, zero_based=False)
    except (OSError, EOFError, MemoryError, OverflowError, ValueError, zlib.error) as error:
        raise DataError(f"cannot read {path} as LIBSVM text: {_said(error)}") from None
    return np.asarray(X.toarray(), dtype=float), _whole(path, y)


def _opened(path: Path) -> IO[bytes]:
    """Open a file, through the unpacker its suffix names; what unfolds without bound is refused after a look at it."""
    unpack: dict[str, Callable[[Path], Any]] = {".gz": gzip.open, ".bz2": bz2.open}
    if path.suffix not in unpack:
        return path.open("rb")
    allowed = max(_SMALL, _RATIO * path.stat().st_size)
    with unpack[path.suffix](path) as packed:
        size = 0
        while part := packed.read(2**20):
            size += len(part)
            if size > allowed:
                raise ValueError(f"{path.stat().st_size} bytes would unfold to more than {allowed}")
    opened: IO[bytes] = unpack[path.suffix](path)
    return opened


def _whole(path: Path, labels: NDArray[np.float64]) -> NDArray[np.int64]:
    if not (np.abs(labels) < 2.0**53).all() or not np.array_equal(labels, np.round(labels)):
        raise DataError(f"the labels of {path} must be whole numbers")
    return labels.astype(np.int64)


def _said(error: BaseException) -> str:
    """Return an error's words in one line."""
    return " ".join(str(error).split()) or type(error).__name__
