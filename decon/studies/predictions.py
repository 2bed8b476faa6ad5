"""What theory promises of one topology with given costs: rates, radii and penalties side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from decon.costs import Costs, LeastSquares, Quadratic
from decon.methods.penalty import best_penalty, certifiable
from topologies import Topology

__all__ = ["hessians_of", "promises"]

_CERTIFIED_RADIUS_UP_TO = 60
"""Agents up to which the certified radius takes seconds."""


def hessians_of(costs: Costs) -> NDArray[np.float64] | None:
    """Return (n, N, N) Hessians if the costs are quadratic, None otherwise."""
    if isinstance(costs, (Quadratic, LeastSquares)):
        return costs.hessian(np.zeros((costs.n, costs.dim)))
    return None


def promises(
    topo: Topology,
    costs: Costs,
    penalty: float,
    byzantine: Sequence[int] | NDArray[np.integer[Any]] = (),
    error_bound: float = 0.0,
) -> dict[str, float]:
    """Return theory's rates and radii at ``penalty``, and the penalty each method would choose.

    Parameters
    ----------
    topo : Topology
    costs : Costs
    penalty : float
        c.
    byzantine : sequence of int
        Who falsifies.
    error_bound : float
        ē ≥ ‖e^k‖ for all k; radii are given only if it is positive.

    Returns
    -------
    dict of str to float
        ``theorem3_rate`` (of ‖x - x*‖, like the others), ``certified_rate``, ``exact_rate`` (quadratic costs);
        ``theorem3_penalty``, ``certified_penalty``; ``theorem3_radius``, ``certified_radius`` (bounds on the mean
        distance of the honest agents to the minimiser of all agents' sum, in the limit). What does not exist for these
        costs, or would take minutes, is missing (NaN).
    """
    import analysis

    names = ("theorem3_rate", "certified_rate", "exact_rate", "theorem3_penalty", "certified_penalty")
    row = dict.fromkeys(names, np.nan)
    if byzantine is not None and len(byzantine) and error_bound > 0:
        row |= {"theorem3_radius": np.nan, "certified_radius": np.nan}
    hessians = hessians_of(costs)
    if hessians is not None:
        row["exact_rate"] = analysis.exact_rate(topo, hessians, penalty)
    strong, smooth = costs.strong_convexity, costs.smoothness
    if not (strong > 0 and np.isfinite(smooth)):
        return row
    theorem = analysis.theorem3(topo.spectrum, strong_convexity=strong, smoothness=smooth, penalty=penalty)
    row["theorem3_rate"] = theorem.distance_rate
    curvature: dict[str, Any] = {"strong_convexity": strong, "smoothness": smooth}
    quick = certifiable(topo)
    if quick:
        row["certified_rate"] = analysis.certified_rate(topo, **curvature, penalty=penalty)
    for method in ("theorem3", "certified") if quick else ("theorem3",):
        row[f"{method}_penalty"] = best_penalty(topo, strong, smooth, method)
    if "theorem3_radius" in row and np.isfinite(error_bound):
        share = 1 / np.sqrt(topo.n - len(byzantine))  # a mean of norms is at most the stacked norm over √|H|
        best = analysis.theorem3(topo.spectrum, **curvature, penalty=penalty, objective="radius")
        row["theorem3_radius"] = share * best.radius(error_bound)
        if topo.n <= _CERTIFIED_RADIUS_UP_TO:
            row["certified_radius"] = share * analysis.certified_radius(
                topo, **curvature, penalty=penalty, byzantine=[int(i) for i in byzantine], error_bound=error_bound
            )
    return row
