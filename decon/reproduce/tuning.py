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

BUDGET = {"candidates": 24, "first": 250, "finalists": 6, "last": 1000}
"""Every method has 24 candidates run for 250 iterations; the best 6 are run for 1,000."""


def grid(method: str, q: int) -> list[dict[str, float]]:
    """Return the 24 settings that ``method`` is tried with.

    Examples
    --------
    >>> {len(grid(method, q)) for method in METHODS for q in (4, 8)}
    {24}
    """
    axes: dict[str, Sequence[float]]
    if method in ("ADMM", "screened ADMM"):
        axes = {"dual_bound": (0.003, 0.01, 0.1, 1.0), "beta": (0.01, 0.1), "scale": (0.01, 0.03, 0.3)}
    elif method == "RSA":
        axes = {"dual_bound": (0.003, 0.01, 0.03, 0.1), "step": _steps(6, 0.3, 100.0)}
    elif method == "centered clipping":
        axes = {"radius": (0.03, 0.3, 3.0), "step": _steps(8)}
    elif method == "multi-Krum":
        axes = {"selected": (5, (20 - q) // 2 + 2, 20 - q), "step": _steps(8)}
    else:
        axes = {"step": _steps(24)}
    return [
        {name: float(f"{v:.3g}") for name, v in zip(axes, values, strict=True)} for values in product(*axes.values())
    ]


def _steps(count: int, low: float = 0.1, high: float = 50.0) -> list[float]:
    return [float(step) for step in np.geomspace(low, high, count)]


def tune(dataset: Dataset, method: str, scenario: Scenario, *, seed: int = 0) -> dict[str, float]:
    """Return the settings of :func:`grid` that classify held-out training samples best; test samples play no part.

    The score is the mean accuracy over the last tenth of a run; of equal ones the first in the grid wins.
    """
    star = Star(hold_out(dataset, seed=seed), scenario, seed)

    def score(settings: dict[str, float], iterations: int) -> float:
        curve = star.run(method, settings, iterations=iterations, record_every=max(1, iterations // 100))
        return float(curve.accuracy[-len(curve.accuracy) // 10 :].mean())

    candidates = grid(method, scenario.q)
    first = [score(settings, BUDGET["first"]) for settings in candidates]
    finalists = np.sort(np.argsort(first, kind="stable")[::-1][: BUDGET["finalists"]])
    last = [score(candidates[place], BUDGET["last"]) for place in finalists]
    return candidates[int(finalists[int(np.argmax(last))])]


def tune_all(
    dataset: Dataset,
    path: Path,
    *,
    methods: Iterable[str] = METHODS,
    scenarios: Iterable[Scenario] = SCENARIOS,
    seed: int = 0,
) -> dict[str, dict[str, dict[str, float]]]:
    """Tune every method in every scenario and write the table to ``path`` (JSON), entry by entry.

    What ``path`` already holds is not tuned again, so an interrupted run goes on.
    """
    table: dict[str, dict[str, dict[str, float]]] = json.loads(path.read_text()) if path.exists() else {}
    for scenario in scenarios:
        row = table.setdefault(scenario.name, {})
        for method in methods:
            if method not in row:
                row[method] = tune(dataset, method, scenario, seed=seed)
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
