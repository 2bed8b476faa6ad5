"""The agents' costs from words or a table: quadratics, a data set split over the agents, a folder of shards."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from hashlib import sha256
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from decon import datasets
from decon.costs import Costs
from decon.datasets.agent_table import is_table
from decon.datasets.split import How
from decon.errors import DataError, OptionError
from decon.options import NOT_NEGATIVE, POSITIVE, Kind, is_number, or_none, whole
from decon.spec.defaults import RIDGE
from decon.spec.grammar import nearest, parse
from decon.spec.registry import registry, resolve, words
from decon.spec.tables import known, refuse_unknown, refuse_wrong

__all__ = ["Maker", "costs_maker", "problem_table", "problem_words", "with_content"]

Maker = Callable[[NDArray[np.int64]], Costs]
"""Makes the costs of some agents, by their numbers, and of no others."""

_SYNTHETIC = "synthetic"
_SAMPLED: dict[str, Any] = {"split": "iid", "alpha": 1.0, "ridge": RIDGE, "folder": None}
_MADE_UP = {"dim": 5, "samples": 20}
_TEXT = Kind("a path", lambda value: isinstance(value, str))
_KINDS = {
    "dim": whole(1),
    "samples": whole(1),
    "condition": Kind("a finite number of at least 1", lambda value: is_number(value) and value >= 1),
    "alpha": POSITIVE,
    "ridge": NOT_NEGATIVE,
    "delta": POSITIVE,
    "folder": or_none(_TEXT),
}


def _short(name: str) -> str:
    """Return a cost's or a draw's name in tables: quadratic, least_squares, huber, logistic, softmax, …."""
    special = {"quadratics": "quadratic", "LogisticRegression": "logistic", "SoftmaxRegression": "softmax"}
    return special.get(name, words(name))


def problem_table(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a problem, a table such as a study's ``[problem]``, with its defaults written out.

    Parameters
    ----------
    given : mapping
        ``costs``: "quadratic" (:func:`decon.datasets.quadratics`), the name of a registered draw, or a cost over
        samples: "least_squares", "huber", "logistic", "softmax" or a registered one; with ``data`` alone, the cost that
        goes with the task. Draws take their own parameters. Costs over samples take ``data`` ("synthetic", a name of
        :func:`decon.datasets.names`, or the path of a table for :func:`decon.datasets.read_table`), ``dim`` and
        ``samples`` (an agent; synthetic data only), ``split`` and ``alpha``
        (see :func:`decon.datasets.split`), ``ridge``, ``folder`` (where the files are) and their own options, such as
        Huber's ``delta``. ``data`` may also hold words: "quadratics:dim=5", or a folder of shards.

    Raises
    ------
    OptionError, DataError
        For an unknown key or value.

    Examples
    --------
    >>> problem_table({"dim": 2})
    {'costs': 'quadratic', 'dim': 2, 'condition': 10.0}
    >>> problem_table({"data": "wine", "ridge": 1.0})
    {'costs': None, 'data': 'wine', 'split': 'iid', 'alpha': 1.0, 'ridge': 1.0, 'folder': None}
    """
    draws = {_short(name): name for name in registry("data")}
    kind = given.get("costs", {None: "quadratic", _SYNTHETIC: "least_squares"}.get(given.get("data")))
    if kind == "shards" or (kind is None and not _is_set(given["data"])):
        return _drawn_or_shards(given)
    if kind in draws:
        defaults = _defaults(registry("data")[draws[kind]], skip=("agents", "seed"))
    elif kind is None:
        defaults = {"data": _SYNTHETIC, **_SAMPLED}
    else:
        names = {_short(name): name for name in registry("cost")}
        known(kind, [*draws, *names], "cost")
        own = _defaults(registry("cost")[names[kind]], skip=("ridge", "classes"))
        made = _MADE_UP if given.get("data", _SYNTHETIC) == _SYNTHETIC else {}
        defaults = {"data": _SYNTHETIC, **made, **_SAMPLED, **own}
    where = f"[problem] with {kind} costs" if kind else f"[problem] with {given['data']}"
    refuse_unknown((key for key in given if key != "costs"), defaults, where)
    full = {"costs": kind, **defaults, **{key: value for key, value in given.items() if key != "costs"}}
    refuse_wrong(full, _KINDS, "[problem]")
    if "data" in full:
        if not _is_set(full["data"]):
            known(full["data"], (_SYNTHETIC, *datasets.names()), "data set")
        known(full["split"], get_args(How), "split")
    return full


def _is_set(data: Any) -> bool:
    return data in datasets.names() or data == _SYNTHETIC or (isinstance(data, str) and is_table(data))


def _defaults(make: Callable[..., Any], skip: tuple[str, ...]) -> dict[str, Any]:
    """Return the options of what makes costs, with their defaults; those without one are data."""
    parameters = inspect.signature(make).parameters.values()
    return {p.name: p.default for p in parameters if p.default is not p.empty and p.name not in skip}


