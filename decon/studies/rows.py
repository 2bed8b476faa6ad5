"""What a run is measured by, in one place: the columns that every table of runs takes from."""

from __future__ import annotations

from typing import Any

import numpy as np

from decon.runs.result import Result

__all__ = ["REAL", "TEXT", "TOLERANCE", "WHOLE", "measures", "worst_at_end"]

TEXT = ("key", "topology", "attack", "who", "method", "penalty", "status", "message", "penalty_from")
WHOLE = ("attempt", "n", "seed", "iterations", "severed")
REAL = (
    "byzantine",
    "strength",
    "distance",
    "distance_all",
    "worst_distance",
    "consensus_error",
    "objective",
    "error_norm",
    "rate",
    "rate_error",
    "iterations_to_1e-6",
    "penalty_value",
    "seconds",
    "finished",
)
"""The columns of a study's rows, by what they hold; a row may have others."""

TOLERANCE = 1e-6
"""The distance at which an iteration count is reported."""


def worst_at_end(result: Result) -> float:
    """Return the largest distance over the last tenth of a run, in units of x."""
    return float(np.max(result.distance[-max(1, len(result.distance) // 10) :]))


def measures(result: Result) -> dict[str, Any]:
    """Return a run's row.

    Returns
    -------
    dict
        ``status``, ``message``, ``iterations``; ``distance`` and ``distance_all`` (at the end, to the minimisers of the
        honest and of all agents), ``worst_distance`` (over the last tenth), ``consensus_error``, ``objective``,
        ``error_norm`` (the largest ‖e‖); ``rate`` and ``rate_error`` (fitted on the tail), ``iterations_to_1e-6``
        (None if never), ``severed`` links, ``penalty_value`` and ``penalty_from``.
    """
    first, fit = result.iterations_to(TOLERANCE), result.rate()
    return {
        "status": result.status,
        "message": result.message,
        "iterations": result.iterations,
        "distance": float(result.distance[-1]),
        "distance_all": float(result.distance_all[-1]),
        "worst_distance": worst_at_end(result),
        "consensus_error": float(result.consensus_error[-1]),
        "objective": float(result.objective[-1]),
        "error_norm": float(np.max(result.error_norm)),
        "rate": fit.rate,
        "rate_error": fit.error,
        "iterations_to_1e-6": None if first is None else float(first),
        "severed": len(result.severed),
        "penalty_value": result.penalty,
        "penalty_from": str(result.manifest.get("penalty", {}).get("source", "")),
    }
