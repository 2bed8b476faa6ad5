"""``load``: real data sets by name, split and scaled by a stated rule."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from decon.datasets.agent_table import is_table, read_table
from decon.datasets.dataset import Dataset, Task
from decon.datasets.files import DIGESTS, check_digest, read_covertype, read_idx, read_libsvm
from decon.errors import DataError
from decon.streams import stream

__all__ = ["load", "names"]

_TEST_SHARE = 0.2
_COVERTYPE_SAMPLES, _COVERTYPE_TEST = 581_012, 115_748  # P2 table 1: 465,264 + 115,748
_COVERTYPE_ATTRIBUTES, _COVERTYPE_QUANTITATIVE = 54, 10  # the other 44 are 0 or 1
_MNIST_SAMPLES, _MNIST_TRAIN = 70_000, 60_000  # P2 table 1: 60,000 + 10,000

_BUNDLED: dict[str, tuple[Task, float | None]] = {
    "diabetes": ("regression", None),
    "breast_cancer": ("classification", None),
    "wine": ("classification", None),
    "digits": ("classification", 16.0),
}
"""Task, and what the features are divided by; None: standardised."""


_SOURCES = {
    "covertype": "https://archive.ics.uci.edu/ml/machine-learning-databases/covtype/",
    "mnist": "https://ossci-datasets.s3.amazonaws.com/mnist/",
}
"""Where the originals are to be had by hand."""


def names() -> tuple[str, ...]:
    """Return the names that :func:`load` knows.

    Examples
    --------
    >>> names()
    ('diabetes', 'breast_cancer', 'wine', 'digits', 'covertype', 'mnist')
    """
    return (*_BUNDLED, "covertype", "mnist")


def load(
    name: str | Path, *, folder: str | Path | None = None, seed: int = 0, bias: bool | None = None, verify: bool = True
) -> Dataset:
    """Load a real data set by name, or a table of your own.

    ==============  ===============  ========================================  ===================================
    name            training + test  features (without the bias)               scaling
    ==============  ===============  ========================================  ===================================
    diabetes        354 + 88         10, regression                            standardised, targets too
    breast_cancer   455 + 114        30, 2 classes                             standardised
    wine            142 + 36         13, 3 classes                             standardised
    digits          1,438 + 359      64, 10 classes                            divided by 16
    covertype       465,264 +        54, 7 classes                             the 10 quantitative ones
                    115,748                                                    standardised, the 44 others are 0/1
    mnist           60,000 +         784, 10 classes                           divided by 255
                    10,000
    ==============  ===============  ========================================  ===================================

    *Standardised* is by mean and standard deviation of the training samples (a constant column is only centred).
    The first four come with scikit-learn. Covertype and MNIST are read from ``folder`` if their files are there, else
    fetched by scikit-learn, which checks their digests and keeps them in ``folder``. MNIST has its own test set; the
    others are split at random, every class in proportion.

    A path that ends in ``.csv`` or ``.tsv`` is read by :func:`decon.datasets.read_table`: all samples are for training,
    and features and targets stay as they are.

    Parameters
    ----------
    name : str
        One of :func:`names`, or a path.
    folder : path, optional
        Where files are looked for and kept; scikit-learn's own data directory unless given. Read there:
        ``covtype.data``, ``covtype.libsvm`` (or LIBSVM's own name, ``covtype``), and
        ``{train,t10k}-{images-idx3,labels-idx1}-ubyte``, plain or with ``.gz`` (the first two also with ``.bz2``).
    seed : int
        Of the split into training and test samples.
    bias : bool, optional
        Append a column of ones; its weight is then regularised like the others. Unless given, the named sets get one,
        and a table does not.
    verify : bool
        Compare files found in ``folder`` with their published digest, where there is one.

    Raises
    ------
    DataError
        If the name is unknown, a file is damaged, or the data is not here and cannot be fetched; the message then says
        which file to put where.

    Examples
    --------
    >>> load("digits")
    Dataset('digits', classification, 1438 + 359 samples, 65 features, 10 classes)
    """
    if is_table(name):
        return read_table(Path(name) if folder is None else Path(folder).expanduser() / name, bias=bool(bias))
    ones = bias is None or bool(bias)
    if name in _BUNDLED:
        return _bundled(str(name), seed, ones)
    if name == "covertype":
        return _covertype(_home(folder), seed, ones, verify)
    if name == "mnist":
        return _mnist(_home(folder), ones, verify)
    raise DataError(f"unknown data set {str(name)!r}; known are {', '.join(names())}, and paths of .csv and .tsv files")


def _bundled(name: str, seed: int, bias: bool) -> Dataset:
    import sklearn.datasets

    task, divisor = _BUNDLED[name]
    bunch: Any = getattr(sklearn.datasets, f"load_{name}")()
    X, y = np.asarray(bunch.data, dtype=float), np.asarray(bunch.target)
    classes = tuple(c.item() for c in bunch.target_names) if task == "classification" else ()
    train, test = _train_test(y, round(_TEST_SHARE * len(y)), seed, stratify=bool(classes))
    if divisor is None:
        shift, scale = _standard(X[train])
    else:
        shift, scale = np.zeros(X.shape[1]), np.full(X.shape[1], divisor)
    if task == "regression":
        y = (y - y[train].mean()) / y[train].std()
    rows = (_scaled(X[part], shift, scale, bias) for part in (train, test))
    return Dataset(next(rows), y[train], next(rows), y[test], task, classes, name)


def _covertype(home: Path, seed: int, bias: bool, verify: bool) -> Dataset:
    found = _find(home, ["covtype.data", "covtype.data.gz", "covtype.data.bz2"], verify)
    sparse = found or _find(
        home, ["covtype.libsvm", "covtype.libsvm.gz", "covtype.libsvm.bz2", "covtype", "covtype.bz2"], verify
    )
    if found:
        X, labels = read_covertype(found)
    elif sparse:
        X, labels = read_libsvm(sparse, _COVERTYPE_ATTRIBUTES)
    else:
        from sklearn.datasets import fetch_covtype

        bunch = _fetched("covertype", home, ["covtype.data.gz"], lambda: fetch_covtype(data_home=home))
        X, labels = np.asarray(bunch.data, dtype=float), np.asarray(bunch.target)
    if not np.isin(labels, np.arange(1, 8)).all():
        raise DataError(f"{found or sparse or 'covertype'}: cover types must be 1 … 7, found {np.unique(labels)[:9]}")
    # P2's share of test samples: exactly its 115,748 on the whole data set, and in proportion on a part of it
    count = round(_COVERTYPE_TEST / _COVERTYPE_SAMPLES * len(labels))
    train, test = _train_test(labels, count, seed, stratify=True)
    shift, scale = np.zeros(X.shape[1]), np.ones(X.shape[1])
    columns = slice(_COVERTYPE_QUANTITATIVE)
    shift[columns], scale[columns] = _standard(X[train, columns])
    X_train, X_test = (_scaled(X[part], shift, scale, bias) for part in (train, test))
    return Dataset(
        X_train, labels[train] - 1, X_test, labels[test] - 1, "classification", tuple(range(1, 8)), "covertype"
    )


def _mnist(home: Path, bias: bool, verify: bool) -> Dataset:
    wanted = [f"{part}-{what}-ubyte" for part in ("train", "t10k") for what in ("images-idx3", "labels-idx1")]
    found = [_find(home, [file, f"{file}.gz"], verify) for file in wanted]
    if any(found):
        missing = [file for file, path in zip(wanted, found, strict=True) if path is None]
        if missing:
            raise DataError(f"MNIST in {home} is incomplete: put {', '.join(missing)} (plain or .gz) there")
        parts: list[NDArray[Any]] = [read_idx(path) for path in found if path]
    else:
        from sklearn.datasets import fetch_openml

        bunch = _fetched(
            "mnist",
            home,
            [f"{file}.gz" for file in wanted],
            lambda: fetch_openml("mnist_784", version=1, as_frame=False, data_home=home),
        )
        pixels, digits = np.asarray(bunch.data), np.asarray(bunch.target).astype(np.int64)
        if len(pixels) != _MNIST_SAMPLES:
            raise DataError(f"mnist_784 must hold {_MNIST_SAMPLES} samples, not {len(pixels)}")
        parts = [pixels[:_MNIST_TRAIN], digits[:_MNIST_TRAIN], pixels[_MNIST_TRAIN:], digits[_MNIST_TRAIN:]]
    images, labels, images_test, labels_test = parts
    X, X_test = images.reshape(len(images), -1), images_test.reshape(len(images_test), -1)
    shift, scale = np.zeros(X.shape[1]), np.full(X.shape[1], 255.0)
    return Dataset(
        _scaled(X, shift, scale, bias),
        labels,
        _scaled(X_test, shift, scale, bias),
        labels_test,
        "classification",
        tuple(range(10)),
        "mnist",
    )


def _home(folder: str | Path | None) -> Path:
    if folder is not None:
        return Path(folder).expanduser()
    from sklearn.datasets import get_data_home

    return Path(get_data_home())


def _find(home: Path, candidates: list[str], verify: bool) -> Path | None:
    path = next((home / file for file in candidates if (home / file).is_file()), None)
    if path is not None and verify:
        check_digest(path)
    return path


def _fetched(name: str, home: Path, files: list[str], fetch: Callable[[], Any]) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # scikit-learn's, of every try; the error says it once
            return fetch()
    except (OSError, ValueError) as error:  # no network, no such host, a digest that differs
        digests = ", ".join(f"{_SOURCES[name]}{file} ({' '.join(DIGESTS[file])})" for file in files)
        raise DataError(
            f"{name} is not in {home} and could not be fetched ({type(error).__name__}: {error}). On a machine with a "
            f"network download {digests}, put it into that directory or name another one with folder=…, and load again"
        ) from error


def _train_test(y: NDArray[Any], test: int, seed: int, *, stratify: bool) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    from sklearn.model_selection import train_test_split

    state = int(stream(seed, "test split").integers(2**32))
    try:
        train, held = train_test_split(
            np.arange(len(y)), test_size=test, random_state=state, stratify=y if stratify else None
        )
    except ValueError as error:
        raise DataError(f"cannot hold {test} of {len(y)} samples for the test: {error}") from None
    return np.sort(train), np.sort(held)


def _standard(X: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    mean, deviation = X.mean(axis=0), X.std(axis=0)
    # a constant column has a deviation of rounding size, not always 0
    return mean, np.where(deviation > 1e-12 * np.abs(mean), deviation, 1.0)


def _scaled(X: NDArray[Any], shift: NDArray[np.float64], scale: NDArray[np.float64], bias: bool) -> NDArray[np.float64]:
    samples, features = X.shape
    out = np.ones((samples, features + bias))  # one allocation: MNIST is half a gigabyte
    body = out[:, :features]
    np.subtract(X, shift, out=body)
    body /= scale
    return out
