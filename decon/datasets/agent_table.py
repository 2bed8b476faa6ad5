"""A table of one's own: a row a sample, with the agent that holds it, its features and its target."""

from __future__ import annotations

import csv
import io
import os
import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from decon.datasets.dataset import Dataset
from decon.errors import DataError
from topologies import TopologyError
from topologies.formats.draft import is_whole, text_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["is_table", "read_table"]

_AGENT = ("agent", "agents", "node")
_TARGET = ("target", "y")
_CLASS = ("label", "class")
_SUFFIXES = (".csv", ".tsv")


def is_table(name: str | os.PathLike[str]) -> bool:
    """Whether a name is the path of a table, by its suffix.

    Examples
    --------
    >>> is_table("mine.csv"), is_table("wine")
    (True, False)
    """
    return Path(name).suffix.lower() in _SUFFIXES


def read_table(path: str | os.PathLike[str], *, bias: bool = False) -> Dataset:
    r"""Read samples from a table with a header: columns agent, features and target, in any order.

    Agents may hold different numbers of samples. All samples are for training; nothing is scaled.

    Parameters
    ----------
    path : path-like
        ``.csv`` (commas, semicolons or tabs) or ``.tsv``, UTF-8 or with a byte-order mark. The column ``agent`` (or
        ``node``) names who holds the sample; without it, the samples are to be split. ``target`` or ``y`` holds numbers
        (a regression) or words (a classification), ``label`` or ``class`` the classes of a classification, words or
        numbers. All other columns are features, numbers in each row.
    bias : bool
        Append a column of ones.

    Returns
    -------
    Dataset
        Agents in order if their names are integers, otherwise as they come; classes in order.

    Raises
    ------
    DataError
        If the file cannot be read, columns are missing or doubled, or a value is missing or no finite number; the
        message names the file, column and row, rows counted from 1 below the header.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "mine.csv"
    >>> _ = file.write_text("agent,height,target\nann,1.5,2\nbob,2.0,3\nann,1.0,1\n")
    >>> data = read_table(file)
    >>> data, data.agents, data.owner
    (Dataset('mine', regression, 3 + 0 samples, 1 features, 2 agents), ('ann', 'bob'), array([0, 1, 0]))
    """
    source = Path(path)
    if not is_table(source):
        raise DataError(f"{source.name} has the suffix {source.suffix!r}; tables have {' or '.join(_SUFFIXES)}")
    try:
        text = text_of(source)
        return _dataset(source, text, bias)
    except OSError as error:
        raise DataError(f"cannot read {source}: {error.strerror or error}") from None
    except (TopologyError, _Unreadable) as error:
        raise DataError(f"cannot read {source.name}: {error}") from None


class _Unreadable(Exception):  # noqa: N818 - never leaves this module
    """What is wrong with a table, less its name."""


def _dataset(source: Path, text: str, bias: bool) -> Dataset:
    names, delimiter = _header(text, source.suffix.lower())
    plain = [re.sub(r"\W", "", name).casefold() for name in names]
    agent, target = _one_of(plain, _AGENT), _one_of(plain, _TARGET + _CLASS)
    if target is None:
        raise _Unreadable(f"no column {', '.join((*_TARGET, *_CLASS))} among {', '.join(map(repr, names))}")
    features = [place for place in range(len(names)) if place not in (agent, target)]
    if not features:
        raise _Unreadable("no column of features beside agent and target")
    table = _cells(text, names, delimiter, agent)
    X = np.ones((len(table), len(features) + bias))
    for column, place in enumerate(features):
        X[:, column] = _numbers(table.iloc[:, place], names[place])
    y, classes = _targets(table.iloc[:, target], names[target], plain[target] in _CLASS)
    owner, agents = (None, ()) if agent is None else _owners(table.iloc[:, agent], names[agent])
    none = np.empty(0, dtype=y.dtype)
    task: Any = "classification" if classes else "regression"
    return Dataset(X, y, np.empty((0, X.shape[1])), none, task, classes, source.stem, owner, agents)


