"""What a finite dual bound λ does to the harm of lies that look like another cost.

Run from the repository's root::

    python -m benchmarks.dual_bound

On suite A's 6-regular graph, spread 0.3, three agents send x + b at every iteration. Printed: λ over the exact-penalty
level ``decon.tv_threshold``, the largest distance to the minimiser of all costs without an attack, and the largest
distance of an honest agent to the honest minimiser for each b, at the end of 2000 iterations; the last column is the
bound of docs/profiling.md.
"""

from __future__ import annotations

import numpy as np

import decon
import topologies
from benchmarks import suite_a
from decon.attacks import Constant

__all__ = ["exact_level", "harm", "harm_bound", "undisturbed"]

RATIOS = (0.25, 0.5, 0.75, 1.0, 1.25, 2.0, 4.0, 16.0, float("inf"))
LIES = (1.0, 10.0, 100.0)


def undisturbed(given: suite_a.Problem, dual_bound: float) -> float:
    """Return the largest distance to the minimiser of all costs, at the end of a run in which nobody lies."""
    end = decon.solve(
        given.topo, given.costs, penalty=given.penalty, dual_bound=dual_bound, iterations=2000, record_every=2000
    )
    return float(np.linalg.norm(end.x - decon.minimizer(given.costs), axis=1).max())


def harm(given: suite_a.Problem, lie: float, dual_bound: float) -> np.ndarray:
    """Return the honest agents' distances to their minimiser at the end of a run under ``Constant(lie)``."""
    options = {"penalty": given.penalty, "dual_bound": dual_bound, "iterations": 2000, "record_every": 2000}
    end = decon.solve(given.topo, given.costs, byzantine=given.byzantine, attack=Constant(lie), **options)
    honest = np.setdiff1d(np.arange(given.topo.n), given.byzantine)
    return np.linalg.norm(end.x[honest] - given.target, axis=1)


def exact_level(given: suite_a.Problem) -> float:
    """Return the exact-penalty level of the honest agents among themselves."""
    honest = np.setdiff1d(np.arange(given.topo.n), given.byzantine)
    ends = np.searchsorted(honest, given.topo.edges)
    kept = np.isin(given.topo.edges, honest).all(axis=1)
    return decon.tv_threshold(topologies.Topology.from_edges(len(honest), ends[kept]), given.costs.subset(honest))


def harm_bound(given: suite_a.Problem, dual_bound: float) -> float:
    """Return λ √N ‖m‖ / ν, m_i the falsifying neighbours of honest agent i."""
    lies = np.isin(given.topo.senders, given.byzantine) & ~np.isin(given.topo.receivers, given.byzantine)
    m = np.bincount(given.topo.receivers[lies])
    return float(dual_bound * np.sqrt(given.costs.dim) * np.linalg.norm(m) / given.costs.strong_convexity)


def main() -> None:
    """Print one table for each kind of cost."""
    make, count = suite_a.GRAPHS["6-regular 20"]
    for kind in ("least squares", "logistic"):
        given = suite_a.problem(make(0), count, kind, 0, 0.3)
        level, among = decon.tv_threshold(given.topo, given.costs), exact_level(given)
        print(f"\n{kind}: exact penalty from λ = {level:.3g} on, among honest agents from {among:.3g} on\n")
        print("| λ / level | no attack | " + " | ".join(f"b = {lie:g}" for lie in LIES) + " | bound |")
        print("|---" * (len(LIES) + 3) + "|")
        for ratio in RATIOS:
            ends = [harm(given, lie, ratio * level).max() for lie in LIES]
            bound = f"{harm_bound(given, ratio * level):.3g}" if ratio * level >= among else "–"
            row = " | ".join(f"{end:.3g}" for end in ends)
            print(f"| {ratio:g} | {undisturbed(given, ratio * level):.1e} | {row} | {bound} |", flush=True)


if __name__ == "__main__":
    main()
