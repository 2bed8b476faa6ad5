"""The penalty trade-off: the rate against c, promised, certified, exact and measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

import analysis
from decon.costs import Costs
from decon.methods.penalty import best_penalty
from decon.options import require_instance
from decon.runs.solve import solve
from decon.studies.predictions import hessians_of
from topologies import Topology

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["penalty_tradeoff"]


def penalty_tradeoff(
    topo: Topology, costs: Costs, penalties: ArrayLike | None = None, *, iterations: int = 2000
) -> pd.DataFrame:
    """Return rates of the distance to the minimiser against the penalty.

    Parameters
    ----------
    topo : Topology
    costs : Costs
        Strongly convex and smooth.
    penalties : (m,) array_like, optional
        Values of c; 25 of them, from a hundredth of the certified best to a hundred times it, unless given.
    iterations : int
        Of each run, from x⁰ and α⁰ drawn N(0, 1). Where the rate is so close to 1 that these do not reach the tail,
        the measured rate is still that of the start, below the exact one.

    Returns
    -------
    pandas.DataFrame
        Index: ``penalty``. Columns: ``theorem3``, ``certified``, ``exact`` (missing unless the costs are quadratic) and
        ``measured`` (fitted on the run's tail). ``attrs["best"]`` has the penalties that Theorem 3 and the certificate
        choose.

    Examples
    --------
    >>> import decon, topologies
    >>> costs = decon.costs.Quadratic(np.full((6, 1, 1), 2.0), np.arange(6.0)[:, None])
    >>> table = penalty_tradeoff(topologies.make("ring", 6), costs, [0.1, 1.0])
    >>> bool((table["exact"] <= table["certified"] + 1e-9).all())
    True
    """
    import pandas as pd

    require_instance("topo", topo, Topology, "topologies")
    require_instance("costs", costs, Costs, "decon.costs")
    strong, smooth = costs.strong_convexity, costs.smoothness
    best = {method: best_penalty(topo, strong, smooth, method) for method in ("theorem3", "certified")}
    values = best["certified"] * np.logspace(-2, 2, 25) if penalties is None else np.asarray(penalties, dtype=float)
    hessians = hessians_of(costs)
    rows = []
    for c in values.tolist():
        theorem = analysis.theorem3(topo.spectrum, strong_convexity=strong, smoothness=smooth, penalty=c)
        certified = analysis.certified_rate(topo, strong_convexity=strong, smoothness=smooth, penalty=c)
        run = solve(topo, costs, penalty=c, x0="normal", alpha0="normal", iterations=iterations)
        rows.append(
            {
                "penalty": c,
                "theorem3": theorem.distance_rate,
                "certified": certified,
                "exact": np.nan if hessians is None else analysis.exact_rate(topo, hessians, c),
                "measured": run.rate().rate,
            }
        )
    table = pd.DataFrame(rows).set_index("penalty")
    table.attrs["best"] = best
    return table
