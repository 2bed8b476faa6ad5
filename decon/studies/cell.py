"""One cell of a study becomes one row: the same graph, data and attack draws for every method in it."""

from __future__ import annotations

import json
import time
import traceback
from functools import lru_cache
from typing import Any

from decon.runs.result import Result
from decon.runs.solve import solve
from decon.spec.networks import make_topology
from decon.studies.rows import measures
from decon.studies.study import Cell
from topologies import Topology

__all__ = ["run_cell", "solve_cell"]


def run_cell(cell: Cell, attempt: int = 0) -> dict[str, Any]:
    """Return the row of a cell; a cell that fails gives a row with the status "error" and what was wrong."""
    began = time.perf_counter()
    try:
        outcome: dict[str, Any] = measures(solve_cell(cell))
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
    experiment = cell.experiment()
    topo = _topology(json.dumps(cell.spec["topology"]), experiment.agents, experiment.seed)
    costs = experiment.build_costs(topo)
    return solve(topo, costs, **experiment.options(topo, costs))


@lru_cache(maxsize=4)
def _topology(table: str, n: int, seed: int) -> Topology:
    entry = json.loads(table)
    entry.pop("content", None)  # of a file: another content is another entry of the cache
    return make_topology(entry, n, seed)
