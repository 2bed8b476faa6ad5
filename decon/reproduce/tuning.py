"""Tuning the methods of P2's comparison: the same grid size and the same iterations for each, on held-out samples."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from importlib import resources
from itertools import product
from pathlib import Path

import numpy as np

from decon.datasets import Dataset
from decon.errors import OptionError
from decon.reproduce.star import METHODS, SCENARIOS, Scenario, Star, hold_out

__all__ = ["BUDGET", "grid", "tune", "tuned"]

BUDGET = {"candidates": 12, "finalists": 4, "folds": 3, "iterations": 1000}
"""Every method has 12 candidates run on the first fold; the best 4 are run on all three. All runs have full length."""


def grid(method: str, q: int) -> list[dict[str, float]]:
    """Return the 12 settings that ``method`` is tried with.

    Examples
    --------
    >>> {len(grid(method, q)) for method in METHODS for q in (4, 8)}
    {12}
    """
    axes: dict[str, Sequence[float]]
    bounds, steps = (0.003, 0.01, 0.03, 0.1), (3.0, 10.0, 30.0, 100.0)
    if method in ("ADMM", "screened ADMM"):
        axes = {"dual_bound": bounds, "beta": (0.1,), "scale": (0.01, 0.03, 0.1)}
    elif method == "RSA":
        axes = {"dual_bound": bounds, "step": steps[:3]}
    elif method == "centered clipping":
        axes = {"radius": (0.03, 0.3, 3.0), "step": steps}
    elif method == "multi-Krum":
        axes = {"selected": (5, (20 - q) // 2 + 2, 20 - q), "step": steps}
    else:
        axes = {"step": np.geomspace(0.03, 300.0, 12).tolist()}
    return [
        {name: float(f"{v:.3g}") for name, v in zip(axes, values, strict=True)} for values in product(*axes.values())
    ]


def tune(dataset: Dataset, method: str, scenario: Scenario) -> dict[str, float]:
    """Return the settings of :func:`grid` that classify held-out training samples best; test samples play no part.

    The score of a run is its mean accuracy over its last tenth; that of a finalist is the mean over all folds, each
    with a split, minibatches and an attack of its own. Of equal ones the first in the grid wins.
    """
    stars = [Star(hold_out(dataset, fold), scenario, fold) for fold in range(BUDGET["folds"])]

    def score(star: Star, settings: dict[str, float]) -> float:
        iterations = BUDGET["iterations"]
        curve = star.run(method, settings, iterations=iterations, record_every=max(1, iterations // 100))
        return float(curve.accuracy[-len(curve.accuracy) // 10 :].mean())

    candidates = grid(method, scenario.q)
    first = [score(stars[0], settings) for settings in candidates]
    finalists = np.sort(np.argsort(-np.array(first), kind="stable")[: BUDGET["finalists"]])
    totals = [first[place] + sum(score(star, candidates[place]) for star in stars[1:]) for place in finalists]
    return candidates[int(finalists[int(np.argmax(totals))])]


def tune_all(
    dataset: Dataset,
    path: Path,
    *,
    methods: Iterable[str] = METHODS,
    scenarios: Iterable[Scenario] = SCENARIOS,
) -> dict[str, dict[str, dict[str, float]]]:
    """Tune every method in every scenario and write the table to ``path`` (JSON), entry by entry.

    What ``path`` already holds is not tuned again, so an interrupted run goes on.
    """
    table: dict[str, dict[str, dict[str, float]]] = json.loads(path.read_text()) if path.exists() else {}
    for scenario in scenarios:
        row = table.setdefault(scenario.name, {})
        for method in methods:
            if method not in row:
                row[method] = tune(dataset, method, scenario)
                draft = path.with_name(path.name + ".partial")
                draft.write_text(json.dumps(table, indent=1) + "\n")
                draft.replace(path)
    return table


def tuned(path: Path | None = None) -> dict[str, dict[str, dict[str, float]]]:
    """Return the settings tuned on the digits, by scenario and method; or another table that :func:`tune_all` wrote.

    Raises
    ------
    OptionError
        If there is no such table.

    Examples
    --------
    >>> sorted(tuned()["gaussian q=4"]["ADMM"])
    ['beta', 'dual_bound', 'scale']
    """
    if path is None:
        text = resources.files("decon.reproduce").joinpath("p2_tuned.json").read_text()
    elif path.exists():
        text = path.read_text()
    else:
        raise OptionError(f"no table of settings at {path}")
    table: dict[str, dict[str, dict[str, float]]] = json.loads(text)
    return table