def _drawn_or_shards(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the table of data in words: a draw with its parameters, or a folder."""
    data = given.get("data", given.get("folder"))
    if not isinstance(data, str):
        raise OptionError(f"[problem] data must be a string, not {data!r}")
    draws = {words(name): name for name in registry("data")}
    if os.path.isdir(data):  # False for a name that no system takes
        head, table = "shards", {"costs": "shards", "folder": data}
        allowed: tuple[str, ...] = ()
    else:
        head, params = parse(data)
        if head not in draws:
            raise DataError(f"no data set or folder {data!r}{nearest(head, (*datasets.names(), *draws))}")
        defaults = _defaults(registry("data")[draws[head]], skip=("agents", "seed"))
        refuse = next((key for key in params if key not in defaults), None)
        if refuse is not None:
            raise OptionError(f"{head} have no parameter {refuse!r}{nearest(refuse, defaults)}")
        table = {"costs": _short(draws[head]), **defaults, **params}
        allowed = tuple(defaults)
    for key in given:
        if key in ("split", "alpha", "ridge"):
            raise OptionError(f"{data}: {key} is for data sets; the costs of {head} are what they are")
    refuse_unknown((key for key in given if key not in ("costs", "data", "folder")), allowed, f"[problem] with {head}")
    return {**table, **{key: given[key] for key in allowed if key in given}}


def problem_words(data: Any, cost: str | None, split: str, alpha: float, ridge: float) -> dict[str, Any]:
    """Return the table of what flags say: data in words or a table, a cost in words, and how data are shared out."""
    if isinstance(data, Mapping):
        return problem_table(data)
    given: dict[str, Any] = {"data": data}
    head, params = parse(data) if data.partition(":")[0] == _SYNTHETIC else (data, {})
    if head == _SYNTHETIC:
        given = {"data": head, **params}
    for key, value in (("split", split), ("alpha", alpha), ("ridge", ridge)):
        if value != _SAMPLED[key]:
            given[key] = value
    if cost is not None:
        name, own = parse(cost)
        given |= {"costs": _short(resolve("cost", name)), **own}
    return problem_table(given)


def costs_maker(problem: Mapping[str, Any], n: int, seed: int, labels: tuple[Any, ...] = ()) -> Maker:
    """Return what makes the costs of some of ``n`` agents; they depend on these alone.

    ``labels`` are the network's, by which a table of the user's may name its agents.
    """
    kind = problem["costs"]
    if kind == "shards":
        from decon.datasets.shards import Shards

        return Shards(problem["folder"])
    for name, draw in registry("data").items():
        if kind == _short(name):
            return partial(draw, **{key: value for key, value in problem.items() if key != "costs"}, seed=seed)
    names = {_short(name): make for name, make in registry("cost").items()}
    return partial(
        _from_samples,
        tuple((key, value) for key, value in problem.items() if key != "costs"),
        n,
        seed,
        names[kind] if kind else None,
        labels,
    )


@lru_cache(maxsize=4)
def _dataset(
    data: str, kind: Any, total: int, dim: int, seed: int, folder: str | None, content: str
) -> datasets.Dataset:
    """Load or draw a data set; ``content`` tells a file that has changed from what it was."""
    if data != _SYNTHETIC:
        return datasets.load(data, seed=seed, folder=folder)
    regression = kind is None or _short(kind.__name__) in ("least_squares", "huber")
    make = datasets.synthetic_regression if regression else datasets.synthetic_classification
    return make(total, dim, seed=seed)


def _from_samples(
    frozen: tuple[tuple[str, Any], ...],
    n: int,
    seed: int,
    kind: Callable[..., Costs] | None,
    labels: tuple[Any, ...],
    agents: NDArray[np.int64],
) -> Costs:
    options = dict(frozen)
    total, dim = n * options.pop("samples", 0), options.pop("dim", 0)
    data = _dataset(options.pop("data"), kind, total, dim, seed, options.pop("folder"), options.pop("content", ""))
    if data.owner is not None and labels:
        data = data.in_order(labels)
    return datasets.costs(data, n, agents=agents, seed=seed, kind=kind, **options)


def with_content(problem: Mapping[str, Any]) -> dict[str, Any]:
    """Return a problem with a hash of the files it names, if it names a folder of shards or a table.

    Raises
    ------
    DataError
        If a table cannot be read.
    """
    if is_table(problem.get("data") or ""):
        return {**problem, "content": _digest([Path(problem["folder"] or "", problem["data"])])}
    if problem["costs"] == "shards":
        return {**problem, "content": _digest(sorted(Path(problem["folder"]).glob("agents-*.npz")))}
    return dict(problem)


def _digest(files: list[Path]) -> str:
    digest = sha256()
    for file in files:
        try:
            digest.update(file.name.encode() + sha256(file.read_bytes()).digest())
        except OSError as error:
            raise DataError(f"cannot read {file}: {error.strerror}") from None
    return digest.hexdigest()
