"""The agents' costs in a study: random quadratics, or a data set split over the agents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

import numpy as np

from decon import costs, datasets
from decon.costs import Costs
from decon.datasets.split import How
from decon.options import NOT_NEGATIVE, POSITIVE, Kind, is_number, or_none, whole
from decon.streams import stream
from decon.studies.options import known, refuse_unknown, refuse_wrong

__all__ = ["check_problem", "make_costs"]

_QUADRATIC: dict[str, Any] = {"dim": 3, "condition": 10.0}
_DATA: dict[str, Any] = {
    "data": "synthetic",
    "dim": 5,
    "samples": 20,
    "split": "iid",
    "alpha": 1.0,
    "ridge": 0.1,
    "folder": None,
}
_COSTS = {
    "quadratic": _QUADRATIC,
    "least_squares": _DATA,
    "huber": {**_DATA, "delta": 1.0},
    "logistic": _DATA,
    "softmax": _DATA,
}
_KINDS = {
    "dim": whole(1),
    "samples": whole(1),
    "condition": Kind("a finite number of at least 1", lambda value: is_number(value) and value >= 1),
    "alpha": POSITIVE,
    "ridge": NOT_NEGATIVE,
    "delta": POSITIVE,
    "folder": or_none(Kind("a path", lambda value: isinstance(value, str))),
}


def check_problem(table: Mapping[str, Any]) -> dict[str, Any]:
    """Return a study's ``[problem]`` table with its defaults written out.

    Parameters
    ----------
    table : mapping
        ``costs``: "quadratic" (default), "least_squares", "huber", "logistic" or "softmax". Quadratics take ``dim`` and
        ``condition`` (ℓ/ν; the Hessians' eigenvalues lie in 1 … condition). The others take ``data`` ("synthetic" or a
        name of :func:`decon.datasets.names`), ``dim`` and ``samples`` (an agent; synthetic data only), ``split`` and
        ``alpha`` (see :func:`decon.datasets.split`), ``ridge``, ``folder`` (where the files are), Huber's ``delta``.

    Raises
    ------
    OptionError
        For an unknown key or value.

    Examples
    --------
    >>> check_problem({"dim": 2})
    {'costs': 'quadratic', 'dim': 2, 'condition': 10.0}
    """
    kind = known(table.get("costs", "quadratic"), _COSTS, "cost")
    defaults = _COSTS[kind]
    refuse_unknown((key for key in table if key != "costs"), defaults, f"[problem] with {kind} costs")
    full = {"costs": kind, **defaults, **{key: value for key, value in table.items() if key != "costs"}}
    refuse_wrong(full, _KINDS, "[problem]")
    if kind == "quadratic":
        return full
    known(full["data"], ("synthetic", *datasets.names()), "data set")
    known(full["split"], get_args(How), "split")
    return full


def make_costs(problem: Mapping[str, Any], n: int, seed: int) -> Costs:
    """Return the costs of ``n`` agents; they depend on these three alone, so every method meets the same."""
    if problem["costs"] == "quadratic":
        return _quadratic(n, problem["dim"], problem["condition"], seed)
    regression = problem["costs"] in ("least_squares", "huber")
    if problem["data"] == "synthetic":
        make = datasets.synthetic_regression if regression else datasets.synthetic_classification
        data = make(n * problem["samples"], problem["dim"], seed=seed)
    else:
        data = datasets.load(problem["data"], folder=problem["folder"])
    parts = datasets.split(data, n, problem["split"], alpha=problem["alpha"], seed=seed)
    X, y = [data.X[part] for part in parts], [data.y[part] for part in parts]
    if problem["costs"] == "least_squares":
        return costs.LeastSquares(X, y, ridge=problem["ridge"])
    if problem["costs"] == "huber":
        return costs.Huber(X, y, delta=problem["delta"], ridge=problem["ridge"])
    if problem["costs"] == "logistic":
        return costs.LogisticRegression(X, y, ridge=problem["ridge"])
    return costs.SoftmaxRegression(X, y, ridge=problem["ridge"], classes=len(data.classes))


def _quadratic(n: int, dim: int, condition: float, seed: int) -> Costs:
    """Draw Hessians with eigenvalues uniform in [1, condition], both ends taken, and standard normal b."""
    rng = stream(seed, "quadratic")
    basis, _ = np.linalg.qr(rng.normal(size=(n, dim, dim)))
    eigenvalues = rng.uniform(1.0, condition, size=(n, dim))
    eigenvalues[0, 0] = 1.0
    eigenvalues[-1, -1] = condition
    H = (basis * eigenvalues[:, None, :]) @ basis.transpose(0, 2, 1)
    return costs.Quadratic((H + H.transpose(0, 2, 1)) / 2, rng.normal(size=(n, dim)))
