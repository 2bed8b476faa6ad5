"""Turning the ``penalty`` option into a number, and saying where it came from."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from decon.costs import Quadratic
from decon.errors import OptionError
from topologies import Spectrum
from topologies.magnitudes import LEAST, MOST, in_range

if TYPE_CHECKING:
    from decon.costs import Costs
    from topologies import Topology

__all__ = ["METHODS", "best_penalty", "certifiable", "choose_penalty", "screening_rate"]

METHODS = ("auto", "certified", "theorem3", "exact")

_CERTIFIED_UP_TO = 300
"""Agents of an irregular graph up to which "auto" takes the certified penalty: the search takes seconds there."""


def choose_penalty(topo: Topology, costs: Costs, penalty: float | str) -> tuple[float, str]:
    """Return c and where it came from.

    Parameters
    ----------
    topo : Topology
    costs : Costs
    penalty : float or {"auto", "certified", "theorem3", "exact"}
        A positive number; "certified" minimises the certified rate, "theorem3" is c* of P1's Theorem 3, "exact"
        minimises the exact rate (quadratic costs). "auto", the default of :func:`decon.solve`, is "certified" where
        that takes seconds (see :func:`certifiable`) and "theorem3" beyond. Costs that are not strongly
        convex have no such penalty: "auto" then takes ν = ℓ/1000 and says so.

    Raises
    ------
    OptionError
        If the penalty is not positive and finite, the name is unknown, or it does not go with these costs.
    """
    if not isinstance(penalty, str):
        if not isinstance(penalty, (int, float, np.integer, np.floating)):
            raise OptionError(f"the penalty must be a number or one of {', '.join(METHODS)}, not {penalty!r}")
        if not (np.isfinite(penalty) and penalty > 0):
            raise OptionError(f"the penalty must be positive and finite, not {penalty}")
        if not in_range(float(penalty)):
            raise OptionError(f"the penalty must lie between {LEAST:g} and {MOST:g}, not {penalty:g}")
        return float(penalty), "given"
    if penalty not in METHODS:
        raise OptionError(f"unknown penalty {penalty!r}; give a number or one of {', '.join(METHODS)}")
    import analysis

    strong, smooth = costs.strong_convexity, costs.smoothness
    if not np.isfinite(smooth):
        raise OptionError(f'penalty="{penalty}" needs a finite smoothness; these costs have none, so give a number')
    note = ""
    if strong <= 1e-12 * smooth:
        if penalty != "auto":
            raise OptionError(f'penalty="{penalty}" needs strongly convex costs; these have ν = {strong:g}')
        strong, note = smooth / 1000, " with ν = ℓ/1000 (costs are not strongly convex)"
    if penalty == "exact":
        if not isinstance(costs, Quadratic):
            kind = costs.fingerprint()["kind"]
            raise OptionError(f'penalty="exact" needs Quadratic costs, all of them in one process, not {kind}')
        value = analysis.optimal_penalty(
            topo, strong_convexity=strong, smoothness=smooth, method="exact", hessians=costs.H
        )
        return float(value), "exact"
    method = penalty
    if penalty == "auto":
        method = "certified" if certifiable(topo) else "theorem3"
    return best_penalty(topo, strong, smooth, method), method + note


def certifiable(topo: Topology) -> bool:
    """Whether a certified rate takes seconds: at most 300 agents, or a regular graph with all its eigenvalues known."""
    if topo.n <= _CERTIFIED_UP_TO:
        return True
    return Spectrum.known_whole(topo)


@lru_cache(maxsize=64)
def best_penalty(topo: Topology, strong_convexity: float, smoothness: float, method: Any) -> float:
    """Return theory's penalty, worked out once for each topology object and class of costs."""
    import analysis

    return float(
        analysis.optimal_penalty(topo, strong_convexity=strong_convexity, smoothness=smoothness, method=method)
    )


def screening_rate(topo: Topology, costs: Costs, penalty: float) -> float | None:
    """Return a certified rate for screening rules, or None where theory gives none."""
    import analysis

    strong, smooth = costs.strong_convexity, costs.smoothness
    if not (strong > 1e-12 * smooth and np.isfinite(smooth) and certifiable(topo)):
        return None
    rate = analysis.certified_rate(topo, strong_convexity=strong, smoothness=smooth, penalty=penalty)
    return float(rate) if rate < 1 else None
