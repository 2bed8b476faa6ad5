"""Better networks, before and after: edges to add and weights to choose, with certified and measured rates."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import numpy as np

import analysis
from decon.costs import Costs
from decon.errors import OptionError
from decon.options import require_instance
from decon.runs.solve import solve
from decon.studies.predictions import hessians_of
from topologies import Topology

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["design"]


def design(topo: Topology, costs: Costs, *, edges: int = 3, iterations: int = 400) -> pd.DataFrame:
    """Improve a network for the certified rate and show what it brings.

    Parameters
    ----------
    topo : Topology
    costs : Costs
        Strongly convex and smooth.
    edges : int
        How many edges to add, :func:`analysis.suggest_edges`.
    iterations : int
        Of each measured run, from x⁰ and α⁰ drawn N(0, 1).

    Returns
    -------
    pandas.DataFrame
        Rows: "as given", "added edges", "best weights" (:func:`analysis.optimal_weights`, largest algebraic
        connectivity under the same budget of degrees), "regular weights" (the same with all weighted degrees equal;
        left out where the graph has none) and "edges and weights". Columns: ``edges``, ``connectivity``, ``penalty``,
        ``certified_rate``, ``exact_rate`` (quadratic costs), ``rate`` (measured) and ``iterations_for_1e-6``, what the
        certified rate needs for a factor 1e-6. ``attrs["networks"]`` holds the topologies, ``attrs["added"]`` the
        edges.

    Raises
    ------
    OptionError
        If the costs are not strongly convex and smooth.

    Examples
    --------
    >>> import decon, topologies
    >>> costs = decon.costs.Quadratic(np.full((8, 1, 1), 2.0), np.arange(8.0)[:, None])
    >>> table = design(topologies.make("path", 8), costs, edges=1)
    >>> bool(table.loc["added edges", "certified_rate"] < table.loc["as given", "certified_rate"])
    True
    """
    import pandas as pd

    require_instance("topo", topo, Topology, "topologies")
    require_instance("costs", costs, Costs, "decon.costs")
    strong, smooth = costs.strong_convexity, costs.smoothness
    if not (strong > 0 and np.isfinite(smooth)):
        raise OptionError(f"design needs strongly convex, smooth costs; these have ν = {strong:g}, ℓ = {smooth:g}")
    denser = analysis.suggest_edges(topo, edges)
    networks = {"as given": topo, "added edges": denser, "best weights": analysis.optimal_weights(topo)}
    with contextlib.suppress(analysis.HypothesisError):  # not every graph has weights of equal degrees
        networks["regular weights"] = analysis.optimal_weights(topo, regular=True)
    networks["edges and weights"] = analysis.optimal_weights(denser)
    tuned = analysis.best_penalty_per_topology(networks.values(), strong_convexity=strong, smoothness=smooth)
    hessians = hessians_of(costs)
    rows = []
    for name, best in zip(networks, tuned, strict=True):
        run = solve(best.topology, costs, penalty=best.penalty, x0="normal", alpha0="normal", iterations=iterations)
        rows.append(
            {
                "network": name,
                "edges": best.topology.n_edges,
                "connectivity": best.topology.spectrum.algebraic_connectivity,
                "penalty": best.penalty,
                "certified_rate": best.certified_rate,
                "exact_rate": np.nan
                if hessians is None
                else analysis.exact_rate(best.topology, hessians, best.penalty),
                "rate": run.rate().rate,
                "iterations_for_1e-6": float(np.ceil(np.log(1e-6) / np.log(best.certified_rate))),
            }
        )
    table = pd.DataFrame(rows).set_index("network")
    before = {(int(u), int(v)) for u, v in topo.edges}
    table.attrs["networks"] = networks
    table.attrs["added"] = [(int(u), int(v)) for u, v in denser.edges if (int(u), int(v)) not in before]
    return table
