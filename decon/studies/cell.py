"""One cell of a study becomes one row: the same graph, data and attack draws for every method in it."""

from __future__ import annotations

import time
import traceback
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np

import topologies
from decon.attacks import Scaled
from decon.attacks.liars import draw_byzantine
from decon.costs import Costs
from decon.runs.result import Result
from decon.runs.solve import solve
from decon.streams import stream
from decon.studies.options import build
from decon.studies.problem import make_costs
from decon.studies.registry import ATTACKS, LOCAL_STEPS, SCREENINGS
from decon.studies.study import Cell
from topologies import Topology

__all__ = ["run_cell", "solve_cell"]


def run_cell(cell: Cell, attempt: int = 0) -> dict[str, Any]:
    """Return the row of a cell; a cell that fails gives a row with the status "error" and what was wrong."""
    began = time.perf_counter()
    try:
        outcome = _outcome(solve_cell(cell))
    except Exception as error:  # whatever a cell does, the study goes on and tells
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = "" if isinstance(error, ValueError) else f" ({place.name}, line {place.lineno})"
        outcome = {"status": "error", "message": f"{type(error).__name__}: {error}{where}"}
    return {
        "key": cell.key,
        "attempt": attempt,
        **cell.labels,
        **outcome,
        "seconds": time.perf_counter() - began,
        "finished": time.time(),
    }


def solve_cell(cell: Cell) -> Result:
    """Run a cell and return the whole result, to look closer at one row of a study."""
    spec = cell.spec
    n, seed, method = spec["n"], spec["seed"], spec["method"]
    topo = _topology(tuple(sorted(spec["topology"].items(), key=lambda item: item[0])), n, seed)
    screening = method["screening"]
    return solve(
        topo,
        _costs(tuple(spec["problem"].items()), topo.n, seed),
        penalty=spec["penalty"],
        byzantine=draw_byzantine(topo, int(np.floor(spec["byzantine"] * topo.n + 1e-9)), seed),  # 0.3 · 10 is 3
        attack=Scaled(build(spec["attack"], ATTACKS), float(spec["strength"])),
        screening=None if screening is None else build(screening, SCREENINGS),
        dual_bound=float(method["dual_bound"]),
        local_step=build(method["local_step"], LOCAL_STEPS),
        seed=seed,
        **spec["run"],
    )


@lru_cache(maxsize=4)
def _topology(table: tuple[tuple[str, Any], ...], n: int, seed: int) -> Topology:
    params: dict[str, Any] = dict(table)
    return topologies.make(params.pop("family"), n, seed=stream(seed, "topology"), **params)


@lru_cache(maxsize=4)
def _costs(problem: tuple[tuple[str, Any], ...], n: int, seed: int) -> Costs:
    return make_costs(dict(problem), n, seed)


def _outcome(result: Result) -> Mapping[str, Any]:
    first = result.iterations_to(1e-6)
    fit = result.rate()
    return {
        "status": result.status,
        "message": result.message,
        "iterations": result.iterations,
        "distance": float(result.distance[-1]),
        "distance_all": float(result.distance_all[-1]),
        "worst_distance": float(np.max(result.distance[-max(1, len(result.distance) // 10) :])),
        "consensus_error": float(result.consensus_error[-1]),
        "objective": float(result.objective[-1]),
        "error_norm": float(np.max(result.error_norm)),
        "rate": fit.rate,
        "rate_error": fit.error,
        "iterations_to_1e-6": None if first is None else float(first),
        "severed": len(result.severed),
        "penalty_value": result.penalty,
        "penalty_from": str(result.manifest["penalty"]["source"]),
    }