def _header(text: str, suffix: str) -> tuple[list[str], str]:
    """Return the names of the columns and what stands between them."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    bare = re.sub(r'"[^"]*"', "", first)
    delimiter = "\t" if suffix == ".tsv" else max(",;\t", key=bare.count)
    try:
        names = [name.strip() for name in next(csv.reader([first], delimiter=delimiter, strict=True), [])]
    except csv.Error as error:
        raise _Unreadable(f"its header {first[:60]!r} cannot be split: {error}") from None
    if not names:
        raise _Unreadable("it is empty")
    doubled = next((name for name in names if names.count(name) > 1), None)
    if doubled is not None:
        raise _Unreadable(f"two columns are called {doubled!r}")
    return names, delimiter


def _one_of(plain: list[str], names: tuple[str, ...]) -> int | None:
    found = [place for place, name in enumerate(plain) if name in names]
    if len(found) > 1:
        raise _Unreadable(f"{len(found)} columns could be the {names[0]}: {', '.join(plain[place] for place in found)}")
    return found[0] if found else None


def _cells(text: str, names: list[str], delimiter: str, agent: int | None) -> pd.DataFrame:
    """Return the rows below the header; pandas tells numbers from words, and nothing stands for a missing value."""
    import pandas as pd

    options: dict[str, Any] = {"sep": delimiter, "header": 0, "names": names, "index_col": False, "engine": "c"}
    options |= {"keep_default_na": False, "na_values": [], "skipinitialspace": True, "low_memory": False}
    if tuple(map(int, pd.__version__.split(".")[:2])) < (3, 1):
        options["float_precision"] = "round_trip"  # a bit or two off otherwise
    if agent is not None:
        options["dtype"] = {names[agent]: str}  # 007 stays one
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # fields that pandas would drop
            table: pd.DataFrame = pd.read_csv(io.StringIO(text, newline=""), **options)
    except (ValueError, OverflowError, MemoryError, Warning) as error:
        raise _Unreadable(" ".join(str(error).split()) or type(error).__name__) from None
    if not len(table):
        raise _Unreadable("it has a header and no rows")
    return table


def _numbers(column: pd.Series[Any], name: str) -> NDArray[np.float64]:
    if column.dtype.kind in "iufb":
        found = column.to_numpy(dtype=float)
    else:
        import pandas as pd

        found = pd.to_numeric(column.astype(str).str.strip(), errors="coerce").to_numpy(dtype=float)
    bad = np.flatnonzero(~np.isfinite(found))
    if bad.size:
        cell = column.iloc[int(bad[0])]
        shown = "is empty" if cell == "" or cell != cell else f"holds {str(cell)[:40]!r}, no finite number"
        raise _Unreadable(f"column {name!r} {shown} in row {int(bad[0]) + 1}")
    return found


def _words(column: pd.Series[Any], name: str) -> list[str]:
    words = [str(word).strip() if word == word else "" for word in column.tolist()]
    if "" in words:
        raise _Unreadable(f"column {name!r} is empty in row {words.index('') + 1}")
    return words


def _targets(column: pd.Series[Any], name: str, classes: bool) -> tuple[NDArray[Any], tuple[Any, ...]]:
    """Return targets, or class numbers and classes."""
    if not classes and column.dtype.kind in "iuf":
        return _numbers(column, name), ()
    words = _words(column, name)
    known: list[Any] = sorted(set(words))
    if all(map(is_whole, known)):
        known = sorted(map(int, known))
    elif not classes and any(map(_is_number, known)):
        _numbers(column, name)  # names the first that is none
    if len(known) < 2:
        raise _Unreadable(f"column {name!r} holds one class, {known[0]!r}; a classification needs two")
    numbers = {str(label): number for number, label in enumerate(known)}
    return np.array([numbers[word] for word in words], dtype=np.int64), tuple(known)


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _owners(column: pd.Series[Any], name: str) -> tuple[NDArray[np.int64], tuple[Any, ...]]:
    words = _words(column, name)
    agents: list[Any] = list(dict.fromkeys(words))
    if all(map(is_whole, agents)):
        agents = sorted(map(int, agents))
    places = {str(agent): place for place, agent in enumerate(agents)}
    return np.array([places[word] for word in words], dtype=np.int64), tuple(agents)
